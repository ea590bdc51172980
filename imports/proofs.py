"""RSA private keys from outside are proved in another process.

That the factors are primes takes the library up to some hundred milliseconds, during which it holds the interpreter:
in a thread of a web process, every other call would wait for it. One key is proved at a time, in time that nobody else
wants. Where there is none, the key is given to a second process after a second, and that one takes some.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import select
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from kmscrypto.errors import InvalidPrivateKey
from kmscrypto.specs import KeySpec
from operations import errors

PATIENCE_SECONDS = 1.0
# For the keys in front of one, and then for that one.
LONGEST_SECONDS = 30.0
_ROOT = Path(__file__).resolve().parent.parent
_BUSY = _("Too many private keys are being checked at the moment. Try again in a few seconds.")


@dataclass(eq=False)
class _Prover:
    """The program `imports.prover`: started when it is first needed, and again when it is gone."""

    pace: str
    program: subprocess.Popen[bytes] | None = None

    def ask(self, question: bytes, *, seconds: float) -> bytes:
        """Its answer; none where it takes longer, or ends: then it is stopped. Raises OSError where it cannot start."""
        if self.program is None:
            self.program = self._started()
        try:
            answer = _exchange(self.program, question, seconds=seconds)
        except OSError:
            answer = b""
        if not answer:
            self.stop()
        return answer

    def stop(self) -> None:
        if self.program is not None:
            self.program.kill()
            self.program.communicate()
            self.program = None

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            (sys.executable, "-m", "imports.prover", self.pace),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd=_ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("KMS_")},
        )


_turn = threading.Lock()
_provers = (_Prover("calm"), _Prover("hurried"))


def prove(der: bytes, spec: KeySpec) -> None:
    """As `pkcs8.prove_private_key`. Raises InvalidPrivateKey; UNAVAILABLE where it takes too long."""
    question = json.dumps({"der": base64.b64encode(der).decode(), "spec": spec.name}).encode() + b"\n"
    if not _turn.acquire(timeout=LONGEST_SECONDS):
        raise errors.unavailable(_BUSY)
    try:
        calm, hurried = _provers
        answer = calm.ask(question, seconds=PATIENCE_SECONDS) or hurried.ask(question, seconds=LONGEST_SECONDS)
    except OSError as cause:
        raise errors.unavailable() from cause
    finally:
        _turn.release()
    if not answer:
        raise errors.unavailable(_BUSY)
    if reason := json.loads(answer):
        raise InvalidPrivateKey(spec.name, spec.name, reason)


def _exchange(program: subprocess.Popen[bytes], question: bytes, *, seconds: float) -> bytes:
    """A line for a line; none where it takes longer. Raises OSError where the program is gone."""
    assert program.stdin is not None  # noqa: S101 - for the type checker
    assert program.stdout is not None  # noqa: S101 - for the type checker
    program.stdin.write(question)
    end, answer = time.monotonic() + seconds, b""
    ready = select.poll()
    ready.register(program.stdout, select.POLLIN)
    while not answer.endswith(b"\n"):
        if not ready.poll(max(0.0, end - time.monotonic()) * 1000):
            return b""
        part = program.stdout.read(4096)
        if not part:
            return b""
        answer += part
    return answer


def stop() -> None:
    """Ends the programs; the next key starts them anew."""
    for prover in _provers:
        prover.stop()


def _forget() -> None:
    # A forked process must not talk to the programs of its parent.
    global _turn
    _turn = threading.Lock()
    for prover in _provers:
        prover.program = None


atexit.register(stop)
os.register_at_fork(after_in_child=_forget)

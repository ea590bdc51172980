"""A root key that never enters our processes: a program of the operator's wraps and unwraps (an external KMS, an HSM).

The program (KMS_ROOT_KEY_COMMAND, no shell) is run once per request with one JSON object on its standard input and
answers with one on its standard output; bytes are Base64. docs/operate/root-key.md describes it for implementers.

    {"op": "roots"}                                          -> {"current": ID, "incoming": ID or null}
    {"op": "wrap",   "root_id": ID, "data": …, "aad": …}     -> {"data": …}
    {"op": "unwrap", "root_id": ID, "data": …, "aad": …}     -> {"data": …} or {"refused": true}
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
from typing import Any

from vault.errors import OpenFailed, RootKeyMissing
from vault.roots import Roots

TIMEOUT_SECONDS = 15
_ROOT_ID = re.compile(r"[0-9a-f]{16}")


class CommandRoot:
    """One root key behind the program."""

    def __init__(self, program: Program, root_id: str) -> None:
        self._program, self._id = program, root_id

    def root_id(self) -> str:
        return self._id

    def wrap(self, plaintext: bytes, aad: bytes) -> bytes:
        return self._program.bytes_of(self._ask("wrap", plaintext, aad))

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        answer = self._ask("unwrap", wrapped, aad)
        if answer.get("refused") is True:
            raise OpenFailed
        return self._program.bytes_of(answer)

    def _ask(self, op: str, data: bytes, aad: bytes) -> dict[str, Any]:
        return self._program.ask(op=op, root_id=self._id, data=_text(data), aad=_text(aad))


class CommandSource:
    def __init__(self, command: str) -> None:
        self._program = Program(command)
        self.place = f"the program {self._program.name}"

    def read(self) -> Roots:
        answer = self._program.ask(op="roots")
        current, incoming = answer.get("current"), answer.get("incoming")
        for root_id in (current, incoming):
            if root_id is not None and not (isinstance(root_id, str) and _ROOT_ID.fullmatch(root_id)):
                raise RootKeyMissing(f"{self._program.name} must name a root key by 16 hex digits.")
        if current is None:
            raise RootKeyMissing(f"{self._program.name} has no root key.")
        return Roots(CommandRoot(self._program, current), CommandRoot(self._program, incoming) if incoming else None)


class Program:
    """The operator's program. Whatever it does wrong is one RootKeyMissing that repeats none of its output."""

    def __init__(self, command: str) -> None:
        self._arguments = shlex.split(command)
        self.name = self._arguments[0] if self._arguments else "KMS_ROOT_KEY_COMMAND"

    def ask(self, **request: str) -> dict[str, Any]:
        if not self._arguments:
            raise RootKeyMissing("KMS_ROOT_KEY_COMMAND must be set when KMS_ROOT_KEY_PROVIDER is command.")
        try:
            done = subprocess.run(
                self._arguments,
                input=json.dumps(request).encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # it might say what must not be in a log
                timeout=TIMEOUT_SECONDS,
                check=True,
            )
            answer = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            raise RootKeyMissing(f"{self.name} did not answer within {TIMEOUT_SECONDS} seconds.") from None
        except subprocess.CalledProcessError as error:
            raise RootKeyMissing(f"{self.name} ended with status {error.returncode}.") from None
        except OSError as error:
            raise RootKeyMissing(f"{self.name} cannot be run: {error.strerror}.") from None
        except ValueError:
            raise self._not_understood() from None
        if not isinstance(answer, dict):
            raise self._not_understood()
        return answer

    def bytes_of(self, answer: dict[str, Any]) -> bytes:
        try:
            return base64.b64decode(answer["data"], validate=True)
        except (KeyError, TypeError, ValueError):
            raise self._not_understood() from None

    def _not_understood(self) -> RootKeyMissing:
        return RootKeyMissing(f"The answer of {self.name} was not understood.")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()

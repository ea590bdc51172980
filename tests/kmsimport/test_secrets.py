"""Secrets stay where they belong: asked for without echo, never an argument, never told, never dumped."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from kmsimport.faults import Exit
from tests.kmsimport.test_import import unique
from tests.kmsimport.test_refusals import assert_failed
from tests.services.product import ROOT

pytestmark = pytest.mark.system

PASSPHRASE = "open sesame 77"


@pytest.fixture
def aes_file(key_files):
    return key_files.file(unique("aes"), os.urandom(32))


@pytest.fixture
def locked_file(key_files):
    source = key_files.private_key("EC_P256")
    return key_files.file(
        "locked.pem", key_files("pkcs8", "-topk8", "-passout", f"pass:{PASSPHRASE}", "-in", source.name)
    )


class Terminal:
    """The command at a terminal of its own; what it shows there, and what is typed."""

    def __init__(self, arguments, environment) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kmsimport", *map(str, arguments)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=self._take_terminal,
        )
        os.close(slave)
        self.shown = b""

    def _take_terminal(self) -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        # A run of tests in the background ignores Ctrl-C, and so would what it starts.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def until(self, text: bytes) -> None:
        deadline = time.monotonic() + 60
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            self.shown += os.read(self.master, 1024)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        with contextlib.suppress(OSError):  # what the terminal shows last
            self.shown += os.read(self.master, 4096)
        os.close(self.master)
        return self.process.returncode, out.decode(), err.decode()


def test_password_and_passphrase_are_asked_for_without_echo(by_password, wire, locked_file):
    password = by_password.pop("OS_PASSWORD")
    terminal = Terminal([locked_file, "--create", unique("asked"), "--json"], by_password)

    terminal.until(b"Passphrase of the private key: ")
    terminal.type(f"{PASSPHRASE}\n")
    terminal.until(b"Password of admin: ")
    seen = Path(f"/proc/{terminal.process.pid}/cmdline").read_bytes()
    terminal.type(f"{password}\n")
    code, out, err = terminal.end()

    assert code == Exit.DONE, err
    told = terminal.shown.decode() + out + err
    for secret in (PASSPHRASE, password):
        assert secret not in told
        assert secret.encode() not in seen


def test_no_core_dump_and_no_debugger_shows_the_memory():
    script = (
        "import ctypes, resource; from kmsimport.command import main; main(['KEY', '--check-value']);"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))"  # PR_GET_DUMPABLE
    )

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)

    assert run.stdout.split() == ["0", "0", "0"]


def test_a_key_is_not_typed_at_the_terminal(by_password):
    code, _, err = Terminal(["-", "--create", "x"], by_password).end()

    assert (code, "cannot be typed" in err) == (Exit.USAGE, True), err


def test_interrupted_at_a_prompt(by_password, locked_file):
    terminal = Terminal([locked_file, "--create", "x"], by_password)
    terminal.until(b"Passphrase")

    terminal.type("\x03")
    code, _, err = terminal.end()

    assert (code, err.splitlines()[-1]) == (Exit.INTERRUPTED, "kms-import: Interrupted.")


def test_without_a_terminal_nothing_is_read_from_somewhere_else(program, locked_file, by_password):
    run = program(locked_file, "--create", "x", data=b"sesame\n", start_new_session=True)
    assert_failed(run, Exit.USAGE, "no terminal to ask: Passphrase", "--passphrase-fd")


def test_secrets_come_through_descriptors(program, locked_file, by_password, wire):
    descriptors = []
    for secret in (PASSPHRASE, wire.password):
        reading, writing = os.pipe()
        os.write(writing, f"{secret}\n".encode())
        os.close(writing)
        descriptors.append(reading)

    run = program(
        *(locked_file, "--create", unique("piped"), "--passphrase-fd", descriptors[0], "--password-fd", descriptors[1]),
        # Whoever names a descriptor does not mean the token that the environment still holds.
        environment={"OS_PASSWORD": "", "OS_TOKEN": "of yesterday"},
        pass_fds=descriptors,
    )

    assert run.code == Exit.DONE, run.err


@pytest.mark.parametrize("how", ["import", "dry run", "refused", "check value"])
def test_neither_key_nor_token_is_told(command, wire, key_files, how):
    secret = os.urandom(32)
    file = key_files.file(unique("canary"), secret.hex().encode())
    more = {
        "import": ["--create", unique("canary")],
        "dry run": ["--create", unique("canary"), "--dry-run"],
        "refused": ["--key-id", wire.new_key()],
        "check value": ["--check-value", "--key-id", wire.new_key(origin="external")],
    }[how]

    run = command(file, *more, "--json")

    told = run.out + run.err
    assert secret.hex() not in told
    assert wire.password not in told
    assert "token" not in run.json
    # An import token has 200 characters and more.
    assert all(len(word) < 120 for word in told.replace('"', " ").split())


def test_who_else_may_read_the_key_file_is_told(command, key_files):
    file = key_files.file(unique("open"), os.urandom(32))
    file.chmod(0o644)

    assert "warning" in command(file, "--check-value").err
    file.chmod(0o600)
    assert "warning" not in command(file, "--check-value").err


def test_a_result_that_cannot_be_written_is_told_and_what_was_done_stays_done(by_password, wire, aes_file):
    alias = unique("full")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **by_password}
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "kmsimport", aes_file, "--create", alias, "--json"],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert run.returncode == Exit.INTERNAL
    assert "The result cannot be written: No space left on device. Imported into key" in run.stderr
    assert "Traceback" not in run.stderr
    assert wire.answer("describe-key", {"key_id": f"alias/{alias}"})["key_info"]["key_state"] == "2"


@pytest.mark.parametrize("closed", ["<&-", "2>&-"])
def test_closed_standard_streams_break_nothing(by_password, wire, aes_file, closed):
    source = "-" if closed == "<&-" else str(aes_file)
    line = f'"{sys.executable}" -m kmsimport {source} --check-value --json {closed}'

    run = subprocess.run(
        ["sh", "-c", line], env={"PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )

    if source == "-":
        assert (run.returncode, "Standard input is closed" in run.stderr) == (Exit.USAGE, True), run.stderr
    else:
        assert (run.returncode, run.stdout.count("\n"), run.stdout[0]) == (Exit.DONE, 1, "{"), run.stdout

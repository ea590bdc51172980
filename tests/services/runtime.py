"""An environment of the runtime pins alone, as users and the image have it, kept from run to run.

What starts the product uses it: the development pins hold more, and would hide what is missing from requirements.txt.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PINS = "requirements.txt"
PINS_WITH_HSM = "requirements-hsm.txt"


def python(pins: str = PINS) -> str:
    """Of an environment made with the interpreter that runs the tests."""
    return python_made_by(os.path.realpath(sys.executable), pins)


@cache
def python_made_by(interpreter: str, pins: str = PINS) -> str:
    """Of an environment made with this interpreter. The first call takes some twenty seconds, later runs none."""
    made_of = hashlib.sha256(f"{interpreter}\0{(ROOT / pins).read_text()}".encode()).hexdigest()[:16]
    directory = Path(tempfile.gettempdir()) / f"kms-console-runtime-{os.geteuid()}-{made_of}"
    directory.mkdir(mode=0o755, exist_ok=True)
    owned = directory.lstat()
    assert stat.S_ISDIR(owned.st_mode), directory
    assert (owned.st_uid, owned.st_mode & 0o022) == (os.geteuid(), 0), directory
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other test processes want it too
        if not (directory / "complete").exists():
            _build(interpreter, ROOT / pins, directory / "venv")
            (directory / "complete").touch()
    return str(directory / "venv/bin/python")


def _build(interpreter: str, pins: Path, directory: Path) -> None:
    """The Dockerfile's two commands."""
    shutil.rmtree(directory, ignore_errors=True)
    _run(interpreter, "-m", "venv", directory)
    _run(
        directory / "bin/pip", "install", "--quiet", "--disable-pip-version-check",
        "--require-hashes", "--only-binary", ":all:", "--requirement", pins,
    )  # fmt: skip


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

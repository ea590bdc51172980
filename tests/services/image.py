"""What the Dockerfile builds, without an engine: the runtime pins, the files that .dockerignore lets through, and
somebody who is not root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.services import runtime
from tests.services.programs import missing

USER = "nobody"


@dataclass(frozen=True)
class Image:
    python: str
    code: Path
    # For subprocess.run and Popen; nothing where the tests run as somebody who is not root anyway.
    identity: dict[str, Any] = field(default_factory=dict)

    def own(self, path: Path) -> None:
        """Gives a file or a directory to the user of the image."""
        if self.identity:
            os.chown(path, self.identity["user"], self.identity["group"])


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    user = pwd.getpwnam(USER)
    identity = {} if os.geteuid() else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    python = runtime.python_made_by(_interpreter(identity))
    # Not below pytest's own directory, which nobody but its user may enter.
    directory = Path(tempfile.mkdtemp(prefix="kms-image-"))
    directory.chmod(0o755)
    try:
        _copy_what_an_image_holds(directory)
        yield Image(python, directory, identity)
    finally:
        shutil.rmtree(directory)


def _interpreter(identity: dict[str, Any]) -> str:
    """One that the user of the image may run."""
    for program in (os.path.realpath(sys.executable), "/usr/local/bin/python3", "/usr/bin/python3"):
        try:
            check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
            if not subprocess.run([program, "-c", check], cwd="/", capture_output=True, **identity).returncode:
                return program
        except OSError:
            continue
    return missing("no Python 3.11 that others than root may run: apt install python3-venv")


def _copy_what_an_image_holds(directory: Path) -> None:
    allowed = [line[1:] for line in (runtime.ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for name in allowed:
        source = runtime.ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, directory / name)

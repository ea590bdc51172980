"""Programs of the system. A missing one skips its tests with the name of its Debian package; under CI it fails them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

# Where Debian's packages put the sources of Go libraries.
GO_LIBRARIES = Path("/usr/share/gocode")


def find(*names: str, package: str, directories: tuple[str, ...] = ()) -> str:
    """The path of the first of `names` that is installed."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *directories, "/usr/sbin", "/usr/local/bin"])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    return missing(f"{names[0]} is not installed: apt install {package}")


def missing(reason: str) -> NoReturn:
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(ready: Callable[[], bool], process: subprocess.Popen, log: Path, *, seconds: float = 60) -> None:
    """Wait for a server to answer; fail with the end of its log if it stops or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-4000:] if log.exists() else ""
            raise RuntimeError(f"{process.args[0]} {'stopped' if ended else 'does not answer'}:\n{said}")
        time.sleep(0.05)


def stop(process: subprocess.Popen, *, seconds: float = 20) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path, for Playwright's executable_path."""
    return find("chromium", "chromium-browser", "google-chrome", package="chromium")


@pytest.fixture(scope="session")
def openssl() -> str:
    return find("openssl", package="openssl")


@pytest.fixture(scope="session")
def curl() -> str:
    return find("curl", package="curl")


@pytest.fixture(scope="session")
def go() -> str:
    """The Go compiler, beside Debian's packages of Go libraries (see GO_LIBRARIES)."""
    if not (GO_LIBRARIES / "src/github.com/gophercloud/gophercloud").is_dir():
        missing("gophercloud is not installed: apt install golang-github-gophercloud-gophercloud-dev")
    return find("go", package="golang-go")

"""The real product, started as its users start it, for tests that speak HTTP to it or open it in a browser."""

from __future__ import annotations

import contextlib
import os
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.services import runtime
from tests.services.programs import free_port, stop, wait_until

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Console:
    """A running product: where it is, who may sign in, and its commands."""

    url: str
    home: Path
    log: Path
    environment: dict[str, str] = field(repr=False)
    process: subprocess.Popen | None = field(default=None, repr=False)
    python: str = field(default_factory=runtime.python)
    account: str = "default-account"
    user: str = "admin"
    password: str = "correct horse battery staple 7"

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Run `manage.py` beside the product; what it printed."""
        done = subprocess.run(
            [self.python, ROOT / "manage.py", *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")


def clean_environment(**settings: str) -> dict[str, str]:
    """This process's environment without its KMS_ settings, and with those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KMS_") and name != "PORT"}
    return kept | {"PYTHONUNBUFFERED": "1"} | settings


def is_ready(url: str) -> bool:
    with (
        contextlib.suppress(OSError, urllib.error.HTTPError),
        urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer,
    ):
        return answer.status == 200
    return False


@contextlib.contextmanager
def running_console(directory: Path, **settings: str):
    """`manage.py serve` in test mode with a home of its own below `directory`, until the block ends."""
    port, home, log = settings.get("KMS_PORT", free_port()), directory / "home", directory / "serve.log"
    environment = (
        clean_environment(
            KMS_HOME=str(home),
            KMS_PORT=str(port),
            KMS_TEST_MODE="1",
            KMS_RATE_LIMITS="off",
            KMS_ADMIN_PASSWORD=Console.password,
        )
        | settings
    )
    with_hsm = settings.get("KMS_ROOT_KEY_PROVIDER") == "pkcs11"
    python = runtime.python(runtime.PINS_WITH_HSM if with_hsm else runtime.PINS)
    with log.open("w") as output:
        process = subprocess.Popen(
            [python, ROOT / "manage.py", "serve"], env=environment, cwd=ROOT, stdout=output, stderr=output
        )
    console = Console(f"http://127.0.0.1:{port}", home, log, environment, process, python)
    try:
        wait_until(lambda: is_ready(console.url), process, log)
        yield console
    finally:
        stop(process)


@pytest.fixture(scope="session")
def console_server(tmp_path_factory: pytest.TempPathFactory):
    """One running product for all tests of a worker process, with room for the keys of all of them. Tests that move its
    clock must reset it."""
    with running_console(tmp_path_factory.mktemp("console"), KMS_QUOTA_KEYS="1000") as console:
        yield console

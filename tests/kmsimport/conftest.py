"""The command as its users run it, against the running product."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from kmsimport.command import main
from tests.services.product import ROOT
from tests.wire.conftest import wire

__all__ = ["wire"]


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


@pytest.fixture
def by_password(wire):
    """Who is asking, as the environment says it."""
    return {
        "OS_AUTH_URL": f"{wire.console.url}/v3",
        "OS_USERNAME": wire.user,
        "OS_PASSWORD": wire.password,
        "OS_DOMAIN_NAME": wire.console.account,
        "OS_PROJECT_NAME": "eu-de",
    }


@pytest.fixture
def by_token(wire):
    """As `by_password`, without the time that a password takes to be checked."""
    return {"OS_AUTH_URL": f"{wire.console.url}/v3", "OS_TOKEN": wire.token}


def forget_environment(monkeypatch):
    for name in os.environ:
        if name.startswith(("OS_", "HUAWEICLOUD_")):
            monkeypatch.delenv(name)


@pytest.fixture
def offline(monkeypatch, capsys):
    """Runs the command in this process, with nobody signed in: `offline("key.bin", "--wrap-only", …)`."""
    forget_environment(monkeypatch)

    def run(*arguments, **environment) -> Run:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            capsys.readouterr()
            code = main([str(each) for each in arguments])
            said = capsys.readouterr()
        return Run(int(code), said.out, said.err)

    return run


@pytest.fixture
def command(offline, by_token):
    """As `offline`, signed in as the administrator."""

    def run(*arguments, **environment) -> Run:
        return offline(*arguments, **{**by_token, **environment})

    return run


@pytest.fixture
def program(by_password):
    """Runs the command as a process of its own."""

    def run(*arguments, data: bytes = b"", environment=None, **how) -> Run:
        done = subprocess.run(
            [sys.executable, "-m", "kmsimport", *map(str, arguments)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **by_password, **(environment or {})},
            input=data,
            capture_output=True,
            timeout=60,
            **how,
        )
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture(scope="session")
def key_files(openssl, tmp_path_factory):
    """Key files made by the real openssl, by name; made once."""
    return KeyFiles(openssl, tmp_path_factory.mktemp("keys"))


@dataclass
class KeyFiles:
    openssl: str
    directory: object

    def __call__(self, *arguments: str, data: bytes | None = None) -> bytes:
        done = subprocess.run([self.openssl, *arguments], cwd=self.directory, input=data, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def file(self, name: str, content: bytes | None = None):
        path = self.directory / name
        if content is not None:
            path.write_bytes(content)
            path.chmod(0o600)
        return path

    def private_key(self, spec: str):
        """PKCS#8 PEM of one key of that spec."""
        path = self.file(f"{spec}.pem")
        if not path.exists():
            family, size = spec.split("_")
            option = f"rsa_keygen_bits:{size}" if family == "RSA" else f"ec_paramgen_curve:{size.replace('P', 'P-')}"
            self("genpkey", "-algorithm", family, "-pkeyopt", option, "-out", path.name)
        return path

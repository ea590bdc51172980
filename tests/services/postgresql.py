"""A PostgreSQL server of the test session's own. It refuses to run as root, so root hands it to another user."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.services.programs import find, free_port, missing, stop, wait_until

USER = "kms"


@dataclass
class PostgreSQL:
    port: int
    password: str = field(repr=False)
    # Starts the server; returns when it answers.
    start: Callable[[], subprocess.Popen] = field(default=None, repr=False)
    process: subprocess.Popen = field(default=None, repr=False)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """The server is stopped within the block, and started again after it."""
        _stop(self.process)
        try:
            yield
        finally:
            self.process = self.start()

    def url(self, database: str) -> str:
        return f"postgres://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """A new, empty database; its URL."""
        name = f"kms_{secrets.token_hex(6)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@pytest.fixture(scope="session")
def postgresql_server():
    installed = tuple(sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True))
    initdb = find("initdb", package="postgresql", directories=installed)
    postgres = find("postgres", package="postgresql", directories=(str(Path(initdb).resolve().parent), *installed))
    owner = _owner()
    # Not below pytest's own directory, which nobody but its user may enter.
    directory = Path(tempfile.mkdtemp(prefix="kms-postgresql-"))
    server = PostgreSQL(free_port(), secrets.token_urlsafe(24))
    password_file = directory / "password"
    password_file.write_text(server.password)
    if owner:
        for path in (directory, password_file):
            shutil.chown(path, owner.pw_uid, owner.pw_gid)
    identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    environment = {"PATH": os.defpath, "HOME": str(directory), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    data, log = directory / "data", directory / "log"
    try:
        _run_initdb(initdb, data, password_file, environment, identity)

        def start() -> subprocess.Popen:
            with log.open("a") as output:
                process = subprocess.Popen(
                    [postgres, "-D", data, "-p", str(server.port), "-h", "127.0.0.1", "-k", directory,
                     "-c", "max_connections=200", "-c", "shared_buffers=64MB",
                     # Only a machine that dies needs what is on the disk, and then this server goes with it.
                     "-c", "fsync=off"],
                    cwd=directory, env=environment, stdout=output, stderr=output, **identity,
                )  # fmt: skip
            try:
                wait_until(lambda: _answers(server), process, log)
            except BaseException:
                _stop(process)
                raise
            return process

        server.start, server.process = start, start()
        try:
            yield server
        finally:
            _stop(server.process)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _stop(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGINT)  # "fast": open connections are cut
    stop(process)


def _owner() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return missing("PostgreSQL does not run as root, and there is no user postgres: apt install postgresql")


def _run_initdb(initdb: str, data: Path, password_file: Path, environment: dict, identity: dict) -> None:
    done = subprocess.run(
        [initdb, "-D", data, "-U", USER, "-A", "scram-sha-256", "--pwfile", password_file, "-E", "UTF8",
         "--locale=C.UTF-8", "--no-sync"],
        cwd=data.parent, env=environment, capture_output=True, text=True, **identity,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _answers(server: PostgreSQL) -> bool:
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(server.url("postgres"), connect_timeout=2):
        return True
    return False

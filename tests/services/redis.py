"""A Redis server of the test session's own."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
from dataclasses import dataclass, field

import pytest

from tests.services.programs import find, free_port, stop, wait_until


@dataclass(frozen=True)
class Redis:
    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory):
    program = find("redis-server", package="redis-server")
    directory = tmp_path_factory.mktemp("redis")
    redis = Redis(free_port(), secrets.token_urlsafe(24))
    # The password goes by standard input: an argument could be read in the list of processes.
    settings = (
        f'bind 127.0.0.1\nport {redis.port}\nrequirepass {redis.password}\nsave ""\nappendonly no\ndir {directory}\n'
    )
    log = directory / "log"
    with log.open("w") as output:
        process = subprocess.Popen([program, "-"], stdin=subprocess.PIPE, stdout=output, stderr=output, text=True)
    process.stdin.write(settings)
    process.stdin.close()

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", redis.port), timeout=1) as connection:
            connection.sendall(f"AUTH {redis.password}\r\nPING\r\n".encode())
            return b"OK" in connection.recv(64)
        return False

    try:
        wait_until(answers, process, log)
        yield redis
    finally:
        stop(process)

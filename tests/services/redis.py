"""A Redis server of the test session's own."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.services.programs import find, free_port, stop, wait_until


@dataclass
class Redis:
    port: int
    password: str = field(repr=False)
    # Starts the server; returns when it answers.
    start: Callable[[], subprocess.Popen] = field(default=None, repr=False)
    process: subprocess.Popen = field(default=None, repr=False)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """The server is stopped within the block, and started again, empty, after it."""
        stop(self.process)
        try:
            yield
        finally:
            self.process = self.start()

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

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", redis.port), timeout=1) as connection:
            connection.sendall(f"AUTH {redis.password}\r\nPING\r\n".encode())
            return b"OK" in connection.recv(64)
        return False

    def start() -> subprocess.Popen:
        with log.open("a") as output:
            process = subprocess.Popen([program, "-"], stdin=subprocess.PIPE, stdout=output, stderr=output, text=True)
        process.stdin.write(settings)
        process.stdin.close()
        try:
            wait_until(answers, process, log)
        except BaseException:
            stop(process)
            raise
        return process

    redis.start, redis.process = start, start()
    try:
        yield redis
    finally:
        stop(redis.process)

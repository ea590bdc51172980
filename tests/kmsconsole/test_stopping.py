"""On SIGTERM the product accepts no more connections, answers the requests it has accepted, and ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import sqlite3
import time

import pytest

from tests.console.rest import Rest
from tests.services.product import running_console

pytestmark = pytest.mark.system

PATIENCE = 60  # seconds, for a busy machine


@contextlib.contextmanager
def nobody_else_writes(database):
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def wait_until_nobody_is_let_in(port: int) -> None:
    for _ in range(PATIENCE * 20):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    pytest.fail("the listener is still open")


def read_all(connection: socket.socket) -> bytes:
    connection.settimeout(PATIENCE)
    answer = b""
    while part := connection.recv(65536):
        answer += part
    return answer


def test_what_is_in_flight_is_answered_and_nobody_else_is_waited_for(tmp_path):
    with running_console(tmp_path, KMS_WEB_WORKERS="1") as console:
        client, port = Rest(console), int(console.environment["KMS_PORT"])
        idle = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        slow = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        half = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        with nobody_else_writes(console.home / "kms.sqlite3"):
            path = f"/v1.0/{client.project_id}/kms/create-key"
            slow.request("POST", path, json.dumps({"key_alias": "in-flight"}), {"X-Auth-Token": client.token})
            half.sendall(b"POST /v3/auth/tokens HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
            for _ in range(5):  # by then the one thread that receives has read what came before
                idle.request("GET", "/healthz")
                assert idle.getresponse().read()
            console.process.send_signal(signal.SIGTERM)
            wait_until_nobody_is_let_in(port)
            assert read_all(idle.sock) == b""

        answer = slow.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (200, "close")
        assert b'"key_id"' in answer.read()
        assert read_all(half).startswith(b"HTTP/1.1 408 ")
        assert console.process.wait(timeout=PATIENCE) == 0

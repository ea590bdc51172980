"""The web server's side of Django: real sockets on a real product, for what no test client can send."""

from __future__ import annotations

import asyncio
import copy
import http.client
import json
import socket
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack

import pytest

from kmsconsole import asgi, lanes
from kmsconsole.connection import BODY_SECONDS
from tests.services.product import Console, console_server, is_ready, running_console

__all__ = ["console_server"]


def address_of(console) -> tuple[str, int]:
    host, port = console.url.removeprefix("http://").split(":")
    return host, int(port)


def send(console, request: bytes, *, seconds: float = 20) -> tuple[bytes, bool]:
    """What came back, and whether the server closed the connection within a second after that."""
    with socket.create_connection(address_of(console), timeout=seconds) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
                connection.settimeout(1)
        except TimeoutError:
            return answer, False
        return answer, True


def post(path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Client:
    """One user of the REST API, over one connection while it is busy: the server closes what is idle."""

    def __init__(self, console) -> None:
        self.address = address_of(console)
        self.connection = http.client.HTTPConnection(*self.address, timeout=30)
        self.used_at = 0.0
        user = {"name": Console.user, "password": Console.password, "domain": {"name": Console.account}}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "eu-de", "domain": {"name": Console.account}}}
        self.token = ""
        status, answer = self.call("/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        assert status == 201, answer
        self.project_id = answer["token"]["project"]["id"]

    def twin(self) -> Client:
        """The same user over another connection."""
        twin = copy.copy(self)
        twin.connection = http.client.HTTPConnection(*self.address, timeout=30)
        return twin

    def call(self, path, body=None, *, method="POST") -> tuple[int, dict]:
        if time.monotonic() - self.used_at > 2:
            self.connection.close()
        headers = {"Content-Type": "application/json", "X-Auth-Token": self.token}
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = self.connection.getresponse()
        self.used_at = time.monotonic()
        self.token = response.headers.get("X-Subject-Token", self.token)
        return response.status, json.loads(response.read() or b"null")

    def path(self, operation) -> str:
        return f"/v1.0/{self.project_id}/kms/{operation}"

    def kms(self, operation, **body) -> tuple[int, dict]:
        return self.call(self.path(operation), body)

    def new_key(self, alias) -> str:
        status, answer = self.kms("create-key", key_alias=alias)
        assert status == 200, answer
        return answer["key_info"]["key_id"]


@pytest.fixture(scope="module")
def client(console_server):
    return Client(console_server)


# --- bodies --------------------------------------------------------------------------------------------------------


def test_a_body_longer_than_anything_here_is_refused_before_it_is_sent(console_server, client):
    headers = f"X-Auth-Token: {client.token}", "Content-Length: 3145728", "Expect: 100-continue"

    answer, is_closed = send(console_server, post(client.path("list-keys"), *headers))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"KMS.0203" in answer
    assert is_closed, "or the body would be read as the next request"


def test_a_body_in_chunks_is_a_body(console_server, client):
    headers = f"X-Auth-Token: {client.token}", "Transfer-Encoding: chunked"
    chunks = b'9\r\n{"limit":\r\n3\r\n 1}\r\n0\r\n\r\n'

    answer, is_closed = send(console_server, post(client.path("list-keys"), *headers, body=chunks))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert not is_closed


def test_a_body_in_chunks_ends_where_it_gets_too_long(console_server, client):
    headers = f"X-Auth-Token: {client.token}", "Transfer-Encoding: chunked"
    endless = b"8000\r\n" + b" " * 0x8000 + b"\r\n"

    answer, is_closed = send(console_server, post(client.path("list-keys"), *headers, body=endless * 9))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"KMS.0203" in answer
    assert is_closed


@pytest.mark.parametrize("rest", [b"zz\r\nabc\r\n0\r\n\r\n", b"-1\r\n\r\n", b"2\r\n  0\r\n\r\n"])
def test_what_came_before_a_broken_chunk_is_not_taken_for_the_body(console_server, client, rest):
    headers = f"X-Auth-Token: {client.token}", "Transfer-Encoding: chunked"

    answer, is_closed = send(console_server, post(client.path("list-keys"), *headers, body=b"2\r\n{}\r\n" + rest))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"keys" not in answer
    assert is_closed


def test_one_who_goes_away_in_the_middle_of_a_body_leaves_no_line_in_the_log(console_server, client):
    before = console_server.log_text()
    for headers, body in (("Content-Length: 10", b"{"), ("Transfer-Encoding: chunked", b"2\r\n{}\r\n")):
        with socket.create_connection(address_of(console_server), timeout=10) as connection:
            connection.sendall(post(client.path("list-keys"), headers, body=body))
            time.sleep(0.3)

    time.sleep(0.5)
    assert client.kms("list-keys")[0] == 200
    assert console_server.log_text() == before


def test_requests_that_are_never_finished_hold_up_nobody(console_server, client):
    halves = 4 * lanes.OTHERS.threads * 2
    with ExitStack() as stack:
        for _ in range(halves):
            connection = stack.enter_context(socket.create_connection(address_of(console_server), timeout=10))
            connection.sendall(post(client.path("list-keys"), "Content-Length: 10", body=b"{"))

        began = time.monotonic()
        assert Client(console_server).kms("list-keys")[0] == 200
        assert time.monotonic() - began < BODY_SECONDS / 2


# --- headers and paths ---------------------------------------------------------------------------------------------


def a_scope(headers=(), **members) -> dict:
    """What the server tells of a request, as ASGI has it."""
    told = {"http_version": "1.1", "method": "POST", "scheme": "http", "raw_path": b"/", "query_string": b""}
    addresses = {"server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 50000)}
    return {**told, **addresses, "headers": list(headers), **members}


def test_a_header_with_an_underscore_is_not_the_one_with_a_hyphen(console_server, client):
    impostor, _closed = send(
        console_server, post(client.path("list-keys"), f"X_Auth_Token: {client.token}", "Content-Length: 2", body=b"{}")
    )

    assert impostor.startswith(b"HTTP/1.1 401 ")
    assert "HTTP_X_FORWARDED_FOR" not in asgi.environ_of(a_scope([(b"x_forwarded_for", b"6.6.6.6")]))


@pytest.mark.parametrize("white", [" ", "\t", " \t "])
def test_white_space_around_a_value_is_none_of_it(console_server, client, white):
    padded = f"X-Auth-Token:{white}{client.token}{white}"

    answer, _closed = send(console_server, post(client.path("list-keys"), padded, "Content-Length: 2", body=b"{}"))

    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(("path", "longest"), [("/v1.0/p/kms/list-keys", 65536), ("/console/kms/import", 262144)])
def test_no_more_of_a_body_is_kept_than_what_answers_there_accepts(path, longest):
    async def read(announced):
        asked = []

        async def receive():
            asked.append(True)
            return {"type": "http.request", "body": b"x" * announced, "more_body": False}

        return await asgi._body({"PATH_INFO": path, "CONTENT_LENGTH": str(announced)}, receive), asked

    assert asyncio.run(read(longest)) == (b"x" * longest, [True])
    assert asyncio.run(read(longest + 1)) == (None, [])


def test_a_header_that_comes_twice_counts_as_both():
    twice = [
        (b"x-forwarded-for", b"6.6.6.6"),
        (b"x-forwarded-for", b"192.0.2.7"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
    ]

    environ = asgi.environ_of(a_scope(twice))

    assert environ["HTTP_X_FORWARDED_FOR"] == "6.6.6.6,192.0.2.7"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


def test_addresses_are_those_of_the_connection():
    environ = asgi.environ_of(a_scope(client=("2001:db8::1", 50000), server=("::1", 8000)))

    assert environ["REMOTE_ADDR"] == "2001:db8::1"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("::1", "8000")


def test_a_path_beyond_ascii_is_what_was_meant(console_server, client):
    key_id = client.new_key("web/paths")
    body = {"tag": {"key": "größe", "value": "1"}}
    assert client.call(client.path(f"{key_id}/tags"), body)[0] == 204

    removed, _answer = client.call(client.path(f"{key_id}/tags/gr%C3%B6%C3%9Fe"), method="DELETE")

    assert removed == 204


def test_a_browser_gets_every_cookie_and_the_headers_of_a_page(console_server):
    connection = http.client.HTTPConnection(*address_of(console_server), timeout=30)
    connection.request("HEAD", "/console/login")
    answer = connection.getresponse()

    assert answer.status == 200
    assert answer.read() == b""
    assert int(answer.headers["Content-Length"]) > 1000
    assert "kms-csrf=" in answer.headers["Set-Cookie"]
    assert answer.headers["Server"] == "KMS Console"


# --- what an answer promises -----------------------------------------------------------------------------------------


def test_no_use_of_a_key_succeeds_after_its_disabling_was_answered(console_server, client):
    """Brief calls share what they ask of the database with those that began before; never with what came later."""
    key_id = client.new_key("web/disabled")
    stop, failures = threading.Event(), []

    def busy():
        own = Client(console_server)
        while not stop.is_set():
            own.kms("encrypt-data", key_id=key_id, plain_text="load")

    load = [threading.Thread(target=busy) for _ in range(4)]
    for thread in load:
        thread.start()
    users = [Client(console_server) for _ in range(4)]  # over both web processes
    try:
        for _ in range(12):
            assert client.kms("disable-key", key_id=key_id)[0] == 200
            failures += [user.kms("encrypt-data", key_id=key_id, plain_text="x")[0] for user in users]
            assert client.kms("enable-key", key_id=key_id)[0] == 200
            assert {user.kms("encrypt-data", key_id=key_id, plain_text="x")[0] for user in users} == {200}
    finally:
        stop.set()
        for thread in load:
            thread.join()

    assert set(failures) == {400}


def test_what_takes_long_holds_up_nothing_brief(console_server, client):
    key_id = client.new_key("web/brief")
    pair = {"key_id": key_id, "key_spec": "RSA_3072"}

    def make_pairs():
        for _ in range(3):  # one alone may be found at once
            Client(console_server).kms("create-rsa-datakey-pair", **pair)

    slow = [threading.Thread(target=make_pairs) for _ in range(2)]
    for thread in slow:
        thread.start()
    waited = []
    while any(thread.is_alive() for thread in slow):
        began = time.monotonic()
        assert client.kms("encrypt-data", key_id=key_id, plain_text="x")[0] == 200
        waited.append(time.monotonic() - began)

    assert len(waited) > 3, "many brief ones fit into one that takes long"


def test_whoever_asks_for_many_keys_at_once_holds_up_no_page_and_no_health_check(tmp_path):
    many = lanes.OTHERS.threads + 8
    with running_console(tmp_path, KMS_WEB_WORKERS="1") as console, ThreadPoolExecutor(many) as crowd:
        client = Client(console)
        body = {"key_id": client.new_key("web/crowd"), "key_spec": "RSA_2048"}
        keys = [crowd.submit(client.twin().kms, "create-rsa-datakey-pair", **body) for _ in range(many)]
        wait(keys, return_when=FIRST_COMPLETED)

        assert is_ready(console.url)
        done = sum(key.done() for key in keys)

        # On a busy machine the last ones may wait too long for a thread.
        assert {key.result()[0] for key in keys} <= {200, 503}
    assert done < many - lanes.OTHERS.threads, "it waited for none of them"


def test_a_call_whose_trace_cannot_be_written_tells_nothing(tmp_path):
    with running_console(tmp_path, KMS_WEB_WORKERS="1") as console:
        client = Client(console)
        key_id = client.new_key("untraced")
        (console.home / "journal").mkdir(exist_ok=True)
        for file in (console.home / "journal").iterdir():
            file.unlink()
        (console.home / "journal").rmdir()
        (console.home / "journal").write_text("in the way")

        status, answer = client.kms("encrypt-data", key_id=key_id, plain_text="secret to keep")
        assert (status, answer["error"]["error_code"]) == (500, "KMS.0101")
        assert "cipher_text" not in answer

        (console.home / "journal").unlink()
        assert client.kms("encrypt-data", key_id=key_id, plain_text="x")[0] == 200

"""What a client may send, and for how long: real sockets on the product's own connections, with nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from kmsconsole import connection, server
from kmsconsole.connection import Connection

HOST = b"Host: 127.0.0.1\r\n"


async def echo(scope, receive, send):
    """Tells what it was asked, and how the body ended."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    names = sorted(name.decode() for name, _value in scope["headers"])
    told = {"method": scope["method"], "path": scope["path"], "body": body.decode(), "headers": names}
    answer = json.dumps(told).encode()
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


@contextlib.asynccontextmanager
async def listening(application, protocol=Connection):
    """The address of a server of nothing but connections and this application."""
    config = uvicorn.Config(application, http=protocol, ws="none", log_config=None, access_log=False, log_level=50)
    config.load()
    state = ServerState()
    doors = await asyncio.get_running_loop().create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    yield doors.sockets[0].getsockname()
    doors.close()


def conversation(*pieces, answers=None, pause=0.0, limit=20.0, before=(), application=echo):
    """All that comes back when these pieces are sent one after another, and whether the server then closed.

    With a number of answers, the talk is over when they have come and a moment later nothing has; else when it closes.
    """

    async def converse():
        async with listening(application) as address:
            others = [await asyncio.open_connection(*address) for _ in before]
            await asyncio.sleep(0.01 if others else 0)
            reader, writer = await asyncio.open_connection(*address)
            for piece in pieces:
                with contextlib.suppress(ConnectionError):
                    writer.write(piece)
                    await writer.drain()
                await asyncio.sleep(pause)
            answer, is_closed = b"", False
            with contextlib.suppress(TimeoutError):
                while not is_closed:
                    is_whole = answers is not None and len(statuses(answer)) >= answers
                    part = await asyncio.wait_for(reader.read(65536), 0.05 if is_whole else limit)
                    answer, is_closed = answer + part, not part
            for each in (writer, *(other for _reader, other in others)):
                each.close()
            return answer, is_closed

    return asyncio.run(converse())


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def told(answer: bytes) -> dict:
    return json.loads(answer.rpartition(b"\r\n\r\n")[2])


def test_a_request_is_answered_and_the_connection_stays():
    answer, is_closed = conversation(b"POST /a?b=c HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\nhi", answers=1)

    assert statuses(answer) == [200]
    assert (told(answer)["path"], told(answer)["body"]) == ("/a", "hi")
    assert not is_closed


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(1, 90), max_size=5))
def test_a_request_may_come_in_any_pieces(cuts):
    request = b"POST /a HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\n ho\r\n0\r\n\r\n"
    edges = [0, *sorted({cut for cut in cuts if cut < len(request)}), len(request)]
    pieces = [request[start:end] for start, end in itertools.pairwise(edges)]

    answer, _closed = conversation(*pieces, answers=1)

    assert statuses(answer) == [200]
    assert told(answer)["body"] == "hi ho"


# --- how much ------------------------------------------------------------------------------------------------------


def test_a_head_up_to_the_bound_is_read():
    filler = b"X-Filler: " + b"x" * (connection.HEADER_BYTES - 200) + b"\r\n"

    assert statuses(conversation(b"GET / HTTP/1.1\r\n" + HOST + filler + b"\r\n", answers=1)[0]) == [200]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n" + HOST + b"X-Filler: " + b"x" * connection.HEADER_BYTES + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * connection.HEADER_BYTES + b"\r\n",
        b"GET /" + b"x" * connection.HEADER_BYTES + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\nX-Endless: " + b"x" * 3 * connection.HEADER_BYTES,
        b"GET /" + b"x" * 3 * connection.HEADER_BYTES,
    ],
    ids=["a long header", "many headers", "a long path", "an endless header", "an endless path"],
)
@pytest.mark.parametrize("size", [1 << 20, 4096], ids=["at once", "in pieces"])
def test_a_longer_head_is_refused_and_says_so(head, size):
    pieces = [head[start : start + size] for start in range(0, len(head), size)]

    answer, is_closed = conversation(*pieces)

    assert statuses(answer) == [400]
    assert told(answer)["error"]["error_code"] == "KMS.0203"
    assert is_closed


def test_what_stands_behind_a_body_in_chunks_is_no_header_and_has_a_bound():
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"

    short, _closed = conversation(head + b"2\r\nhi\r\n0\r\nX-Auth-Token: forged\r\n\r\n", answers=1)
    endless, is_closed = conversation(head + b"2\r\nhi\r\n", b"0\r\nX: ", *[b"x" * 4096] * 8)

    assert "x-auth-token" not in told(short)["headers"]
    assert statuses(endless) == [400]
    assert is_closed


def test_one_connection_too_many_is_told_to_come_back(monkeypatch):
    monkeypatch.setattr(server, "CONNECTIONS", 2)

    answer, is_closed = conversation(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", before=range(2))

    assert statuses(answer) == [429]
    assert b"Retry-After: 1\r\n" in answer
    assert is_closed


# --- how long ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "pieces", "expected"),
    [
        ("HEADER_SECONDS", [], []),
        ("HEADER_SECONDS", [b"GET / HTTP/1.1\r\nHost:"], [408]),
        ("HEADER_SECONDS", [b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", b"G"], [200, 408]),
        ("BODY_SECONDS", [b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\nhalf"], [408]),
        (
            "BODY_SECONDS",
            [b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"],
            [408],
        ),
    ],
    ids=["nothing", "half a head", "half a second head", "half a body", "no end of chunks"],
)
def test_what_does_not_come_in_time_is_not_waited_for(monkeypatch, which, pieces, expected):
    monkeypatch.setattr(connection, which, 0.5)

    answer, is_closed = conversation(*pieces, pause=0.05)

    assert statuses(answer) == expected
    assert is_closed


def test_a_drop_now_and_then_does_not_buy_time(monkeypatch):
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.3)

    answer, is_closed = conversation(
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 99\r\n\r\n", *[b"x"] * 8, pause=0.1, limit=0.2
    )

    assert statuses(answer) == [408]
    assert is_closed


def test_time_for_one_request_does_not_count_for_the_next(monkeypatch):
    monkeypatch.setattr(connection, "HEADER_SECONDS", 1.0)
    request = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n"

    answer, is_closed = conversation(*[request, b"hi"] * 4, answers=4, pause=0.3)

    assert statuses(answer) == [200] * 4
    assert not is_closed


def test_a_client_that_does_not_read_its_answer_does_not_keep_its_connection(monkeypatch):
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.2)

    async def at_length(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"50000000")]})
        await send({"type": "http.response.body", "body": b"x" * 50_000_000})

    async def converse():
        gone = asyncio.Event()

        class Watched(Connection):
            def connection_lost(self, exc):
                gone.set()
                super().connection_lost(exc)

        async with listening(at_length, Watched) as address:
            with socket.create_connection(address) as client:
                client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
                async with asyncio.timeout(60):
                    await gone.wait()

    asyncio.run(converse())  # or TimeoutError


# --- what is no request of ours --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "KMS.0201"),
        (b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n", "KMS.0201"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "KMS.0201"),
        (b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n", "KMS.0201"),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: ten\r\n\r\n", "KMS.0201"),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "KMS.0201"),
        (
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "KMS.0201",
        ),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "KMS.0202"),
    ],
    ids=["TLS", "no ASCII", "no header", "a tunnel", "no length", "two lengths", "length and chunks", "no chunk"],
)
def test_what_cannot_be_read_is_refused_in_the_documented_form(request_, code):
    answer, is_closed = conversation(request_)

    assert statuses(answer) == [400]
    assert told(answer)["error"]["error_code"] == code
    for header in (
        b"Content-Type: application/json",
        b"Cache-Control: no-store",
        b"X-Request-Id: ",
        b"Connection: close",
    ):
        assert header in answer
    assert is_closed


@pytest.mark.parametrize("body", [b"", b"hi", b"POST /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_who_wants_another_protocol_is_served_in_this_one(body):
    """As Java's own client asks with each request over plain HTTP."""
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    request = b"POST /meant HTTP/1.1\r\n" + HOST + wish + b"Content-Length: %d\r\n\r\n" % len(body) + body

    answer, is_closed = conversation(request, answers=1)

    assert statuses(answer) == [200]
    assert (told(answer)["path"], told(answer)["body"]) == ("/meant", body.decode())
    assert not is_closed


def test_another_request_behind_one_that_wanted_another_protocol_is_served_too():
    wish = b"GET /first HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    answer, _closed = conversation(wish, b"GET /second HTTP/1.1\r\n" + HOST + b"\r\n", answers=2, pause=0.05)

    assert statuses(answer) == [200, 200]
    assert told(answer)["path"] == "/second"


def test_requests_sent_ahead_are_answered_in_their_order():
    ahead = b"".join(b"GET /%d HTTP/1.1\r\n" % number + HOST + b"\r\n" for number in range(5))

    answer, _closed = conversation(ahead, answers=5)

    assert [part.split(b'"')[0] for part in answer.split(b'"path": "/')[1:]] == [b"0", b"1", b"2", b"3", b"4"]


def test_what_follows_a_request_and_is_none_does_not_take_its_answer():
    async def slow(scope, receive, send):
        await asyncio.sleep(0.1)
        await echo(scope, receive, send)

    answer, is_closed = conversation(b"GET /good HTTP/1.1\r\n" + HOST + b"\r\n\x00\x01garbage", application=slow)

    assert statuses(answer) == [200]
    assert told(answer)["path"] == "/good"
    assert is_closed


def test_half_a_request_behind_one_that_takes_long_does_not_take_its_answer(monkeypatch):
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.1)

    async def slow(scope, receive, send):
        await asyncio.sleep(0.4)
        await echo(scope, receive, send)

    answer, is_closed = conversation(b"GET /good HTTP/1.1\r\n" + HOST + b"\r\nGET", b" /half", application=slow)

    assert statuses(answer) == [200]
    assert is_closed


@pytest.mark.parametrize("wish", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"], ids=["plain", "upgrade"])
def test_whoever_asks_far_ahead_gets_the_first_answers_and_may_ask_again(wish, caplog):
    """Parsing thousands at once would hold up everybody else."""
    answer, is_closed = conversation((b"GET / HTTP/1.1\r\n" + HOST + wish + b"\r\n") * 3000)

    assert statuses(answer) == [200] * (1 + connection.REQUESTS_AHEAD)
    assert answer.count(b"connection: close") == 1
    assert is_closed
    assert not caplog.records


def test_a_body_that_cannot_be_read_does_not_take_the_answer_of_the_request_before():
    async def slow(scope, receive, send):
        await asyncio.sleep(0.1)
        await echo(scope, receive, send)

    good = b"GET /good HTTP/1.1\r\n" + HOST + b"\r\n"
    broken = b"POST /broken HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"

    for ahead in ([good + broken], [good, broken], [good + good + broken]):
        answer, is_closed = conversation(*ahead, application=slow)

        assert statuses(answer) == [200] * b"".join(ahead).count(b"/good")
        assert b"/broken" not in answer
        assert is_closed

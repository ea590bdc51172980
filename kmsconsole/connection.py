"""A client's connection: uvicorn's, with bounds on what a client may send and how long it may take (SEC-075).

A request that cannot be read is answered in the service's own form. The parser tells its own errors by exceptions that
come out of `feed_data`, also those that are raised while it calls back.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from kmsconsole import middleware, server
from operations import errors
from operations.errors import KmsError
from operations.rest import Reply, error_reply

HEADER_BYTES = 16 * 1024
HEADER_SECONDS = 10
LINGER_SECONDS = 2
REQUESTS_AHEAD = 32  # parsed while one is served; the event loop serves nobody else while it parses
BODY_SECONDS = 20  # for all of a body: who sends half of one holds a connection, no thread, and not for long
STOPPING_SECONDS = 2  # for the rest of a request, once the server stops


class HeadTooLong(Exception):
    """Method, path and headers together exceed HEADER_BYTES."""


class TooFarAhead(Exception):
    """A client sent more requests than REQUESTS_AHEAD without waiting for answers."""


class Wire:
    """The way back to the client, as uvicorn uses it: what is written in one turn of the loop leaves at once, and
    closing in the middle of a request lets the client read why.
    """

    def __init__(self, transport: Transport, connection: Connection) -> None:
        self._transport = transport
        self._connection = connection
        self._parts: list[bytes] = []
        self._is_closing = False

    def write(self, data: bytes) -> None:
        if self._is_closing:
            return
        if not self._parts:
            self._connection.loop.call_soon(self._flush)
        self._parts.append(data)

    def _flush(self) -> None:
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()

    def close(self) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._flush()
        if self._connection.is_midway():
            # What is still on its way would be met by a reset, which takes the answer along (RFC 9112, 9.6).
            self._transport.write_eof()
            self._transport.resume_reading()
            self._connection.loop.call_later(LINGER_SECONDS, self._transport.abort)
            return
        self._transport.close()
        if self._transport.get_write_buffer_size():
            # A client that does not read what it asked for would keep its connection for ever.
            self._connection.loop.call_later(server.IDLE_SECONDS, self._transport.abort)

    def is_closing(self) -> bool:
        return self._is_closing or self._transport.is_closing()


class Connection(HttpToolsProtocol):
    """Told by the event loop what came, and by the parser what that was."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = Wire(transport, self)  # type: ignore[assignment]
        self._is_in_head = False
        self._is_in_body = False
        self._is_over = False  # what still comes is not listened to
        self._serving: RequestResponseCycle | None = None
        # Bytes since the parser last told something whole: what it keeps by then is kept in memory.
        self._unparsed = 0
        self._deadline: TimerHandle | None = None
        if self.client is None:
            transport.abort()  # gone before anybody asked for its address
        elif len(self.connections) > server.CONNECTIONS:
            self._refuse(error_reply(KmsError(errors.TOO_MANY_REQUESTS, retry_after=1)))
        else:
            self._expect_within(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_over or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        try:
            while data:
                self._unparsed += len(data)
                data = self._parse(data)
        except httptools.HttpParserError as error:
            self._cannot_read(error)
            return
        if self._unparsed > HEADER_BYTES:
            self._cannot_read(HeadTooLong())
        elif self._deadline is None and self.is_midway():
            self._expect_within(HEADER_SECONDS if self._is_in_head else BODY_SECONDS)

    def _parse(self, data: bytes) -> bytes:
        """Returns what is to be parsed anew."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(data[upgrade.args[0] :])
        return b""

    # --- told by the parser ---------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        # What stands behind a body in chunks reads like headers, and came past whoever checked those.
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._unparsed > HEADER_BYTES and self._head_bytes() > HEADER_BYTES:
            raise HeadTooLong
        self._unparsed = 0
        if self.parser.should_upgrade():
            return
        if len(self.pipeline) >= REQUESTS_AHEAD:
            raise TooFarAhead
        super().on_headers_complete()
        self._is_in_head, self._is_in_body = False, True
        self._expect_nothing()
        if server.stopping.is_set():
            self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._serving = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._unparsed = 0
        self._is_in_body = False
        self._expect_nothing()
        super().on_message_complete()

    # --- what cannot be served ------------------------------------------------------------------------------------

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Another protocol is wanted, and may be denied by ignoring that (RFC 9110, 7.8). The parser cannot ignore it
        and would take the body for that protocol, so a new one gets the request again, without the wish.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            raise httptools.HttpParserError("no tunnel")
        lines = [b"%s %s HTTP/%s" % (method, self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join([*lines, b"", rest])

    def _cannot_read(self, error: Exception) -> None:
        is_too_long = isinstance(error, HeadTooLong) or isinstance(error.__context__, HeadTooLong)
        unreadable = errors.URL_INVALID if self._is_in_head else errors.JSON_INVALID
        self._refuse(error_reply(KmsError(errors.BODY_TOO_LONG if is_too_long else unreadable)))

    def is_midway(self) -> bool:
        """Whether more of a request may come."""
        return self._is_in_head or self._is_in_body

    def _refuse(self, reply: Reply) -> None:
        """Tells why and closes. Requests that were read whole before get their answers first, and no other's."""
        self._is_over = True
        self._expect_nothing()
        if self._is_in_body and self.pipeline:
            self.pipeline.popleft()  # the one that is not read
        last = self.pipeline[0][0] if self.pipeline else self._serving
        is_owed = last is not None and not last.response_complete
        if last is not None and is_owed and not (self._is_in_body and last is self.cycle):
            last.keep_alive = False
            return
        self._is_in_head = True  # more may come
        headers = middleware.headers_of(reply, middleware.new_request_id()) | {"Connection": "close"}
        status = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"
        lines = [status, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.transport.write("\r\n".join(lines).encode() + reply.body)
        self.transport.close()

    # --- time -----------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """The server stops: what has come whole is answered, and the last answer says that the connection ends."""
        super().shutdown()
        if self._is_in_body and not self.transport.is_closing():
            self._expect_nothing()
            self._expect_within(STOPPING_SECONDS)

    def _expect_within(self, seconds: float) -> None:
        bound = STOPPING_SECONDS if server.stopping.is_set() else seconds
        self._deadline = self.loop.call_later(min(seconds, bound), self._time_out)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _time_out(self) -> None:
        if self.is_midway():
            self._refuse(Reply(HTTPStatus.REQUEST_TIMEOUT))
        else:
            self.transport.close()

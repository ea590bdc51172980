"""What the web server loads: requests of the network on one side, Django on the other. `manage.py serve` starts it.

In each web process one thread receives and answers. What is brief it runs itself, one request after another, for to
hand it to a thread and take it back would cost more; the rest gets a thread. Nobody waits for the journal: an answer is
sent once the traces of what it tells are on disk, and until then others are served
(docs/decisions/0012-one-thread-for-what-is-brief.md).
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpResponseBase
from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian._granian import RSGIProtocolError as ProtocolError
from granian.rsgi import Scope

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kmsconsole.settings")
_handler = get_wsgi_application()  # makes Django ready; what follows needs that

from kmsconsole import errors, middleware  # noqa: E402
from kmsconsole.checks import refuse_faulty_start  # noqa: E402
from operations import changes, journal  # noqa: E402
from operations.rest import BriefCalls  # noqa: E402

log = logging.getLogger(__name__)

THREADS = 16
# A thread that builds a page gives the interpreter back after this long, so that what is brief need not wait for it.
TURN_SECONDS = 0.0003
BODY_SECONDS = 20  # for all of a body: who sends half of one holds a connection, no thread, and not for long

Headers = list[tuple[str, str]]


@dataclass(slots=True)
class Answer:
    """What is to be sent when all of `promises` have come true."""

    request: WSGIRequest
    status: int
    headers: Headers
    body: bytes
    promises: list[Future[None]]


Call = Callable[[dict[str, Any]], Answer]


class BodyTorn(Exception):
    """The body broke off, or is in no chunks that can be told apart; whoever sent it may be gone."""


class Application:
    """One web process's. The server calls `__rsgi__` for each request, from the thread of its event loop."""

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        sys.setswitchinterval(TURN_SECONDS)
        self._loop = loop
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="call")
        self._calls = _brief_calls()
        self._kept: dict[Future[None], asyncio.Future[None]] = {}
        self._counts: changes.Counts | None = None

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def __rsgi__(self, scope: Scope, proto: HTTPProtocol) -> None:
        environ = environ_of(scope)
        try:
            body = await _body(environ, proto)
        except TimeoutError:
            proto.response_empty(408, [("Connection", "close")])
            return
        except BodyTorn:
            proto.response_empty(400, [("Connection", "close")])
            return
        environ["wsgi.input"] = io.BytesIO(body or b"")
        brief = self.brief_call(scope.path) if body is not None else None
        if brief is not None:
            answer = self._at_once(brief, environ)
        else:
            answer = await self._loop.run_in_executor(self._threads, answer_of, environ)
        for promise in answer.promises:
            await self._keeping(promise)
            if promise.exception() is not None:
                answer = _unrecorded(answer, promise)
                break
        if body is None:
            answer.headers.append(("Connection", "close"))  # what is left of it would be taken for the next request
        proto.response_bytes(answer.status, answer.headers, answer.body)

    def brief_call(self, path: str) -> Call | None:
        """How to answer what this path takes, if that is brief."""
        parts = self._calls.parts_of(path)
        return None if parts is None else lambda environ: brief_answer_of(self._calls, parts, environ)

    def _at_once(self, call: Call, environ: dict[str, Any]) -> Answer:
        # Django keeps connections by thread, but where an event loop runs by task, and refuses to use them at all. It
        # need not fear here: nothing else runs in this thread before the answer is there.
        counts = self._counts_for_now()
        asyncio._set_running_loop(None)
        try:
            with changes.shared(counts):
                return call(environ)
        finally:
            asyncio._set_running_loop(self._loop)

    def _counts_for_now(self) -> changes.Counts:
        """Shared with the requests that the loop has taken in by now; those to come find them forgotten."""
        if self._counts is None:
            self._counts = {}
            self._loop.call_soon(self._forget_counts)
        return self._counts

    def _forget_counts(self) -> None:
        self._counts = None

    def _keeping(self, promise: Future[None]) -> asyncio.Future[None]:
        """Done when the promise is, kept or broken. All who wait for one promise are woken together."""
        waiting = self._kept.get(promise)
        if waiting is None:
            waiting = self._kept[promise] = self._loop.create_future()
            promise.add_done_callback(lambda kept: self._loop.call_soon_threadsafe(self._tell, kept))
            self._loop.call_soon(journal.commit)  # after the requests that are here already: they share one sync
        return waiting

    def _tell(self, promise: Future[None]) -> None:
        self._kept.pop(promise).set_result(None)


def _brief_calls() -> BriefCalls:
    # Where another program or an HSM holds the root key, any call may have to wait for it.
    is_in_memory = settings.KMS_ROOT_KEY_PROVIDER in ("file", "env")
    calls: BriefCalls = import_module(settings.ROOT_URLCONF).BRIEF
    return calls if is_in_memory else BriefCalls(())


def environ_of(scope: Scope) -> dict[str, Any]:
    """As WSGI names things (PEP 3333). Headers whose names have an underscore are dropped: beside `X-Auth-Token` and
    the like, a CGI name could not tell them from those.
    """
    address, port = _host_and_port(scope.server)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _latin(scope.path),
        "QUERY_STRING": _latin(scope.query_string),
        "SERVER_NAME": address,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": _host_and_port(scope.client)[0],
        "wsgi.url_scheme": scope.scheme,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    return environ


def _latin(text: str) -> str:
    return text if text.isascii() else text.encode().decode("latin-1")


def _host_and_port(address: str) -> tuple[str, str]:
    host, _colon, port = address.rpartition(":")
    return host.strip("[]"), port


async def _body(environ: dict[str, Any], proto: HTTPProtocol) -> bytes | None:
    """All of it, its length then in `environ`; None where it is longer than anything here accepts: then it is left
    where it is (SEC-075). Raises TimeoutError, BodyTorn.
    """
    longest = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    announced = environ.get("CONTENT_LENGTH", "0")
    is_chunked = environ.pop("HTTP_TRANSFER_ENCODING", None) is not None
    if not is_chunked and announced in ("", "0"):
        return b""
    if int(announced or "0") > longest:
        return None
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _at_most(longest, proto) if is_chunked else await proto()
    except (ProtocolClosed, ProtocolError) as cause:
        raise BodyTorn from cause
    environ["CONTENT_LENGTH"] = str(longest + 1 if body is None else len(body))
    return body


async def _at_most(longest: int, proto: HTTPProtocol) -> bytes | None:
    body, ends = bytearray(), 0
    async for chunk in proto:
        body += chunk
        ends += not chunk
        if len(body) > longest:
            return None
    # The server tells a whole body's end by one empty part, and a torn one by another before it.
    if ends != 1:
        raise BodyTorn
    return bytes(body)


def answer_of(environ: dict[str, Any]) -> Answer:
    """What Django answers. Its traces may still be on their way to the disk: `promises` says when they are there."""
    with journal.deferred() as promises:
        request_started.send(sender=_handler.__class__, environ=environ)
        request = WSGIRequest(environ)
        response = _handler.get_response(request)
        headers = _headers(response)
        body = b"".join(response)  # also what streams: files of static/, none of them long
        response.close()
    return Answer(request, response.status_code, headers, body, promises)


def brief_answer_of(calls: BriefCalls, parts: dict[str, str], environ: dict[str, Any]) -> Answer:
    """As `answer_of`, without the framework's handler and signals and with as much of its middlewares as an API needs:
    they take longer than the operation.
    """
    request = WSGIRequest(environ)
    try:
        request.get_host()
    except DisallowedHost:
        return answer_of(environ)
    request_id = request.request_id = middleware.new_request_id()  # type: ignore[attr-defined]
    middleware.name_the_client(request)
    connection.close_if_unusable_or_obsolete()
    with journal.deferred() as promises:
        reply = calls.reply(request, parts)
    headers = middleware.headers_of_every_answer() | reply.headers
    headers |= {"Cache-Control": "no-store", "Content-Length": str(len(reply.body)), "X-Request-Id": request_id}
    return Answer(request, reply.status, [*headers.items()], reply.body, promises)


def _headers(response: HttpResponseBase) -> Headers:
    cookies = (("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values())
    return [*response.items(), *cookies]


def _unrecorded(answer: Answer, promise: Future[None]) -> Answer:
    """A call whose trace cannot be written fails (SEC-060): nobody learns what it had to say."""
    log.error("traces not written", exc_info=promise.exception())
    failed = errors.server_error(answer.request)
    of_the_body = {"content-type", "content-length", "set-cookie"}
    headers = [(name, value) for name, value in answer.headers if name.lower() not in of_the_body]
    return Answer(answer.request, failed.status_code, headers + _headers(failed), failed.content, [])


application = Application()

refuse_faulty_start()

"""What the web server loads: requests of the network on one side, Django on the other. `manage.py serve` starts it.

In each web process one thread receives and answers. What is brief it runs itself, one request after another, for to
hand it to a thread and take it back would cost more; the rest gets a thread of its lane. Nobody waits for the journal:
an answer is sent once the traces of what it tells are on disk, and until then others are served
(docs/decisions/0012-one-thread-for-what-is-brief.md).
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.http import HttpResponse, HttpResponseBase

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kmsconsole.settings")
_handler = get_wsgi_application()  # makes Django ready; what follows needs that

from iam.api import faults  # noqa: E402
from iam.services import access_keys  # noqa: E402
from iam.signed import ARRIVED_AT  # noqa: E402
from kmsconsole import errors, health, middleware  # noqa: E402
from kmsconsole.checks import refuse_faulty_start  # noqa: E402
from kmsconsole.lanes import LANES, OTHERS, Lane, Threads, lane_of  # noqa: E402
from operations import availability, changes, clock, journal  # noqa: E402
from operations.bodies import MAX_BODY_BYTES  # noqa: E402
from operations.brief import NeedsThread, without_waiting  # noqa: E402
from operations.errors import KmsError  # noqa: E402
from operations.rest import BriefCalls, Reply  # noqa: E402

log = logging.getLogger(__name__)

# A thread that builds a page gives the interpreter back after this long, so that what is brief need not wait for it.
TURN_SECONDS = 0.0003

# A request that waits to be read when the loop turns is read in that turn, and performed in the next.
QUIET_TURNS = 2

# In seconds. When a pair was used last is known to the hour; this is what the end of the process may lose of it.
USES_ARE_WRITTEN_EVERY = 2.0

Headers = list[tuple[str, str]]
Message = MutableMapping[str, Any]  # ASGI's word for what goes to and fro
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


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
    """It broke off, or did not come in time. Nobody waits for an answer: the connection is closed."""


class Application:
    """One web process's, called by the server (ASGI) from the thread of its event loop."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._begin()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._uses.cancel()
        for threads in self._threads.values():
            threads.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    def _begin(self) -> None:
        sys.setswitchinterval(TURN_SECONDS)
        health.begin()
        self._loop = asyncio.get_running_loop()
        self._threads = {lane: Threads(lane) for lane in LANES}
        self._uses = asyncio.ensure_future(self._write_uses())
        self._calls = _brief_calls()
        self._kept: dict[Future[None], asyncio.Future[None]] = {}
        self._counts: changes.Counts | None = None
        self._promised = 0

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        environ = environ_of(scope)
        try:
            body = await _body(environ, receive)
        except BodyTorn:
            return
        environ["wsgi.input"] = io.BytesIO(body or b"")
        brief = self.brief_call(scope["path"]) if body is not None else None
        probe = health.PROBES.get(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        if probe is not None:
            answer = probe_answer_of(probe, environ)  # behind no thread and no neighbour
        elif brief is not None:
            answer = await self._briefly(brief, environ)
        else:
            answer = await self._in_a_thread(lane_of(scope["method"], scope["path"]), environ)
        for promise in answer.promises:
            await self._keeping(promise)
            if promise.exception() is not None:
                answer = _unrecorded(answer, promise)
                break
        if body is None:
            answer.headers.append(("Connection", "close"))  # what is left of it would be taken for the next request
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _briefly(self, call: Call, environ: dict[str, Any]) -> Answer:
        try:
            return self._at_once(call, environ)
        except NeedsThread:
            environ["wsgi.input"].seek(0)
            return await self._in_a_thread(OTHERS, environ)

    async def _in_a_thread(self, lane: Lane, environ: dict[str, Any]) -> Answer:
        try:
            return await self._threads[lane].run(answer_of, environ)
        except KmsError as busy:
            return _refused(WSGIRequest(environ), busy)

    async def _write_uses(self) -> None:
        while True:
            await asyncio.sleep(USES_ARE_WRITTEN_EVERY)
            if access_keys.has_noted_uses():
                with suppress(KmsError):  # no thread is free: later
                    await self._threads[OTHERS].run(_write_uses)

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
            with changes.shared(counts), without_waiting():
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
            self._loop.call_soon(self._commit, 0, 0)
        self._promised += 1
        return waiting

    def _commit(self, promised: int, quiet_turns: int) -> None:
        """Once the loop has turned without another promise: requests that are here by then share one sync."""
        quiet_turns = quiet_turns + 1 if promised == self._promised else 0
        if quiet_turns < QUIET_TURNS:
            self._loop.call_soon(self._commit, self._promised, quiet_turns)
        else:
            journal.commit()

    def _tell(self, promise: Future[None]) -> None:
        self._kept.pop(promise).set_result(None)


def _brief_calls() -> BriefCalls:
    # Where another program or an HSM holds the root key, or a server the database, any call may have to wait for it;
    # without the journal, each has to write its trace.
    holds_root_key = settings.KMS_ROOT_KEY_PROVIDER in ("file", "env")
    never_waits = holds_root_key and connection.vendor == "sqlite" and settings.KMS_TRACE_JOURNAL
    calls: BriefCalls = import_module(settings.ROOT_URLCONF).BRIEF
    return calls if never_waits else BriefCalls(())


def _write_uses() -> None:
    try:
        close_old_connections()
        access_keys.write_uses()
    except Exception as error:  # they are noted still
        if availability.unavailable(error) is None:
            log.exception("the last uses of access keys cannot be written")


def environ_of(scope: Message) -> dict[str, Any]:
    """As WSGI names things (PEP 3333). Headers whose names have an underscore are dropped: beside `X-Auth-Token` and
    the like, a CGI name could not tell them from those.
    """
    address, port = scope["server"]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": address,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.url_scheme": scope["scheme"],
        ARRIVED_AT: clock.now(),
    }
    for name, value in scope["headers"]:
        key = _key_of(name)
        if not key:
            continue
        text = value.strip(b" \t").decode("latin-1")  # white space around a value is none of it (RFC 9110 §5.5)
        if key in environ:
            text = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
        environ[key] = text
    return environ


@lru_cache(maxsize=512)  # clients send the same few
def _key_of(header: bytes) -> str:
    if b"_" in header:
        return ""
    key = header.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


async def _body(environ: dict[str, Any], receive: Receive) -> bytes | None:
    """All of it, its length then in `environ`; None where it is longer than what answers there accepts: then it is
    left where it is (SEC-075). Raises BodyTorn.
    """
    is_for_api = middleware.API_PATH.match(environ["PATH_INFO"])
    longest = MAX_BODY_BYTES if is_for_api else settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    is_chunked = environ.pop("HTTP_TRANSFER_ENCODING", None) is not None
    announced = int(environ.get("CONTENT_LENGTH") or "0")
    if announced > longest:
        return None
    body, is_whole = bytearray(), not (is_chunked or announced)
    while not is_whole:
        message = await receive()
        if message["type"] != "http.request":
            raise BodyTorn
        body += message["body"]
        if len(body) > longest:
            break
        is_whole = not message["more_body"]
    environ["CONTENT_LENGTH"] = str(len(body))
    return bytes(body) if is_whole else None


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
    headers = middleware.headers_of(reply, request_id)
    return Answer(request, reply.status, [*headers.items()], reply.body, promises)


def probe_answer_of(probe: Callable[[], health.State], environ: dict[str, Any]) -> Answer:
    reply = probe().reply
    headers = middleware.headers_of(reply, middleware.new_request_id())
    return Answer(WSGIRequest(environ), reply.status, [*headers.items()], reply.body, [])


def _headers(response: HttpResponseBase) -> Headers:
    cookies = (("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values())
    return [*response.items(), *cookies]


def _refused(request: WSGIRequest, error: KmsError) -> Answer:
    """Of a request that found no thread. It never reaches the framework's handler."""
    if request.path_info.startswith("/v3/"):
        refused: HttpResponse = faults.answer(faults.of_kms_error(error))
    else:
        refused = middleware.refused_as_unavailable(request, error)
    headers = middleware.headers_of(Reply(refused.status_code, refused.content), middleware.new_request_id())
    return Answer(request, refused.status_code, [*(headers | dict(refused.items())).items()], refused.content, [])


def _unrecorded(answer: Answer, promise: Future[None]) -> Answer:
    """A call whose trace cannot be written fails (SEC-060): nobody learns what it had to say."""
    failure = promise.exception()
    failed = middleware.unavailable(answer.request, failure) if isinstance(failure, Exception) else None
    if failed is None:
        log.error("traces not written", exc_info=failure)
        failed = errors.server_error(answer.request)
    of_the_body = {"content-type", "content-length", "set-cookie", "retry-after"}
    headers = [(name, value) for name, value in answer.headers if name.lower() not in of_the_body]
    return Answer(answer.request, failed.status_code, headers + _headers(failed), failed.content, [])


application = Application()

refuse_faulty_start()

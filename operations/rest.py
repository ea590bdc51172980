"""An operation as a REST endpoint: strict JSON in, the documented envelope out. One parser, one renderer: lean."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import ResolverMatch, URLPattern, path, re_path
from django.urls.resolvers import RoutePattern
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from operations import availability, errors, pace
from operations.bodies import MAX_BODY_BYTES, body_of
from operations.caller import Caller
from operations.errors import KmsError
from operations.operation import Operation
from operations.perform import perform, refuse

log = logging.getLogger(__name__)

MAX_JSON_DEPTH = 32


def read_json(body: bytes) -> dict[str, Any]:
    """One JSON object; an empty body is an empty object.

    Refuses, always as JSON_INVALID, what lenient parsers let through or choke on (SEC-076): duplicate members, NaN and
    Infinity, a byte order mark, wrong UTF-8, lone surrogates, deep nesting, endless numbers, anything but an object.
    """
    if len(body) > MAX_BODY_BYTES:
        raise KmsError(errors.BODY_TOO_LONG)
    if not body.strip():
        return {}
    try:
        text = body.decode("utf-8")
        _check_depth(text)
        value = _decoder.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # only an escape can bring what is no character
    except (ValueError, RecursionError) as cause:
        raise KmsError(errors.JSON_INVALID) from cause
    if not isinstance(value, dict):
        raise KmsError(errors.JSON_INVALID)
    return value


def _check_depth(text: str) -> None:
    # Counting brackets outside strings would need a scanner; counting all of them only ever overestimates, and a body
    # that has more than the limit is looked at again without its strings.
    if text.count("{") + text.count("[") <= MAX_JSON_DEPTH:
        return
    depth, in_string, escaped = 0, False, False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "{[":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                raise ValueError("too deep")
        elif character in "}]":
            depth -= 1


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


_decoder = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_refuse_constant)


def error_body(error: KmsError, *, request_id: str = "") -> dict[str, Any]:
    """Nested; flat for the gateway (api.md, section 5); both for enterprise projects, whose clients take either.

    `error_fields` is ours: which members of the request are at fault and why. Clients of the original ignore it.
    """
    pair = {"error_code": error.code.code, "error_msg": error.message}
    if error.code.code.startswith("APIGW."):
        return {**pair, "request_id": request_id}
    fields = [{"field": each.field, "reason": str(each.hint or each.code.message)} for each in error.errors]
    nested = {**pair, "error_fields": fields} if fields else pair
    return {"error": nested, **pair} if error.code.code.startswith("EPS.") else {"error": nested}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a client, before anything turns it into bytes of HTTP."""

    status: int
    body: bytes = b""
    retry_after: int = 0  # in seconds; 0 where nobody need wait

    @property
    def headers(self) -> dict[str, str]:
        kind = {} if self.status == 204 else {"Content-Type": "application/json"}
        return {**kind, "Retry-After": str(self.retry_after)} if self.retry_after else kind

    def as_response(self) -> HttpResponse:
        response = HttpResponse(self.body, status=self.status, headers=self.headers)
        if self.status == 204:
            del response["Content-Type"]
        return response


def error_reply(error: KmsError, *, request_id: str = "") -> Reply:
    body = json.dumps(error_body(error, request_id=request_id)).encode()
    return Reply(error.code.status, body, error.retry_after)


def error_response(error: KmsError, *, request_id: str = "") -> HttpResponse:
    return error_reply(error, request_id=request_id).as_response()


def as_kms_error(error: Exception) -> KmsError:
    """What the framework itself refuses, in the service's terms; anything unknown is a bug and is logged."""
    if isinstance(error, KmsError):
        return error
    if isinstance(error, exceptions.MethodNotAllowed):
        return KmsError(errors.METHOD_NOT_ALLOWED)
    if isinstance(error, exceptions.NotFound):
        return KmsError(errors.URL_INVALID)
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return KmsError(errors.TOKEN_INVALID)
    if isinstance(error, SuspiciousOperation):
        return KmsError(errors.URL_INVALID)  # of what is read here only a query can be one: it has too many members
    if isinstance(error, exceptions.APIException) and error.status_code < 500:
        return KmsError(errors.JSON_INVALID)
    if missing := availability.unavailable(error):
        return missing
    log.error("unhandled exception", exc_info=error)
    return KmsError(errors.INTERNAL)


class NoNegotiation(BaseContentNegotiation):
    """There is one representation, JSON; what a client says it accepts does not matter."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return None, "application/json"


class KmsApiView(APIView):
    """Base of every REST view: authentication by the framework, bodies and answers by `read_json` and Django."""

    parser_classes = ()
    renderer_classes = ()
    permission_classes = ()
    throttle_classes = ()
    content_negotiation_class = NoNegotiation
    # The framework's own answer to OPTIONS needs a renderer, and nobody here reads it.
    http_method_names = [name for name in APIView.http_method_names if name != "options"]

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        return self.refusal(exc, self.request).as_response()

    def refusal(self, exc: Exception, request: HttpRequest | Request) -> Reply:
        return error_reply(self.told(as_kms_error(exc)), request_id=getattr(request, "request_id", ""))

    def told(self, error: KmsError) -> KmsError:
        """What clients of this view are told of an error."""
        return error

    def finalize_response(  # type: ignore[override]
        self, request: HttpRequest, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        return response


class OperationView(KmsApiView):
    """Operations by path and method. `methods_of` takes the path's own parts and gives the operations there."""

    methods_of: Callable[[dict[str, Any]], Mapping[str, Operation]] = staticmethod(lambda parts: {})
    # What every path of such operations begins with.
    below: ClassVar[str] = "v1.0/<str:project_id>/"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self.reply(request, kwargs).as_response()

    def reply(self, request: HttpRequest, parts: dict[str, Any]) -> Reply:
        """`parts`: those of the path. The request is bare: the framework's wrapper costs more than the view."""
        try:
            pace.admit(f"from {request.META.get('REMOTE_ADDR', '')}")
            caller = self._caller(request)
            pace.admit(caller.user_id)
            operation = self.methods_of(parts).get(request.method or "")
            if operation is None:
                raise KmsError(errors.METHOD_NOT_ALLOWED)
            data = self._data(operation, caller, request, parts)
            return _reply(operation, perform(operation, caller, data))
        except Exception as error:
            return self.refusal(error, request)

    def _caller(self, request: HttpRequest) -> Caller:
        for authenticator in self.get_authenticators():
            known = authenticator.authenticate(request)  # type: ignore[arg-type]
            if known is not None:
                return known[0]  # type: ignore[no-any-return]
        raise KmsError(errors.TOKEN_MISSING)

    def _data(
        self, operation: Operation, caller: Caller, request: HttpRequest, parts: dict[str, Any]
    ) -> dict[str, Any]:
        """The members of the body, or of the query, and those of the path."""
        try:
            self._check_project(caller, parts)
            members = request.GET.dict() if request.method == "GET" else read_json(body_of(request))
        except KmsError as error:
            refuse(operation, caller, error)
            raise
        return {**members, **parts}

    def _check_project(self, caller: Caller, parts: dict[str, Any]) -> None:
        if caller.project_id != parts.pop("project_id"):
            raise KmsError(errors.WRONG_PROJECT)


def _reply(operation: Operation, result: Any) -> Reply:
    if operation.status == 204:
        return Reply(204)
    return Reply(operation.status, json.dumps(operation.respond(result)).encode())


def routes(operations: tuple[Operation, ...], *, view: type[OperationView] = OperationView) -> list[URLPattern]:
    """URL patterns of the operations that have a path.

    Paths without parts of their own are one pattern, for Django tries patterns one by one.
    """
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        if operation.path is not None:
            by_path.setdefault(operation.path, {})[operation.method] = operation
    plain = {url: methods for url, methods in by_path.items() if "<" not in url}
    # What takes anything to its end comes after what is more exact.
    others = sorted((url for url in by_path if url not in plain), key=lambda url: "<path:" in url)
    below = re.escape(view.below).replace("<str:project_id>", "(?P<project_id>[^/]+)")
    return [
        re_path(
            rf"^{below}(?P<path>{'|'.join(map(re.escape, plain))})$",
            csrf_exempt(view.as_view(methods_of=lambda parts: plain[parts.pop("path")])),
        ),
        *(_route(view, url, by_path) for url in others),
    ]


class BriefCalls:
    """Calls of brief operations: told apart by their paths, answered without URL patterns and middlewares.

    Every operation of such a path is brief, and the path has no parts of its own.
    """

    def __init__(self, operations: tuple[Operation, ...]) -> None:
        others = {operation.path for operation in operations if not operation.brief}
        methods: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            if operation.path and operation.path not in others:
                methods.setdefault(operation.path, {})[operation.method] = operation
        self._view = OperationView(methods_of=lambda parts: methods[parts.pop("path")])
        paths = "|".join(map(re.escape, methods)) or "(?!)"  # of none, nothing is a path
        self._path = re.compile(rf"/v1\.0/(?P<project_id>[\w-]+)/(?P<path>{paths})", re.ASCII)

    def parts_of(self, path: str) -> dict[str, str] | None:
        """None for the path of anything else, and for one that no client of ours would write."""
        match = self._path.fullmatch(path)
        return match.groupdict() if match else None

    def reply(self, request: HttpRequest, parts: dict[str, str]) -> Reply:
        request.resolver_match = ResolverMatch(self._view.reply, (), dict(parts))  # who asks depends on it
        return self._view.reply(request, parts)


def _route(view: type[OperationView], url: str, by_path: Mapping[str, Mapping[str, Operation]]) -> URLPattern:
    """A path may be a value of another's last part, as `tags/action` is of `tags/<path:tag_key>`: what it does not
    answer itself is then the other's, for that value."""
    methods, values = dict(by_path[url]), dict[str, str]()
    for other, its_methods in by_path.items():
        match = RoutePattern(other, is_endpoint=True).match(url) if other != url else None
        if match is not None:
            methods = {**its_methods, **methods}
            values |= {name: str(value) for name, value in match[2].items() if "<" not in str(value)}
    made: Callable[..., HttpResponseBase] = csrf_exempt(view.as_view(methods_of=lambda _parts: methods))
    return path(f"{view.below}{url}", made, values)


def base_of(request: HttpRequest) -> str:
    """Where clients reach this service from outside; built from the request unless an operator has said it."""
    return settings.KMS_PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")


def reading_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For what is only read and is no operation: any method but GET and HEAD is refused as operations refuse it."""

    @csrf_exempt  # so that the refusal is this one
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD"):
            return error_response(KmsError(errors.METHOD_NOT_ALLOWED))
        return view(request, *args, **kwargs)

    return answer


def unknown_path(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    return error_response(KmsError(errors.URL_INVALID))

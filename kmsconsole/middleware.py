"""What every request passes on its way in and every answer on its way out.

The chain is short on purpose: the API is called thousands of times a second and pays only for what it needs. Session,
CSRF protection, messages and the like belong to pages and stand behind `ConsoleOnly` (SEC-072: a cookie is not even
read on an API path).
"""

import re
import uuid
from collections.abc import Callable
from functools import wraps
from ipaddress import IPv6Address, ip_address
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import BadRequest, ImproperlyConfigured, MiddlewareNotUsed, RequestDataTooBig
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.module_loading import import_string

from operations import availability
from operations.console import unavailable_page
from operations.errors import KmsError
from operations.rest import Reply, error_response

Handler = Callable[[HttpRequest], HttpResponseBase]

# A path with a version in it is a program's, also where the rest is wrong: a slash too many, another version, another
# case, or a prefix of the original's gateway. It begins behind the slashes in front: where some of these were taken for
# segments, a path of thousands would be tried in all those ways.
VERSION_PATH = r"(?!/|console/|static/)(?:[^/]*/)*?[vV]\d[\d.]*(?:/|$)"
API_PATH = re.compile(rf"/+(?:(?:healthz|readyz|metrics)(?:/|$)|{VERSION_PATH})")

# [2001:db8::1]:443, [2001:db8::1], 192.0.2.7:443, or an address alone.
_ADDRESS = re.compile(r"\[(?P<bracketed>[^\]]+)\](:[0-9]+)?|(?P<plain>[0-9.]+):[0-9]+|[0-9A-Fa-f:.]+(%[\w.~-]+)?", re.A)

CONTENT_SECURITY_POLICY = (  # SEC-070
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_UNUSED_FEATURES = (
    "accelerometer", "autoplay", "camera", "display-capture", "fullscreen", "geolocation", "gyroscope", "hid",
    "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get", "serial", "usb",
    "xr-spatial-tracking",
)  # fmt: skip
HEADERS = {  # SEC-071
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Server": "KMS Console",  # instead of the web server's name
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: Django's CSRF check falls back to the referrer when a browser sends no Origin.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _UNUSED_FEATURES),
}


def headers_of_every_answer() -> dict[str, str]:
    hsts = {"Strict-Transport-Security": f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"}
    return {**HEADERS, **hsts} if settings.SECURE_HSTS_SECONDS else HEADERS


def headers_of(reply: Reply, request_id: str) -> dict[str, str]:
    """All headers of an answer that passes by the middlewares."""
    length = {"Content-Length": str(len(reply.body))}
    return (
        headers_of_every_answer() | reply.headers | length | {"Cache-Control": "no-store", "X-Request-Id": request_id}
    )


def new_request_id() -> str:
    """Always ours: one taken from the caller could be forged to hide among another's calls."""
    return uuid.uuid4().hex


def name_the_client(request: HttpRequest) -> None:
    """Behind a proxy that we trust, the client is the last address it wrote; the client wrote those before it.

    Where that is no address, the proxy's own stands.
    """
    if settings.KMS_TRUSTED_PROXY:
        forwarded = parse_address(request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2])
        if forwarded:
            request.META["REMOTE_ADDR"] = forwarded


def parse_address(text: str) -> str:
    """The IP address in an element of X-Forwarded-For, as proxies write it: with a port, in brackets, with the zone of
    a link-local address, quoted, or IPv4 mapped to IPv6. In its usual form and without any of these; "" if it is none.
    """
    text = text.strip().strip('"')
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return ""
    try:
        address = ip_address(match["bracketed"] or match["plain"] or text)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address)))  # without its zone
    return str(address)


def is_api(request: HttpRequest) -> bool:
    """Whether the path belongs to clients and probes rather than to the console."""
    return API_PATH.match(request.path_info) is not None


class RequestId:
    """Gives each request the id by which its traces and log lines are found, and tells it to the caller."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.request_id = new_request_id()  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class SecurityHeaders:
    """Sets the headers of SEC-070 and SEC-071 on every answer. Nothing but static files may be stored anywhere."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.headers = headers_of_every_answer()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in self.headers.items():
            response[name] = value
        if not (request.path_info.startswith(settings.STATIC_URL) and response.status_code in {200, 206, 304}):
            response["Cache-Control"] = "no-store"
        if not response.streaming and not response.has_header("Content-Length"):
            response["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
        return response


class TrustedProxy:
    """Lets the rest see who is behind the proxy."""

    def __init__(self, get_response: Handler) -> None:
        if not settings.KMS_TRUSTED_PROXY:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name_the_client(request)
        return self.get_response(request)


class CleanPath:
    """Refuses a path with a NUL, which names nothing, and which not every database takes even to look for."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path_info:
            raise BadRequest
        return self.get_response(request)


class KnownHost:
    """Refuses a request for a host that is not ours before an address is built from it, whatever its path (SEC-072)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Probes come from inside and by whatever address they know; they are told nothing.
        if not request.path_info.endswith(("/healthz", "/readyz")):
            request.get_host()  # raises DisallowedHost
        return self.get_response(request)


class BoundedBody:
    """Refuses a request to a page by its announced length, before a byte of it is read (SEC-075).

    The API does the same in its own terms.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("The body is longer than any page accepts.")
        return self.get_response(request)


class ConsoleOnly:
    """Runs CONSOLE_MIDDLEWARE for pages and goes straight to the view for the API.

    Django calls `process_view` only on what stands in MIDDLEWARE, so it is passed on here (the CSRF check lives in it).
    The other hooks are not, and a middleware that has one is refused at start.
    """

    def __init__(self, get_response: Handler) -> None:
        self.api = get_response
        self.console = get_response
        self.view_hooks: list[Callable[..., HttpResponseBase | None]] = []
        for path in reversed(settings.CONSOLE_MIDDLEWARE):
            middleware = import_string(path)(self.console)
            if hasattr(middleware, "process_exception") or hasattr(middleware, "process_template_response"):
                raise ImproperlyConfigured(f"{path} needs a hook that CONSOLE_MIDDLEWARE does not offer.")
            if hasattr(middleware, "process_view"):
                self.view_hooks.insert(0, middleware.process_view)
            self.console = cast(Handler, convert_exception_to_response(_or_unavailable(middleware)))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.api(request) if is_api(request) else self.console(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        if is_api(request):
            return None
        for hook in self.view_hooks:
            response: HttpResponseBase | None = _or_unavailable(hook)(request, view, args, kwargs)
            if response is not None:
                return response
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a view raised. None leaves it to the framework, which takes it for a bug."""
        return unavailable(request, error)


def _or_unavailable(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Also sessions and who is signed in stand in the database."""

    @wraps(handler)
    def answer(request: HttpRequest, *args: Any) -> Any:
        try:
            return handler(request, *args)
        except Exception as error:
            response = unavailable(request, error)
            if response is None:
                raise
            return response

    return answer


def unavailable(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """The answer to a request that met a missing database or a full disk; None for any other error."""
    refusal = availability.unavailable(error)
    return None if refusal is None else refused_as_unavailable(request, refusal)


def refused_as_unavailable(request: HttpRequest, refusal: KmsError) -> HttpResponse:
    request_id = getattr(request, "request_id", "")
    if is_api(request):
        return error_response(refusal, request_id=request_id)
    return unavailable_page(refusal, request_id=request_id)

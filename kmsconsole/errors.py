"""The last answer: requests that reach no view, or whose view failed for a reason nobody foresaw.

Pages for people, the documented envelope for clients; a request id instead of a reason (SEC-065, SEC-078).
"""

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from kmsconsole.middleware import is_api
from operations import errors
from operations.errors import KmsError
from operations.rest import error_body


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 400, errors.URL_INVALID, strange_host=isinstance(exception, DisallowedHost))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 403, errors.NO_PERMISSION)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 404, errors.URL_INVALID)


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(request, 500, errors.INTERNAL)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Most often a page that stood open while its session ended, so the page says how to go on."""
    return render(request, "errors/csrf.html", {"request_id": _request_id(request)}, status=403)


def _answer(request: HttpRequest, status: int, code: errors.Code, **context: object) -> HttpResponse:
    if is_api(request):
        return JsonResponse(error_body(KmsError(code)), status=status)
    context |= {"request_id": _request_id(request)}
    return render(request, f"errors/{status}.html", context, status=status)


def _request_id(request: HttpRequest) -> str:
    return getattr(request, "request_id", "")

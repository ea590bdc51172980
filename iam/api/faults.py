"""Keystone's shape of an error, and what the service's own errors become in it.

Its clients read `message`; those of the cloud read `error_code` and `error_msg`. The same object serves both.
"""

from __future__ import annotations

from http import HTTPStatus

from django.http import JsonResponse

from operations import errors
from operations.errors import KmsError

_CODES = {
    400: "IAM.0007",
    401: "IAM.0001",
    403: "IAM.0003",
    404: "IAM.0004",
    405: "IAM.0005",
    413: "IAM.0008",
    429: errors.TOO_MANY_REQUESTS.code,
    503: errors.UNAVAILABLE.code,
}
_OTHER = "IAM.0006"

UNAUTHORIZED = "The request you have made requires authentication."
MUST_CHANGE_PASSWORD = "The password is valid for one use only: sign in to the console and change it."  # noqa: S105
NOT_FOUND = "The resource could not be found."
METHOD = "The method is not allowed for this resource."
BUSY = "Too many attempts. Try again later."
UNAVAILABLE = "The service is not available at the moment. Try again in a few seconds."
INTERNAL = "An unexpected error prevented the server from fulfilling the request."


class Fault(Exception):
    """One refusal, with the sentence that the client is told."""

    def __init__(self, status: int, message: str, *, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def malformed(message: str) -> Fault:
    return Fault(400, message)


def unauthorized() -> Fault:
    return Fault(401, UNAUTHORIZED)


def of_kms_error(error: KmsError) -> Fault:
    """Authentication, JSON and limits are judged by the same code as for the key service; only the words differ."""
    status = error.code.status
    if error.code is errors.BODY_TOO_LONG:
        return Fault(413, "The request is too large.")
    match status:
        case 400:
            return Fault(400, "The request body is not a JSON object.")
        case 401 if error.message != error.code.message:
            return Fault(401, error.message)  # a signature that expired: says so, with both times
        case 401:
            return unauthorized()
        case 405:
            return Fault(405, METHOD)
        case 429:
            return Fault(429, BUSY, retry_after=error.retry_after)
        case 503:
            return Fault(503, UNAVAILABLE, retry_after=error.retry_after)
        case _:
            return Fault(status, INTERNAL, retry_after=error.retry_after)


def answer(fault: Fault) -> JsonResponse:
    code = _CODES.get(fault.status, _OTHER)
    body = {
        "code": fault.status,
        "title": HTTPStatus(fault.status).phrase,
        "message": fault.message,
        "error_code": code,
        "error_msg": fault.message,
    }
    response = JsonResponse({"error": body}, status=fault.status)
    if fault.status == 401:
        response["WWW-Authenticate"] = "Keystone"
    if fault.retry_after:
        response["Retry-After"] = str(fault.retry_after)
    return response

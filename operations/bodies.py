"""The raw body of a request to the API: what is signed, and what is read."""

from __future__ import annotations

from django.http import HttpRequest

from operations import errors
from operations.errors import KmsError

MAX_BODY_BYTES = 64 * 1024


def body_of(request: HttpRequest) -> bytes:
    """Read once. Raises BODY_TOO_LONG, where the length is announced before anything is read (SEC-075)."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        raise KmsError(errors.BODY_TOO_LONG)
    return request.body

"""The raw body of a request to the API: what is signed, and what is read."""

from __future__ import annotations

from django.http import HttpRequest

from operations import errors
from operations.errors import KmsError

MAX_BODY_BYTES = 64 * 1024


def body_of(request: HttpRequest) -> bytes:
    """Read once. Raises BODY_TOO_LONG, where the length is announced before anything is read (SEC-075)."""
    if "HTTP_TRANSFER_ENCODING" in request.META and not hasattr(request, "_body"):
        # In chunks, its length known to nobody. Django takes that for no body at all; the web server knows its end.
        chunks = request.META["wsgi.input"].read(MAX_BODY_BYTES + 1)
        if len(chunks) > MAX_BODY_BYTES:
            raise KmsError(errors.BODY_TOO_LONG)
        request._body, request._read_started = chunks, True  # type: ignore[attr-defined]
    elif not hasattr(request, "_body"):
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            raise KmsError(errors.BODY_TOO_LONG)
    return request.body

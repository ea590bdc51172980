"""Signed requests: take the signed parts from HTTP and find the access key whose signature it is (SEC-046, SEC-047).

The date must be signed; a host is verified wherever it is signed, as the Credential dialect requires (decision 14).
Whatever is wrong but the time is refused with one and the same answer, and an unknown access key costs what a known one
does.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.http import HttpRequest

from iam import replay
from iam.models import AccessKey
from iam.services import access_keys
from iam.services.access_keys import UnknownAccessKey
from kmscrypto import request_signing as signature
from kmscrypto.request_signing import Authorization, Unsigned
from operations import clock, errors
from operations.bodies import body_of
from operations.changes import Memory
from operations.errors import KmsError
from vault.errors import Sealed

# Under which the web server says when a request arrived: it may have waited for a thread since.
ARRIVED_AT = "kms.arrived_at"
SKEW = timedelta(seconds=replay.SKEW_SECONDS)
# Algorithms of the cloud's SDKs: ours, and those that are answered with a refusal rather than as if nothing was sent.
_SCHEMES = ("SDK-", "V11-")
# What the web server calls the two headers that it does not prefix.
_UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_DECOY = b"\0" * 40


def is_signed(request: HttpRequest) -> bool:
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    return header.startswith(_SCHEMES)


def signer_of(request: HttpRequest, memory: Memory | None = None) -> AccessKey:
    """The access key that signed this request, with its owner. One query, or none where remembered.

    Raises SIGNATURE_INVALID, BODY_TOO_LONG; SEALED while no secret key can be opened.
    """
    body = body_of(request)
    arrived_at = request.META.get(ARRIVED_AT) or clock.now()
    try:
        authorization = signature.read(request.META["HTTP_AUTHORIZATION"])
        parts = _parts(request, authorization, body)
        signed_at = signature.signed_at(parts, authorization)
        _check_time(signed_at, arrived_at, parts.headers["x-sdk-date"])
        if request.META.get("HTTP_X_SECURITY_TOKEN"):
            # A security token names temporary credentials; there are none here.
            raise Unsigned
        signer = _judged(parts, authorization, memory)
    except Unsigned:
        raise KmsError(errors.SIGNATURE_INVALID) from None
    except Sealed as cause:
        raise KmsError(errors.SEALED) from cause
    until = int((signed_at + SKEW).timestamp())
    if replay.is_replay(authorization.signature, at=int(arrived_at.timestamp()), until=until):
        raise KmsError(errors.SIGNATURE_INVALID)
    access_keys.note_use(signer)
    return signer


def _check_time(signed_at: datetime, arrived_at: datetime, date: str) -> None:
    """`date`: as it was signed. Raises SIGNATURE_INVALID that names both times; they are no secret."""
    # Test mode moves the product's clock but not its clients': either will do. Elsewhere nothing is moved.
    if any(abs(arrived_at - moved - signed_at) <= SKEW for moved in (timedelta(), clock.offset())):
        return
    reason = "signature expired" if signed_at < arrived_at else "signature not yet valid"
    message = errors.SIGNATURE_INVALID.message.removesuffix(".")
    times = f"signed at {date}, server time {arrived_at:{signature.DATE_FORMAT}}"
    raise KmsError(errors.SIGNATURE_INVALID, message=f"{message}, {reason}: {times}.")


def _judged(parts: signature.Request, authorization: Authorization, memory: Memory | None) -> AccessKey:
    """The access key, if the signature is its own. Raises Unsigned, Sealed."""
    try:
        signer = access_keys.find(authorization.ak, memory)
    except UnknownAccessKey:
        signature.is_right(parts, authorization, _DECOY)
        raise Unsigned from None
    if not signature.is_right(parts, authorization, access_keys.secret_key(signer)):
        raise Unsigned
    if not access_keys.is_usable(signer):
        raise Unsigned
    return signer


def _parts(request: HttpRequest, authorization: Authorization, body: bytes) -> signature.Request:
    """The web server hands on no raw path. None is needed: what is signed is the decoded one, encoded anew."""
    headers = {}
    for name in (*authorization.signed_headers, "x-sdk-content-sha256"):
        value = request.META.get(_UNPREFIXED.get(name) or f"HTTP_{name.upper().replace('-', '_')}")
        if value is not None:
            headers[name] = value
    # Behind a trusted proxy this is the host that the client named to it.
    headers["host"] = request.get_host()
    return signature.Request(
        method=request.method or "",
        path=request.path,
        query=request.META.get("QUERY_STRING", ""),
        headers=headers,
        body=body,
    )

"""The signature `SDK-HMAC-SHA256` of a request, from its parts to yes or no (api.md 7). Pure: no clock, no database.

Two dialects name the same algorithm. `Access` is what the cloud's current SDKs send; `Credential`, older, is what its
Go clients send: there a day and a scope are signed too, and the key is derived from them.

What is signed is a function of what the service reads: the decoded path, the decoded query, the headers named, the
bytes of the body. Two things the algorithm leaves open: whether the path ends in a slash, and the order of the values
of one name in the query.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

ALGORITHM = "SDK-HMAC-SHA256"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
UNRESERVED = "-_.~"
# Without the date a signature would hold for ever.
_SIGNED_IN_ACCESS = frozenset({"x-sdk-date"})
# Every client of the Credential dialect signs the host. In the Access dialect the cloud's Go SDK does not.
_SIGNED_IN_CREDENTIAL = frozenset({"host", "x-sdk-date"})
# More than any client sends, and little enough to be read at no cost.
MAX_CHARACTERS = 4096

_HEADER_NAME = r"[a-z0-9!#$%&'*+.^`|~-]{1,128}"
_SCOPE = r"(?P<day>\d{8})/(?P<region>[\w.-]{0,64})/(?P<service>[\w.-]{0,64})/sdk_request"
_FORM = re.compile(
    rf"{ALGORITHM} (?:Access=(?P<access>\w{{1,64}})|Credential=(?P<credential>\w{{1,64}})/(?P<scope>{_SCOPE})), ?"
    rf"SignedHeaders=(?P<headers>{_HEADER_NAME}(?:;{_HEADER_NAME})*), ?"
    r"Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII)
_WHITE = " \t\r\n\f\v"
_RUN_OF_WHITE = re.compile(f"[{_WHITE}]+")


class Unsigned(Exception):
    """What was sent is no signature that this service knows, or leaves out what must be signed."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the Credential dialect signs beside the request; region and service may be empty."""

    day: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/sdk_request"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The header of that name, read. Without a scope it speaks the Access dialect."""

    ak: str
    signed_headers: tuple[str, ...]
    signature: str
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request that are signed.

    `path` is decoded; `query` is as received. Of `headers`, by lower-case name, and of `query` each character is one
    byte, as HTTP servers hand them on.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


def read(header: str) -> Authorization:
    """Raises Unsigned for any other form, for a header named twice, and where a header that must be signed is not."""
    match = _FORM.fullmatch(header) if len(header) <= MAX_CHARACTERS else None
    if match is None:
        raise Unsigned("This is no signature of a kind that is accepted.")
    names = tuple(match["headers"].split(";"))
    scope = Scope(match["day"], match["region"], match["service"]) if match["scope"] else None
    required = _SIGNED_IN_CREDENTIAL if scope else _SIGNED_IN_ACCESS
    if len(set(names)) != len(names) or not required.issubset(names):
        raise Unsigned("A header is signed twice, or one is not that must be.")
    return Authorization(match["access"] or match["credential"], names, match["signature"], scope)


def signed_at(request: Request, authorization: Authorization) -> datetime:
    """The time that was signed. Raises Unsigned if there is none, or if a scope names another day."""
    date = request.headers.get("x-sdk-date", "")
    digits = _DATE.fullmatch(date)
    if not digits or (authorization.scope and authorization.scope.day != date[:8]):
        raise Unsigned("X-Sdk-Date is missing, malformed or of another day.")
    try:
        year, month, day, hour, minute, second = map(int, digits.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise Unsigned("X-Sdk-Date is no time.") from None


def is_right(request: Request, authorization: Authorization, secret_key: bytes) -> bool:
    """Whether the holder of the secret key signed this request. In constant time; raises Unsigned as the others do."""
    expected = signature_of(request, authorization, secret_key)
    return hmac.compare_digest(expected, authorization.signature)


def signature_of(request: Request, authorization: Authorization, secret_key: bytes) -> str:
    """Lower-case hex. Raises Unsigned where a header that is said to be signed is not there."""
    date, scope = request.headers.get("x-sdk-date", ""), authorization.scope
    digest = hashlib.sha256(canonical(request, authorization)).hexdigest()
    if scope is None:
        return hmac.new(secret_key, "\n".join((ALGORITHM, date, digest)).encode(), hashlib.sha256).hexdigest()
    key = b"SDK" + secret_key
    for part in (scope.day, scope.region, scope.service, "sdk_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, "\n".join((ALGORITHM, date, str(scope), digest)).encode(), hashlib.sha256).hexdigest()


def canonical(request: Request, authorization: Authorization) -> bytes:
    """The canonical request: the one spelling of the request that both sides hash."""
    folds = authorization.scope is not None
    lines = [
        request.method.upper(),
        _path(request.path),
        _query(request.query),
        *(f"{name}:{_value(request.headers, name, folds=folds)}" for name in authorization.signed_headers),
        "",
        ";".join(authorization.signed_headers),
        _body(request),
    ]
    return "\n".join(lines).encode("latin-1")


def _path(path: str) -> str:
    # The SDKs decode the path before they split it: an encoded slash and a plain one are the same to them, as they are
    # to the service, which also routes by the decoded path.
    encoded = quote(path, safe=f"/{UNRESERVED}")
    return encoded if encoded.endswith("/") else f"{encoded}/"


def _query(query: str) -> str:
    try:
        pairs = parse_qsl(query.encode("latin-1").decode(), keep_blank_values=True, errors="strict")
    except UnicodeError:
        raise Unsigned("The query is not UTF-8.") from None
    # Sorted as they are read, not as they are written: ":" stands behind "0", "%3A" would stand before it.
    return "&".join(f"{quote(name, safe=UNRESERVED)}={quote(value, safe=UNRESERVED)}" for name, value in sorted(pairs))


def _body(request: Request) -> str:
    digest = hashlib.sha256(request.body).hexdigest()
    # A client may say the hash, even without signing it, but not another one (nor UNSIGNED-PAYLOAD).
    if request.headers.get("x-sdk-content-sha256", digest) != digest:
        raise Unsigned("X-Sdk-Content-Sha256 is not the hash of the body.")
    return digest


def _value(headers: Mapping[str, str], name: str, *, folds: bool) -> str:
    value = headers.get(name)
    if value is None:
        raise Unsigned("A signed header is missing.")
    value = value.strip(_WHITE)
    return _RUN_OF_WHITE.sub(" ", value) if folds else value

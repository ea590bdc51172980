"""The columns of a trace: one rule for what the table accepts, used when a trace is written and when it is read back.

PostgreSQL refuses a text that is longer than its column, a NUL, a lone surrogate and a number that is not finite;
SQLite accepts some of these. Values that a client sent are made to fit, so that no database refuses a trace and with it
the call.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from django.db.models import CharField

from operations import clock
from operations.caller import Caller
from operations.models import Rating, Trace

# More than any request of 64 KiB needs: a line of the journal is shorter.
MAX_LINE_BYTES = 256 * 1024

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_LENGTHS = {
    column.attname: column.max_length
    for column in Trace._meta.concrete_fields
    if isinstance(column, CharField) and column.max_length is not None
}
_DEFAULTS = {column.attname: column.get_default() for column in Trace._meta.concrete_fields}
_REQUIRED = frozenset({"id", "time", "name", "kind", "rating", "response_code"})
_MAX_RESPONSE_CODE = 32_767  # a PositiveSmallIntegerField

COLUMNS = tuple(_DEFAULTS)


class InvalidTrace(ValueError):
    """A journal line that cannot become a row of the table; the message says why and quotes nothing of it."""


def members(
    name: str,
    caller: Caller,
    *,
    rating: Rating = Rating.NORMAL,
    status: int = 200,
    code: str = "",
    message: str = "",
    resource: tuple[str, str, str] = ("", "", ""),
    request: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The column values of a new trace, each no longer than its column. `resource`: type, ID and name."""
    resource_type, resource_id, resource_name = resource
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "time": clock.now(),
        "name": name,
        "kind": caller.kind.value,
        "rating": rating.value,
        "account_id": caller.account_id,
        "project_id": caller.project_id,
        "region_id": caller.region_id,
        "user_id": caller.user_id,
        "user_name": caller.user_name,
        "source_ip": caller.source_ip,
        "agent": caller.agent,
        "request_id": caller.request_id,
        "resource_type": resource_type,
        "resource_id": resource_id,
        "resource_name": resource_name,
        "request": dict(request or {}),
        "response_code": status,
        "code": code,
        "message": message,
    }
    for column, length in _LENGTHS.items():
        if len(values[column]) > length:
            values[column] = values[column][:length]
    return values


def row(values: Mapping[str, Any]) -> Trace:
    """An unsaved row of these members, in a form that every database accepts."""
    return Trace(**{name: value if name in ("id", "time") else _storable(value) for name, value in values.items()})


def encode(values: Mapping[str, Any]) -> bytes:
    """The journal line of these members; `decode` reads it."""
    try:
        text = _ENCODER.encode(values)
    except ValueError:  # NaN or infinity
        text = _ENCODER.encode(_storable(values))
    # The encoder escapes what is not ASCII. Most lines hold neither a NUL nor half of a surrogate pair.
    if "\\u0000" in text or "\\ud" in text:
        text = _ENCODER.encode(_storable(values))
    if len(text) >= MAX_LINE_BYTES:
        text = _ENCODER.encode({**values, "request": {"omitted": "The request is too long for a trace."}})
    return text.encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The members of a journal line by column, missing optional ones as their defaults. Raises InvalidTrace.

    Unknown members are ignored: a newer version of the product may have written them.
    """
    try:
        found = json.loads(line.decode(), parse_constant=_refuse_number, parse_float=_finite)
    except InvalidTrace:
        raise
    except (ValueError, RecursionError):
        raise InvalidTrace("not JSON") from None
    if not isinstance(found, dict):
        raise InvalidTrace("not a JSON object")
    if missing := sorted(_REQUIRED - found.keys()):
        raise InvalidTrace(f"without {missing[0]}")
    values = {name: found.get(name, default) for name, default in _DEFAULTS.items()}
    for column, length in _LENGTHS.items():
        if not isinstance(values[column], str):
            raise InvalidTrace(f"{column} is not a text")
        if len(values[column]) > length:
            raise InvalidTrace(f"{column} is too long")
    if values["rating"] not in Rating.values:
        raise InvalidTrace("rating is unknown")
    code = values["response_code"]
    if type(code) is not int or not 0 <= code <= _MAX_RESPONSE_CODE:
        raise InvalidTrace("response_code is not a status code")
    if not isinstance(values["request"], dict):
        raise InvalidTrace("request is not an object")
    if b"\\u" in line and _storable(values) != values:
        raise InvalidTrace("a text holds a character that no database accepts")
    return values | {"id": _uuid(values["id"]), "time": _time(values["time"])}


def _uuid(value: Any) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise InvalidTrace("id is not a UUID") from None


def _time(value: Any) -> datetime:
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo is None:
            raise InvalidTrace("time has no time zone")
        return time.astimezone(UTC)
    except InvalidTrace:
        raise
    except (ValueError, TypeError, OverflowError):
        raise InvalidTrace("time is not a time") from None


def _storable(value: Any) -> Any:
    """The same value with NULs, lone surrogates and numbers that are not finite replaced, at any depth."""
    if isinstance(value, str):
        text = value.replace("\0", _REPLACEMENT)
        return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {_storable(name): _storable(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(member) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _refuse_number(name: str) -> NoReturn:
    raise InvalidTrace("a number is not finite")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidTrace("a number is not finite")
    return number


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_plain, allow_nan=False)

"""`--expires`: when imported material stops working, as a span from now or as a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from kmsimport.faults import Fault, usage

_SPAN = re.compile(r"(?P<count>[1-9][0-9]{0,5})(?P<unit>[mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
# The service takes nothing from the year 9999 on.
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


def parse(text: str, *, now: datetime) -> datetime:
    """`30d`, `12h`, `90m`, `4w`, or an ISO 8601 moment with its zone. Whole seconds. Raises a Fault of USAGE."""
    span = _SPAN.fullmatch(text)
    try:
        at = now + timedelta(**{_UNITS[span["unit"]]: int(span["count"])}) if span else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise _unreadable(text) from None
    if at.tzinfo is None:
        raise usage(f"--expires {text}: in which time zone?", "Add it, as in 2027-01-31T00:00Z or +01:00.")
    if at <= now:
        raise usage(f"--expires {text}: that is in the past.")
    if at >= _LATEST:
        raise usage(f"--expires {text}: that is too far away.", "Leave it out for material that never expires.")
    return at.astimezone(UTC).replace(microsecond=0)


def iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unreadable(text: str) -> Fault:
    return usage(f"--expires {text[:40]}: not a time.", "As in 30d, 12h, 90m, 4w, or 2027-01-31T00:00Z.")

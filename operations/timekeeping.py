"""The high-water mark of time: nothing is erased by a clock that jumped ahead, and nothing that has expired is usable
again when the clock is set back (SEC-082, docs/decisions/0014-a-clock-that-jumps.md).

The mark is the latest time that was believed. Jobs that act on due dates call `observe` first, by `on_trusted_clock`:
it moves the mark along, or finds that the machine's clock cannot be believed, and then they wait. Expiry is judged by
`latest()`, which never falls behind the mark. Test mode moves time on purpose and believes every clock.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction

from operations import clock
from operations.caller import system
from operations.clock import Reading
from operations.models import ClockMark, Rating
from operations.trail import record_event

log = logging.getLogger(__name__)

Result = TypeVar("Result")

MAX_BEHIND = timedelta(minutes=5)
# A clock that is ahead is believed when it has been so for a day by the machine's uptime, which nobody can set.
BELIEVED_AFTER = timedelta(days=1)
NOTED_EVERY = timedelta(seconds=30)
NOTED_BY_WRITES_EVERY = timedelta(minutes=10)
READ_EVERY_SECONDS = 60.0

_ROW = 1


class Doubt(StrEnum):
    """Why the machine's clock is not believed."""

    AHEAD = "ahead"
    BEHIND = "behind"


_WARNINGS = {
    Doubt.AHEAD: (
        "The clock is far ahead of the last time that was noted: nothing is erased, deleted or rotated before"
        " `manage.py confirm_clock` is run or a day has passed."
    ),
    Doubt.BEHIND: (
        "The clock is behind the last time that was noted: nothing is erased, deleted or rotated before it has caught"
        " up or `manage.py confirm_clock` is run."
    ),
}


def latest() -> datetime:
    """The present, or the mark where the machine's clock has been set back behind it: what expiry is judged by."""
    return clock.now() + _lag()


def observe(*, every: timedelta = NOTED_EVERY) -> Doubt | None:
    """Moves the mark to the machine's clock, if that can be believed; says why not otherwise.

    A mark that was moved less than `every` ago is left as it is: that costs one read. The first time, there is nothing
    to compare the clock with, and it is believed.
    """
    if settings.KMS_TEST_MODE:
        return None
    reading = clock.machine()
    mark = _mark()
    if mark is not None and reading.boot_id not in mark.doubted and -MAX_BEHIND <= reading.time - mark.at < every:
        return None
    with transaction.atomic():
        if mark is None:
            ClockMark.objects.get_or_create(pk=_ROW, defaults=_as_columns(reading))
        mark = ClockMark.objects.select_for_update().get(pk=_ROW)
        doubt = _doubt(mark, reading)
        if doubt is Doubt.AHEAD and _has_waited(mark, reading):
            _believe(mark, reading, "acceptClock", f"It has been ahead for {_hours(BELIEVED_AFTER)} of uptime.")
            doubt = None
        elif doubt is None:
            _move(mark, reading)
        else:
            _wait(mark, reading, doubt)
    _remember(mark)
    return doubt


def note() -> None:
    """As `observe`, by some of the writes of users: the mark moves along while no job runs, and a write waits for it
    once in ten minutes at the most."""
    observe(every=NOTED_BY_WRITES_EVERY)


def doubt() -> Doubt | None:
    """As `observe`, and changes nothing: for readiness, which keeps this process's memory of the mark fresh as well."""
    if settings.KMS_TEST_MODE:
        return None
    mark = _mark()
    _remember(mark)
    return None if mark is None else _doubt(mark, clock.machine())


def confirm() -> tuple[datetime | None, datetime]:
    """By the operator: the machine's clock is right, whatever the mark says. Returns the mark before and after."""
    reading = clock.machine()
    with transaction.atomic():
        mark = ClockMark.objects.select_for_update().filter(pk=_ROW).first()
        before = mark.at if mark else None
        mark = mark or ClockMark(pk=_ROW, **_as_columns(reading))
        _believe(mark, reading, "confirmClock", "An operator has confirmed the clock.")
    _remember(mark)
    return before, reading.time


def on_trusted_clock(task: Callable[[], Result]) -> Callable[[], Result | None]:
    """A task that acts on due dates: it does nothing, and returns None, while the clock cannot be believed."""

    @wraps(task)
    def guarded() -> Result | None:
        return None if observe() else task()

    return guarded


def warning() -> str:
    """One sentence for readiness; empty while the clock is believed."""
    found = doubt()
    return _WARNINGS[found] if found else ""


def forget() -> None:
    """Drops this process's memory of the mark."""
    _known.clear()


# --- one row ----------------------------------------------------------------------------------------------------------

_known: dict[int, tuple[float, datetime | None]] = {}


def _lag() -> timedelta:
    """How far the machine's clock is behind the mark, which this process reads once a minute."""
    if settings.KMS_TEST_MODE:
        return timedelta()
    read_at, at = _known.get(_ROW, (None, None))
    if read_at is None or time.monotonic() - read_at > READ_EVERY_SECONDS:
        at = _remember(_mark())
    return timedelta() if at is None else max(timedelta(), at - clock.machine().time)


def _remember(mark: ClockMark | None) -> datetime | None:
    at = mark.at if mark else None
    _known[_ROW] = time.monotonic(), at
    return at


def _mark() -> ClockMark | None:
    return ClockMark.objects.filter(pk=_ROW).first()


def _as_columns(reading: Reading) -> dict[str, Any]:
    return {"at": reading.time, "read_at": reading.time, "boot_id": reading.boot_id, "uptime": reading.uptime}


def _doubt(mark: ClockMark, reading: Reading) -> Doubt | None:
    if mark.at - reading.time > MAX_BEHIND:
        return Doubt.BEHIND
    expected = mark.at
    if mark.boot_id == reading.boot_id:
        # By uptime: the product may have been switched off and the machine not, and many small jumps make a large one.
        expected = mark.read_at + timedelta(seconds=reading.uptime - mark.uptime)
    return Doubt.AHEAD if reading.time - expected > settings.KMS_MAX_CLOCK_JUMP else None


def _has_waited(mark: ClockMark, reading: Reading) -> bool:
    since = mark.doubted.get(reading.boot_id)
    return since is not None and reading.uptime - since >= BELIEVED_AFTER.total_seconds()


def _wait(mark: ClockMark, reading: Reading, doubt: Doubt) -> None:
    is_new = reading.boot_id not in mark.doubted
    since = mark.doubted.get(reading.boot_id) or reading.uptime
    mark.doubted[reading.boot_id] = since if doubt is Doubt.AHEAD else None
    mark.save(update_fields=["doubted"])
    if is_new:
        log.error("%s", _WARNINGS[doubt])
        _report("doubtClock", mark.at, reading, Rating.INCIDENT, f"The clock is {doubt}: jobs that act on dates wait.")


def _move(mark: ClockMark, reading: Reading) -> None:
    if reading.boot_id in mark.doubted:
        del mark.doubted[reading.boot_id]
        log.warning("The clock is believed again.")
    # A clock that another machine believes speaks against those that are not believed: their day begins anew.
    mark.doubted = dict.fromkeys(mark.doubted)
    mark.at = max(mark.at, reading.time)
    if mark.boot_id != reading.boot_id or reading.uptime - mark.uptime >= BELIEVED_AFTER.total_seconds():
        mark.read_at, mark.boot_id, mark.uptime = reading.time, reading.boot_id, reading.uptime
    mark.save()


def _believe(mark: ClockMark, reading: Reading, trace: str, why: str) -> None:
    _report(trace, mark.at, reading, Rating.WARNING, why)
    for column, value in _as_columns(reading).items():
        setattr(mark, column, value)
    mark.doubted = {}
    mark.save()
    log.warning("The clock is believed from now on. %s", why)


def _report(name: str, mark: datetime, reading: Reading, rating: Rating, message: str) -> None:
    times = {"clock": reading.time.isoformat(timespec="seconds"), "last_noted": mark.isoformat(timespec="seconds")}
    status = 500 if rating is Rating.INCIDENT else 200
    record_event(
        name, system(), rating=rating, status=status, message=message, resource=("clock", "", ""), request=times
    )


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.0f} hours"

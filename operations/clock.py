"""The only clock. Everything the product decides by time asks `now()`; nothing else reads the system's clock.

`machine()` is what the machine says of time, unmoved; `operations.timekeeping` judges by it whether the clock can be
believed.

In test mode the running product's clock can be moved: the offset stands in a file under KMS_HOME, so that every process
of one installation sees the same time. Outside test mode the file is never looked at.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from django.conf import settings

FILE_NAME = "clock-offset"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Reading:
    """The machine's clock, and for how many seconds it has been up since which start: nobody can set that."""

    time: datetime
    boot_id: str
    uptime: float


def now() -> datetime:
    """The present, aware, UTC."""
    return _source()


def epoch_seconds() -> int:
    return int(now().timestamp())


def machine() -> Reading:
    """The machine's own clock, whatever test mode or a test makes of `now`."""
    return _machine()


def offset() -> timedelta:
    """How far test mode has moved the clock; zero outside test mode."""
    if not getattr(settings, "KMS_TEST_MODE", False):
        return timedelta()
    try:
        return timedelta(seconds=float(_file().read_text() or 0))
    except (FileNotFoundError, ValueError):  # a file that holds no number moves nothing
        return timedelta()


def set_offset(value: timedelta) -> None:
    """Moves the clock of every process of this installation. Only the test-mode command calls this."""
    path = _file()
    partial = path.with_suffix(".new")
    partial.write_text(str(value.total_seconds()))
    partial.replace(path)


def use(source: Callable[[], datetime]) -> Callable[[], datetime]:
    """Replaces the source of time for tests and returns the one before it."""
    global _source
    before, _source = _source, source
    return before


def use_machine(source: Callable[[], Reading]) -> Callable[[], Reading]:
    """As `use`, for `machine`."""
    global _machine
    before, _machine = _machine, source
    return before


def _file() -> Path:
    return Path(settings.KMS_HOME) / FILE_NAME


def _system() -> datetime:
    return datetime.now(UTC) + offset()


def _read_machine() -> Reading:
    # Counts while the machine sleeps, too. Where there is no such clock, one that stands then is good enough.
    return Reading(
        datetime.now(UTC), _boot_id(), time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    )


@cache
def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return str(uuid.uuid4())  # each process counts for itself


_source: Callable[[], datetime] = _system
_machine: Callable[[], Reading] = _read_machine

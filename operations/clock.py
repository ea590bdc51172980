"""The only clock. Everything the product decides by time asks `now()`; nothing else reads the system's clock.

In test mode the running product's clock can be moved: the offset stands in a file under KMS_HOME, so that every process
of one installation sees the same time. Outside test mode the file is never looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

FILE_NAME = "clock-offset"


def now() -> datetime:
    """The present, aware, UTC."""
    return _source()


def epoch_seconds() -> int:
    return int(now().timestamp())


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


def _file() -> Path:
    return Path(settings.KMS_HOME) / FILE_NAME


def _system() -> datetime:
    return datetime.now(UTC) + offset()


_source: Callable[[], datetime] = _system

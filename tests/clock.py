"""The only fake: a clock that stands until it is told to move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from operations import clock

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class FrozenClock:
    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        self.at += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)

    def __enter__(self) -> FrozenClock:
        self._before = clock.use(self)
        return self

    def __exit__(self, *error: object) -> None:
        clock.use(self._before)

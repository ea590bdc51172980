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

    def advance(self, **span: float) -> None:
        """By `days`, `hours`, `minutes`, `seconds` as timedelta takes them."""
        self.at += timedelta(**span)

    def seconds(self) -> int:
        """Since the epoch, as the wire has times."""
        return int(self.at.timestamp())

    def __enter__(self) -> FrozenClock:
        self._before = clock.use(self)
        return self

    def __exit__(self, *error: object) -> None:
        clock.use(self._before)

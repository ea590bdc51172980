"""The only fake: a clock that stands until it is told to move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from operations import clock, timekeeping
from operations.clock import Reading

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


class Machine:
    """A machine whose clock can be set, and whose uptime cannot. The product's clock follows it."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at, self.uptime, self.boot = at, 1000.0, 1

    def let_pass(self, **span: float) -> None:
        """Real time, by clock and uptime."""
        self.at += timedelta(**span)
        self.uptime += timedelta(**span).total_seconds()

    def set_clock(self, **span: float) -> None:
        """The clock alone, forward or back."""
        self.at += timedelta(**span)

    def switch_off(self, **span: float) -> None:
        self.at += timedelta(**span)
        self.uptime, self.boot = 10.0, self.boot + 1

    def read(self) -> Reading:
        return Reading(self.at, f"boot-{self.boot}", self.uptime)

    def __enter__(self) -> Machine:
        self._before = clock.use_machine(self.read), clock.use(lambda: self.at)
        timekeeping.forget()
        return self

    def __exit__(self, *error: object) -> None:
        machine, source = self._before
        clock.use_machine(machine)
        clock.use(source)
        timekeeping.forget()

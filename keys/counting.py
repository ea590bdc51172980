"""How many keys a list has, without counting a million rows for every page of it.

A count holds until a key of the project changes, or until time itself changes one: material expires, or a waiting
period ends. Both are known: the first by the memory the count is kept in, the second by the dates in the rows.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from keys.models import Key
from operations import timekeeping
from operations.caller import Caller


@dataclass(frozen=True, slots=True)
class Count:
    """A number of keys, as true from `made_at` until `holds_until`; None: until something changes."""

    number: int
    made_at: datetime
    holds_until: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.made_at <= at and (self.holds_until is None or at < self.holds_until)


def total(caller: Caller, keys: QuerySet[Key], *, question: Hashable) -> int:
    """The number of these keys of the caller's project. `question`: all that made the selection, but for the time."""
    at = timekeeping.latest()
    if caller.memory is None:
        return keys.count()
    place = "count", question
    counted: Count = caller.memory.recall(place, lambda: _count(caller.project_id, keys, at))
    if not counted.holds(at):
        caller.memory.entries.pop(place, None)
        counted = caller.memory.recall(place, lambda: _count(caller.project_id, keys, at))
    return counted.number


def _count(project_id: str, keys: QuerySet[Key], at: datetime) -> Count:
    moments = [_next(project_id, name, at) for name in ("scheduled_deletion_at", "material_expires_at")]
    return Count(keys.count(), at, min((moment for moment in moments if moment is not None), default=None))


def _next(project_id: str, name: str, at: datetime) -> datetime | None:
    later = Key.objects.filter(project=project_id, **{f"{name}__gt": at}).order_by(name)
    return later.values_list(name, flat=True).first()

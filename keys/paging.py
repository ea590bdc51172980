"""Pages of a sorted list of keys, by position and not by offset.

A cursor names the last row that was shown: its value in the sorted column and its number. The next page starts behind
it, so keys that are made or deleted meanwhile neither repeat nor hide another, and page 10,000 costs what page 1 costs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, F, PositiveSmallIntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable

from keys.models import Key
from keys.states import State
from operations import timekeeping

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Stand for "never expires", which comes last in either direction.
_LAST_UPWARDS = datetime(9000, 1, 1, tzinfo=UTC)
_LAST_DOWNWARDS = _EPOCH


def _text(value: Any) -> str:
    return str(value)


def _moment(value: datetime) -> str:
    return str((value - _EPOCH) // timedelta(microseconds=1))


def _read_text(text: str) -> str:
    if "\x00" in text or len(text) > 255:
        raise ValueError("no value of a column")
    return text


def _read_number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise ValueError("no number of a row")
    return int(text)


def _read_moment(text: str) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=_read_number(text))
    except OverflowError as cause:
        raise ValueError("no moment") from cause


def _column(name: str) -> Callable[[datetime, bool], Combinable]:
    return lambda at, descending: F(name)


def _state_now(at: datetime, descending: bool) -> Combinable:
    """`Key.state_now` as the database sees it."""
    expired = When(material_expires_at__lte=at, state__in=(State.ENABLED, State.DISABLED), then=State.PENDING_IMPORT)
    return Case(expired, default=F("state"), output_field=PositiveSmallIntegerField())


def _expiration(at: datetime, descending: bool) -> Combinable:
    """What has expired counts as what never does: there is no date to show any more."""
    last = Value(_LAST_DOWNWARDS if descending else _LAST_UPWARDS, output_field=DateTimeField())
    return Case(When(material_expires_at__gt=at, then=F("material_expires_at")), default=last)


@dataclass(frozen=True, slots=True)
class Order:
    """A column that can be sorted by, and how its values stand in a cursor."""

    expression: Callable[[datetime, bool], Combinable]
    write: Callable[[Any], str] = _text
    read: Callable[[str], Any] = _read_text


ORDERS: Mapping[str, Order] = {
    # The number of a row is its place in the order of creation.
    "created": Order(_column("pk"), read=_read_number),
    "alias": Order(_column("alias")),
    "status": Order(_state_now, read=_read_number),
    "expiration": Order(_expiration, write=_moment, read=_read_moment),
    "algorithm": Order(_column("spec_name")),
    "origin": Order(_column("origin")),
}
DEFAULT_SORT = "-created"


@dataclass(frozen=True, slots=True)
class Sort:
    name: str
    descending: bool

    @classmethod
    def read(cls, text: str) -> Sort:
        """`alias` or, downwards, `-alias`; newest first for anything else."""
        name = text.removeprefix("-")
        return cls(name, text.startswith("-")) if name in ORDERS else cls.read(DEFAULT_SORT)

    def __str__(self) -> str:
        return f"-{self.name}" if self.descending else self.name

    @property
    def opposite(self) -> Sort:
        return Sort(self.name, not self.descending)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows: behind `row`, or before it."""

    value: Any
    row: int
    backwards: bool = False

    @classmethod
    def read(cls, text: str, sort: Sort, *, backwards: bool) -> Cursor | None:
        """None for what is no cursor of this order: the list then starts from its beginning."""
        number, separator, value = text.partition("~")
        try:
            return cls(ORDERS[sort.name].read(value), _read_number(number), backwards) if separator else None
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class KeyPage:
    """`first` counts from 1; the cursors are texts for a link, empty where there is no such page."""

    keys: Sequence[Key]
    total: int
    first: int
    previous: str
    next: str

    @property
    def last(self) -> int:
        return self.first + len(self.keys) - 1


def page(
    keys: QuerySet[Key],
    *,
    sort: Sort,
    cursor: Cursor | None,
    size: int,
    at: datetime | None = None,
    total: int | None = None,
) -> KeyPage:
    """`size` keys behind the cursor, or before it. Three queries, whatever the number of keys and the page.

    `total`: how many keys there are, from who knows it already.
    """
    order = ORDERS[sort.name]
    ordered = keys.annotate(place=order.expression(at or timekeeping.latest(), sort.descending))
    backwards = cursor is not None and cursor.backwards
    downwards = sort.descending is not backwards
    wanted = ordered if cursor is None else ordered.filter(_beyond(cursor.value, cursor.row, downwards=downwards))
    found = list(wanted.order_by(*(("-place", "-pk") if downwards else ("place", "pk")))[: size + 1])
    if not found and cursor is not None:
        return page(keys, sort=sort, cursor=None, size=size, at=at, total=total)  # what was there is gone
    more, rows = len(found) > size, found[:size]
    if backwards:
        rows.reverse()

    def mark(key: Key) -> str:
        return f"{key.pk}~{order.write(key.place)}"  # type: ignore[attr-defined]

    has_previous = more if backwards else cursor is not None
    has_next = cursor is not None if backwards else more
    before = 0
    if rows and has_previous:
        top = rows[0]
        before = ordered.filter(_beyond(top.place, top.pk, downwards=not sort.descending)).count()
    return KeyPage(
        keys=rows,
        total=keys.count() if total is None else total,
        first=before + 1,
        previous=mark(rows[0]) if rows and has_previous and before else "",
        next=mark(rows[-1]) if rows and has_next else "",
    )


def _beyond(place: Any, row: int, *, downwards: bool) -> Q:
    """The rows that come after this one. Written so that an index on the column is entered at the place itself."""
    if downwards:
        return Q(place__lte=place) & (Q(place__lt=place) | Q(pk__lt=row))
    return Q(place__gte=place) & (Q(place__gt=place) | Q(pk__gt=row))

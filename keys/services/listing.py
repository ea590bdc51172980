"""Describing and listing keys. The order is that of creation, newest first; a marker is a position in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, QuerySet

from keys import counting, queries
from keys.locate import InProject
from keys.models import Key
from keys.states import State
from operations.caller import Caller

Row = TypeVar("Row", bound=Model)

DEFAULT_LIMIT = 1000
# A marker from here on is the position of a row. A smaller one is an offset, as all of the original's markers are and
# the example in its manual has one; we answer none.
POSITIONS = 10**12


@dataclass(frozen=True, slots=True)
class KeyPage:
    keys: list[Key]
    next_marker: str
    total: int


def describe_key(caller: Caller, key: Key) -> Key:
    return key


def view_keys(caller: Caller, project: InProject) -> QuerySet[Key]:
    """Not yet read: whoever asked narrows it down first."""
    return queries.visible_keys(caller)


def list_keys(
    caller: Caller,
    project: InProject,
    *,
    limit: int | None,
    marker: int | None,
    key_state: str | None,
    key_spec: str | None,
    enterprise_project_id: str | None,
) -> KeyPage:
    keys = queries.visible_keys(caller)
    if key_state is not None:
        # State 1 is reserved and never used: no key is in it.
        keys = queries.in_state(keys, State(int(key_state))) if key_state != "1" else keys.none()
    if key_spec not in (None, "ALL"):
        keys = keys.filter(spec_name=key_spec)
    if enterprise_project_id and enterprise_project_id != "all":
        keys = keys.filter(enterprise_project_id=enterprise_project_id)
    question = caller.rights.reach("kms:cmk:list"), key_state, key_spec, enterprise_project_id
    page, next_marker = cut(keys, limit=limit, marker=marker)
    queries.attach_project(caller, page)
    return KeyPage(page, next_marker, counting.total(caller, keys, question=question))


def cut(rows: QuerySet[Row], *, limit: int | None, marker: int | None) -> tuple[list[Row], str]:
    """One page of rows, newest first, and the marker of the next; "" on the last. One query.

    A row made meanwhile neither repeats nor hides another: a marker of ours names the last row shown.
    """
    limit, offset = limit or DEFAULT_LIMIT, marker or 0
    if offset >= POSITIONS:
        rows, offset = rows.filter(pk__lt=offset - POSITIONS), 0
    found = list(rows.order_by("-pk")[offset : offset + limit + 1])
    page = found[:limit]
    return page, str(POSITIONS + page[-1].pk) if len(found) > limit else ""

"""Finding what is due, for jobs: page by page in the order of the due date, so that rows which fail hold up none; and
deleting what is past its use."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)

PAGE_ROWS = 100
# A sweep ends by itself before its task is killed for lasting too long; the next one goes on.
LONGEST_SECONDS = 200.0
PURGE_ROWS = 500


def each(rows: QuerySet[Row], *, by: str) -> Iterator[Row]:
    """Every row once, ordered by the column `by`, which has an index. Rows may change or go between two of them."""
    until = time.monotonic() + LONGEST_SECONDS
    ordered = rows.order_by(by, "pk")
    page = list(ordered[:PAGE_ROWS])
    while page:
        for row in page:
            if time.monotonic() > until:
                return
            yield row
        page = list(ordered.filter(_behind(by, page[-1]))[:PAGE_ROWS]) if len(page) == PAGE_ROWS else []


def _behind(by: str, row: Any) -> Q:
    place = getattr(row, by)
    return Q(**{f"{by}__gte": place}) & (Q(**{f"{by}__gt": place}) | Q(pk__gt=row.pk))


def purge(rows: QuerySet[Row]) -> int:
    """Delete the rows in batches, each in a short transaction; return how many. A row that was changed since it was
    read, so that it no longer belongs to `rows`, stays.
    """
    until = time.monotonic() + LONGEST_SECONDS
    purged = 0
    while time.monotonic() < until:
        keys = list(rows.values_list("pk", flat=True)[:PURGE_ROWS])
        if not keys:
            break
        with transaction.atomic():
            _total, deleted = rows.filter(pk__in=keys).delete()
        purged += deleted.get(rows.model._meta.label, 0)
    return purged

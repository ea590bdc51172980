"""A new version of a project's key for what is sealed from now on; the old one goes when nothing is under it (SEC-004).

Four steps, each a transaction of its own that may be repeated, killed or run twice at once: `rotate` adds the version,
`rewrap` moves some rows to it, `erase` destroys the old version. Until then both open.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from operations import clock
from vault import hierarchy, holdings, keyring, sealing
from vault.errors import OpenFailed
from vault.holdings import SealedColumn
from vault.models import ProjectKey

log = logging.getLogger(__name__)

BATCH = 500
# Whoever read a row before it was re-wrapped may still want the version that it names.
ERASED_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Limits:
    """When a version has served its time, whichever comes first."""

    wraps: int = 2**32
    age: timedelta = timedelta(days=365)


LIMITS = Limits()


def due(limits: Limits | None = None) -> QuerySet[ProjectKey]:
    """The current versions that have served their time."""
    limits = limits or LIMITS
    spent = Q(wraps__gte=limits.wraps) | Q(created_at__lte=clock.now() - limits.age)
    return ProjectKey.objects.filter(spent, retired_at=None)


def replaced() -> QuerySet[ProjectKey]:
    """The versions that seal no more and are still there."""
    return ProjectKey.objects.filter(retired_at__isnull=False).order_by("created_at", "pk")


@transaction.atomic
def rotate(region: str, project: str, *, limits: Limits | None = None) -> ProjectKey | None:
    """The new version; None if the current one is not due, or not any more. Raises Sealed."""
    canary = hierarchy.lock_canary()
    # Waits for those who are sealing with it (`hierarchy.project_key`): what they seal is committed after this line.
    old = due(limits).select_for_update().filter(region=region, project=project).first()
    if old is None:
        return None
    ProjectKey.objects.filter(pk=old.pk).update(retired_at=clock.now())
    new = ProjectKey(region=region, project=project, version=old.version + 1, created_at=clock.now())
    keyring.wrap_new_key(new, under=keyring.root(canary.root_id)).save(force_insert=True)
    return new


def references(key: ProjectKey) -> int:
    """How many values are still sealed under this version."""
    return sum(column.under(key).count() for column in holdings.columns())


@transaction.atomic
def rewrap(key: ProjectKey) -> int:
    """Seals a batch of values under `key` anew, with the current version; returns how many. Raises Sealed.

    A row that does not open is left as it is, and keeps the old version. One that somebody holds is for next time.
    """
    done = 0
    for column in holdings.columns():
        for row in _locked(column, key):
            done += _rewrap(column, row)
            if done >= BATCH:
                return done
    return done


def may_be_erased(key: ProjectKey) -> bool:
    return key.retired_at is not None and key.retired_at <= clock.now() - ERASED_AFTER and not references(key)


@transaction.atomic
def erase(key: ProjectKey) -> bool:
    """Destroys a replaced version that nothing is sealed under; whether it did."""
    old = replaced().select_for_update().filter(pk=key.pk).first()
    if old is None or not may_be_erased(old):
        return False
    # Overwritten first, as everything that is erased is (SEC-036).
    ProjectKey.objects.filter(pk=old.pk).update(wrapped=bytes(len(old.wrapped)))
    old.delete()
    return True


def _locked(column: SealedColumn, key: ProjectKey) -> Iterator[Any]:
    """Rows under the key, locked, page by page past those that do not open."""
    rows = column.under(key).select_related(*column.related.split()).order_by("pk")
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(of=("self",), skip_locked=True)
    last = None
    while page := list((rows if last is None else rows.filter(pk__gt=last))[:BATCH]):
        yield from page
        last = page[-1].pk


def _rewrap(column: SealedColumn, row: Any) -> bool:
    binding = column.binding(row)
    try:
        plaintext = sealing.open(binding, bytes(getattr(row, column.field)))
    except OpenFailed:
        log.error("a sealed value does not open", extra={"table": column.model._meta.label, "row": str(row.pk)})
        return False
    column.model._default_manager.filter(pk=row.pk).update(**{column.field: sealing.seal(binding, plaintext)})
    return True

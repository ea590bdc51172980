"""Fills the administrator's project with many keys, quickly: `python -m benchmarks.fill COUNT`.

The first key is made by the models; the others are copies of its rows with names, times and sealed material of their
own, for a million rows by way of the models take long.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import django
from django.core.management.color import no_style
from django.db import connection, models, transaction

if TYPE_CHECKING:
    from keys.models import Key

BATCH = 10_000


def fill(count: int, *, expiring: bool = False) -> None:
    """Enabled keys with real material; if `expiring`, imported and gone in a year."""
    from keys.models import Key

    before = Key.objects.count()
    first = _first(before, expiring=expiring)
    for start in range(1, count, BATCH):
        with transaction.atomic():
            _add_copies(first, before, range(start, min(start + BATCH, count)))


def _first(number: int, *, expiring: bool) -> Key:
    from keys import material
    from keys.models import Alias, Key
    from keys.states import Origin, State
    from operations import clock
    from projects.models import Project

    project, began = Project.objects.get(), clock.now()
    with transaction.atomic():
        key = Key.objects.create(
            project=project,
            alias=_name(number),
            spec_name="AES_256",
            usage="ENCRYPT_DECRYPT",
            origin=Origin.EXTERNAL if expiring else Origin.KMS,
            state=State.ENABLED,
            created_at=began,
            material_expires_at=began + timedelta(days=365) if expiring else None,
        )
        Alias.objects.create(
            project=project, key=key, name=key.alias, is_primary=True, created_at=began, updated_at=began
        )
        material.store(key, secrets.token_bytes(32))
    return key


def _add_copies(first: Key, before: int, numbers: range) -> None:
    from keys import material
    from keys.models import Alias, Key, KeyVersion, new_key_id
    from vault import sealing

    version, alias = first.versions.get(), first.aliases.get()
    keys, aliases, versions = [], [], []
    for number in numbers:
        key = Key(pk=first.pk + number, key_id=new_key_id(), alias=_name(before + number), project=first.project)
        key.created_at = first.created_at + timedelta(microseconds=number)
        sealed = sealing.seal(material.binding(key, 1), secrets.token_bytes(32))
        row = {"id": key.pk, "key_id": key.key_id, "alias": key.alias, "created_at": _time(key.created_at)}
        if first.material_expires_at:
            row["material_expires_at"] = _time(first.material_expires_at + timedelta(microseconds=number))
        keys.append(row)
        aliases.append({"id": alias.pk + number, "key_id": key.pk, "name": key.alias})
        versions.append({"id": version.pk + number, "key_id": key.pk, "material_sealed": sealed})
    _copy(first, keys)
    _copy(alias, aliases)
    _copy(version, versions)
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Key, Alias, KeyVersion]):
            cursor.execute(statement)


def _copy(original: models.Model, rows: Iterable[dict[str, Any]]) -> None:
    """The same row once more for each of `rows`, which are by column what differs."""
    rows = list(rows)
    table, columns = original._meta.db_table, [field.column for field in original._meta.concrete_fields]
    changed = [column for column in columns if column in rows[0]]
    values = ", ".join("%s" if column in changed else column for column in columns)
    copy = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE id = {original.pk}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(copy, [[row[column] for column in changed] for row in rows])


def _name(number: int) -> str:
    return f"bench/{number:08}"


def _time(value: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]), expiring="expiring" in sys.argv)

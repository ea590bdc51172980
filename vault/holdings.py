"""Which columns of other apps hold values sealed under project keys: told by each app when it is ready.

So the strong room can find and re-wrap them and imports nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import BinaryField, F, Func, Model, QuerySet, Value

from vault.models import ProjectKey
from vault.sealing import Binding

_KEY_ID_AT, _KEY_ID_BYTES = 5, 16  # in the header of the envelope, counted as SQL does (security.md 3)


@dataclass(frozen=True)
class SealedColumn:
    """`project` leads from a row to the id of its project, `related` to all that `binding` reads."""

    model: type[Model]
    field: str
    project: str
    related: str
    binding: Callable[[Any], Binding]

    def under(self, key: ProjectKey) -> QuerySet[Any]:
        """The rows sealed under this version of a project key, whichever others the project has."""
        head = Func(
            F(self.field), Value(_KEY_ID_AT), Value(_KEY_ID_BYTES), function="SUBSTR", output_field=BinaryField()
        )
        rows = self.model._default_manager.filter(**{self.project: key.project, f"{self.field}__isnull": False})
        found: QuerySet[Any] = rows.annotate(sealed_under=head).filter(sealed_under=key.id.bytes)
        return found


_columns: dict[str, SealedColumn] = {}


def register(column: SealedColumn) -> None:
    _columns[f"{column.model._meta.label}.{column.field}"] = column


def columns() -> tuple[SealedColumn, ...]:
    return tuple(_columns.values())

"""The names of a key: the primary alias and up to fifty more. A name is held once in a project, by the database.

A name that starts with `alias/` in a request means the name behind it; the face has taken that off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from keys import queries
from keys.models import Alias, Key
from keys.states import Use
from operations import clock, errors
from operations.caller import Caller
from operations.errors import KmsError

if TYPE_CHECKING:
    from keys.locate import InProject

# Beside the primary one (console.md B6).
MOST_ALIASES = 50
DEFAULT_LIMIT = 1000
LIST, ASSOCIATE = "kms:alias:list", "kms:alias:associate"


@dataclass(frozen=True, slots=True)
class AliasPage:
    aliases: list[Alias]
    next_marker: str


def create_alias(caller: Caller, key: Key, *, alias: str) -> Alias:
    """One more name. Raises ALIAS_DUPLICATE, PARAMETER_INVALID for the 51st."""
    _check_room(key)
    return claim(key, alias)


def delete_aliases(caller: Caller, key: Key, *, aliases: Sequence[str]) -> None:
    """All or none. Raises ALIAS_INVALID for the primary alias and for what is no alias of this key."""
    wanted = set(aliases)
    rows = Alias.objects.filter(key=key, name__in=wanted, is_primary=False)
    strange = wanted - set(rows.values_list("name", flat=True))
    if strange:
        hint = "The primary alias cannot be deleted." if key.alias in strange else "The key has no such alias."
        raise KmsError(errors.ALIAS_INVALID, field="aliases", hint=hint)
    rows.delete()


def associate_alias(caller: Caller, key: Key, *, alias: str) -> Alias:
    """Gives a name that another key of the project has as one more to this key.

    Raises ALIAS_INVALID for a primary alias and an unknown one alike; what the caller may not do with the key that
    loses the name, or its state forbids; PARAMETER_INVALID where this key has fifty.
    """
    row = (
        Alias.objects.select_for_update(of=("self",))
        .select_related("key")
        .filter(project_id=caller.project_id, name=alias, is_primary=False)
        .filter(key__in=queries.living_keys(caller.project_id))
        .first()
    )
    if row is None:
        raise KmsError(errors.ALIAS_INVALID, field="alias", hint="No key of this project has it as an extra alias.")
    if row.key_id == key.pk:
        return row
    if not caller.may(ASSOCIATE, row.key.enterprise_project_id):
        raise KmsError(errors.NO_KEY_PERMISSION)
    row.key.admit(Use.EDIT)
    _check_room(key)
    row.key = key
    row.updated_at = clock.now()
    row.save(update_fields=["key", "updated_at"])
    return row


def list_aliases(caller: Caller, target: Key | InProject, *, limit: int | None, marker: int | None) -> AliasPage:
    """In the order they were made; a marker is the place of the last one shown. One query."""
    found = queries.aliases_of(caller, target if isinstance(target, Key) else None, LIST)
    limit = limit or DEFAULT_LIMIT
    rows = list(found.filter(pk__gt=marker or 0).order_by("pk")[: limit + 1])
    page = rows[:limit]
    return AliasPage(page, str(page[-1].pk) if len(rows) > limit else "")


def claim(key: Key, name: str, *, is_primary: bool = False) -> Alias:
    """Raises ALIAS_DUPLICATE. The database decides: two at once cannot both find the name free."""
    _release(key.project_id, name)
    now = clock.now()
    alias = Alias(project=key.project, key=key, name=name, is_primary=is_primary, created_at=now, updated_at=now)
    _save(alias, field="key_alias" if is_primary else "alias")
    return alias


def rename_primary(key: Key, name: str) -> None:
    """Saves the key, too. Raises ALIAS_DUPLICATE."""
    if name == key.alias:
        return
    _release(key.project_id, name)
    alias = key.aliases.get(is_primary=True)
    alias.name, alias.updated_at = name, clock.now()
    _save(alias, field="key_alias")
    key.alias = name
    key.save(update_fields=["alias"])


def _release(project_id: str, name: str) -> None:
    """Takes the name from a key whose waiting period is over: it is gone, whether or not a job has tidied up."""
    dead = Key.objects.filter(queries.due_for_deletion(), aliases__project=project_id, aliases__name=name)
    # Locked: whoever would still cancel its deletion is told that there is no such key.
    if key := dead.select_for_update(of=("self",)).first():
        key.aliases.filter(name=name).delete()


def _save(alias: Alias, *, field: str) -> None:
    try:
        with transaction.atomic():
            alias.save()
    except IntegrityError as cause:
        raise KmsError(errors.ALIAS_DUPLICATE, field=field) from cause


def _check_room(key: Key) -> None:
    if key.aliases.filter(is_primary=False).count() >= MOST_ALIASES:
        raise KmsError(errors.PARAMETER_INVALID, field="alias", hint=f"A key has at most {MOST_ALIASES} extra aliases.")

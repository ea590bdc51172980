"""What is read of tags: those of a project, and the keys that bear given ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from keys import queries
from keys.models import Key, Tag
from operations.caller import Caller


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tag that is searched for: its key, and the values of which it may have any. No values: any at all."""

    name: str
    values: tuple[str, ...] = ()


def tags_of_keys(keys: Iterable[Key]) -> Mapping[int, list[Tag]]:
    """The tags of each of the keys, by the key's row. One query, however many keys."""
    found: dict[int, list[Tag]] = {key.pk: [] for key in keys}
    for tag in Tag.objects.filter(key__in=list(found)):
        found[tag.key_id].append(tag)
    return found


def project_tags(caller: Caller, action: str) -> dict[str, list[str]]:
    """Every tag key of the keys on which the caller may do this, with its values, each once and in order. One query."""
    keys = queries.visible_keys(caller, action)
    pairs = Tag.objects.filter(key__in=keys).order_by("name", "value").values_list("name", "value").distinct()
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def tagged_keys(caller: Caller, action: str, *, tags: Iterable[Wanted], name: str) -> QuerySet[Key]:
    """Custom keys that bear every one of the tags and whose alias contains the name, in whatever case."""
    keys = queries.visible_keys(caller, action).filter(is_default=False)
    for wanted in tags:
        matching = Tag.objects.filter(key=OuterRef("pk"), name=wanted.name)
        keys = keys.filter(Exists(matching.filter(value__in=wanted.values) if wanted.values else matching))
    return keys.filter(alias__icontains=name) if name else keys

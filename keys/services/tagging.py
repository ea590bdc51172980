"""Tags of a key: setting, taking away. All of a call or nothing; the key is locked, so its tags can be counted."""

from __future__ import annotations

from collections.abc import Sequence

from keys.models import Key, Tag
from operations import errors
from operations.caller import Caller
from operations.errors import KmsError

MOST_TAGS = 20
CREATE, DELETE = "create", "delete"


def create_tag(caller: Caller, key: Key, *, tag: tuple[str, str]) -> None:
    """A tag key that is there already gets the new value. Raises TOO_MANY_TAGS."""
    _set(key, [tag])


def edit_tags(caller: Caller, key: Key, *, action: str, tags: Sequence[tuple[str, str]]) -> None:
    """Set or delete several tags. To delete, a value narrows a tag to that value; "" stands for any.

    A tag that is not there counts as deleted. Raises TOO_MANY_TAGS.
    """
    if action == CREATE:
        _set(key, tags)
    else:
        _delete(key, tags)


def delete_tag(caller: Caller, key: Key, *, tag_key: str) -> None:
    """Raises TAG_NOT_FOUND."""
    if not _delete(key, [(tag_key, "")]):
        raise KmsError(errors.TAG_NOT_FOUND)


def list_tags(caller: Caller, key: Key) -> list[Tag]:
    """In the order in which they were first given."""
    return list(key.tags.all())


def _set(key: Key, tags: Sequence[tuple[str, str]]) -> None:
    present = {tag.name: tag for tag in key.tags.all()}
    new = [Tag(key=key, name=name, value=value) for name, value in tags if name not in present]
    if len(present) + len(new) > MOST_TAGS:
        raise KmsError(errors.TOO_MANY_TAGS)
    changed = [present[name] for name, _value in tags if name in present]
    values = dict(tags)
    for tag in changed:
        tag.value = values[tag.name]
    Tag.objects.bulk_create(new)
    Tag.objects.bulk_update(changed, ["value"])


def _delete(key: Key, tags: Sequence[tuple[str, str]]) -> int:
    """How many were there."""
    wanted = dict(tags)
    found = [tag.pk for tag in key.tags.all() if wanted.get(tag.name) in ("", tag.value)]
    return key.tags.filter(pk__in=found).delete()[0]

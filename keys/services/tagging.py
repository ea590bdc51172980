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
    """Sets or takes away several. A value that is given with a tag to be deleted must be its own; "" stands for any.

    Raises TOO_MANY_TAGS; TAG_NOT_FOUND, and then none is deleted.
    """
    if action == CREATE:
        _set(key, tags)
    else:
        _delete(key, tags)


def delete_tag(caller: Caller, key: Key, *, tag_key: str) -> None:
    """Raises TAG_NOT_FOUND."""
    _delete(key, [(tag_key, "")])


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


def _delete(key: Key, tags: Sequence[tuple[str, str]]) -> None:
    present = {tag.name: tag for tag in key.tags.all()}
    for name, value in tags:
        if name not in present or value not in ("", present[name].value):
            raise KmsError(errors.TAG_NOT_FOUND)
    key.tags.filter(name__in=[name for name, _value in tags]).delete()

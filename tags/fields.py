"""Wire fields of the tag operations. What a tag itself may be is `operations.fields.read_tag`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from operations import errors
from operations.answers import TEXT, Schema, listing
from operations.errors import Code
from operations.fields import TAG_CODES, TAG_SCHEMA, Bad, Field, read_tag
from tags.queries import Wanted

MOST_KEYS = 20
MOST_VALUES = 20
RESOURCE_NAME = "resource_name"


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


@dataclass(frozen=True, kw_only=True)
class OneTag(Field):
    """One `{key, value}`; no value is an empty one."""

    error: Code = errors.TAG_LIST_INVALID

    def read(self, value: Any) -> tuple[str, str]:
        if isinstance(value, Mapping) and value.get("key") is None:
            raise Bad(errors.PARAMETER_MISSING, _("Enter a tag key."))
        return read_tag(value)

    @property
    def schema(self) -> Schema:
        return TAG_SCHEMA

    @property
    def codes(self) -> frozenset[Code]:
        return super().codes | TAG_CODES | {errors.PARAMETER_MISSING}


@dataclass(frozen=True, kw_only=True)
class TagBatch(Field):
    """1 to 20 of `{key, value}`, each key once."""

    error: Code = errors.TAG_LIST_INVALID

    def read(self, value: Any) -> tuple[tuple[str, str], ...]:
        if not _is_list(value):
            raise self.refuse()
        if not value:
            raise Bad(errors.TAG_LIST_EMPTY)
        if len(value) > MOST_KEYS:
            raise Bad(errors.TAG_LIST_SIZE, errors.TAG_LIST_SIZE.hint)
        tags = tuple(read_tag(item) for item in value)
        if len(dict(tags)) != len(tags):
            raise Bad(errors.TAG_LIST_INVALID, _("Name each tag key once."))
        return tags

    @property
    def schema(self) -> Schema:
        return {**listing(TAG_SCHEMA), "minItems": 1, "maxItems": MOST_KEYS}

    @property
    def codes(self) -> frozenset[Code]:
        return super().codes | TAG_CODES | {errors.TAG_LIST_EMPTY, errors.TAG_LIST_SIZE}


@dataclass(frozen=True, kw_only=True)
class WantedTags(Field):
    """At most 20 of `{key, values}`, each key once, with at most 20 values."""

    error: Code = errors.TAGS_INVALID
    default: Any = ()

    def read(self, value: Any) -> tuple[Wanted, ...]:
        if not _is_list(value):
            raise self.refuse()
        if len(value) > MOST_KEYS:
            raise Bad(errors.TAG_LIST_SIZE, errors.TAG_LIST_SIZE.hint)
        wanted = tuple(self._one(item) for item in value)
        if len({each.name for each in wanted}) != len(wanted):
            raise Bad(errors.TAG_LIST_INVALID, _("Name each tag key once."))
        return wanted

    def _one(self, item: Any) -> Wanted:
        values = item.get("values") if isinstance(item, Mapping) else "no tag"
        values = [] if values is None else values
        if not _is_list(values) or not isinstance(item.get("key"), str):
            raise self.refuse()
        if len(values) > MOST_VALUES:
            raise Bad(errors.TOO_MANY_TAG_VALUES, errors.TOO_MANY_TAG_VALUES.hint)
        if not all(isinstance(each, str) for each in values):
            raise self.refuse()
        name, _value = read_tag({"key": item["key"]})
        texts = (read_tag({"key": name, "value": each})[1] for each in values)
        return Wanted(name, tuple(dict.fromkeys(texts)))

    @property
    def schema(self) -> Schema:
        members = TAG_SCHEMA["properties"]
        values = {"type": ["array", "null"], "items": members["value"], "maxItems": MOST_VALUES}
        item = {"type": "object", "properties": {"key": members["key"], "values": values}, "required": ["key"]}
        return {**listing(item), "maxItems": MOST_KEYS}

    @property
    def codes(self) -> frozenset[Code]:
        return super().codes | TAG_CODES | {errors.TAG_LIST_SIZE, errors.TOO_MANY_TAG_VALUES}


@dataclass(frozen=True, kw_only=True)
class Matches(Field):
    """`[{key: "resource_name", value}]`, at most one: what the alias contains. Reads as that text."""

    error: Code = errors.MATCHES_INVALID
    default: Any = ""

    def read(self, value: Any) -> str:
        if not _is_list(value) or len(value) > 1:
            raise self.refuse()
        if not value:
            return ""
        item = value[0]
        if not isinstance(item, Mapping):
            raise self.refuse()
        if item.get("key") != RESOURCE_NAME:
            raise Bad(errors.MATCH_KEY_INVALID, errors.MATCH_KEY_INVALID.hint)
        text = item.get("value")
        if not isinstance(text, str) or not 1 <= len(text) <= 255 or not text.isprintable():
            raise Bad(errors.MATCH_VALUE_INVALID, errors.MATCH_VALUE_INVALID.hint)
        return text

    @property
    def schema(self) -> Schema:
        members = {"key": {**TEXT, "const": RESOURCE_NAME}, "value": {**TEXT, "minLength": 1, "maxLength": 255}}
        item = {"type": "object", "properties": members, "required": list(members)}
        return {**listing(item), "maxItems": 1}

    @property
    def codes(self) -> frozenset[Code]:
        return super().codes | {errors.MATCH_KEY_INVALID, errors.MATCH_VALUE_INVALID}

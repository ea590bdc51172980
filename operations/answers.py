"""The shape of an answer, as JSON Schema: published in the API description, and held against real answers by tests."""

from __future__ import annotations

from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}


def record(**members: Schema) -> Schema:
    """An object that has exactly these members, each of them always."""
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def listing(item: Schema) -> Schema:
    return {"type": "array", "items": item}


EMPTY = record()

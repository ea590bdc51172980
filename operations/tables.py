"""Requests and answers as tables for people: the console's pages and docs/reference show the same rows."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from operations.answers import Schema
from operations.fields import Field


@dataclass(frozen=True, slots=True)
class Row:
    """One member of a request or of an answer, as a table shows it."""

    name: str
    kind: str
    # Runs of text; every other one is code.
    about: tuple[str, ...] = ()
    required: bool = False
    choices: tuple[str, ...] = ()
    limits: str = ""
    pattern: str = ""
    code: str = ""


def row(field: Field) -> Row:
    """A member of a request."""
    schema = field.schema
    return Row(
        name=field.name,
        kind=_kind(schema),
        about=tuple(field.about.split("`")),
        required=field.required,
        choices=tuple(value for value in schema.get("enum", ()) if isinstance(value, str)),
        limits=_limits(schema),
        pattern=schema.get("pattern", "") if "integer" not in schema.get("type", ()) else "",
        code=field.error.code,
    )


def _kind(schema: Schema) -> str:
    kind = schema.get("type", "")
    words = [kind] if isinstance(kind, str) else kind
    text = _(" or ").join(words)
    if schema.get("contentEncoding") == "base64":
        return _("Base64 string")
    return f"{text} of {_kind(schema['items'])}" if kind == "array" else text


def _limits(schema: Schema) -> str:
    if "minimum" in schema and schema["maximum"] < 2**31:
        return f"{schema['minimum']:,} – {schema['maximum']:,}"
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if most is not None:
        return _("%(least)s – %(most)s characters") % {"least": f"{least:,}", "most": f"{most:,}"}
    return _("at most %(most)s") % {"most": schema["maxItems"]} if "maxItems" in schema else ""


def members(schema: Schema, above: str = "") -> list[Row]:
    """Every member of an answer at any depth, `keys[].key_id` style."""
    if schema.get("type") == "array":
        return members(schema["items"], f"{above}[]")
    rows: list[Row] = []
    for name, each in schema.get("properties", {}).items():
        path = f"{above}.{name}" if above else name
        rows.append(Row(path, _kind(each)))
        rows += members(each, path) if each.get("type") in ("object", "array") else []
    return rows

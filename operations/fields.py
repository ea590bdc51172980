"""Wire fields: how each kind of value is read from a request, and the error it earns when it is bad.

A field is the one place where a rule of syntax stands; forms and JSON both go through it. Numbers are taken as integers
or as decimal strings, because the original's clients send both (api.md, rule 1). Beside `read` each kind of field says
by `schema` what it takes, and by `codes` how it refuses: the API description is made from these.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from operations import errors
from operations.answers import TEXT, Schema, listing
from operations.errors import Code, FieldError, KmsError
from operations.errors import Text as Words

KEY_ID = re.compile(r"[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}")


class Bad(Exception):
    """A value a field refuses, with the code it earns and a hint for people."""

    def __init__(self, code: Code, hint: Words = "") -> None:
        super().__init__(code.code)
        self.code = code
        self.hint = hint


@dataclass(frozen=True, kw_only=True)
class Field:
    """One member of a request. `name` is the wire name, the service's keyword and the form field's name at once."""

    name: str
    required: bool = False
    default: Any = None
    error: Code = errors.PARAMETER_INVALID
    hint: Words = ""
    missing: Code = errors.PARAMETER_MISSING
    missing_hint: Words = ""
    # Only traced fields enter the audit trail (SEC-063): an allow-list.
    traced: bool = False
    # What it means, for whoever reads the API description.
    about: str = ""

    def is_absent(self, value: object) -> bool:
        return value is None

    def read(self, value: Any) -> Any:
        raise Bad(self.error, self.hint)

    @property
    def schema(self) -> Schema:
        """What `read` takes, as JSON Schema. A rule that JSON Schema cannot say is left to `about`."""
        return {}

    @property
    def codes(self) -> frozenset[Code]:
        """Every code that reading this field can earn."""
        return frozenset({self.error, self.missing} if self.required else {self.error})

    def refuse(self, hint: Words = "") -> Bad:
        return Bad(self.error, hint or self.hint or self.error.hint)


@dataclass(frozen=True, kw_only=True)
class Text(Field):
    pattern: re.Pattern[str] | None = None
    min_length: int = 0
    max_length: int | None = None
    max_bytes: int | None = None
    too_long: Code | None = None

    def is_absent(self, value: object) -> bool:
        return value is None or (value == "" and self.required and self.min_length > 0)

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or not _is_encodable(value):
            raise self.refuse()
        if "\x00" in value:
            # Never text, and PostgreSQL does not store it (SEC-076).
            raise Bad(errors.JSON_INVALID)
        if self.max_bytes is not None and len(value.encode()) > self.max_bytes:
            raise self.refuse()
        if self.max_length is not None and len(value) > self.max_length:
            raise Bad(self.too_long or self.error, (self.too_long or self.error).hint or self.hint)
        if len(value) < self.min_length:
            raise self.refuse()
        if self.pattern is not None and not self.pattern.fullmatch(value):
            raise self.refuse()
        return value

    @property
    def schema(self) -> Schema:
        limits = {
            "minLength": self.min_length or None,
            "maxLength": self.max_length or self.max_bytes,
            "pattern": anchored(self.pattern.pattern) if self.pattern else None,
        }
        return {**TEXT, **{name: limit for name, limit in limits.items() if limit is not None}}

    @property
    def codes(self) -> frozenset[Code]:
        return super().codes | {errors.JSON_INVALID, self.too_long or self.error}


def anchored(pattern: str) -> str:
    """A pattern that is to match a whole text, as JSON Schema writes it."""
    return f"^(?:{pattern})$" if "|" in pattern else f"^{pattern}$"


@dataclass(frozen=True, kw_only=True)
class Choice(Field):
    """One of `values`. Compared without case, as some clients write `Encrypt_Decrypt`; a number is its digits."""

    values: tuple[str, ...]

    def is_absent(self, value: object) -> bool:
        return value is None or value == ""

    def read(self, value: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str):
            for choice in self.values:
                if choice.lower() == value.lower():
                    return choice
        raise self.refuse()

    @property
    def schema(self) -> Schema:
        numbers = [int(value) for value in self.values if value.isdecimal()]
        return {"type": ["string", "integer"] if numbers else "string", "enum": [*map(str, self.values), *numbers]}


@dataclass(frozen=True, kw_only=True)
class Whole(Field):
    """A whole number, as a JSON integer or a decimal string; "" is absent."""

    minimum: int = 0
    maximum: int = 2**53

    def is_absent(self, value: object) -> bool:
        return value is None or value == ""

    def read(self, value: Any) -> int:
        if isinstance(value, str) and len(value) <= 20 and re.fullmatch(r"-?[0-9]+", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not self.minimum <= value <= self.maximum:
            raise self.refuse()
        return value

    @property
    def schema(self) -> Schema:
        return {
            "type": ["integer", "string"],
            "minimum": self.minimum,
            "maximum": self.maximum,
            "pattern": "^-?[0-9]{1,20}$",
        }


@dataclass(frozen=True, kw_only=True)
class Flag(Field):
    """A JSON boolean, or the word for it; "" is absent."""

    def is_absent(self, value: object) -> bool:
        return value is None or value == ""

    def read(self, value: Any) -> bool:
        if isinstance(value, str):
            value = {"true": True, "false": False}.get(value.lower())
        if not isinstance(value, bool):
            raise self.refuse()
        return value

    @property
    def schema(self) -> Schema:
        return {"type": ["boolean", "string"], "enum": [True, False, "true", "false"]}


@dataclass(frozen=True, kw_only=True)
class Base64(Field):
    """Strict Base64 (RFC 4648 section 4): no line breaks, no foreign characters, right padding.

    `canonical`: the bits that padding leaves over must be zero, so that no two texts mean the same bytes.
    """

    min_bytes: int = 0
    max_bytes: int = 65536
    canonical: bool = True

    def read(self, value: Any) -> bytes:
        if not isinstance(value, str) or len(value) > 4 * (self.max_bytes // 3 + 1):
            raise self.refuse()
        raw = decode_base64(value, canonical=self.canonical)
        if raw is None or not self.min_bytes <= len(raw) <= self.max_bytes:
            raise self.refuse()
        return raw

    @property
    def schema(self) -> Schema:
        shortest, longest = (4 * -(-size // 3) for size in (self.min_bytes, self.max_bytes))
        return {**TEXT, "contentEncoding": "base64", "minLength": shortest, "maxLength": longest}


def encode_base64(raw: bytes) -> str:
    """As `decode_base64` reads it."""
    return base64.b64encode(raw).decode("ascii")


def decode_base64(text: str, *, canonical: bool = True) -> bytes | None:
    """The bytes, or None where the text is not Base64; leniency would be malleability."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if not canonical or encode_base64(raw) == text else None


@dataclass(frozen=True, kw_only=True)
class Hex(Field):
    """Bytes as pairs of hexadecimal digits, in either case."""

    min_bytes: int = 1
    max_bytes: int = 32768

    def read(self, value: Any) -> bytes:
        if not isinstance(value, str) or not 2 * self.min_bytes <= len(value) <= 2 * self.max_bytes:
            raise self.refuse()
        try:
            return binascii.unhexlify(value)
        except ValueError as cause:
            raise self.refuse() from cause

    @property
    def schema(self) -> Schema:
        shortest, longest = 2 * self.min_bytes, 2 * self.max_bytes
        return {**TEXT, "pattern": "^[0-9a-fA-F]*$", "minLength": shortest, "maxLength": longest}


@dataclass(frozen=True, kw_only=True)
class Bits(Whole):
    """A length in bits that whole bytes have; `uneven` is the code of one between them."""

    minimum: int = 8
    maximum: int = 8192
    uneven: Code

    def read(self, value: Any) -> int:
        bits = super().read(value)
        if bits % 8:
            raise Bad(self.uneven, self.uneven.hint)
        return bits

    @property
    def schema(self) -> Schema:
        return {**super().schema, "multipleOf": 8}

    @property
    def codes(self) -> frozenset[Code]:
        return super().codes | {self.uneven}


@dataclass(frozen=True, kw_only=True)
class KeyId(Field):
    """A key's ID and nothing else; an alias-shaped text is refused here (api.md, "K")."""

    name: str = "key_id"
    required: bool = True
    error: Code = errors.KEY_ID_INVALID
    traced: bool = True
    about: str = "The key's ID."

    def is_absent(self, value: object) -> bool:
        return value is None or (value == "" and not self.required)

    def read(self, value: Any) -> str:
        if isinstance(value, str) and KEY_ID.fullmatch(value):
            return value
        raise self.refuse()

    @property
    def schema(self) -> Schema:
        return {**TEXT, "pattern": anchored(KEY_ID.pattern)}

    @property
    def codes(self) -> frozenset[Code]:
        return super().codes | {errors.KEY_NOT_FOUND}


@dataclass(frozen=True, kw_only=True)
class KeyReference(KeyId):
    """A key's ID, `alias/<name>` or an alias URN (api.md, "K+"). A bare text is never taken for an alias."""

    about: str = "The key's ID, `alias/<alias>`, or the URN of an alias: `kms:<region>:<domain_id>:alias:<alias>`."

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or not value.isascii() or not value.isprintable() or len(value) > 400:
            raise self.refuse()
        if not KEY_ID.fullmatch(value) and not value.startswith(("alias/", "kms:")):
            raise self.refuse()
        return value

    @property
    def schema(self) -> Schema:
        return {**TEXT, "pattern": f"^(?:{KEY_ID.pattern}|(?:alias/|kms:)[ -~]*)$", "maxLength": 400}


_MAX_CONTEXT = 8192


@dataclass(frozen=True, kw_only=True)
class Context(Field):
    """An encryption context: a JSON object of strings, at most 8,192 characters. "" is absent, like an empty object.

    The object may come as JSON text: the Go client declares a string here. It is the same context either way.
    """

    error: Code = errors.CONTEXT_INVALID

    def is_absent(self, value: object) -> bool:
        return value is None or value == ""

    def read(self, value: Any) -> dict[str, str]:
        if isinstance(value, str):
            value = self._read_text(value)
        if not isinstance(value, Mapping):
            raise self.refuse()
        pairs = {}
        for name, text in value.items():
            if isinstance(text, bool) or not isinstance(text, str | int):
                raise self.refuse()
            pairs[name] = str(text)
        if len(json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))) > _MAX_CONTEXT:
            raise self.refuse()
        if not all(_is_encodable(part) for pair in pairs.items() for part in pair):
            raise self.refuse()
        return pairs

    def _read_text(self, text: str) -> Any:
        if len(text) > _MAX_CONTEXT:
            raise self.refuse()
        try:
            return json.loads(text, object_pairs_hook=self._unique_members)
        except (ValueError, RecursionError) as cause:
            raise self.refuse() from cause

    def _unique_members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # Of two members with one name, which would be bound?
        members = dict(pairs)
        if len(members) != len(pairs):
            raise self.refuse()
        return members

    @property
    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": {"type": ["string", "integer"]}}


@dataclass(frozen=True, kw_only=True)
class Tags(Field):
    """A list of `{key, value}`; at most `most`, each key once."""

    most: int
    default: Any = ()

    def read(self, value: Any) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise Bad(errors.TAG_LIST_INVALID)
        if len(value) > self.most:
            raise Bad(errors.TOO_MANY_TAGS, errors.TOO_MANY_TAGS.hint)
        tags = tuple(read_tag(item) for item in value)
        if len({name for name, _value in tags}) != len(tags):
            raise Bad(errors.TAG_LIST_INVALID, errors.TAG_LIST_INVALID.hint)
        return tags

    @property
    def schema(self) -> Schema:
        return {**listing(TAG_SCHEMA), "maxItems": self.most}

    @property
    def codes(self) -> frozenset[Code]:
        return super().codes | TAG_CODES | {errors.TOO_MANY_TAGS}


# api.md, limits: on the wire anything but control characters and these; the console's form is narrower.
_TAG_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f*<>\\=]*")
_MOST_IN_TAG_KEY, _MOST_IN_TAG_VALUE = 128, 255
TAG_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "key": {**TEXT, "minLength": 1, "maxLength": _MOST_IN_TAG_KEY, "pattern": anchored(_TAG_TEXT.pattern)},
        "value": {**TEXT, "maxLength": _MOST_IN_TAG_VALUE, "pattern": anchored(_TAG_TEXT.pattern)},
    },
    "required": ["key"],
}
TAG_CODES = frozenset(
    {
        errors.TAG_LIST_INVALID,
        errors.TAG_KEY_TOO_LONG,
        errors.TAG_VALUE_TOO_LONG,
        errors.TAG_KEY_INVALID,
        errors.TAG_VALUE_INVALID,
    }
)


def read_tag(item: Any) -> tuple[str, str]:
    """A tag's key (1 to 128 characters) and value (0 to 255). Raises Bad with the tag's own codes."""
    if not isinstance(item, Mapping):
        raise Bad(errors.TAG_LIST_INVALID)
    name, value = item.get("key"), item.get("value")
    value = "" if value is None else value
    if not isinstance(name, str) or not isinstance(value, str):
        raise Bad(errors.TAG_LIST_INVALID)
    if not 1 <= len(name) <= _MOST_IN_TAG_KEY:
        raise Bad(errors.TAG_KEY_TOO_LONG, errors.TAG_KEY_TOO_LONG.hint)
    if len(value) > _MOST_IN_TAG_VALUE:
        raise Bad(errors.TAG_VALUE_TOO_LONG, errors.TAG_VALUE_TOO_LONG.hint)
    if name != name.strip() or not _TAG_TEXT.fullmatch(name) or not _is_encodable(name):
        raise Bad(errors.TAG_KEY_INVALID, _("A tag key cannot begin or end with a space or contain any of * < > \\ =."))
    if not _TAG_TEXT.fullmatch(value) or not _is_encodable(value):
        raise Bad(errors.TAG_VALUE_INVALID, _("A tag value cannot contain any of * < > \\ =."))
    return name, value


# The original's optional request number: checked, echoed in the trace, otherwise unused.
SEQUENCE = Text(
    name="sequence",
    pattern=re.compile(r"[0-9a-zA-Z-]{32,36}"),
    error=errors.SEQUENCE_INVALID,
    traced=True,
    about="A number the caller chooses for this request; the trace records it.",
)


@dataclass(frozen=True)
class Request:
    """The members an operation takes. Anything else in a body is ignored, as the original does (api.md, rule 12)."""

    fields: tuple[Field, ...] = ()
    traced: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", (*self.fields, SEQUENCE))
        object.__setattr__(self, "traced", frozenset(f.name for f in self.fields if f.traced))

    def read(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The checked values by name. Raises KmsError with every bad field, missing ones first."""
        missing, bad, values = [], [], {}
        for member in self.fields:
            value = data.get(member.name)
            if member.is_absent(value):
                if member.required:
                    hint = member.missing_hint or member.missing.hint
                    missing.append(FieldError(member.name, member.missing, hint))
                values[member.name] = member.default
                continue
            try:
                values[member.name] = member.read(value)
            except Bad as refusal:
                bad.append(FieldError(member.name, refusal.code, refusal.hint))
        if missing or bad:
            raise KmsError.of_fields(missing + bad)
        return values


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

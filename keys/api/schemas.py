"""What requests and answers about keys have in common on the wire (api.md, sections 1 to 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from keys.models import Key
from keys.services.defaults import SUFFIX as DEFAULT_SUFFIX
from operations import errors
from operations.answers import TEXT, Schema, record
from operations.fields import Bad, Context, KeyId, KeyReference, Request, Text, Whole

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ALIAS_PATTERN = re.compile(r"[A-Za-z0-9:/_-]{1,255}")
ALIAS_HINT = _("Only digits, letters, underscores (_), hyphens (-), colons (:), and slashes (/) are allowed.")

ALIAS_MISSING_HINT = _("Enter an alias.")


@dataclass(frozen=True, kw_only=True)
class AliasField(Text):
    """1 to 255 of a narrow alphabet; the ending of default keys is reserved."""

    name: str = "key_alias"
    required: bool = True
    traced: bool = True
    min_length: int = 1
    max_length: int | None = 255
    pattern: re.Pattern[str] | None = ALIAS_PATTERN
    error: errors.Code = errors.ALIAS_INVALID
    hint: errors.Text = ALIAS_HINT
    missing_hint: errors.Text = ALIAS_MISSING_HINT
    about: str = "Unique in the project. `/default` at its end is reserved for keys that services make."

    def read(self, value: Any) -> str:
        alias = super().read(value)
        if alias.endswith(DEFAULT_SUFFIX):
            raise Bad(self.error, _("The alias cannot end with /default."))
        return alias


class Proof:
    """For what is verified: malformed text is no bad request but a proof that is not valid (api.md 3.3)."""

    def read(self, value: Any) -> bytes:
        try:
            return super().read(value)  # type: ignore[misc, no-any-return]
        except Bad:
            if isinstance(value, str):
                return b""
            raise

    @property
    def schema(self) -> Schema:
        return TEXT


ALIAS = AliasField()
DESCRIPTION = Text(
    name="key_description",
    max_length=255,
    error=errors.DESCRIPTION_INVALID,
    about="Free text about the key; never put a secret in it.",
)

ADDITIONAL_DATA = Text(
    name="additional_authenticated_data",
    max_bytes=128,
    about="A text of at most 128 bytes, bound like the context.",
)
CONTEXT = (
    Context(
        name="encryption_context",
        about="Names and texts that are bound to the ciphertext and must be given again to decrypt it; their order does"
        " not matter. At most 8,192 characters.",
    ),
    ADDITIONAL_DATA,
)

PAGE = (
    Whole(
        name="limit",
        minimum=1,
        maximum=1000,
        error=errors.LIMIT_INVALID,
        about="How many at most; 1,000 where it is not given.",
    ),
    Whole(
        name="marker",
        minimum=0,
        error=errors.MARKER_INVALID,
        about="The `next_marker` of the answer before; without it the list starts anew.",
    ),
)

ONE_KEY = Request((KeyId(),))
ANY_KEY = Request((KeyReference(),))


def hexadecimal(raw: bytes) -> str:
    """Upper case, as the wire has random data and data keys (api.md 3.2)."""
    return raw.hex().upper()


def milliseconds(moment: datetime | None) -> str:
    """A time as the wire has it: a decimal string; "" where there is none."""
    return str((moment - _EPOCH) // timedelta(milliseconds=1)) if moment is not None else ""


KEY_DETAILS: Schema = record(
    **dict.fromkeys(
        (
            "key_id",
            "domain_id",
            "key_alias",
            "realm",
            "key_description",
            "key_spec",
            "key_usage",
            "creation_date",
            "scheduled_deletion_date",
            "key_state",
            "default_key_flag",
            "key_type",
            "expiration_time",
            "origin",
            "key_rotation_enabled",
            "sys_enterprise_project_id",
            "keystore_id",
        ),
        TEXT,
    )
)
KEY_AND_STATE: Schema = record(key_id=TEXT, key_state=TEXT)


def key_details(key: Key) -> dict[str, str]:
    """Every member a string, every member always there: strictly typed clients fail on anything else (api.md 3.1)."""
    state = key.state_now()
    expires_at = key.material_expires_at if not key.material_has_expired() else None
    return {
        "key_id": key.key_id,
        "domain_id": key.project.account_id,
        "key_alias": key.alias,
        "realm": key.project.region_id,
        "key_description": key.description,
        "key_spec": key.spec_name,
        "key_usage": key.usage,
        "creation_date": milliseconds(key.created_at),
        "scheduled_deletion_date": milliseconds(key.scheduled_deletion_at),
        "key_state": str(state.value),
        "default_key_flag": "1" if key.is_default else "0",
        "key_type": "1",
        "expiration_time": milliseconds(expires_at),
        "origin": key.origin,
        "key_rotation_enabled": "true" if key.rotation_days else "false",
        "sys_enterprise_project_id": key.enterprise_project_id,
        "keystore_id": "0",
    }


def key_and_state(key: Key) -> dict[str, str]:
    return {"key_id": key.key_id, "key_state": str(key.state_now().value)}


def key_info_state(key: Key) -> dict[str, dict[str, str]]:
    return {"key_info": key_and_state(key)}

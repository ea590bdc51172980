"""Making keys: with material of the service's own, or empty, waiting for imported material."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from keys import material, queries
from keys.locate import InProject
from keys.models import Key, Tag
from keys.services import aliases
from keys.states import Origin, State
from kmscrypto import material as mathematics
from kmscrypto.specs import SPECS, KeySpec, Usage
from operations import clock, errors
from operations.caller import Caller
from operations.errors import KmsError
from projects.queries import locked_project, quota_limit, takes_new_keys


def make_material(request: Mapping[str, Any]) -> bytes | None:
    """Material for a key of origin kms; made before the transaction, as RSA takes its time. None for an empty key."""
    if request["origin"] == Origin.EXTERNAL or request["key_spec"] not in SPECS:
        return None
    return mathematics.generate(SPECS[request["key_spec"]])


def create_key(
    caller: Caller,
    project: InProject,
    *,
    key_alias: str,
    key_spec: str,
    key_usage: str | None,
    key_description: str | None,
    origin: str,
    enterprise_project_id: str | None,
    tags: Sequence[tuple[str, str]],
    prepared: bytes | None,
) -> Key:
    """Enabled, or Pending import where the origin is external.

    Raises PARAMETER_INVALID (a usage that the spec does not have, a disabled or unknown enterprise project),
    HMAC_UNSUPPORTED (an external HMAC key), TOO_MANY_KEYS, ALIAS_DUPLICATE; NO_PERMISSION where tags are given without
    the right to tag.
    """
    spec = SPECS[key_spec]
    usage = _usage(spec, key_usage)
    if origin == Origin.EXTERNAL and not spec.importable:
        raise KmsError(errors.HMAC_UNSUPPORTED, field="origin")
    if tags and not caller.may("kms:cmkTag:create", project.enterprise_project_id):
        raise KmsError(errors.NO_PERMISSION, field="tags", hint="kms:cmkTag:create")
    _check_enterprise_project(caller, project.enterprise_project_id or "0")
    # Counting is serialised, so that two at once cannot both take the last place.
    locked = locked_project(caller.project_id)
    if queries.count_towards_quota(caller.project_id) >= quota_limit(locked):
        raise KmsError(errors.TOO_MANY_KEYS)
    key = Key(
        project=locked,
        enterprise_project_id=project.enterprise_project_id or "0",
        alias=key_alias,
        description=key_description or "",
        spec_name=spec.name,
        usage=usage,
        origin=origin,
        state=State.PENDING_IMPORT if origin == Origin.EXTERNAL else State.ENABLED,
        created_at=clock.now(),
        created_by_id=caller.user_id,
        created_by_name=caller.user_name,
    )
    key.save(force_insert=True)
    aliases.claim(key, key_alias, is_primary=True)
    if prepared is not None:
        material.store(key, prepared)
    Tag.objects.bulk_create([Tag(key=key, name=name, value=value) for name, value in tags])
    return key


def suggest_alias(project_id: str) -> str:
    """`KMS-` and four hex digits, unused in the project (console.md B3)."""
    while True:
        alias = f"KMS-{secrets.token_hex(2)}"
        if not queries.alias_is_taken(project_id, alias):
            return alias


def _usage(spec: KeySpec, wanted: str | None) -> Usage:
    usage = Usage(wanted) if wanted else spec.default_usage
    if usage not in spec.usages:
        raise KmsError(errors.PARAMETER_INVALID, field="key_usage", hint=f"{spec.name}: {', '.join(spec.usages)}.")
    return usage


def _check_enterprise_project(caller: Caller, wire_id: str) -> None:
    if not takes_new_keys(caller.account_id, wire_id):
        hint = "This enterprise project does not exist or is disabled."
        raise KmsError(errors.PARAMETER_INVALID, field="enterprise_project_id", hint=hint)

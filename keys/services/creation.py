"""Making keys: with material of the service's own, or empty, waiting for imported material."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from keys import material, queries
from keys.locate import InProject
from keys.models import Key, Tag
from keys.services import aliases
from keys.states import Origin, State
from kmscrypto import material as mathematics
from kmscrypto.specs import SPECS, Family, KeySpec, Usage
from operations import clock, errors, limits
from operations.caller import Caller
from operations.errors import KmsError
from operations.limits import Rate
from projects.models import DEFAULT_WIRE_ID, Project
from projects.queries import locked_project, quota_limit, takes_new_keys

CREATE = "kms:cmk:create"
# Making an RSA key keeps a processor busy for up to some seconds.
RSA_RATE = Rate("create-rsa-key", calls=60)


def make_material(
    caller: Caller,
    project: InProject,
    *,
    key_alias: str,
    key_spec: str,
    key_usage: str | None,
    origin: str,
    tags: Sequence[tuple[str, str]],
    **_others: Any,
) -> bytes | None:
    """Material for a key of origin kms, made before the transaction; None for an empty key.

    An RSA key that would be refused is not made: what `create_key` raises is raised here already, from what can be
    told without a lock. Raises TOO_MANY_REQUESTS for too many of them.
    """
    spec = SPECS[key_spec]
    if origin == Origin.EXTERNAL:
        return None
    if spec.family is Family.RSA:
        limits.admit(RSA_RATE, caller)
        _check(caller, project.enterprise_project_id or DEFAULT_WIRE_ID, spec, key_usage, origin, tags)
        _check_quota(Project.objects.get(pk=caller.project_id))
        if queries.alias_is_taken(caller.project_id, key_alias):
            raise KmsError(errors.ALIAS_DUPLICATE, field="key_alias")
    return mathematics.generate(spec)


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
    wire_id = project.enterprise_project_id or DEFAULT_WIRE_ID
    usage = _check(caller, wire_id, spec, key_usage, origin, tags)
    # Counting is serialised, so that two at once cannot both take the last place.
    locked = locked_project(caller.project_id)
    _check_quota(locked)
    key = Key(
        project=locked,
        enterprise_project_id=wire_id,
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


def _check(
    caller: Caller, wire_id: str, spec: KeySpec, key_usage: str | None, origin: str, tags: Sequence[tuple[str, str]]
) -> Usage:
    """What can be told of a request without a lock; the usage that the key will have."""
    usage = _usage(spec, key_usage)
    if origin == Origin.EXTERNAL and not spec.importable:
        raise KmsError(errors.HMAC_UNSUPPORTED, field="origin")
    if tags and not caller.may("kms:cmkTag:create", wire_id):
        raise KmsError(errors.NO_PERMISSION, field="tags", hint="kms:cmkTag:create")
    _check_enterprise_project(caller, wire_id)
    return usage


def _check_quota(project: Project) -> None:
    if queries.count_towards_quota(project.pk) >= quota_limit(project):
        raise KmsError(errors.TOO_MANY_KEYS)


def _usage(spec: KeySpec, wanted: str | None) -> Usage:
    usage = Usage(wanted) if wanted else spec.default_usage
    if usage not in spec.usages:
        raise KmsError(errors.PARAMETER_INVALID, field="key_usage", hint=f"{spec.name}: {', '.join(spec.usages)}.")
    return usage


def _check_enterprise_project(caller: Caller, wire_id: str) -> None:
    if not takes_new_keys(caller.account_id, wire_id):
        hint = "This enterprise project does not exist or is disabled."
        raise KmsError(errors.PARAMETER_INVALID, field="enterprise_project_id", hint=hint)

"""Grants: single operations on one key for a user or an account, given by the key's owner or passed on by a grantee.

What a grant opens is decided at each use (`keys.queries.is_granted`), so what ends here ends at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from keys import queries
from keys.locate import InProject
from keys.models import Grant, Key
from keys.services.listing import cut
from operations import clock, errors
from operations.caller import Caller
from operations.errors import KmsError
from projects.models import QuotaKind
from projects.queries import quota_limit

CREATE_GRANT = "create-grant"
CREATE_GRANT_ACTION = "kms:grant:create"


@dataclass(frozen=True, slots=True)
class GrantPage:
    grants: list[Grant]
    next_marker: str
    total: int


def create_grant(
    caller: Caller,
    key: Key,
    *,
    grantee_principal: str,
    grantee_principal_type: str,
    operations: tuple[str, ...],
    name: str | None,
    retiring_principal: str | None,
) -> Grant:
    """Each call makes a grant of its own, alike or not: a user's grants on a key add up (decision 0006).

    Raises CREATE_GRANT_ALONE; NO_KEY_PERMISSION where somebody who may grant by a grant alone passes on what they were
    not granted; TOO_MANY_GRANTS. The key is locked, so two at once cannot both take its last place.
    """
    if set(operations) == {CREATE_GRANT}:
        raise KmsError(errors.CREATE_GRANT_ALONE, field="operations")
    if not caller.may_by_policy(CREATE_GRANT_ACTION, key):
        excess = sorted(set(operations) - queries.operations_granted(key, caller))
        if excess:
            hint = f"You can pass on only operations that were granted to you. These were not: {', '.join(excess)}."
            raise KmsError(errors.NO_KEY_PERMISSION, field="operations", hint=hint)
    if key.grants.count() >= quota_limit(key.project, QuotaKind.GRANTS_PER_KEY):
        raise KmsError(errors.TOO_MANY_GRANTS)
    return Grant.objects.create(
        key=key,
        name=name or "",
        grantee=grantee_principal,
        grantee_kind=grantee_principal_type,
        retiring_principal=retiring_principal or "",
        issued_by=caller.user_id,
        operations=list(operations),
        created_at=clock.now(),
    )


def revoke_grant(caller: Caller, key: Key, *, grant_id: str) -> None:
    """Ends a grant at once. Grants that its grantee passed on stay. Raises GRANT_ID_INVALID, GRANT_OF_ANOTHER_KEY."""
    _find(key, grant_id).delete()


def retire_grant(caller: Caller, key: Key, *, grant_id: str) -> None:
    """As `revoke_grant`, by its issuer, its retiring principal or a grantee who was granted it, and by nobody else.

    Raises NO_KEY_PERMISSION for anybody else, whatever their policies say.
    """
    grant = _find(key, grant_id)
    if not grant.may_be_retired_by(caller):
        hint = "Only its issuer, its retiring principal or a grantee with retire-grant can retire a grant."
        raise KmsError(errors.NO_KEY_PERMISSION, field="grant_id", hint=hint)
    grant.delete()


def list_grants(caller: Caller, key: Key, *, limit: int | None, marker: int | None) -> GrantPage:
    grants = key.grants.select_related("key")
    page, next_marker = cut(grants, limit=limit, marker=marker)
    return GrantPage(page, next_marker, key.grants.count())


def list_retirable_grants(caller: Caller, project: InProject, *, limit: int | None, marker: int | None) -> GrantPage:
    grants = queries.retirable_grants(caller)
    page, next_marker = cut(grants, limit=limit, marker=marker)
    return GrantPage(page, next_marker, grants.count())


def _find(key: Key, grant_id: str) -> Grant:
    grant = Grant.objects.filter(grant_id=grant_id, key__project=key.project_id).first()
    if grant is None:
        raise KmsError(errors.GRANT_ID_INVALID, field="grant_id")
    if grant.key_id != key.pk:
        raise KmsError(errors.GRANT_OF_ANOTHER_KEY, field="grant_id")
    return grant

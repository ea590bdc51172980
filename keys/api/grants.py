"""create-grant, revoke-grant, retire-grant, list-grants and list-retirable-grants (api.md 3.5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from keys.api.schemas import ALIAS_HINT, ALIAS_PATTERN, PAGE, milliseconds
from keys.locate import the_key, the_locked_granted_key, the_locked_key, the_project
from keys.models import RETIRE_GRANT as RETIRE_GRANT_NAME
from keys.models import Grant, GranteeKind
from keys.services import grants
from keys.services.grants import GrantPage
from keys.states import Use
from operations import errors
from operations.answers import INTEGER, TEXT, Schema, listing, record
from operations.fields import Choice, Field, KeyId, Request, Text
from operations.operation import Operation


def grantable() -> tuple[str, ...]:
    """The operations that a grant may name, from the declarations themselves."""
    from keys.api import OPERATIONS  # of which those of this module are a part

    return tuple(operation.name for operation in OPERATIONS if operation.grantable)


@dataclass(frozen=True, kw_only=True)
class GrantedOperations(Field):
    """A list of grantable operations, not empty; one that is named twice counts once."""

    @property
    def values(self) -> tuple[str, ...]:
        return grantable()

    @property
    def schema(self) -> Schema:
        return {"type": "array", "items": {**TEXT, "enum": list(self.values)}, "minItems": 1}

    def read(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str) or not value:
            raise self.refuse()
        names = self.values
        if not all(isinstance(name, str) and name in names for name in value):
            raise self.refuse()
        return tuple(dict.fromkeys(value))


@dataclass(frozen=True, kw_only=True)
class Principal(Text):
    pattern: re.Pattern[str] | None = re.compile(r"[a-zA-Z0-9]{1,64}")
    error: errors.Code = errors.PRINCIPAL_INVALID
    traced: bool = True


@dataclass(frozen=True, kw_only=True)
class GrantId(Text):
    name: str = "grant_id"
    required: bool = True
    about: str = "What create-grant answered: 64 hexadecimal digits."
    pattern: re.Pattern[str] | None = re.compile(r"[0-9a-fA-F]{64}")
    error: errors.Code = errors.GRANT_ID_INVALID
    traced: bool = True

    def read(self, value: Any) -> str:
        return super().read(value).lower()


@dataclass(frozen=True, kw_only=True)
class Optional(Text):
    """A text of which "" means that there is none."""

    def is_absent(self, value: object) -> bool:
        return value is None or value == ""


@dataclass(frozen=True, kw_only=True)
class OptionalPrincipal(Principal, Optional):
    pass


GRANT = record(
    key_id=TEXT,
    grant_id=TEXT,
    grantee_principal=TEXT,
    grantee_principal_type=TEXT,
    operations=listing(TEXT),
    issuing_principal=TEXT,
    creation_date=TEXT,
    name=TEXT,
    retiring_principal=TEXT,
)
GRANTS = record(grants=listing(GRANT), next_marker=TEXT, truncated=TEXT, total=INTEGER)
ONE_GRANT = Request((KeyId(), GrantId()))


def grant_details(grant: Grant) -> dict[str, Any]:
    return {
        "key_id": grant.key.key_id,
        "grant_id": grant.grant_id,
        "grantee_principal": grant.grantee,
        "grantee_principal_type": grant.grantee_kind,
        "operations": list(grant.operations),
        "issuing_principal": grant.issued_by,
        "creation_date": milliseconds(grant.created_at),
        "name": grant.name,
        "retiring_principal": grant.retiring_principal,
    }


def _page(page: GrantPage) -> dict[str, Any]:
    return {
        "grants": [grant_details(grant) for grant in page.grants],
        "next_marker": page.next_marker,
        "truncated": "true" if page.next_marker else "false",
        "total": page.total,
    }


CREATE_GRANT = Operation(
    name=grants.CREATE_GRANT,
    path="kms/create-grant",
    action=grants.CREATE_GRANT_ACTION,
    use=Use.GRANT,
    locate=the_locked_granted_key,
    run=grants.create_grant,
    request=Request(
        (
            KeyId(),
            Principal(
                name="grantee_principal",
                required=True,
                about="The ID of the user, or with type `domain` of the account, who may use the key.",
            ),
            GrantedOperations(
                name="operations",
                required=True,
                hint=_("Choose at least one of the operations that can be granted."),
                traced=True,
                about="What the grantee may do with the key; `create-grant` cannot stand alone.",
            ),
            Optional(name="name", pattern=ALIAS_PATTERN, hint=ALIAS_HINT, about="A label; it need not be unique."),
            OptionalPrincipal(
                name="retiring_principal", about="The ID of a user who may retire the grant, in whatever account."
            ),
            Choice(
                name="grantee_principal_type",
                values=tuple(GranteeKind.values),
                default=GranteeKind.USER.value,
                traced=True,
                about="Whether one user is meant or every user of an account.",
            ),
        )
    ),
    respond=lambda grant: {"grant_id": grant.grant_id},
    answer=record(grant_id=TEXT),
    refuses=(errors.CREATE_GRANT_ALONE, errors.TOO_MANY_GRANTS),
    trace="createGrant",
    grantable=True,
    summary="Let a user or an account do single operations with a key.",
)

REVOKE_GRANT = Operation(
    name="revoke-grant",
    path="kms/revoke-grant",
    action="kms:grant:revoke",
    use=Use.END_GRANT,
    locate=the_locked_key,
    run=grants.revoke_grant,
    request=ONE_GRANT,
    refuses=(errors.GRANT_OF_ANOTHER_KEY,),
    trace="revokeGrant",
    summary="End a grant, as the key's owner.",
)

RETIRE_GRANT = Operation(
    name=RETIRE_GRANT_NAME,
    path="kms/retire-grant",
    action="kms:grant:retire",
    use=Use.END_GRANT,
    locate=the_locked_granted_key,
    run=grants.retire_grant,
    request=ONE_GRANT,
    refuses=(errors.GRANT_OF_ANOTHER_KEY,),
    trace="retireGrant",
    grantable=True,
    summary="Give a grant back, as its issuer, its retiring principal or a grantee with retire-grant.",
)

LIST_GRANTS = Operation(
    name="list-grants",
    path="kms/list-grants",
    action="kms:grant:list",
    use=Use.DESCRIBE,
    locate=the_key,
    run=grants.list_grants,
    request=Request((KeyId(), *PAGE)),
    respond=_page,
    answer=GRANTS,
    trace="listGrants",
    writes=False,
    durable=False,
    summary="The grants on a key, newest first.",
)

LIST_RETIRABLE_GRANTS = Operation(
    name="list-retirable-grants",
    path="kms/list-retirable-grants",
    action="kms:grant:list",
    locate=the_project,
    run=grants.list_retirable_grants,
    request=Request(PAGE),
    respond=_page,
    answer=GRANTS,
    trace="listRetirableGrants",
    writes=False,
    durable=False,
    summary="The grants that name the caller as their retiring principal, newest first.",
)

OPERATIONS = (CREATE_GRANT, REVOKE_GRANT, RETIRE_GRANT, LIST_GRANTS, LIST_RETIRABLE_GRANTS)

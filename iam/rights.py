"""From policies to Rights: the built-in policies as data, and what one user may do in one project.

Nothing is allowed by default and an explicit Deny wins (SEC-050); that rule itself is `operations.caller.Rights`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from iam.models import Assignment, Membership, Policy, User
from operations.caller import Rights, Statement
from projects import queries as projects
from projects.models import Project

KEYS = (
    "kms:cmk:create",
    "kms:cmk:enable",
    "kms:cmk:disable",
    "kms:cmk:update",
    "kms:cmk:enableRotation",
    "kms:cmk:updateRotation",
    "kms:cmk:disableRotation",
    "kms:cmkTag:create",
    "kms:cmkTag:batch",
    "kms:cmkTag:delete",
    "kms:alias:create",
    "kms:alias:delete",
    "kms:alias:associate",
)
MATERIAL = ("kms:cmk:getMaterial", "kms:cmk:importMaterial", "kms:cmk:deleteMaterial")
READING = (
    "kms:cmk:list",
    "kms:cmk:get",
    "kms:cmk:getRotation",
    "kms:cmk:getQuota",
    "kms:cmk:getInstance",
    "kms:cmkTag:list",
    "kms:cmkTag:listInstance",
    "kms:alias:list",
)
USE = (
    "kms:cmk:crypto",
    "kms:cmk:generate",
    "kms:dek:create",
    "kms:dek:crypto",
    "kms:cmk:sign",
    "kms:cmk:verify",
    "kms:cmk:getPublicKey",
    "kms:cmk:generateMac",
    "kms:cmk:verifyMac",
)
GRANTS = ("kms:grant:create", "kms:grant:revoke", "kms:grant:retire")
LISTING_GRANTS = ("kms:grant:list",)
TRACES = ("cts:trace:list", "cts:trace:get")
IDENTITY = ("iam:*:*", "eps:*:*")

EVERY_KEY_ACTION = KEYS + MATERIAL + READING + USE + GRANTS + LISTING_GRANTS

# console.md F and the matrix of security.md 6. Who administers identities cannot use keys, nor the reverse (SEC-054).
BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "KMS Administrator": (*EVERY_KEY_ACTION, *TRACES),
    "KMS CMKFullAccess": (*EVERY_KEY_ACTION, *TRACES),
    "KMS CMK Admin": EVERY_KEY_ACTION,
    "KMS CMKReadOnlyAccess": (*READING, *LISTING_GRANTS),
    "KMS CMK Crypto User": (*READING, *USE),
    "CTS Auditor": TRACES,
    "Security Administrator": IDENTITY,
}

# The rights of whoever sets an installation up: keys, and the users who will take over.
FIRST_ADMINISTRATOR = ("KMS Administrator", "Security Administrator")


@dataclass(frozen=True, slots=True)
class Role:
    """An assigned policy by id and name: what Keystone calls a role."""

    id: str
    name: str


def install_built_in() -> dict[str, Policy]:
    """The rows by which built-in policies can be assigned. Running it again, or at once, adds only what is new."""
    Policy.objects.bulk_create([Policy(name=name) for name in BUILT_IN], ignore_conflicts=True)
    return {policy.name: policy for policy in Policy.objects.filter(account=None, name__in=BUILT_IN)}


def rights_in(user_id: str, project: Project) -> Rights:
    """What the user may do in the project, by own and by group assignments of every scope. One query."""
    return _as_rights(_assignments(user_id, project), project.account_id)


def rights_in_account(user: User) -> Rights:
    """What the user may do where no project is meant: what is assigned for the whole account. One query."""
    return _as_rights(_held_by(user.pk).filter(account=user.account_id), user.account_id)


def roles_of(user_id: str, project: Project) -> list[Role]:
    """The policies that count in the project, by name. One query."""
    rows = _assignments(user_id, project).order_by("policy__name").values_list("policy_id", "policy__name").distinct()
    return [Role(policy_id, name) for policy_id, name in rows]


def built_in_statements(name: str, scope: str | None) -> list[Statement]:
    """Empty for a name that this version does not know: what cannot be understood allows nothing."""
    actions = BUILT_IN.get(name)
    return [Statement(True, actions, scope)] if actions else []


def statements_of(document: Mapping[str, Any], scope: str | None) -> list[Statement]:
    """The statements of a custom policy's document: `{"Version": "1.1", "Statement": [{"Effect", "Action"}]}`."""
    return [
        Statement(statement["Effect"] == "Allow", tuple(statement["Action"]), scope)
        for statement in document.get("Statement", ())
    ]


def _as_rights(assignments: QuerySet[Assignment], account_id: str) -> Rights:
    rows = assignments.values_list("policy__name", "policy__account_id", "policy__document", "enterprise_project_id")
    statements: list[Statement] = []
    for name, owner, document, enterprise_project_id in rows:
        scope = enterprise_project_id and projects.wire_id(account_id, enterprise_project_id)
        statements += built_in_statements(name, scope) if owner is None else statements_of(document, scope)
    return Rights(tuple(dict.fromkeys(statements)))


def _held_by(user_id: str) -> QuerySet[Assignment]:
    groups = Membership.objects.filter(user=user_id).values("group")
    return Assignment.objects.filter(Q(user=user_id) | Q(group__in=groups))


def _assignments(user_id: str, project: Project) -> QuerySet[Assignment]:
    here = (
        Q(account=project.account_id)
        | Q(project=project.pk)
        | Q(enterprise_project__in=projects.enterprise_projects_of(project.account_id).order_by().values("pk"))
    )
    return _held_by(user_id).filter(here)

"""Reading what an account has: its projects, enterprise projects and quotas."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from projects.models import DEFAULT_WIRE_ID, Account, EnterpriseProject, Project, QuotaKind, QuotaOverride

GRANTS_PER_KEY = 100


def projects_of(account: Account) -> QuerySet[Project]:
    """In the order of the region selector: by region, and there the project that bears the region's name first."""
    return projects_of_account(account.pk)


def projects_of_account(account_id: str) -> QuerySet[Project]:
    return Project.objects.filter(account=account_id).order_by("region__position", "region", "created_at", "name")


def enterprise_projects_of(account_id: str) -> QuerySet[EnterpriseProject]:
    """By name, `default` before all others."""
    rank = Case(When(pk=account_id, then=Value(0)), default=Value(1), output_field=IntegerField())
    return EnterpriseProject.objects.filter(account=account_id).order_by(rank, "name")


def enterprise_project(account_id: str, wire_id: str) -> EnterpriseProject | None:
    """The account's enterprise project of that wire id; None for an unknown one and for another account's alike."""
    found = EnterpriseProject.objects.filter(account=account_id, pk=stored_id(account_id, wire_id)).first()
    # The default's stored id is no name for it: a key that bore it would belong to no enterprise project.
    return found if found is not None and found.wire_id == wire_id else None


def wire_id(account_id: str, enterprise_project_id: str) -> str:
    """The wire's form of a stored enterprise project id: "0" for the account's default."""
    return DEFAULT_WIRE_ID if enterprise_project_id == account_id else enterprise_project_id


def stored_id(account_id: str, wire_id: str) -> str:
    """The stored form of a wire id; whether there is such an enterprise project is another question."""
    return account_id if wire_id == DEFAULT_WIRE_ID else wire_id


def takes_new_keys(account_id: str, wire_id: str) -> bool:
    """Whether the account has this enterprise project, enabled."""
    found = enterprise_project(account_id, wire_id)
    return found is not None and found.enabled


def locked_project(project_id: str) -> Project:
    """The project, locked until the transaction ends: what is counted in it cannot change meanwhile.

    Rows that point at it may still be added, by those who do not count: otherwise two that wait for the same name, one
    of them with this lock, would wait for each other.
    """
    return Project.objects.select_for_update(no_key=True).get(pk=project_id)


def key_quota(project: Project) -> int:
    return quota_limit(project, QuotaKind.KEYS)


def quota_limit(project: Project, kind: str = QuotaKind.KEYS) -> int:
    """The limit that holds in a project: its own, else its account's, else the installation's. One query."""
    overrides = QuotaOverride.objects.filter(Q(project=project) | Q(account=project.account_id), kind=kind)
    limits = {override.project_id: override.limit for override in overrides}
    if limits:
        return limits[project.pk] if project.pk in limits else limits[None]
    return settings.KMS_QUOTA_KEYS if kind == QuotaKind.KEYS else GRANTS_PER_KEY

"""Reading what an account has: its projects, enterprise projects and quotas."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from operations.caller import Caller, Reach
from projects.models import DEFAULT_WIRE_ID, Account, EnterpriseProject, Project, QuotaKind, QuotaOverride

GRANTS_PER_KEY = 100


def projects_of(account: Account) -> QuerySet[Project]:
    """In the order of the region selector: by region, and there the project that bears the region's name first."""
    return projects_of_account(account.pk)


def projects_of_account(account_id: str) -> QuerySet[Project]:
    return Project.objects.filter(account=account_id).order_by("region__position", "region", "created_at", "name")


def enterprise_projects_of(account_id: str) -> QuerySet[EnterpriseProject]:
    """By name, `default` before all others."""
    return EnterpriseProject.objects.filter(account=account_id).order_by(_default_first(account_id), "name")


def _default_first(account_id: str) -> Case:
    return Case(When(pk=account_id, then=Value(0)), default=Value(1), output_field=IntegerField())


def enterprise_project(account_id: str, wire_id: str) -> EnterpriseProject | None:
    """The account's enterprise project of that wire id; None for an unknown one and for another account's alike."""
    found = EnterpriseProject.objects.filter(account=account_id, pk=stored_id(account_id, wire_id)).first()
    # The default's stored id is no name for it: a key that bore it would belong to no enterprise project.
    return found if found is not None and found.wire_id == wire_id else None


SORT_KEYS = ("created_at", "updated_at", "name")


@dataclass(frozen=True, slots=True)
class EnterpriseProjectPage:
    rows: list[EnterpriseProject]
    total: int


def list_enterprise_projects(
    caller: Caller,
    account: object,
    *,
    id: str | None,  # noqa: A002  (the wire's names)
    name: str | None,
    status: str | None,
    type: str | None,  # noqa: A002
    limit: int,
    offset: int,
    sort_key: str,
    sort_dir: str,
) -> EnterpriseProjectPage:
    """Those that the caller may list, `default` first. By offset, as its clients ask: an account has few of them."""
    found = _within(caller.rights.reach("eps:enterpriseProjects:list"), caller.account_id)
    if id:
        found = found.filter(pk=stored_id(caller.account_id, id))
    if name:
        found = found.filter(name__icontains=name)
    if status:
        found = found.filter(enabled=status == "1")
    if type:
        found = found.filter(type=type)
    order = f"{'-' if sort_dir == 'desc' else ''}{sort_key}"
    rows = found.order_by(_default_first(caller.account_id), order, "pk")
    return EnterpriseProjectPage(list(rows[offset : offset + limit]), found.count())


def _within(reach: Reach, account_id: str) -> QuerySet[EnterpriseProject]:
    mine = EnterpriseProject.objects.filter(account=account_id)
    named = Q(pk__in=[stored_id(account_id, wire_id) for wire_id in reach.named])
    return mine.exclude(named) if reach.everywhere else mine.filter(named)


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


def find_project(name: str, *, account: str | None = None) -> Project:
    """By its ID, or by its name, where no other account has a project of that name.

    Raises Project.DoesNotExist and Project.MultipleObjectsReturned, in words for people.
    """
    projects = Project.objects.select_related("account").filter(Q(pk=name) | Q(name=name))
    found = list(projects.filter(account__name=account) if account else projects)
    if not found:
        raise Project.DoesNotExist(f"There is no project {name}.")
    if len(found) > 1:
        raise Project.MultipleObjectsReturned(f"Several accounts have a project {name}: say which account.")
    return found[0]


def quota_limit(project: Project, kind: str = QuotaKind.KEYS) -> int:
    """The limit that holds in a project: its own, else its account's, else the installation's. One query."""
    overrides = QuotaOverride.objects.filter(Q(project=project) | Q(account=project.account_id), kind=kind)
    limits = {override.project_id: override.limit for override in overrides}
    if limits:
        return limits[project.pk] if project.pk in limits else limits[None]
    return settings.KMS_QUOTA_KEYS if kind == QuotaKind.KEYS else GRANTS_PER_KEY

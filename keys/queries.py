"""What is read of keys: who sees which, filters, order and paging. Nothing here changes a row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from keys.models import RETIRE_GRANT, Alias, Grant, GranteeKind, Key, KeyVersion
from keys.states import State
from operations import timekeeping
from operations.caller import Caller
from operations.models import Rating, Trace
from projects.models import Project

OFFERED, IMPORTED = "getParametersForImport", "importKeyMaterial"
DELETED, EXPIRED = "deleteImportedKeyMaterial", "expireKeyMaterial"
MATERIAL_EVENTS = (OFFERED, IMPORTED, DELETED, EXPIRED)

# On a page; a key that is rotated every 30 days has as many after eight years.
MOST_VERSIONS = 100


def living_keys(project_id: str, *, at: datetime | None = None) -> QuerySet[Key]:
    """The keys of a project. One whose waiting period is over is gone, whether or not a job has tidied up."""
    return Key.objects.filter(project_id=project_id).exclude(due_for_deletion(at))


def due_for_deletion(at: datetime | None = None, *, of: str = "") -> Q:
    """Keys whose waiting period is over; `of` leads to the key from another model, as `key__`."""
    moment = at or timekeeping.latest()
    return Q(**{f"{of}state": State.PENDING_DELETION, f"{of}scheduled_deletion_at__lte": moment})


def visible_keys(caller: Caller, *actions: str) -> QuerySet[Key]:
    """The keys of the caller's project where it is allowed at least one of the actions; by default, to list keys."""
    within = Q(pk__in=())
    for action in actions or ("kms:cmk:list",):
        reach = caller.rights.reach(action)
        if reach.is_whole:
            return living_keys(caller.project_id)
        named = Q(enterprise_project_id__in=sorted(reach.named))
        within |= ~named if reach.everywhere else named
    return living_keys(caller.project_id).filter(within)


def keys_granted_to(caller: Caller) -> QuerySet[Key]:
    """Keys of the caller's region, in whatever project, with a grant to, by, or to be retired by the caller."""
    grants = Grant.objects.filter(_concerning(caller), key=OuterRef("pk"))
    return Key.objects.filter(Exists(grants), project__region=caller.region_id).exclude(due_for_deletion())


def is_granted(key: Key, caller: Caller, operation: str) -> bool:
    """Whether a grant on this key opens the operation to the caller now. One query; the only place where it is asked.

    The issuer and the retiring principal of a grant may retire it without being granted anything.
    """
    grants = Grant.objects.filter(_concerning(caller), key=key)
    if operation == RETIRE_GRANT:
        return any(grant.may_be_retired_by(caller) for grant in grants)
    return any(operation in grant.operations for grant in grants if grant.is_to(caller))


def operations_granted(key: Key, caller: Caller) -> frozenset[str]:
    """What all grants on this key together let the caller do."""
    grants = Grant.objects.filter(_concerning(caller), key=key)
    return frozenset(name for grant in grants if grant.is_to(caller) for name in grant.operations)


def retirable_grants(caller: Caller) -> QuerySet[Grant]:
    """The grants of the caller's region whose retiring principal the caller is, of keys that are still there."""
    living = Q(key__project__region=caller.region_id) & ~due_for_deletion(of="key__")
    return Grant.objects.filter(living, retiring_principal=caller.user_id).select_related("key")


def _concerning(caller: Caller) -> Q:
    to_user = Q(grantee=caller.user_id, grantee_kind=GranteeKind.USER)
    to_account = Q(grantee=caller.account_id, grantee_kind=GranteeKind.DOMAIN)
    by_name = Q(issued_by=caller.user_id) | Q(retiring_principal=caller.user_id)
    return to_user | to_account | (by_name if caller.user_id else Q(pk__in=()))


def attach_project(caller: Caller, keys: Iterable[Key]) -> None:
    """Gives keys of the caller's project the one object for it: one of its own for each costs more than the row."""

    def load() -> Project:
        return Project.objects.get(pk=caller.project_id)

    project = caller.memory.recall("project", load) if caller.memory else load()
    for key in keys:
        key.project = project


def count_living(project_id: str) -> int:
    """How many keys a project has, read from an index alone: reading each row takes long at 100,000 keys."""
    due = Key.objects.filter(due_for_deletion())
    return Key.objects.filter(project_id=project_id).exclude(pk__in=due.values("pk")).count()


def in_state(keys: QuerySet[Key], state: State, *, at: datetime | None = None) -> QuerySet[Key]:
    """Keys whose state now is this one: material past its time counts as gone (`Key.state_now`)."""
    expired = Q(material_expires_at__lte=at or timekeeping.latest(), state__in=(State.ENABLED, State.DISABLED))
    if state is State.PENDING_IMPORT:
        return keys.filter(Q(state=state) | expired)
    if state in (State.ENABLED, State.DISABLED):
        return keys.filter(state=state).exclude(expired)
    return keys.filter(state=state)


def with_tags(keys: QuerySet[Key], tags: Iterable[tuple[str, str]]) -> QuerySet[Key]:
    """Keys that bear every one of the tags; an empty value stands for any value."""
    for name, value in tags:
        condition = Q(tags__name=name) & Q(tags__value=value) if value else Q(tags__name=name)
        keys = keys.filter(condition)
    return keys


def alias_is_taken(project_id: str, alias: str, *, except_for: str = "") -> bool:
    """Whether another key of the project than the one of that ID bears the alias."""
    if "\x00" in alias + except_for:
        return False
    bearers = living_keys(project_id).filter(aliases__project=project_id, aliases__name=alias[:255])
    return bearers.exclude(key_id=except_for).exists()


def aliases_of(caller: Caller, key: Key | None, action: str) -> QuerySet[Alias]:
    """Those of one key, or of every key of the project with which the caller may do this."""
    found = Alias.objects.select_related("key__project")
    if key is not None:
        return found.filter(key=key)
    return found.filter(project_id=caller.project_id, key__in=visible_keys(caller, action))


def count_towards_quota(project_id: str) -> int:
    """Custom keys in every state, those waiting for deletion too (console.md B10)."""
    return count_living(project_id) - Key.objects.filter(project_id=project_id, is_default=True).count()


def newest_versions(key: Key) -> list[KeyVersion]:
    """As many as a page shows, the current one first."""
    return list(key.versions.order_by("-number")[:MOST_VERSIONS])


def material_history(key: Key) -> QuerySet[Trace]:
    """What was done about the material of a key, newest first: that which succeeded."""
    return Trace.objects.filter(
        project_id=key.project_id, resource_id=key.key_id, name__in=MATERIAL_EVENTS, rating=Rating.NORMAL
    ).order_by("-time")

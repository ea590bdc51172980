"""What is read of keys: who sees which, filters, order and paging. Nothing here changes a row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from keys.models import Key
from keys.states import State
from operations import clock
from operations.caller import Caller
from operations.models import Rating, Trace

OFFERED, IMPORTED = "getParametersForImport", "importKeyMaterial"
DELETED, EXPIRED = "deleteImportedKeyMaterial", "expireKeyMaterial"
MATERIAL_EVENTS = (OFFERED, IMPORTED, DELETED, EXPIRED)


def living_keys(project_id: str, *, at: datetime | None = None) -> QuerySet[Key]:
    """The keys of a project. One whose waiting period is over is gone, whether or not a job has tidied up."""
    due = Q(state=State.PENDING_DELETION, scheduled_deletion_at__lte=at or clock.now())
    return Key.objects.filter(project_id=project_id).exclude(due)


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


def count_living(project_id: str) -> int:
    """How many keys a project has, read from an index alone: reading each row takes long at 100,000 keys."""
    due = Key.objects.filter(state=State.PENDING_DELETION, scheduled_deletion_at__lte=clock.now())
    return Key.objects.filter(project_id=project_id).exclude(pk__in=due.values("pk")).count()


def in_state(keys: QuerySet[Key], state: State, *, at: datetime | None = None) -> QuerySet[Key]:
    """Keys whose state now is this one: material past its time counts as gone (`Key.state_now`)."""
    expired = Q(material_expires_at__lte=at or clock.now(), state__in=(State.ENABLED, State.DISABLED))
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
    return Key.objects.filter(project_id=project_id, alias=alias[:255]).exclude(key_id=except_for).exists()


def count_towards_quota(project_id: str) -> int:
    """Custom keys in every state, those waiting for deletion too (console.md B10)."""
    return living_keys(project_id).filter(is_default=False).count()


def material_history(key: Key) -> QuerySet[Trace]:
    """What was done about the material of a key, newest first: that which succeeded."""
    return Trace.objects.filter(
        project_id=key.project_id, resource_id=key.key_id, name__in=MATERIAL_EVENTS, rating=Rating.NORMAL
    ).order_by("-time")

"""Limits that an administrator sets for one project, or for every project of one account."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from operations.caller import system
from operations.trail import record_event
from projects.models import Account, Project, QuotaKind, QuotaOverride


@transaction.atomic
def set_limit(holder: Account | Project, kind: QuotaKind, limit: int | None) -> None:
    """None takes a limit back, so that what stands above it holds again. What is there already stays, even above it."""
    if isinstance(holder, Project):
        place: dict[str, Any] = {"project": holder}
        caller = system(account_id=holder.account_id, project_id=holder.pk, region_id=holder.region_id)
    else:
        place = {"account": holder}
        caller = system(account_id=holder.pk)
    if limit is None:
        QuotaOverride.objects.filter(**place, kind=kind).delete()
    else:
        QuotaOverride.objects.update_or_create(**place, kind=kind, defaults={"limit": limit})
    record_event("setQuota", caller, resource=("quota", holder.pk, str(kind)), request={"limit": limit})

"""How many keys a project has, and how many it may have (api.md 3.9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keys.locate import the_project
from keys.services import account
from keys.services.account import Quota
from operations.answers import INTEGER, TEXT, listing, record
from operations.operation import Operation


def _quotas(found: Sequence[Quota]) -> dict[str, Any]:
    resources = [{"type": str(quota.kind), "used": quota.used, "quota": quota.limit} for quota in found]
    return {"quotas": {"resources": resources}}


USER_INSTANCES = Operation(
    name="user-instances",
    path="kms/user-instances",
    method="GET",
    action=account.COUNT,
    locate=the_project,
    run=account.count_instances,
    respond=lambda number: {"instance_num": number},
    answer=record(instance_num=INTEGER),
    trace="userInstances",
    writes=False,
    durable=False,
    summary="How many keys the project has; default keys do not count.",
)

USER_QUOTAS = Operation(
    name="user-quotas",
    path="kms/user-quotas",
    method="GET",
    action="kms:cmk:getQuota",
    locate=the_project,
    run=account.quotas,
    respond=_quotas,
    answer=record(quotas=record(resources=listing(record(type=TEXT, used=INTEGER, quota=INTEGER)))),
    trace="userQuotas",
    writes=False,
    durable=False,
    summary="How many keys the project may have and has, and how many grants a key may have.",
)

OPERATIONS = (USER_INSTANCES, USER_QUOTAS)

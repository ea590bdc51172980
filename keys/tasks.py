"""The clock's face of keys: finds what is due and performs the operation for it. It decides nothing (SEC-081)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from celery import shared_task
from django.db.models import Model, QuerySet

from keys import queries
from keys.api.lifecycle import DELETE_KEY
from keys.api.rotation import ROTATE_KEY
from keys.models import Key
from keys.states import State
from operations import clock, sweeps, timekeeping
from operations.caller import system
from operations.errors import KmsError
from operations.operation import Operation
from operations.perform import perform

log = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Model)


@shared_task
@timekeeping.on_trusted_clock
def delete_due_keys() -> int:
    """Deletes keys whose waiting period is over; returns how many. One transaction each: a bad row stops nobody."""
    return sweep(Key.objects.filter(queries.due_for_deletion()), DELETE_KEY, by="scheduled_deletion_at")


@shared_task
@timekeeping.on_trusted_clock
def rotate_due_keys() -> int:
    """Rotates enabled keys whose policy asks for it; returns how many."""
    due = Key.objects.filter(state=State.ENABLED, rotation_due_at__lte=clock.now())
    return sweep(due, ROTATE_KEY, by="rotation_due_at")


def sweep(due: QuerySet[Key], operation: Operation, *, by: str) -> int:
    """Performs the operation for every key that is due, in the order of `by`; returns for how many."""
    return perform_each(due.select_related("project"), operation, by=by, about=lambda key: (key, {}))


def perform_each(
    due: QuerySet[Row], operation: Operation, *, by: str, about: Callable[[Row], tuple[Key, dict[str, str]]]
) -> int:
    """As the system, in each key's project. `about` tells of a row its key, and what else the operation needs.

    What is refused and still due is a bad row: the others go on. What is refused and no longer due was done by another
    runner, just now. The rest is left to it: two that go the same way would leave a refusal for every row.
    """
    done = 0
    for row in sweeps.each(due, by=by):
        key, data = about(row)
        caller = system(account_id=key.project.account_id, project_id=key.project_id, region_id=key.project.region_id)
        try:
            perform(operation, caller, {"key_id": key.key_id, **data})
        except KmsError as error:
            if not due.filter(pk=row.pk).exists():
                break
            log.warning("not done", extra={"operation": operation.name, "key_id": key.key_id, "code": error.code.code})
        else:
            done += 1
    return done

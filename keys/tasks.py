"""The clock's face of keys: finds what is due and performs the operation for it. It decides nothing (SEC-081)."""

from __future__ import annotations

import logging

from celery import shared_task

from keys import queries
from keys.api.lifecycle import DELETE_KEY
from keys.api.rotation import ROTATE_KEY
from keys.models import Key
from keys.states import State
from operations import clock, sweeps
from operations.caller import system
from operations.errors import KmsError
from operations.operation import Operation
from operations.perform import perform

log = logging.getLogger(__name__)


@shared_task
def delete_due_keys() -> int:
    """Deletes keys whose waiting period is over; returns how many. One transaction each: a bad row stops nobody."""
    due = Key.objects.filter(queries.due_for_deletion())
    keys = sweeps.each(due.select_related("project"), by="scheduled_deletion_at")
    return sum(perform_for(key, DELETE_KEY) for key in keys)


@shared_task
def rotate_due_keys() -> int:
    """Rotates enabled keys whose policy asks for it; returns how many."""
    due = Key.objects.filter(state=State.ENABLED, rotation_due_at__lte=clock.now())
    keys = sweeps.each(due.select_related("project"), by="rotation_due_at")
    return sum(perform_for(key, ROTATE_KEY) for key in keys)


def perform_for(key: Key, operation: Operation, **data: str) -> bool:
    """As the system, in the key's project; False where it was refused."""
    caller = system(account_id=key.project.account_id, project_id=key.project_id, region_id=key.project.region_id)
    try:
        perform(operation, caller, {"key_id": key.key_id, **data})
    except KmsError as error:
        # Another runner was quicker, or the row is bad: the others go on.
        log.warning("not done", extra={"operation": operation.name, "key_id": key.key_id, "code": error.code.code})
        return False
    return True

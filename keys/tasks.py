"""The clock's face of keys: finds what is due and performs the operation for it. It decides nothing (SEC-081)."""

from __future__ import annotations

import logging

from celery import shared_task

from keys.api.lifecycle import DELETE_KEY
from keys.models import Key
from keys.states import State
from operations import clock
from operations.caller import system
from operations.errors import KmsError
from operations.perform import perform

log = logging.getLogger(__name__)
BATCH = 1000


@shared_task
def delete_due_keys() -> int:
    """Deletes keys whose waiting period is over; returns how many. One transaction each: a bad row stops nobody."""
    due = (
        Key.objects.filter(state=State.PENDING_DELETION, scheduled_deletion_at__lte=clock.now())
        .select_related("project")
        .order_by("scheduled_deletion_at")[:BATCH]
    )
    done = 0
    for key in due:
        caller = system(account_id=key.project.account_id, project_id=key.project_id, region_id=key.project.region_id)
        try:
            perform(DELETE_KEY, caller, {"key_id": key.key_id})
            done += 1
        except KmsError as error:
            log.warning("key not deleted", extra={"key_id": key.key_id, "code": error.code.code})
    return done

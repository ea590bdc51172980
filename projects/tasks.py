"""The clock's face of projects: the keys in the strong room that encrypt a project's keys (SEC-004, SEC-081)."""

from __future__ import annotations

import logging
import time

from celery import shared_task

from operations import timekeeping
from operations.caller import Caller, system
from operations.errors import KmsError
from operations.operation import Operation
from operations.perform import perform
from projects.models import Project
from projects.project_keys import ERASE_PROJECT_KEY, REWRAP_PROJECT_VALUES, ROTATE_PROJECT_KEY
from vault import project_rotation
from vault.models import ProjectKey

log = logging.getLogger(__name__)
BATCH = 1000
# Less than a task may take; the next sweep goes on.
MOST_SECONDS = 120


@shared_task
@timekeeping.on_trusted_clock
def rotate_project_keys() -> int:
    """Replaces project keys that have served their time and re-wraps what is under replaced ones; how many steps."""
    until = time.monotonic() + MOST_SECONDS
    steps = sum(_done(ROTATE_PROJECT_KEY, key) for key in project_rotation.due()[:BATCH])
    for key in project_rotation.replaced()[:BATCH]:
        while project_rotation.references(key) and time.monotonic() < until:
            if not _done(REWRAP_PROJECT_VALUES, key, version=key.version):
                break  # what is left is held by others or does not open
            steps += 1
        if project_rotation.may_be_erased(key):
            steps += _done(ERASE_PROJECT_KEY, key, version=key.version)
    return steps


def _done(operation: Operation, key: ProjectKey, **data: int) -> bool:
    try:
        perform(operation, _system_for(key), data)
    except KmsError as error:
        # Another runner was quicker, or the row is bad: the others go on.
        log.warning("not done", extra={"operation": operation.name, "key": str(key), "code": error.code.code})
        return False
    return True


def _system_for(key: ProjectKey) -> Caller:
    account_id = Project.objects.filter(pk=key.project).values_list("account_id", flat=True).first()
    return system(account_id=account_id or "", project_id=key.project, region_id=key.region)

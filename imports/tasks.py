"""The clock's face of imports. A message is a hint: each row is read again under its lock before anything happens."""

from __future__ import annotations

import logging

from celery import shared_task

from imports.api import EXPIRE_MATERIAL, EXPIRE_WRAPPING_KEY
from imports.models import WrappingKey
from keys.models import Key
from operations import clock
from operations.caller import Caller, system
from operations.errors import KmsError
from operations.operation import Operation
from operations.perform import perform

log = logging.getLogger(__name__)
BATCH = 1000


@shared_task
def expire_wrapping_keys() -> int:
    """Erases the private halves of wrapping keys older than 24 hours; returns how many."""
    due = (
        WrappingKey.objects.filter(private_sealed__isnull=False, expires_at__lte=clock.now())
        .select_related("key__project")
        .order_by("expires_at")[:BATCH]
    )
    return sum(_done(EXPIRE_WRAPPING_KEY, row.key, offer_id=str(row.pk)) for row in due)


@shared_task
def expire_material() -> int:
    """Erases imported material past its time, and moves the keys to Pending import; returns how many."""
    due = (
        Key.objects.filter(material_expires_at__lte=clock.now())
        .select_related("project")
        .order_by("material_expires_at")[:BATCH]
    )
    return sum(_done(EXPIRE_MATERIAL, key) for key in due)


def _done(operation: Operation, key: Key, **data: str) -> bool:
    try:
        perform(operation, _system_for(key), {"key_id": key.key_id, **data})
    except KmsError as error:
        # Another runner was quicker, or the row is bad: the others go on.
        log.warning("not done", extra={"operation": operation.name, "key_id": key.key_id, "code": error.code.code})
        return False
    return True


def _system_for(key: Key) -> Caller:
    return system(account_id=key.project.account_id, project_id=key.project_id, region_id=key.project.region_id)

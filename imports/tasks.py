"""The clock's face of imports. A message is a hint: each row is read again under its lock before anything happens."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from imports.api import EXPIRE_MATERIAL, EXPIRE_WRAPPING_KEY
from imports.models import WrappingKey
from keys.models import Key
from keys.tasks import perform_each, sweep
from operations import clock, sweeps, timekeeping


@shared_task
@timekeeping.on_trusted_clock
def expire_wrapping_keys() -> int:
    """Erases the private halves of wrapping keys older than 24 hours; returns how many."""
    due = WrappingKey.objects.filter(private_sealed__isnull=False, expires_at__lte=timekeeping.latest())
    return perform_each(
        due.select_related("key__project"),
        EXPIRE_WRAPPING_KEY,
        by="expires_at",
        about=lambda row: (row.key, {"offer_id": str(row.pk)}),
    )


@shared_task
@timekeeping.on_trusted_clock
def expire_material() -> int:
    """Erases imported material past its time, and moves the keys to Pending import; returns how many."""
    due = Key.objects.filter(material_expires_at__lte=timekeeping.latest())
    return sweep(due, EXPIRE_MATERIAL, by="material_expires_at")


@shared_task
@timekeeping.on_trusted_clock
def purge_import_sessions() -> int:
    """Deletes ended wrapping keys that are past KMS_KEEP_IMPORT_SESSIONS; returns how many. Their traces stay."""
    before = clock.now() - settings.KMS_KEEP_IMPORT_SESSIONS
    return sweeps.purge(WrappingKey.objects.filter(private_sealed__isnull=True, expires_at__lt=before))

"""The clock's face of imports. A message is a hint: each row is read again under its lock before anything happens."""

from __future__ import annotations

from itertools import chain

from celery import shared_task

from imports.api import EXPIRE_MATERIAL, EXPIRE_WRAPPING_KEY
from imports.models import LONGEST_SILENCE, WrappingKey
from keys.models import Key
from keys.tasks import perform_for
from operations import clock, sweeps


@shared_task
def expire_wrapping_keys() -> int:
    """Erases the private halves of wrapping keys older than 24 hours, and of abandoned wizards; returns how many."""
    standing = WrappingKey.objects.filter(private_sealed__isnull=False).select_related("key__project")
    old = standing.filter(expires_at__lte=clock.now())
    silent = standing.filter(last_contact_at__lte=clock.now() - LONGEST_SILENCE)
    rows = chain(sweeps.each(old, by="expires_at"), sweeps.each(silent, by="last_contact_at"))
    return sum(perform_for(row.key, EXPIRE_WRAPPING_KEY, offer_id=str(row.pk)) for row in rows)


@shared_task
def expire_material() -> int:
    """Erases imported material past its time, and moves the keys to Pending import; returns how many."""
    due = Key.objects.filter(material_expires_at__lte=clock.now())
    keys = sweeps.each(due.select_related("project"), by="material_expires_at")
    return sum(perform_for(key, EXPIRE_MATERIAL) for key in keys)

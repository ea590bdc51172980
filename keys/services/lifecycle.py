"""What becomes of a key between creation and end. Admission has been asked: a service moves, it does not judge."""

from __future__ import annotations

from datetime import timedelta

from keys import material
from keys.models import Key
from keys.services import aliases, expiry, rotation
from keys.states import Event, State
from operations import clock, errors, timekeeping
from operations.caller import Caller
from operations.errors import KmsError


def enable(caller: Caller, key: Key) -> Key:
    """A rotation that was due meanwhile is made up for at once."""
    key.move(Event.ENABLE)
    key.save(update_fields=["state"])
    rotation.catch_up(caller, key)
    return key


def disable(caller: Caller, key: Key) -> Key:
    key.move(Event.DISABLE)
    key.save(update_fields=["state"])
    return key


def prepare_deletion(caller: Caller, key: Key) -> Key:
    return key


def schedule_deletion(caller: Caller, key: Key, *, pending_days: int) -> Key:
    """The key stops working at once and is gone when the days are over; until then it can be cancelled."""
    key.move(Event.SCHEDULE_DELETION)
    key.scheduled_deletion_at = clock.now() + timedelta(days=pending_days)
    key.save(update_fields=["state", "scheduled_deletion_at"])
    timekeeping.note()
    return key


def cancel_deletion(caller: Caller, key: Key) -> Key:
    """To Disabled; to Pending import where there is no material, or where it expired meanwhile."""
    expiry.settle(key)
    key.move(Event.CANCEL_DELETION, has_material=material.has_material(key))
    key.scheduled_deletion_at = None
    key.save(update_fields=["state", "scheduled_deletion_at", "material_expires_at"])
    return key


def destroy(caller: Caller, key: Key) -> None:
    """The end, by the clock alone: material, versions and tags go, traces stay, the ID is never used again.

    Raises NOT_PENDING_DELETION for a key that is not due, so that a forged or repeated message does nothing (SEC-081).
    """
    if key.state != State.PENDING_DELETION or not key.deletion_is_due():
        raise KmsError(errors.NOT_PENDING_DELETION)
    material.erase(key)
    key.delete()


def update_alias(caller: Caller, key: Key, *, key_alias: str) -> Key:
    """Raises ALIAS_DUPLICATE, also where the key itself has the name as one more alias."""
    aliases.rename_primary(key, key_alias)
    return key


def update_description(caller: Caller, key: Key, *, key_description: str) -> Key:
    key.description = key_description
    key.save(update_fields=["description"])
    return key

"""Losing material: by its own time, or because someone deletes it. What the rows say follows what time has decided."""

from __future__ import annotations

from keys import material
from keys.models import Key
from keys.states import Event, State


def settle(key: Key) -> bool:
    """Brings a key whose material is past its time into the state that counts; says whether there was anything to do.

    A key waiting for its deletion loses the material and stays where it is. Does not save the key.
    """
    if not key.material_has_expired():
        return False
    lose(key)
    return True


def lose(key: Key) -> None:
    """Erases the material; the fingerprint stays, so that only the same can come back. Does not save the key."""
    material.erase(key)
    key.material_expires_at = None
    if key.state != State.PENDING_DELETION and key.state != State.PENDING_IMPORT:
        key.move(Event.LOSE_MATERIAL)

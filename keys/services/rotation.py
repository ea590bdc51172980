"""Rotation: new material for a key under the same ID. What was encrypted before still opens; new texts take the newest.

A policy rotates a key every 30 to 365 days, counted from its last rotation or, where there was none, from when the
policy was switched on. Only an enabled key rotates: one that was due meanwhile catches up when it is enabled again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from keys import material
from keys.models import Key, KeyVersion
from keys.states import State
from kmscrypto import material as mathematics
from operations import clock, errors
from operations.caller import Caller, system
from operations.errors import KmsError
from operations.trail import record_event

DEFAULT_DAYS = 365
# The name both of a rotation by the clock and of one on demand has in the audit trail.
TRACE = "rotateKey"


def enable_rotation(caller: Caller, key: Key, *, rotation_interval: int | None) -> Key:
    """In days; None means 365. Raises ROTATION_NOT_DISABLED."""
    if key.rotation_days is not None:
        raise KmsError(errors.ROTATION_NOT_DISABLED)
    _set_policy(key, days=rotation_interval or DEFAULT_DAYS, counted_from=key.rotated_at or clock.now())
    return key


def disable_rotation(caller: Caller, key: Key) -> Key:
    """The versions stay. Raises ROTATION_NOT_ENABLED."""
    if key.rotation_days is None:
        raise KmsError(errors.ROTATION_NOT_ENABLED)
    key.rotation_days = key.rotation_due_at = None
    key.save(update_fields=["rotation_days", "rotation_due_at"])
    return key


def update_interval(caller: Caller, key: Key, *, rotation_interval: int) -> Key:
    """Counts from where the present period began. Raises ROTATION_NOT_ENABLED."""
    if key.rotation_days is None or key.rotation_due_at is None:
        raise KmsError(errors.ROTATION_NOT_ENABLED)
    began = key.rotation_due_at - timedelta(days=key.rotation_days)
    _set_policy(key, days=rotation_interval, counted_from=began)
    return key


@dataclass(frozen=True, slots=True)
class RotationStatus:
    """A key with the versions of it that can be used, oldest first; their sealed material is not read."""

    key: Key
    versions: list[KeyVersion]


def rotation_status(caller: Caller, key: Key) -> RotationStatus:
    if key.material_has_expired():
        return RotationStatus(key, [])
    versions = key.versions.exclude(material_sealed=None).order_by("number").only("key", "number", "created_at")
    return RotationStatus(key, list(versions))


def rotate_now(caller: Caller, key: Key) -> Key:
    """With or without a policy; a policy's period begins anew."""
    _rotate(key)
    return key


def rotate_due(caller: Caller, key: Key) -> Key:
    """By the clock alone. Raises ROTATION_NOT_ENABLED where nothing is due: a repeated message does nothing."""
    if not is_due(key):
        raise KmsError(errors.ROTATION_NOT_ENABLED)
    _rotate(key)
    return key


def is_due(key: Key) -> bool:
    due = key.rotation_due_at
    return key.state_now() is State.ENABLED and due is not None and due <= clock.now()


def catch_up(caller: Caller, key: Key) -> None:
    """Rotates a key that was due while it could not: as the system, whoever enabled it (console.md B7)."""
    if is_due(key):
        _rotate(key)
        clockwork = system(account_id=caller.account_id, project_id=caller.project_id, region_id=caller.region_id)
        record_event(TRACE, clockwork, resource=key.trace_identity, request={"key_id": key.key_id})


def _rotate(key: Key) -> None:
    """The key's row is locked, and the number of a version is unique: a rotation happens once (SEC-009)."""
    key.current_version += 1
    key.rotated_at = material.store(key, mathematics.generate(key.spec)).created_at
    if key.rotation_days is not None:
        key.rotation_due_at = key.rotated_at + timedelta(days=key.rotation_days)
    key.save(update_fields=["current_version", "rotated_at", "rotation_due_at"])


def _set_policy(key: Key, *, days: int, counted_from: datetime) -> None:
    key.rotation_days = days
    key.rotation_due_at = counted_from + timedelta(days=days)
    key.save(update_fields=["rotation_days", "rotation_due_at"])

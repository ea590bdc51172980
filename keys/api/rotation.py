"""Rotation policies, rotating on demand, and the clock's own rotation of what is due (api.md 3.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keys.api.schemas import ONE_KEY, milliseconds
from keys.locate import the_due_key, the_key, the_locked_key
from keys.models import Key, KeyVersion
from keys.services import rotation
from keys.services.rotation import RotationStatus
from keys.states import Use
from operations import errors
from operations.answers import FLAG, INTEGER, TEXT, listing, record
from operations.fields import KeyId, Request, Whole
from operations.limits import Rate
from operations.operation import Operation


@dataclass(frozen=True, kw_only=True)
class Interval(Whole):
    """In days. Where it may be left out, 0 is the same: one of the original's clients always sends it."""

    name: str = "rotation_interval"
    minimum: int = 30
    maximum: int = 365
    error: errors.Code = errors.ROTATION_INTERVAL_INVALID
    traced: bool = True
    about: str = "In days. Where it may be left out, 0 means the same: 365."

    def is_absent(self, value: object) -> bool:
        is_zero = value == "0" or (value == 0 and isinstance(value, int) and not isinstance(value, bool))
        return super().is_absent(value) or (is_zero and not self.required)


# The original's 0 is a version that waits for its rotation; here a version is there once it is used.
_ENABLED = 2


def _status(status: RotationStatus) -> dict[str, Any]:
    """Types as the original's clients parse them: its tables say strings."""
    key = status.key
    return {
        "key_rotation_enabled": key.rotation_days is not None,
        "rotation_interval": key.rotation_days or rotation.DEFAULT_DAYS,
        "last_rotation_time": milliseconds(key.rotated_at),
        "number_of_rotations": key.current_version - 1,
        "key_materials": [_material(key, version) for version in status.versions],
    }


def _material(key: Key, version: KeyVersion) -> dict[str, Any]:
    """Nobody is charged, so `charge_id` is empty."""
    version.key = key
    return {
        "material_id": version.material_id,
        "charge_id": "",
        "create_time": milliseconds(version.created_at),
        "expiration_time": milliseconds(key.material_expires_at),
        "state": _ENABLED,
    }


ENABLE_KEY_ROTATION = Operation(
    name="enable-key-rotation",
    path="kms/enable-key-rotation",
    action="kms:cmk:enableRotation",
    use=Use.ROTATE,
    locate=the_locked_key,
    run=rotation.enable_rotation,
    refuses=(errors.ROTATION_NOT_DISABLED,),
    request=Request((KeyId(), Interval())),
    trace="enableKeyRotation",
    summary="Give a key new material every 30 to 365 days, by default every 365.",
)

DISABLE_KEY_ROTATION = Operation(
    name="disable-key-rotation",
    path="kms/disable-key-rotation",
    action="kms:cmk:disableRotation",
    use=Use.CHANGE_ROTATION,
    locate=the_locked_key,
    run=rotation.disable_rotation,
    refuses=(errors.ROTATION_NOT_ENABLED,),
    request=ONE_KEY,
    trace="disableKeyRotation",
    summary="Stop rotating a key; its versions stay.",
)

UPDATE_KEY_ROTATION_INTERVAL = Operation(
    name="update-key-rotation-interval",
    path="kms/update-key-rotation-interval",
    action="kms:cmk:updateRotation",
    use=Use.CHANGE_ROTATION,
    locate=the_locked_key,
    run=rotation.update_interval,
    refuses=(errors.ROTATION_NOT_ENABLED,),
    request=Request((KeyId(), Interval(required=True))),
    trace="updateKeyRotationInterval",
    summary="Change after how many days a key is rotated.",
)

GET_KEY_ROTATION_STATUS = Operation(
    name="get-key-rotation-status",
    path="kms/get-key-rotation-status",
    action="kms:cmk:getRotation",
    use=Use.ROTATION_STATUS,
    locate=the_key,
    run=rotation.rotation_status,
    request=ONE_KEY,
    respond=_status,
    answer=record(
        key_rotation_enabled=FLAG,
        rotation_interval=INTEGER,
        last_rotation_time=TEXT,
        number_of_rotations=INTEGER,
        key_materials=listing(
            record(material_id=TEXT, charge_id=TEXT, create_time=TEXT, expiration_time=TEXT, state=INTEGER)
        ),
    ),
    trace="getKeyRotationStatus",
    writes=False,
    durable=False,
    summary="Whether and how often a key is rotated, when it last was, how many times, and its materials.",
)

ROTATE_ON_DEMAND = Operation(
    name="rotate-on-demand",
    path="kms/rotate-on-demand",
    action="kms:cmk:updateRotation",
    use=Use.ROTATE,
    locate=the_locked_key,
    run=rotation.rotate_now,
    request=ONE_KEY,
    respond=lambda key: {"key_id": key.key_id},
    answer=record(key_id=TEXT),
    trace=rotation.TRACE,
    # Every version stays as long as its key.
    rate=Rate("rotate-on-demand", calls=60),
    summary="Give a key new material now.",
)

# The clock's own.
ROTATE_KEY = Operation(
    name="rotate-key",
    action=None,
    locate=the_due_key,
    run=rotation.rotate_due,
    request=ONE_KEY,
    trace=rotation.TRACE,
    summary="Give a key whose rotation is due new material.",
)

OPERATIONS = (
    ENABLE_KEY_ROTATION,
    DISABLE_KEY_ROTATION,
    UPDATE_KEY_ROTATION_INTERVAL,
    GET_KEY_ROTATION_STATUS,
    ROTATE_ON_DEMAND,
    ROTATE_KEY,
)

"""Enabling, disabling, deleting keys; changing alias and description."""

from __future__ import annotations

from dataclasses import replace

from keys.api.schemas import ALIAS, DESCRIPTION, KEY_AND_STATE, ONE_KEY, key_and_state, key_info_state
from keys.locate import the_due_key, the_key, the_locked_key
from keys.services import lifecycle
from keys.states import Use
from operations import errors
from operations.answers import TEXT, record
from operations.fields import KeyId, Request, Whole
from operations.operation import Operation

ENABLE_KEY = Operation(
    name="enable-key",
    path="kms/enable-key",
    action="kms:cmk:enable",
    use=Use.ENABLE,
    locate=the_locked_key,
    run=lifecycle.enable,
    request=ONE_KEY,
    respond=key_info_state,
    answer=record(key_info=KEY_AND_STATE),
    trace="enableKey",
    summary="Enable a disabled key.",
)

DISABLE_KEY = Operation(
    name="disable-key",
    path="kms/disable-key",
    action="kms:cmk:disable",
    use=Use.DISABLE,
    locate=the_locked_key,
    run=lifecycle.disable,
    request=ONE_KEY,
    respond=key_info_state,
    answer=record(key_info=KEY_AND_STATE),
    trace="disableKey",
    summary="Disable a key: nothing can be done with it until it is enabled again.",
)

PENDING_DAYS = Whole(
    name="pending_days",
    required=True,
    minimum=7,
    maximum=1096,
    error=errors.PENDING_DAYS_INVALID,
    missing_hint=errors.PENDING_DAYS_INVALID.hint,
    traced=True,
    about="After how many days the key is deleted for good.",
)

SCHEDULE_KEY_DELETION = Operation(
    name="schedule-key-deletion",
    path="kms/schedule-key-deletion",
    action="kms:cmk:update",
    use=Use.SCHEDULE_DELETION,
    locate=the_locked_key,
    run=lifecycle.schedule_deletion,
    request=Request((KeyId(), PENDING_DAYS)),
    respond=key_and_state,
    answer=KEY_AND_STATE,
    trace="scheduleKeyDeletion",
    summary="Schedule a key's deletion in 7 to 1,096 days.",
)

# The console's own: opening the dialog that warns of a deletion leaves a trace, as the original's does.
PREPARE_KEY_DELETION = Operation(
    name="prepare-key-deletion",
    action="kms:cmk:update",
    locate=the_key,
    run=lifecycle.prepare_deletion,
    request=ONE_KEY,
    trace="deleteKeyRiskTips",
    writes=False,
    summary="Show what deleting a key means, before it is scheduled.",
)

CANCEL_KEY_DELETION = Operation(
    name="cancel-key-deletion",
    path="kms/cancel-key-deletion",
    action="kms:cmk:update",
    use=Use.CANCEL_DELETION,
    locate=the_locked_key,
    run=lifecycle.cancel_deletion,
    request=ONE_KEY,
    respond=key_and_state,
    answer=KEY_AND_STATE,
    trace="cancelKeyDeletion",
    summary="Cancel a scheduled deletion; the key is then Disabled, or Pending import where it has no material.",
)

UPDATE_KEY_ALIAS = Operation(
    name="update-key-alias",
    path="kms/update-key-alias",
    action="kms:cmk:update",
    use=Use.EDIT,
    locate=the_locked_key,
    run=lifecycle.update_alias,
    request=Request((KeyId(), ALIAS)),
    respond=lambda key: {"key_info": {"key_id": key.key_id, "key_alias": key.alias}},
    answer=record(key_info=record(key_id=TEXT, key_alias=TEXT)),
    refuses=(errors.ALIAS_DUPLICATE,),
    trace="updateKeyAlias",
    summary="Change a key's alias.",
)

UPDATE_KEY_DESCRIPTION = Operation(
    name="update-key-description",
    path="kms/update-key-description",
    action="kms:cmk:update",
    use=Use.EDIT,
    locate=the_locked_key,
    run=lifecycle.update_description,
    request=Request((KeyId(), replace(DESCRIPTION, required=True))),
    respond=lambda key: {"key_info": {"key_id": key.key_id, "key_description": key.description}},
    answer=record(key_info=record(key_id=TEXT, key_description=TEXT)),
    trace="updateKeyDescription",
    summary="Change a key's description.",
)

# The clock's own: no path, no permission, performed by the system for each key that is due.
DELETE_KEY = Operation(
    name="delete-key",
    action=None,
    locate=the_due_key,
    run=lifecycle.destroy,
    request=ONE_KEY,
    trace="deleteKey",
    summary="Delete a key whose waiting period is over.",
)

OPERATIONS = (
    ENABLE_KEY,
    DISABLE_KEY,
    SCHEDULE_KEY_DELETION,
    PREPARE_KEY_DELETION,
    CANCEL_KEY_DELETION,
    UPDATE_KEY_ALIAS,
    UPDATE_KEY_DESCRIPTION,
    DELETE_KEY,
)

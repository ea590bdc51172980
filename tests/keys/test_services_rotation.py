"""Rotation: new material under the same ID; what was encrypted before still opens, what is due rotates once."""

from __future__ import annotations

import base64

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from keys.api import rotation
from keys.api.encryption import DECRYPT_DATA, ENCRYPT_DATA
from keys.models import Key
from keys.tasks import rotate_due_keys
from kmscrypto import envelope
from operations import errors
from operations.caller import system
from operations.models import Trace
from operations.perform import perform
from tests.operations.stage import (
    a_key,
    an_empty_key,
    an_imported_key,
    cancel_deletion,
    describe,
    disable,
    enable,
    refused,
    schedule_deletion,
)


def turn_on(caller, key, **fields):
    return perform(rotation.ENABLE_KEY_ROTATION, caller, {"key_id": key.key_id, **fields})


def turn_off(caller, key, **fields):
    return perform(rotation.DISABLE_KEY_ROTATION, caller, {"key_id": key.key_id, **fields})


def change(caller, key, days):
    fields = {"key_id": key.key_id, "rotation_interval": days}
    return perform(rotation.UPDATE_KEY_ROTATION_INTERVAL, caller, fields)


def rotate(caller, key):
    return perform(rotation.ROTATE_ON_DEMAND, caller, {"key_id": key.key_id})


def status(caller, key):
    operation = rotation.GET_KEY_ROTATION_STATUS
    return operation.respond(perform(operation, caller, {"key_id": key.key_id}))


def encrypt(caller, key, text):
    done = perform(ENCRYPT_DATA, caller, {"key_id": key.key_id, "plain_text": text})
    return ENCRYPT_DATA.respond(done)["cipher_text"]


def decrypt(caller, cipher_text):
    return DECRYPT_DATA.respond(perform(DECRYPT_DATA, caller, {"cipher_text": cipher_text}))["plain_text"]


def the_system(caller):
    return system(account_id=caller.account_id, project_id=caller.project_id, region_id=caller.region_id)


def rotations(key):
    """Who rotated the key, in order."""
    traces = Trace.objects.filter(resource_id=key.key_id, name="rotateKey", rating="normal").order_by("time")
    return [(trace.kind, trace.user_name) for trace in traces]


# --- what a rotation does -----------------------------------------------------------------------------------------


def test_old_texts_open_and_new_ones_carry_the_newest_version(alice):
    key = a_key(alice)
    texts = [encrypt(alice, key, "before")]
    for number in range(10):
        rotate(alice, key)
        texts.append(encrypt(alice, key, f"after {number}"))

    assert [decrypt(alice, text) for text in texts] == ["before", *(f"after {number}" for number in range(10))]
    assert [envelope.parse(base64.b64decode(text)).version for text in texts] == list(range(1, 12))
    assert status(alice, key)["number_of_rotations"] == 10


def test_every_version_has_material_of_its_own(alice):
    key = a_key(alice)
    rotate(alice, key)

    sealed = [bytes(version.material_sealed) for version in key.versions.order_by("number")]

    assert len(set(sealed)) == 2
    assert len(set(key.versions.values_list("check_value", flat=True))) == 2


def test_a_rotation_on_demand_is_its_callers_act(alice):
    key = a_key(alice)

    done = rotate(alice, key)

    assert rotation.ROTATE_ON_DEMAND.respond(done) == {"key_id": key.key_id}
    assert rotations(key) == [("ApiCall", "alice")]


def test_a_deleted_key_takes_all_its_versions_along(alice, the_clock):
    key = a_key(alice)
    rotate(alice, key)
    text = encrypt(alice, key, "a text")
    schedule_deletion(alice, key)
    the_clock.advance(days=7)

    with refused(errors.KEY_NOT_FOUND):
        decrypt(alice, text)


def test_a_rotation_takes_the_same_few_queries_however_many_versions_there_are(alice):
    key = a_key(alice)
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            rotate(alice, key)
        counts.append(len(queries))

    assert len(set(counts[1:])) == 1
    assert counts[-1] <= 19  # one of them counts a block of wraps, which only a commit lets others use


def test_the_status_lists_each_material_oldest_first_without_reading_it(alice, the_clock):
    key = a_key(alice)
    the_clock.advance(days=1)
    rotate(alice, key)

    with CaptureQueriesContext(connection) as queries:
        first, second = status(alice, key)["key_materials"]

    assert int(second["create_time"]) - int(first["create_time"]) == 86_400_000
    assert second["create_time"] == status(alice, key)["last_rotation_time"]
    assert first["material_id"] != second["material_id"] == status(alice, key)["key_materials"][1]["material_id"]
    assert {material["charge_id"] + material["expiration_time"] for material in (first, second)} == {""}
    assert not [query for query in queries if '"keys_keyversion"."material_sealed",' in query["sql"]]


def test_material_that_is_gone_is_not_listed(alice, the_clock):
    tomorrow = the_clock.seconds() + 86_400
    waiting, expiring = an_empty_key(alice), an_imported_key(alice, expiration_time=tomorrow)

    assert status(alice, waiting)["key_materials"] == []
    (material,) = status(alice, expiring)["key_materials"]
    assert material["expiration_time"].isdecimal()
    the_clock.advance(days=2)
    assert status(alice, expiring)["key_materials"] == []


# --- the policy ---------------------------------------------------------------------------------------------------


def test_a_fresh_key_has_no_policy(alice):
    key = a_key(alice)

    told = status(alice, key)
    assert [material["state"] for material in told.pop("key_materials")] == [2]
    assert told == {
        "key_rotation_enabled": False,
        "rotation_interval": 365,
        "last_rotation_time": "",
        "number_of_rotations": 0,
    }
    assert describe(alice, key)["key_rotation_enabled"] == "false"


@pytest.mark.parametrize(
    ("given", "days"),
    [
        ({}, 365),
        ({"rotation_interval": 0}, 365),
        ({"rotation_interval": "0"}, 365),
        ({"rotation_interval": ""}, 365),
        ({"rotation_interval": 30}, 30),
        ({"rotation_interval": "90"}, 90),
        ({"rotation_interval": 365}, 365),
    ],
)
def test_switching_on_takes_a_period_or_means_a_year(alice, given, days):
    key = a_key(alice)

    turn_on(alice, key, **given)

    assert status(alice, key)["rotation_interval"] == days
    assert status(alice, key)["key_rotation_enabled"] is True
    assert describe(alice, key)["key_rotation_enabled"] == "true"


@pytest.mark.parametrize("days", [-1, 1, 29, 366, "29", "x", 30.5, True, False, [30]])
def test_a_period_outside_30_to_365_is_refused(alice, days):
    key = turn_on(alice, a_key(alice))

    for operation in (rotation.ENABLE_KEY_ROTATION, rotation.UPDATE_KEY_ROTATION_INTERVAL):
        with refused(errors.ROTATION_INTERVAL_INVALID, field="rotation_interval"):
            perform(operation, alice, {"key_id": key.key_id, "rotation_interval": days})


@pytest.mark.parametrize("days", [0, "0"])
def test_a_change_to_no_period_is_none(alice, days):
    with refused(errors.ROTATION_INTERVAL_INVALID):
        change(alice, turn_on(alice, a_key(alice)), days)


def test_switching_on_twice_is_refused(alice):
    key = turn_on(alice, a_key(alice), rotation_interval=30)

    with refused(errors.ROTATION_NOT_DISABLED):
        turn_on(alice, key, rotation_interval=60)

    assert status(alice, key)["rotation_interval"] == 30


@pytest.mark.parametrize("act", [turn_off, lambda caller, key: change(caller, key, 30)])
def test_what_is_not_on_is_neither_switched_off_nor_changed(alice, act):
    with refused(errors.ROTATION_NOT_ENABLED):
        act(alice, a_key(alice))


def test_switching_off_takes_the_interval_that_one_client_always_sends(alice):
    key = turn_on(alice, a_key(alice))

    turn_off(alice, key, rotation_interval=0)

    assert status(alice, key)["key_rotation_enabled"] is False


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (an_empty_key, errors.EXTERNAL_CANNOT_ROTATE),
        (an_imported_key, errors.EXTERNAL_CANNOT_ROTATE),
        (lambda caller: a_key(caller, "EC_P256"), errors.ASYMMETRIC_CANNOT_ROTATE),
        (lambda caller: a_key(caller, "HMAC_256"), errors.HMAC_UNSUPPORTED),
    ],
)
def test_other_kinds_of_key_never_rotate(alice, make, told):
    key = make(alice)

    for act in (turn_on, turn_off, rotate, lambda caller, key: change(caller, key, 30)):
        with refused(told):
            act(alice, key)
    assert status(alice, key)["key_rotation_enabled"] is False


def test_the_database_holds_no_policy_of_a_key_that_cannot_rotate(alice):
    keys = Key.objects.filter(pk=an_imported_key(alice).pk)

    for impossible in ({"rotation_days": 30}, {"current_version": 2}):
        with pytest.raises(IntegrityError), transaction.atomic():
            keys.update(**impossible)


def test_a_disabled_key_keeps_its_policy_and_may_change_it(alice):
    key = turn_on(alice, a_key(alice))
    disable(alice, key)

    change(alice, key, 60)
    assert status(alice, key)["rotation_interval"] == 60
    turn_off(alice, key)
    for act in (turn_on, rotate):
        with refused(errors.KEY_DISABLED):
            act(alice, key)


def test_a_key_that_leaves_tells_its_policy_and_changes_nothing(alice):
    key = turn_on(alice, a_key(alice))
    schedule_deletion(alice, key)

    for act in (turn_on, turn_off, rotate, lambda caller, key: change(caller, key, 30)):
        with refused(errors.KEY_PENDING_DELETION):
            act(alice, key)
    assert status(alice, key)["key_rotation_enabled"] is True


# --- the clock ----------------------------------------------------------------------------------------------------


def test_a_key_rotates_when_its_period_is_over_and_not_a_second_before(alice, the_clock):
    key = turn_on(alice, a_key(alice), rotation_interval=30)
    text = encrypt(alice, key, "before")
    the_clock.advance(days=30, seconds=-1)
    assert rotate_due_keys() == 0
    the_clock.advance(seconds=1)

    assert rotate_due_keys() == 1

    told = status(alice, key)
    assert (told["number_of_rotations"], told["last_rotation_time"]) == (1, str(the_clock.seconds() * 1000))
    assert rotations(key) == [("SystemAction", "system")]
    assert decrypt(alice, text) == "before"


def test_the_next_period_begins_with_the_rotation(alice, the_clock):
    key = turn_on(alice, a_key(alice), rotation_interval=30)
    the_clock.advance(days=40)
    rotate_due_keys()

    the_clock.advance(days=29)
    assert rotate_due_keys() == 0
    the_clock.advance(days=1)
    assert rotate_due_keys() == 1

    assert status(alice, key)["number_of_rotations"] == 2


def test_a_rotation_on_demand_begins_the_period_anew(alice, the_clock):
    key = turn_on(alice, a_key(alice), rotation_interval=30)
    the_clock.advance(days=20)
    rotate(alice, key)
    the_clock.advance(days=29)

    assert rotate_due_keys() == 0


def test_a_shorter_period_counts_from_where_the_present_one_began(alice, the_clock):
    key = turn_on(alice, a_key(alice), rotation_interval=365)
    the_clock.advance(days=100)
    change(alice, key, 101)
    assert rotate_due_keys() == 0

    change(alice, key, 100)

    assert rotate_due_keys() == 1


def test_a_policy_that_is_switched_on_again_counts_from_the_last_rotation(alice, the_clock):
    key = turn_on(alice, a_key(alice), rotation_interval=30)
    the_clock.advance(days=30)
    rotate_due_keys()
    turn_off(alice, key)
    the_clock.advance(days=30)
    assert rotate_due_keys() == 0

    turn_on(alice, key, rotation_interval=30)

    assert rotate_due_keys() == 1


def test_a_repeated_sweep_rotates_no_further(alice, the_clock):
    turn_on(alice, a_key(alice), rotation_interval=30)
    the_clock.advance(days=300)

    assert [rotate_due_keys() for _ in range(5)] == [1, 0, 0, 0, 0]


def test_a_forged_message_rotates_nothing_that_is_not_due(alice, the_clock):
    key = turn_on(alice, a_key(alice), rotation_interval=30)

    for waiting in (key, a_key(alice)):
        with refused(errors.ROTATION_NOT_ENABLED):
            perform(rotation.ROTATE_KEY, the_system(alice), {"key_id": waiting.key_id})
    the_clock.advance(days=30)
    with refused(errors.NO_PERMISSION):
        perform(rotation.ROTATE_KEY, alice, {"key_id": key.key_id})

    assert status(alice, key)["number_of_rotations"] == 0


@pytest.mark.parametrize("rest", [disable, schedule_deletion])
def test_a_key_at_rest_is_not_rotated(alice, the_clock, rest):
    key = turn_on(alice, a_key(alice), rotation_interval=30)
    the_clock.advance(days=29)
    rest(alice, key)
    the_clock.advance(days=2)

    assert rotate_due_keys() == 0
    with refused(errors.ROTATION_NOT_ENABLED):
        perform(rotation.ROTATE_KEY, the_system(alice), {"key_id": key.key_id})


def test_an_overdue_key_catches_up_when_it_is_enabled_and_the_system_did_it(alice, the_clock):
    key = turn_on(alice, a_key(alice), rotation_interval=30)
    schedule_deletion(alice, key, days=400)
    the_clock.advance(days=399)
    cancel_deletion(alice, key)
    assert status(alice, key)["number_of_rotations"] == 0

    enable(alice, key)

    assert status(alice, key)["number_of_rotations"] == 1
    assert rotations(key) == [("SystemAction", "system")]
    assert rotate_due_keys() == 0


def test_enabling_a_key_that_is_not_due_rotates_nothing(alice, the_clock):
    key = turn_on(alice, a_key(alice), rotation_interval=30)
    disable(alice, key)
    the_clock.advance(days=29)

    enable(alice, key)

    assert status(alice, key)["number_of_rotations"] == 0


def test_one_key_that_cannot_rotate_stops_no_other(alice, the_clock):
    keys = [turn_on(alice, a_key(alice), rotation_interval=30) for _ in range(3)]
    the_clock.advance(days=30)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TRIGGER stay BEFORE INSERT ON keys_keyversion WHEN NEW.key_id = {keys[0].pk} "
            "BEGIN SELECT RAISE(ABORT, 'kept by the test'); END"
        )

    assert rotate_due_keys() == 2

    # Half a rotation is none: the old version is still the current one.
    assert [status(alice, key)["number_of_rotations"] for key in keys] == [0, 1, 1]
    assert decrypt(alice, encrypt(alice, keys[0], "a text")) == "a text"

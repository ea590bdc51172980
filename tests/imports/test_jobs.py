"""Expiring wrapping keys and material: a job tidies up what time has decided, and may be repeated or forged."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from imports import tasks
from imports.api import EXPIRE_MATERIAL, EXPIRE_WRAPPING_KEY
from imports.models import WrappingKey
from keys.models import Key
from keys.tasks import delete_due_keys
from operations import errors
from operations.caller import system
from operations.errors import KmsError
from operations.models import Trace
from operations.perform import perform
from tests.operations.stage import (
    an_empty_key,
    an_imported_key,
    an_offer,
    cancel_deletion,
    delete_material,
    disable,
    import_into,
    refused,
    schedule_deletion,
    state_of,
)

MATERIAL = bytes(range(32))


def the_system(caller):
    return system(account_id=caller.account_id, project_id=caller.project_id, region_id=caller.region_id)


def expiring(caller, clock, **fields):
    return an_imported_key(caller, plaintext=MATERIAL, expiration_time=clock.seconds() + 3600, **fields)


# --- wrapping keys ------------------------------------------------------------------------------------------------


def test_the_private_half_of_a_wrapping_key_is_erased_after_24_hours(alice, the_clock):
    key = an_empty_key(alice)
    an_offer(alice, key)
    the_clock.advance(hours=24)

    assert tasks.expire_wrapping_keys() == 1

    row = WrappingKey.objects.get()
    assert row.private_sealed is None
    assert (row.used_at, row.revoked_at) == (None, None)


def test_a_wrapping_key_that_is_not_due_keeps_its_private_half(alice, the_clock):
    an_offer(alice, an_empty_key(alice))
    the_clock.advance(hours=24, seconds=-1)

    assert tasks.expire_wrapping_keys() == 0

    assert WrappingKey.objects.get().private_sealed is not None


def test_expiring_a_wrapping_key_leaves_a_trace_of_the_system(alice, the_clock):
    key = an_empty_key(alice)
    an_offer(alice, key)
    the_clock.advance(hours=24)

    tasks.expire_wrapping_keys()

    trace = Trace.objects.get(name="expireWrappingKey")
    assert (trace.kind, trace.user_name, trace.rating) == ("SystemAction", "system", "normal")
    assert (trace.resource_id, trace.project_id, trace.time) == (key.key_id, alice.project_id, the_clock.at)


def test_wrapping_keys_of_keys_that_are_past_their_own_date_are_erased_too(alice, the_clock):
    key = an_empty_key(alice)
    an_offer(alice, key)
    schedule_deletion(alice, key, days=7)
    the_clock.advance(days=8)

    assert tasks.expire_wrapping_keys() == 1


@pytest.mark.parametrize("hours", [0, 23])
def test_a_forged_message_expires_no_wrapping_key_before_its_time(alice, the_clock, hours):
    key = an_empty_key(alice)
    an_offer(alice, key)
    row = WrappingKey.objects.get()
    the_clock.advance(hours=hours)

    with refused(errors.PARAMETER_INVALID):
        perform(EXPIRE_WRAPPING_KEY, the_system(alice), {"key_id": key.key_id, "offer_id": str(row.pk)})

    assert WrappingKey.objects.get().private_sealed is not None


def test_the_row_of_an_ended_wrapping_key_is_purged_after_its_time_and_a_live_one_is_not(alice, the_clock):
    key = an_empty_key(alice)
    an_offer(alice, key)
    the_clock.advance(days=2)
    assert tasks.purge_import_sessions() == 0, "its private half is still there"
    tasks.expire_wrapping_keys()

    the_clock.advance(days=29)
    assert tasks.purge_import_sessions() == 0
    the_clock.advance(seconds=1)

    assert tasks.purge_import_sessions() == 1
    assert not WrappingKey.objects.exists()
    assert Trace.objects.filter(name="expireWrappingKey").exists()


def test_how_long_ended_wrapping_keys_stay_is_a_setting(alice, the_clock, settings):
    settings.KMS_KEEP_IMPORT_SESSIONS = timedelta(days=1)
    key = an_empty_key(alice)
    an_offer(alice, key)
    the_clock.advance(days=2, seconds=1)
    tasks.expire_wrapping_keys()

    assert tasks.purge_import_sessions() == 1


# --- material -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leave", [None, disable])
def test_expired_material_is_erased_and_its_key_waits_for_it(alice, the_clock, leave):
    key = expiring(alice, the_clock)
    if leave:
        leave(alice, key)
    the_clock.advance(seconds=3600)

    assert tasks.expire_material() == 1

    row = Key.objects.get(pk=key.pk)
    version = row.versions.get()
    assert (row.state, row.material_expires_at) == (5, None)
    assert (version.material_sealed, version.erased_at) == (None, the_clock.at)
    assert row.material_fingerprint is not None
    assert version.check_value


def test_material_is_not_erased_a_second_before(alice, the_clock):
    key = expiring(alice, the_clock)
    the_clock.advance(seconds=3599)

    assert tasks.expire_material() == 0

    assert state_of(alice, key) == "2"


def test_expiring_material_leaves_a_trace_of_the_system(alice, the_clock):
    key = expiring(alice, the_clock, alias="orders")
    the_clock.advance(seconds=3600)

    tasks.expire_material()

    trace = Trace.objects.get(name="expireKeyMaterial")
    assert (trace.kind, trace.user_name, trace.rating) == ("SystemAction", "system", "normal")
    assert (trace.resource_id, trace.resource_name, trace.time) == (key.key_id, "orders", the_clock.at)


def test_expired_material_of_a_key_pending_deletion_is_erased_and_the_date_stays(alice, the_clock):
    key = expiring(alice, the_clock)
    schedule_deletion(alice, key, days=7)
    the_clock.advance(hours=2)

    assert tasks.expire_material() == 1

    row = Key.objects.get(pk=key.pk)
    assert (row.state, row.versions.get().material_sealed) == (4, None)
    assert row.scheduled_deletion_at is not None
    cancel_deletion(alice, key)
    assert state_of(alice, key) == "5"


def test_the_same_material_comes_back_after_the_sweep_and_no_other(alice, the_clock):
    key = expiring(alice, the_clock)
    the_clock.advance(seconds=3600)
    tasks.expire_material()

    with refused(errors.MATERIAL_DIFFERS):
        import_into(alice, key, plaintext=bytes(range(1, 33)))
    import_into(alice, key, plaintext=MATERIAL)

    assert state_of(alice, key) == "2"


def test_material_that_was_replaced_meanwhile_is_not_erased(alice, the_clock):
    key = expiring(alice, the_clock)
    the_clock.advance(seconds=3600)
    import_into(alice, key, plaintext=MATERIAL, expiration_time=the_clock.seconds() + 60)

    assert tasks.expire_material() == 0

    assert state_of(alice, key) == "2"


def test_what_has_expired_stays_so_when_the_clock_goes_back(alice, the_clock):
    key = expiring(alice, the_clock)
    the_clock.advance(seconds=3600)
    tasks.expire_material()

    the_clock.advance(days=-365)

    assert state_of(alice, key) == "5"


@pytest.mark.parametrize("make", [an_imported_key, an_empty_key])
def test_a_forged_message_erases_no_material_that_has_not_expired(alice, make):
    key = make(alice)
    before = (key.state, key.versions.filter(material_sealed__isnull=False).count())

    with refused(errors.MATERIAL_NOT_DELETABLE):
        perform(EXPIRE_MATERIAL, the_system(alice), {"key_id": key.key_id})

    after = Key.objects.get(pk=key.pk)
    assert (after.state, after.versions.filter(material_sealed__isnull=False).count()) == before


def test_nobody_but_the_system_expires_anything(alice, the_clock):
    key = expiring(alice, the_clock)
    an_offer(alice, an_empty_key(alice))
    the_clock.advance(days=2)

    with refused(errors.NO_PERMISSION):
        perform(EXPIRE_MATERIAL, alice, {"key_id": key.key_id})
    assert key.versions.get().material_sealed is not None


# --- repeated, shuffled, forged -----------------------------------------------------------------------------------


def everything(rows):
    return sorted(str(sorted((name, str(value)) for name, value in row.items())) for row in rows.values())


def snapshot():
    return [everything(model.objects) for model in (Key, WrappingKey)] + [
        everything(Trace.objects.filter(kind="SystemAction", rating="normal"))
    ]


def test_messages_repeated_shuffled_and_forged_change_nothing_more(alice, the_clock):
    """Ten times over, in any order, beside messages that nobody should believe (SEC-081)."""
    keys = [expiring(alice, the_clock) for _ in range(3)]
    disable(alice, keys[1])
    schedule_deletion(alice, keys[2], days=7)
    lost = an_imported_key(alice)
    delete_material(alice, lost)
    living = [an_imported_key(alice), an_empty_key(alice)]
    for key in living:
        schedule_deletion(alice, key, days=30) if key is living[0] else an_offer(alice, key)
    the_clock.advance(days=7)
    sweeps = [tasks.expire_material, tasks.expire_wrapping_keys, delete_due_keys]
    for sweep in sweeps:
        sweep()
    settled = snapshot()

    offers = list(WrappingKey.objects.values_list("key__key_id", "pk"))
    messages = [lambda sweep=sweep: sweep() for sweep in sweeps for _ in range(10)]
    messages += [
        lambda key_id=key_id: perform(EXPIRE_MATERIAL, the_system(alice), {"key_id": key_id})
        for key_id in Key.objects.values_list("key_id", flat=True)
        for _ in range(10)
    ]
    messages += [
        lambda key_id=key_id, pk=pk: perform(
            EXPIRE_WRAPPING_KEY, the_system(alice), {"key_id": key_id, "offer_id": str(pk)}
        )
        for key_id, pk in offers
        for _ in range(10)
    ]
    random.Random(7).shuffle(messages)  # noqa: S311  (an order, no secret)
    for message in messages:
        try:
            message()
        except KmsError as error:
            assert error.code in (errors.MATERIAL_NOT_DELETABLE, errors.PARAMETER_INVALID)

    assert snapshot() == settled


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"key_id": "00000000-0000-0000-0000-000000000000"},
        {"key_id": "alias/orders"},
        {"key_id": None},
        {"key_id": {"$ne": ""}},
    ],
)
def test_a_forged_message_about_no_key_is_refused(alice, forged):
    with pytest.raises(KmsError) as caught:
        perform(EXPIRE_MATERIAL, the_system(alice), forged)

    assert caught.value.code in (errors.PARAMETER_MISSING, errors.KEY_NOT_FOUND, errors.KEY_ID_INVALID)

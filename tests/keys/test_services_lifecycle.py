"""Enabling, disabling, deleting and keeping: what becomes of a key, to the second, whether or not a job runs."""

from __future__ import annotations

import pytest

from imports.api import IMPORT_KEY_MATERIAL
from keys.api.encryption import DECRYPT_DATA, ENCRYPT_DATA
from keys.api.lifecycle import SCHEDULE_KEY_DELETION, UPDATE_KEY_ALIAS, UPDATE_KEY_DESCRIPTION
from keys.api.listing import LIST_KEYS
from keys.models import Key
from operations import errors
from operations.perform import perform
from tests.operations.stage import (
    a_key,
    a_request,
    an_empty_key,
    an_imported_key,
    an_offer,
    cancel_deletion,
    delete_material,
    describe,
    disable,
    enable,
    import_into,
    refused,
    schedule_deletion,
    state_of,
)

MATERIAL = bytes(range(32))


def encrypt(caller, key, text="text"):
    return ENCRYPT_DATA.respond(perform(ENCRYPT_DATA, caller, {"key_id": key.key_id, "plain_text": text}))[
        "cipher_text"
    ]


def decrypt(caller, cipher_text):
    return DECRYPT_DATA.respond(perform(DECRYPT_DATA, caller, {"cipher_text": cipher_text}))["plain_text"]


def listed(caller, **filters):
    return [key.key_id for key in perform(LIST_KEYS, caller, filters).keys]


# --- enable and disable -------------------------------------------------------------------------------------------


def test_a_disabled_key_refuses_to_work_until_it_is_enabled(alice):
    key = a_key(alice)
    cipher_text = encrypt(alice, key)
    disable(alice, key)

    with refused(errors.KEY_DISABLED):
        encrypt(alice, key)
    with refused(errors.KEY_DISABLED):
        decrypt(alice, cipher_text)

    enable(alice, key)
    assert decrypt(alice, cipher_text) == "text"


def test_an_enabled_key_cannot_be_enabled_nor_a_disabled_one_disabled(alice):
    key = a_key(alice)

    with refused(errors.NOT_DISABLED, hint="Enabled"):
        enable(alice, key)
    disable(alice, key)
    with refused(errors.NOT_ENABLED):
        disable(alice, key)


# --- deletion -----------------------------------------------------------------------------------------------------


def test_a_key_scheduled_for_deletion_stops_at_once_and_tells_its_date(alice, the_clock):
    key = a_key(alice)
    cipher_text = encrypt(alice, key)

    schedule_deletion(alice, key, days=7)

    told = describe(alice, key)
    assert told["key_state"] == "4"
    assert told["scheduled_deletion_date"] == str((the_clock.seconds() + 7 * 86400) * 1000)
    with refused(errors.KEY_PENDING_DELETION):
        decrypt(alice, cipher_text)
    with refused(errors.ALREADY_PENDING_DELETION):
        schedule_deletion(alice, key)


@pytest.mark.parametrize("days", [7, "7", 1096, "1096"])
def test_the_waiting_period_is_7_to_1096_days(alice, days):
    schedule_deletion(alice, a_key(alice), days=days)


@pytest.mark.parametrize("days", [0, 6, 1097, -7, "6", "", "seven", "7.0", 7.5, True, [7], "7" * 30])
def test_any_other_waiting_period_is_refused(alice, days):
    key = a_key(alice)

    with refused(errors.PARAMETER_MISSING if days == "" else errors.PENDING_DAYS_INVALID, field="pending_days"):
        perform(SCHEDULE_KEY_DELETION, alice, {"key_id": key.key_id, "pending_days": days})


def test_a_cancelled_deletion_leaves_the_key_disabled(alice):
    key = a_key(alice)
    cipher_text = encrypt(alice, key)
    schedule_deletion(alice, key)

    cancel_deletion(alice, key)

    assert state_of(alice, key) == "3"
    assert describe(alice, key)["scheduled_deletion_date"] == ""
    enable(alice, key)
    assert decrypt(alice, cipher_text) == "text"


def test_the_life_cycle_that_the_go_clients_test_walks(alice):
    key = a_key(alice)
    walk = []

    for step in (schedule_deletion, cancel_deletion, enable, disable, schedule_deletion):
        step(alice, key)
        walk.append(state_of(alice, key))

    assert walk == ["4", "3", "2", "3", "4"]


def test_a_cancelled_deletion_of_an_empty_key_leaves_it_pending_import(alice):
    key = an_empty_key(alice)
    schedule_deletion(alice, key)

    cancel_deletion(alice, key)

    assert state_of(alice, key) == "5"


def test_only_a_scheduled_deletion_can_be_cancelled(alice):
    with refused(errors.NOT_PENDING_DELETION):
        cancel_deletion(alice, a_key(alice))


def test_a_key_is_there_until_the_last_second_of_its_waiting_period(alice, the_clock):
    key = a_key(alice)
    schedule_deletion(alice, key, days=7)

    the_clock.advance(days=7, seconds=-1)

    cancel_deletion(alice, key)


def test_a_key_is_gone_at_its_date_although_no_job_has_run(alice, the_clock):
    key = a_key(alice)
    cipher_text = encrypt(alice, key)
    schedule_deletion(alice, key, days=7)

    the_clock.advance(days=7)

    assert Key.objects.filter(pk=key.pk).exists()
    assert key.key_id not in listed(alice)
    for attempt in (
        lambda: describe(alice, key),
        lambda: cancel_deletion(alice, key),
        lambda: decrypt(alice, cipher_text),
        lambda: encrypt(alice, key),
    ):
        with refused(errors.KEY_NOT_FOUND):
            attempt()


# --- imported material that expires -------------------------------------------------------------------------------


@pytest.fixture
def expiring(alice, the_clock):
    """Material for one hour."""
    return an_imported_key(alice, plaintext=MATERIAL, expiration_time=the_clock.seconds() + 3600)


def test_material_works_until_the_second_before_it_expires(alice, the_clock, expiring):
    cipher_text = encrypt(alice, expiring)

    the_clock.advance(seconds=3599)

    assert decrypt(alice, cipher_text) == "text"


def test_expired_material_refuses_from_the_second_on_although_no_job_has_run(alice, the_clock, expiring):
    cipher_text = encrypt(alice, expiring)

    the_clock.advance(seconds=3600)

    assert Key.objects.get(pk=expiring.pk).state == 2
    assert state_of(alice, expiring) == "5"
    assert describe(alice, expiring)["expiration_time"] == ""
    for attempt in (lambda: encrypt(alice, expiring), lambda: decrypt(alice, cipher_text)):
        with refused(errors.NOT_ENABLED):
            attempt()
    with refused(errors.NOT_DISABLED):
        enable(alice, expiring)
    with refused(errors.NOT_ENABLED):
        disable(alice, expiring)
    with refused(errors.MATERIAL_NOT_DELETABLE):
        delete_material(alice, expiring)


def test_lists_filter_by_the_state_that_counts(alice, the_clock, expiring):
    the_clock.advance(seconds=3600)

    assert listed(alice, key_state="5") == [expiring.key_id]
    assert listed(alice, key_state="2") == []


def test_the_same_material_comes_back_although_no_job_has_run(alice, the_clock, expiring):
    cipher_text = encrypt(alice, expiring)
    the_clock.advance(seconds=3600)

    import_into(alice, expiring, plaintext=MATERIAL)

    assert describe(alice, expiring)["expiration_time"] == ""
    assert decrypt(alice, cipher_text) == "text"


def test_a_disabled_key_whose_material_expired_is_enabled_by_the_next_import(alice, the_clock, expiring):
    disable(alice, expiring)
    the_clock.advance(seconds=3600)

    import_into(alice, expiring, plaintext=MATERIAL, expiration_time=the_clock.seconds() + 60)

    assert state_of(alice, expiring) == "2"


def test_material_that_expired_while_deletion_was_pending_is_gone_after_cancelling(alice, the_clock, expiring):
    schedule_deletion(alice, expiring, days=7)
    the_clock.advance(hours=2)

    cancel_deletion(alice, expiring)

    assert state_of(alice, expiring) == "5"
    row = Key.objects.get(pk=expiring.pk)
    assert row.material_expires_at is None
    assert row.versions.get().material_sealed is None
    import_into(alice, expiring, plaintext=MATERIAL)


def test_a_key_whose_material_expired_can_be_scheduled_and_cancelled(alice, the_clock, expiring):
    the_clock.advance(hours=2)

    schedule_deletion(alice, expiring)
    assert state_of(alice, expiring) == "4"
    cancel_deletion(alice, expiring)

    assert state_of(alice, expiring) == "5"


# --- deleting material --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leave", [None, disable])
def test_deleted_material_leaves_the_key_pending_import(alice, leave):
    key = an_imported_key(alice)
    if leave:
        leave(alice, key)

    delete_material(alice, key)

    assert state_of(alice, key) == "5"
    version = key.versions.get()
    assert (version.material_sealed, version.public_key) == (None, None)
    assert version.erased_at is not None
    with refused(errors.NOT_ENABLED):
        encrypt(alice, key)


def test_deleted_material_is_not_deleted_again(alice):
    key = an_imported_key(alice)
    delete_material(alice, key)

    with refused(errors.MATERIAL_NOT_DELETABLE):
        delete_material(alice, key)


def test_material_is_not_deleted_while_deletion_is_pending(alice):
    key = an_imported_key(alice)
    schedule_deletion(alice, key)

    with refused(errors.MATERIAL_NOT_DELETABLE):
        delete_material(alice, key)


def test_material_of_the_service_is_not_deleted(alice):
    with refused(errors.EXTERNAL_KEY_REQUIRED):
        delete_material(alice, a_key(alice))


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P256"])
def test_asymmetric_material_is_not_deleted(alice, spec):
    key = an_imported_key(alice, spec)

    with refused(errors.ASYMMETRIC_MATERIAL_STAYS):
        delete_material(alice, key)
    schedule_deletion(alice, key)
    cancel_deletion(alice, key)
    assert state_of(alice, key) == "3"


def test_a_different_material_does_not_come_back_and_harms_nothing(alice):
    key = an_imported_key(alice, plaintext=MATERIAL)
    cipher_text = encrypt(alice, key)
    delete_material(alice, key)
    one_bit_off = bytes([MATERIAL[0] ^ 1, *MATERIAL[1:]])

    with refused(errors.MATERIAL_DIFFERS):
        import_into(alice, key, plaintext=one_bit_off)
    import_into(alice, key, plaintext=MATERIAL)

    assert decrypt(alice, cipher_text) == "text"


def test_an_import_into_a_key_that_is_pending_deletion_is_refused(alice):
    key = an_empty_key(alice)
    fields = a_request(key, an_offer(alice, key))
    schedule_deletion(alice, key)

    with refused(errors.NOT_PENDING_IMPORT):
        perform(IMPORT_KEY_MATERIAL, alice, fields)
    cancel_deletion(alice, key)
    perform(IMPORT_KEY_MATERIAL, alice, fields)


# --- alias and description ----------------------------------------------------------------------------------------


def test_an_alias_changes_and_frees_the_old_one(alice):
    key = a_key(alice, alias="before")

    perform(UPDATE_KEY_ALIAS, alice, {"key_id": key.key_id, "key_alias": "after"})

    assert describe(alice, key)["key_alias"] == "after"
    a_key(alice, alias="before")


def test_a_key_may_be_given_its_own_alias_but_not_anothers(alice):
    key, other = a_key(alice, alias="mine"), a_key(alice, alias="other")

    perform(UPDATE_KEY_ALIAS, alice, {"key_id": key.key_id, "key_alias": "mine"})
    with refused(errors.ALIAS_DUPLICATE):
        perform(UPDATE_KEY_ALIAS, alice, {"key_id": key.key_id, "key_alias": other.alias})


@pytest.mark.parametrize("text", ["", "new", "x" * 255])
def test_a_description_changes_and_may_become_empty(alice, text):
    key = a_key(alice, key_description="old")

    perform(UPDATE_KEY_DESCRIPTION, alice, {"key_id": key.key_id, "key_description": text})

    assert describe(alice, key)["key_description"] == text


@pytest.mark.parametrize(
    ("operation", "fields"),
    [(UPDATE_KEY_ALIAS, {"key_alias": "new"}), (UPDATE_KEY_DESCRIPTION, {"key_description": "new"})],
    ids=["alias", "description"],
)
def test_a_key_pending_deletion_is_not_edited_any_more(alice, operation, fields):
    key = a_key(alice)
    schedule_deletion(alice, key)

    with refused(errors.KEY_PENDING_DELETION):
        perform(operation, alice, {"key_id": key.key_id, **fields})

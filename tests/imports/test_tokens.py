"""The import token: opaque, whole or nothing, good for one key of one project, for one day and one import."""

from __future__ import annotations

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imports import tokens
from imports.api import IMPORT_KEY_MATERIAL, REVOKE_IMPORT_OFFER
from imports.models import WrappingKey
from operations import errors
from operations.caller import Kind
from operations.errors import KmsError
from operations.perform import perform
from tests import factories
from tests.operations.stage import (
    a_request,
    an_empty_key,
    an_offer,
    b64,
    delete_material,
    import_into,
    refused,
    state_of,
)
from vault import hierarchy, initialisation
from vault.models import Canary, ProjectKey, ServiceKey


def do_import(caller, fields):
    return perform(IMPORT_KEY_MATERIAL, caller, fields)


def test_a_token_is_base64_of_the_documented_length_and_says_nothing_in_the_clear(alice):
    key = an_empty_key(alice)

    token = an_offer(alice, key)["import_token"]

    assert 200 <= len(token) <= 6144
    raw = base64.b64decode(token, validate=True)
    assert key.key_id.encode() not in raw
    assert alice.project_id.encode() not in raw


def test_two_tokens_of_one_offer_differ_and_both_work(alice):
    key = an_empty_key(alice)
    an_offer(alice, key)
    row = WrappingKey.objects.get()

    first, second = tokens.issue(row), tokens.issue(row)

    assert first != second
    assert tokens.read(b64(first), project_id=alice.project_id) == tokens.read(b64(second), project_id=alice.project_id)


def test_every_changed_byte_makes_a_token_invalid(alice):
    key = an_empty_key(alice)
    token = base64.b64decode(an_offer(alice, key)["import_token"])

    for place in range(len(token)):
        mutant = bytearray(token)
        mutant[place] ^= 0x01
        with refused(errors.IMPORT_TOKEN_INVALID):
            tokens.read(b64(bytes(mutant)), project_id=alice.project_id)


def test_every_cut_and_every_addition_makes_a_token_invalid(alice):
    key = an_empty_key(alice)
    token = base64.b64decode(an_offer(alice, key)["import_token"])

    mutants = [token[:end] for end in range(len(token))] + [token + b"\0", b"\0" + token, token + token]

    for mutant in mutants:
        with refused(errors.IMPORT_TOKEN_INVALID):
            tokens.read(b64(mutant), project_id=alice.project_id)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\n",
        lambda text: text + "=",
        lambda text: text[:76] + "\r\n" + text[76:],
        lambda text: text.replace("A", "a"),
        lambda text: f" {text}",
        lambda text: text.swapcase(),
        lambda text: f'"{text}"',
        lambda text: text[:-1] + "é",
    ],
)
def test_the_text_of_a_token_is_taken_literally(alice, change):
    key = an_empty_key(alice)
    offer = an_offer(alice, key)

    with refused(errors.IMPORT_TOKEN_INVALID, field="import_token"):
        do_import(alice, a_request(key, offer, import_token=change(offer["import_token"])))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=800) | st.binary(max_size=800).map(b64))
def test_no_text_at_all_is_a_token_or_an_unhandled_error(strong_room, text):
    with pytest.raises(KmsError) as caught:
        tokens.read(text, project_id="p")

    assert caught.value.code is errors.IMPORT_TOKEN_INVALID


def test_a_token_of_another_project_is_invalid(alice, mallory):
    theirs = an_offer(mallory, an_empty_key(mallory))
    key = an_empty_key(alice)

    with refused(errors.IMPORT_TOKEN_INVALID):
        do_import(alice, a_request(key, an_offer(alice, key), import_token=theirs["import_token"]))


def test_a_token_of_another_project_of_the_same_user_is_invalid(alice):
    elsewhere = factories.caller(factories.alice(), project=factories.project("eu-nl", in_region="eu-nl"))
    there = an_offer(elsewhere, an_empty_key(elsewhere))
    key = an_empty_key(alice)

    with refused(errors.IMPORT_TOKEN_INVALID):
        do_import(alice, a_request(key, an_offer(alice, key), import_token=there["import_token"]))


def test_a_token_of_an_installation_with_other_service_keys_is_invalid(alice):
    key = an_empty_key(alice)
    fields = a_request(key, an_offer(alice, key))

    for model in (Canary, ServiceKey, ProjectKey):
        model.objects.all().delete()
    initialisation.initialise(use_existing_root=True)

    with refused(errors.IMPORT_TOKEN_INVALID):
        do_import(alice, fields)
    hierarchy.forget()


def test_a_token_of_another_key_imports_into_neither(alice):
    key, other = an_empty_key(alice), an_empty_key(alice)
    offer = an_offer(alice, other)

    with refused(errors.TOKEN_OF_ANOTHER_KEY):
        do_import(alice, a_request(key, offer))

    assert (state_of(alice, key), state_of(alice, other)) == ("5", "5")
    do_import(alice, a_request(other, offer))


def test_a_token_goes_with_its_own_wrapping_key_only(alice):
    key = an_empty_key(alice)
    first, second = an_offer(alice, key), an_offer(alice, key)

    with refused(errors.UNWRAP_FAILED):
        do_import(alice, a_request(key, first, import_token=second["import_token"]))


def test_a_used_token_is_expired(alice):
    key = an_empty_key(alice)
    fields = a_request(key, an_offer(alice, key))
    do_import(alice, fields)
    delete_material(alice, key)

    with refused(errors.IMPORT_TOKEN_EXPIRED):
        do_import(alice, fields)


def test_another_token_outlives_the_import_by_the_first(alice):
    key = an_empty_key(alice)
    first, second = an_offer(alice, key), an_offer(alice, key)
    material = bytes(range(32))
    do_import(alice, a_request(key, first, plaintext=material))
    delete_material(alice, key)

    do_import(alice, a_request(key, second, plaintext=material))

    assert state_of(alice, key) == "2"


def test_a_token_works_until_the_last_second_of_its_day(alice, the_clock):
    key = an_empty_key(alice)
    offer = an_offer(alice, key)
    assert offer["expiration_time"] == the_clock.seconds() + 86400

    the_clock.advance(seconds=86399)
    do_import(alice, a_request(key, offer))

    assert state_of(alice, key) == "2"


def test_a_token_is_expired_at_the_very_second_that_was_told(alice, the_clock):
    the_clock.advance(microseconds=700_000)
    key = an_empty_key(alice)
    offer = an_offer(alice, key)
    fields = a_request(key, offer)

    the_clock.advance(seconds=offer["expiration_time"] - the_clock.at.timestamp())

    assert the_clock.at.timestamp() == offer["expiration_time"]
    with refused(errors.IMPORT_TOKEN_EXPIRED):
        do_import(alice, fields)


def test_a_token_stays_expired_after_the_sweep(alice, the_clock):
    from imports.tasks import expire_wrapping_keys

    key = an_empty_key(alice)
    fields = a_request(key, an_offer(alice, key))
    the_clock.advance(hours=24)
    assert expire_wrapping_keys() == 1

    with refused(errors.IMPORT_TOKEN_EXPIRED):
        do_import(alice, fields)
    # Not even a clock that goes back revives it: the private half is gone.
    the_clock.advance(hours=-24)
    with refused(errors.IMPORT_TOKEN_EXPIRED):
        do_import(alice, fields)


def test_a_refused_import_does_not_use_up_the_token(alice):
    key = an_empty_key(alice)
    offer = an_offer(alice, key)

    for wrong in ({"expiration_time": 1}, {"plaintext": bytes(31)}, {"encrypted_key_material": "AAAA"}):
        with pytest.raises(KmsError):
            do_import(alice, a_request(key, offer, **wrong))

    do_import(alice, a_request(key, offer))
    assert state_of(alice, key) == "2"


def test_after_200_failed_unwraps_the_offer_is_closed(alice, settings):
    settings.KMS_RATE_LIMITS = False
    key = an_empty_key(alice)
    offer, other = an_offer(alice, key), an_offer(alice, key)
    noise = a_request(key, offer, encrypted_key_material=b64(b"\x01" * 256))

    for _ in range(200):
        with refused(errors.UNWRAP_FAILED):
            do_import(alice, noise)

    with refused(errors.IMPORT_TOKEN_EXPIRED):
        do_import(alice, a_request(key, offer))
    do_import(alice, a_request(key, other))


def test_a_plaintext_of_the_wrong_size_counts_as_a_failed_unwrap(alice):
    key = an_empty_key(alice)
    offer = an_offer(alice, key)
    for size in (31, 33, 190):
        with refused(errors.MATERIAL_LENGTH):
            do_import(alice, a_request(key, offer, plaintext=bytes(range(size))))

    assert WrappingKey.objects.get().failed_unwraps == 3


def test_a_refusal_before_the_unwrapping_does_not_count(alice):
    key = an_empty_key(alice)
    offer = an_offer(alice, key)
    for wrong in ({"encrypted_key_material": "AAAA"}, {"import_token": "AAAA"}, {"expiration_time": 1}):
        with pytest.raises(KmsError):
            do_import(alice, a_request(key, offer, **wrong))

    assert WrappingKey.objects.get().failed_unwraps == 0


def test_closing_the_wizard_ends_its_token_and_no_other(alice):
    console = factories.caller(factories.alice(), kind=Kind.CONSOLE)
    key = an_empty_key(alice)
    api_offer, wizard_offer = an_offer(alice, key), an_offer(console, key)
    row = WrappingKey.objects.get(carrier="wizard")

    perform(REVOKE_IMPORT_OFFER, console, {"key_id": key.key_id, "offer_id": str(row.pk)})

    with refused(errors.IMPORT_TOKEN_EXPIRED):
        do_import(console, a_request(key, wizard_offer))
    do_import(alice, a_request(key, api_offer))


def test_a_second_download_in_the_wizard_replaces_the_first(alice):
    console = factories.caller(factories.alice(), kind=Kind.CONSOLE)
    key = an_empty_key(console)
    first, second = an_offer(console, key), an_offer(console, key)

    with refused(errors.IMPORT_TOKEN_EXPIRED):
        do_import(console, a_request(key, first))
    do_import(console, a_request(key, second))


def test_a_wizard_cannot_end_an_offer_of_the_api(alice):
    console = factories.caller(factories.alice(), kind=Kind.CONSOLE)
    key = an_empty_key(alice)
    offer = an_offer(alice, key)

    perform(REVOKE_IMPORT_OFFER, console, {"key_id": key.key_id, "offer_id": str(WrappingKey.objects.get().pk)})

    import_into(alice, key)
    assert WrappingKey.objects.filter(revoked_at__isnull=False).count() == 0
    assert offer["import_token"]


def test_ending_an_offer_twice_changes_nothing(alice, the_clock):
    console = factories.caller(factories.alice(), kind=Kind.CONSOLE)
    key = an_empty_key(console)
    an_offer(console, key)
    row = WrappingKey.objects.get()
    end = {"key_id": key.key_id, "offer_id": str(row.pk)}
    perform(REVOKE_IMPORT_OFFER, console, end)
    first = WrappingKey.objects.get().revoked_at

    the_clock.advance(minutes=5)
    perform(REVOKE_IMPORT_OFFER, console, end)

    assert WrappingKey.objects.get().revoked_at == first

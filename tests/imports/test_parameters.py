"""get-parameters-for-import: a fresh wrapping key and a token, for a key that waits for its material."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from imports.api import GET_PARAMETERS_FOR_IMPORT, IMPORT_KEY_MATERIAL
from imports.models import WrappingKey
from operations import errors
from operations.perform import perform
from tests.operations.stage import (
    a_key,
    a_request,
    an_empty_key,
    an_imported_key,
    an_offer,
    disable,
    refused,
    schedule_deletion,
    wrap,
)


def ask(caller, key_id, algorithm="RSAES_OAEP_SHA_256"):
    return perform(GET_PARAMETERS_FOR_IMPORT, caller, {"key_id": key_id, "wrapping_algorithm": algorithm})


def a_new_offer(caller, key, *algorithm):
    """With a pair of its own, as the product makes it."""
    return GET_PARAMETERS_FOR_IMPORT.respond(ask(caller, key.key_id, *algorithm))


def test_the_wrapping_key_is_rsa_2048_in_der(alice):
    key = an_empty_key(alice)

    offer = a_new_offer(alice, key)

    public = load_der_public_key(base64.b64decode(offer["public_key"], validate=True))
    assert isinstance(public, RSAPublicKey)
    assert (public.key_size, public.public_numbers().e) == (2048, 65537)


def test_the_answer_has_the_documented_members(alice, the_clock):
    key = an_empty_key(alice)

    offer = a_new_offer(alice, key)

    assert offer.keys() == {"key_id", "import_token", "expiration_time", "public_key"}
    assert offer["key_id"] == key.key_id
    assert offer["expiration_time"] == the_clock.seconds() + 24 * 3600


def test_each_call_makes_another_pair_and_another_token(alice):
    key = an_empty_key(alice)

    offers = [a_new_offer(alice, key) for _ in range(3)]

    assert len({offer["public_key"] for offer in offers}) == 3
    assert len({offer["import_token"] for offer in offers}) == 3


def test_the_private_half_is_kept_sealed(alice):
    key = an_empty_key(alice)
    a_new_offer(alice, key)

    sealed = bytes(WrappingKey.objects.get().private_sealed)

    assert sealed[:3] == b"\x01\x01\x03"
    assert b"\x30\x82" not in sealed[:4]


def test_the_private_half_is_erased_by_the_import(alice):
    key = an_empty_key(alice)

    perform(IMPORT_KEY_MATERIAL, alice, a_request(key, a_new_offer(alice, key)))

    row = WrappingKey.objects.get()
    assert row.private_sealed is None
    assert row.used_at is not None


def test_ten_offers_of_the_api_may_live_and_the_oldest_goes_first(alice):
    key = an_empty_key(alice)
    offers = [an_offer(alice, key) for _ in range(11)]

    with refused(errors.IMPORT_TOKEN_EXPIRED):
        perform(IMPORT_KEY_MATERIAL, alice, a_request(key, offers[0]))

    assert WrappingKey.objects.filter(private_sealed__isnull=False).count() == 10
    perform(IMPORT_KEY_MATERIAL, alice, a_request(key, offers[1]))


def test_a_key_of_the_service_has_no_parameters(alice):
    with refused(errors.EXTERNAL_KEY_REQUIRED):
        ask(alice, a_key(alice).key_id)


@pytest.mark.parametrize(("leave", "label"), [(None, "Enabled"), (disable, "Disabled"), (schedule_deletion, "Pending")])
def test_a_key_that_does_not_wait_says_what_it_is(alice, leave, label):
    key = an_imported_key(alice)
    if leave:
        leave(alice, key)

    with refused(errors.NOT_PENDING_IMPORT, hint=label):
        ask(alice, key.key_id)


@pytest.mark.parametrize("algorithm", ["RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "SM2_ENCRYPT", "none", 256])
def test_other_algorithms_than_oaep_with_sha_256_are_refused(alice, algorithm):
    with refused(errors.PARAMETER_INVALID, field="wrapping_algorithm"):
        ask(alice, an_empty_key(alice).key_id, algorithm)


def test_sha_1_is_taken_where_the_operator_allows_it(alice, settings):
    settings.KMS_LEGACY_WRAPPING = True
    key = an_empty_key(alice)
    offer = a_new_offer(alice, key, "RSAES_OAEP_SHA_1")

    # A session unwraps with its own algorithm only.
    with refused(errors.UNWRAP_FAILED):
        perform(IMPORT_KEY_MATERIAL, alice, a_request(key, offer))
    wrapped = wrap(offer, bytes(range(32)), "RSAES_OAEP_SHA_1")
    perform(IMPORT_KEY_MATERIAL, alice, a_request(key, offer, encrypted_key_material=wrapped))

    assert key.versions.get().wrapping_algorithm == "RSAES_OAEP_SHA_1"


def test_pkcs1_v1_5_is_refused_even_where_legacy_wrapping_is_on(alice, settings):
    settings.KMS_LEGACY_WRAPPING = True

    with refused(errors.PARAMETER_INVALID, field="wrapping_algorithm"):
        ask(alice, an_empty_key(alice).key_id, "RSAES_PKCS1_V1_5")


@pytest.mark.parametrize("missing", ["key_id", "wrapping_algorithm"])
def test_both_fields_are_required(alice, missing):
    fields = {"key_id": an_empty_key(alice).key_id, "wrapping_algorithm": "RSAES_OAEP_SHA_256"}
    del fields[missing]

    with refused(errors.PARAMETER_MISSING, field=missing):
        perform(GET_PARAMETERS_FOR_IMPORT, alice, fields)


def test_the_rate_of_offers_is_limited_per_user(alice, mallory, the_clock, settings, monkeypatch):
    settings.KMS_RATE_LIMITS = True
    key = an_empty_key(alice)
    for _ in range(60):
        with refused(errors.PARAMETER_INVALID):
            ask(alice, key.key_id, "RSAES_OAEP_SHA_1")

    with refused(errors.TOO_MANY_REQUESTS) as caught:
        ask(alice, key.key_id)

    assert 0 < caught.value.retry_after <= 60
    ask(mallory, an_empty_key(mallory).key_id)
    the_clock.advance(seconds=caught.value.retry_after)
    ask(alice, key.key_id)

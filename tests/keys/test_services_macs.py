"""generate-mac and verify-mac (api.md 3.3), and that HMAC keys do nothing else (SEC-016)."""

from __future__ import annotations

import hmac
import secrets

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys import material
from keys.api.macs import GENERATE_MAC, VERIFY_MAC
from keys.models import Key
from operations import errors
from operations.errors import KmsError
from operations.perform import perform
from tests.operations.stage import a_key, an_empty_key, b64, disable, refused, schedule_deletion

MESSAGE = b"the message"
ALGORITHMS = {"HMAC_256": "HMAC_SHA_256", "HMAC_384": "HMAC_SHA_384", "HMAC_512": "HMAC_SHA_512"}


def generate(caller, key, algorithm=None, message=MESSAGE):
    fields = {"mac_algorithm": algorithm or ALGORITHMS[key.spec_name], "message": b64(message)}
    return GENERATE_MAC.respond(perform(GENERATE_MAC, caller, {"key_id": key.key_id, **fields}))


def verify(caller, key, mac, algorithm=None, message=MESSAGE):
    fields = {"mac_algorithm": algorithm or ALGORITHMS[key.spec_name], "message": b64(message), "mac": mac}
    return VERIFY_MAC.respond(perform(VERIFY_MAC, caller, {"key_id": key.key_id, **fields}))


@pytest.fixture
def key(alice):
    return a_key(alice, "HMAC_256")


@pytest.mark.parametrize(("spec", "algorithm"), ALGORITHMS.items())
def test_a_mac_is_the_hmac_of_the_message_in_lower_case_and_verifies(alice, spec, algorithm):
    key = a_key(alice, spec)
    raw = material.open_version(key).usable

    answer = generate(alice, key)

    expected = hmac.digest(raw, MESSAGE, algorithm[-7:].replace("_", "")).hex()
    assert answer == {"key_id": key.key_id, "mac_algorithm": algorithm, "mac": expected}
    assert verify(alice, key, expected) == {"key_id": key.key_id, "mac_algorithm": algorithm, "mac_valid": True}
    assert verify(alice, key, expected.upper())["mac_valid"] is True


def test_a_mac_of_another_message_or_key_is_not_valid(alice, key):
    mac = generate(alice, key)["mac"]

    assert verify(alice, key, mac, message=b"another")["mac_valid"] is False
    assert verify(alice, a_key(alice, "HMAC_256"), mac)["mac_valid"] is False


def test_every_changed_digit_makes_it_invalid(alice, key):
    mac = generate(alice, key)["mac"]

    for place, digit in enumerate(mac):
        changed = mac[:place] + ("0" if digit != "0" else "1") + mac[place + 1 :]
        assert verify(alice, key, changed)["mac_valid"] is False


def test_only_the_whole_mac_is_valid(alice, key):
    """SEC-016: a prefix, however long, proves nothing."""
    mac = generate(alice, key)["mac"]

    for cut in (*range(0, 64, 2), 63):
        assert verify(alice, key, mac[:cut])["mac_valid"] is False
    assert verify(alice, key, mac + "00")["mac_valid"] is False


@pytest.mark.parametrize("mac", ["", "zz", "ABC", "not hex", "ü" * 64, " " * 64, "AA " * 32])
def test_a_malformed_mac_is_an_answer_and_no_error(alice, key, mac):
    assert verify(alice, key, mac)["mac_valid"] is False


@pytest.mark.parametrize("mac", [None, 7, ["AA"], {}])
def test_what_is_no_text_is_no_mac_at_all(alice, key, mac):
    with refused(errors.PARAMETER_MISSING if mac is None else errors.PARAMETER_INVALID, field="mac"):
        verify(alice, key, mac)


@pytest.mark.parametrize("algorithm", ["HMAC_SHA_384", "HMAC_SHA_512", "HMAC_SM3", "SHA_256", 7])
def test_the_algorithm_must_be_the_keys_own(alice, key, algorithm):
    with refused(errors.PARAMETER_INVALID, field="mac_algorithm"):
        generate(alice, key, algorithm)
    with refused(errors.PARAMETER_INVALID, field="mac_algorithm"):
        verify(alice, key, "00" * 32, algorithm)


@pytest.mark.parametrize("size", [1, 4096])
def test_a_message_has_up_to_4096_bytes(alice, key, size):
    message = secrets.token_bytes(size)

    assert verify(alice, key, generate(alice, key, message=message)["mac"], message=message)["mac_valid"] is True


@pytest.mark.parametrize("message", ["", "not base64", "AAA", b64(bytes(4097)), 7])
def test_any_other_message_is_refused(alice, key, message):
    fields = {"key_id": key.key_id, "mac_algorithm": "HMAC_SHA_256", "message": message}

    with refused(errors.PARAMETER_INVALID, field="message"):
        perform(GENERATE_MAC, alice, fields)
    with refused(errors.PARAMETER_INVALID, field="message"):
        perform(VERIFY_MAC, alice, {**fields, "mac": "00" * 32})


@pytest.mark.parametrize(
    ("spec", "usage", "code"),
    [
        ("AES_256", None, errors.SYMMETRIC_UNSUPPORTED),
        ("RSA_2048", "ENCRYPT_DECRYPT", errors.ASYMMETRIC_UNSUPPORTED),
        ("RSA_2048", "SIGN_VERIFY", errors.ASYMMETRIC_UNSUPPORTED),
        ("EC_P256", None, errors.ASYMMETRIC_UNSUPPORTED),
    ],
)
def test_only_hmac_keys_make_and_verify_macs(alice, spec, usage, code):
    key = a_key(alice, spec, key_usage=usage)

    with refused(code):
        generate(alice, key, "HMAC_SHA_256")
    with refused(code):
        verify(alice, key, "00" * 32, "HMAC_SHA_256")


@pytest.mark.parametrize(
    ("leave", "code"), [(disable, errors.KEY_DISABLED), (schedule_deletion, errors.KEY_PENDING_DELETION)]
)
def test_a_key_that_is_not_enabled_refuses(alice, key, leave, code):
    mac = generate(alice, key)["mac"]
    leave(alice, key)

    with refused(code):
        generate(alice, key)
    with refused(code):
        verify(alice, key, mac)


def test_an_hmac_key_is_never_external(alice):
    with refused(errors.HMAC_UNSUPPORTED):
        an_empty_key(alice, "HMAC_256")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80) | st.binary(max_size=40).map(bytes.hex))
def test_no_text_at_all_makes_an_unhandled_error(alice, text):
    key = Key.objects.filter(project_id=alice.project_id).first() or a_key(alice, "HMAC_256")

    assert verify(alice, key, text)["mac_valid"] is False
    for fields in ({"mac_algorithm": text}, {"message": text}):
        sound = {"key_id": key.key_id, "mac_algorithm": "HMAC_SHA_256", "message": b64(MESSAGE)}
        try:
            perform(GENERATE_MAC, alice, {**sound, **fields})
        except KmsError as error:
            assert error.code in (errors.PARAMETER_INVALID, errors.PARAMETER_MISSING)


def test_it_costs_at_most_two_queries(alice, key, django_assert_max_num_queries):
    mac = generate(alice, key)["mac"]

    with django_assert_max_num_queries(2):
        generate(alice, key)
    with django_assert_max_num_queries(2):
        verify(alice, key, mac)

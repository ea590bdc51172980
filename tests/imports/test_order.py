"""Two faults at once: the earlier check answers, so nothing secret is touched before the token is proved (SEC-024)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import pytest

from imports.api import IMPORT_KEY_MATERIAL
from keys.models import Key
from operations import errors
from operations.perform import perform
from tests.kmscrypto import keys as private_keys
from tests.operations.stage import (
    a_key,
    a_request,
    an_empty_key,
    an_imported_key,
    an_offer,
    b64,
    delete_material,
    import_into,
    private_key,
    refused,
    wrap,
    wrap_private_key,
)

UNKNOWN = "00000000-0000-0000-0000-000000000000"


@dataclass
class Attempt:
    """An import that goes wrong bit by bit. Each fault leaves room for the others."""

    caller: object
    clock: object
    key: Key
    fields: dict
    offer: dict


def unknown_key(attempt):
    attempt.fields["key_id"] = UNKNOWN


def kms_origin(attempt):
    if attempt.fields["key_id"] != UNKNOWN:
        attempt.fields["key_id"] = a_key(attempt.caller).key_id


def not_pending(attempt):
    if attempt.fields["key_id"] == attempt.key.key_id:
        Key.objects.filter(pk=attempt.key.pk).update(state=3)


def garbled_token(attempt):
    attempt.fields["import_token"] = "garbled"


def expired_token(attempt):
    attempt.clock.advance(hours=25)


def token_of_another_key(attempt):
    if attempt.fields["import_token"] != "garbled":
        attempt.fields["import_token"] = an_offer(attempt.caller, an_empty_key(attempt.caller))["import_token"]


def wrong_length(attempt):
    attempt.fields["encrypted_key_material"] = b64(secrets.token_bytes(64))


def wrong_wrapping(attempt):
    _unless_of_wrong_length(attempt, b64(b"\x01" + secrets.token_bytes(255)))


def wrong_plaintext(attempt):
    _unless_of_wrong_length(attempt, wrap(attempt.offer, secrets.token_bytes(33)))


def other_material(attempt):
    _unless_of_wrong_length(attempt, wrap(attempt.offer, secrets.token_bytes(32)))


def past_expiry(attempt):
    attempt.fields["expiration_time"] = 1


def _unless_of_wrong_length(attempt, ciphertext):
    if len(attempt.fields["encrypted_key_material"]) == 344:
        attempt.fields["encrypted_key_material"] = ciphertext


SYMMETRIC = {
    unknown_key: errors.KEY_NOT_FOUND,
    kms_origin: errors.EXTERNAL_KEY_REQUIRED,
    not_pending: errors.NOT_PENDING_IMPORT,
    garbled_token: errors.IMPORT_TOKEN_INVALID,
    expired_token: errors.IMPORT_TOKEN_EXPIRED,
    token_of_another_key: errors.TOKEN_OF_ANOTHER_KEY,
    wrong_length: errors.PARAMETER_INVALID,
    wrong_wrapping: errors.UNWRAP_FAILED,
    wrong_plaintext: errors.MATERIAL_LENGTH,
    other_material: errors.MATERIAL_DIFFERS,
    past_expiry: errors.EXPIRATION_IN_THE_PAST,
}
PAIRS = [
    (first, second)
    for first in SYMMETRIC
    for second in SYMMETRIC
    if list(SYMMETRIC).index(first) < list(SYMMETRIC).index(second)
]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda fault: fault.__name__)
def test_of_two_faults_the_earlier_check_answers(alice, the_clock, first, second):
    key = an_imported_key(alice)
    delete_material(alice, key)
    key.refresh_from_db()
    offer = an_offer(alice, key)
    attempt = Attempt(alice, the_clock, key, a_request(key, offer), offer)

    # The later fault is made first, so that an offer which a fault needs is not itself made invalid by another.
    second(attempt)
    first(attempt)

    with refused(SYMMETRIC[first]):
        perform(IMPORT_KEY_MATERIAL, alice, attempt.fields)


def bad_temporary_key(fields, offer):
    fields["encrypted_key_material"] = wrap(offer, secrets.token_bytes(24))


def no_private_key(fields, offer):
    del fields["encrypted_privatekey"]


def foreign_private_key(fields, offer):
    temporary = secrets.token_bytes(32)
    fields["encrypted_key_material"] = wrap(offer, temporary)
    fields["encrypted_privatekey"] = wrap_private_key(temporary, private_keys.der(private_key("RSA_2048")))


def expiry(fields, offer):
    fields["expiration_time"] = 2**33


ASYMMETRIC = {
    bad_temporary_key: errors.TEMPORARY_KEY_LENGTH,
    no_private_key: errors.PRIVATE_KEY_MISSING,
    foreign_private_key: errors.PRIVATE_KEY_INVALID,
    expiry: errors.PARAMETER_INVALID,
}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (bad_temporary_key, no_private_key),
        (bad_temporary_key, expiry),
        (no_private_key, expiry),
        (foreign_private_key, expiry),
    ],
    ids=lambda fault: fault.__name__,
)
def test_so_it_is_with_asymmetric_keys(alice, first, second):
    key = an_empty_key(alice, "EC_P256")
    offer = an_offer(alice, key)
    fields = a_request(key, offer)

    second(fields, offer)
    first(fields, offer)

    with refused(ASYMMETRIC[first]):
        perform(IMPORT_KEY_MATERIAL, alice, fields)


def test_a_past_expiry_answers_before_the_rule_that_asymmetric_material_has_none(alice):
    key = an_empty_key(alice, "EC_P256")

    with refused(errors.EXPIRATION_IN_THE_PAST):
        import_into(alice, key, expiration_time=1)


def test_a_missing_field_answers_before_everything_else(alice):
    with refused(errors.PARAMETER_MISSING, field="encrypted_key_material"):
        perform(IMPORT_KEY_MATERIAL, alice, {"key_id": UNKNOWN, "import_token": "garbled"})


def test_the_permission_is_asked_before_the_state_is_told(alice, bob):
    key = an_imported_key(alice)

    with refused(errors.NO_KEY_PERMISSION):
        perform(
            IMPORT_KEY_MATERIAL,
            bob,
            {"key_id": key.key_id, "import_token": "garbled", "encrypted_key_material": "AAAA"},
        )

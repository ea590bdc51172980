"""Importing key material: the honest success, then console.md C check by check, in its order."""

from __future__ import annotations

import base64
import re
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from django.db import connection
from django.test.utils import CaptureQueriesContext

from imports.api import IMPORT_KEY_MATERIAL
from keys.models import Key
from kmscrypto import fingerprint
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
    describe,
    disable,
    import_into,
    private_key,
    refused,
    schedule_deletion,
    state_of,
    wrap,
    wrap_private_key,
)

ASYMMETRIC = ("RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384")
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def do_import(caller, fields):
    return perform(IMPORT_KEY_MATERIAL, caller, fields)


# --- success ------------------------------------------------------------------------------------------------------


def test_a_key_is_enabled_by_importing_its_material(alice):
    key = an_empty_key(alice)

    import_into(alice, key)

    assert state_of(alice, key) == "2"
    assert describe(alice, key)["expiration_time"] == ""


def test_an_import_reads_two_rows_before_its_transaction_and_again_in_it_and_writes_four(alice):
    """Other writers wait meanwhile on SQLite, so every statement counts. The strong room's own are not looked at."""
    key = an_empty_key(alice)
    fields = a_request(key, an_offer(alice, key))

    with CaptureQueriesContext(connection) as captured:
        do_import(alice, fields)

    statements = [re.sub('"', "", query["sql"]) for query in captured]
    about = [re.match(r"(SELECT|INSERT|UPDATE)(?:.* FROM| INTO)? ([a-z]+_[a-z]+)", each) for each in statements]
    assert [each.groups() for each in about if each and not each[2].startswith("vault_")] == [
        ("INSERT", "operations_ratecount"),
        ("SELECT", "keys_key"),
        ("SELECT", "imports_wrappingkey"),
        ("SELECT", "keys_key"),
        ("SELECT", "imports_wrappingkey"),
        ("INSERT", "keys_keyversion"),
        ("UPDATE", "keys_key"),
        ("UPDATE", "imports_wrappingkey"),
        ("INSERT", "operations_trace"),
    ]


@pytest.mark.parametrize("spec", ASYMMETRIC)
def test_an_asymmetric_key_takes_a_private_key_under_a_temporary_key(alice, spec):
    key = an_empty_key(alice, spec)

    import_into(alice, key)

    assert state_of(alice, key) == "2"
    stored = Key.objects.get(key_id=key.key_id).versions.get()
    assert bytes(stored.public_key) == private_keys.spki(private_key(spec))


def test_a_private_key_that_a_pkcs11_module_filled_up_with_zeros_is_accepted(alice):
    key = an_empty_key(alice, "EC_P256")

    import_into(alice, key, plaintext=private_keys.der(private_key("EC_P256")) + bytes(7))

    assert state_of(alice, key) == "2"


def test_a_temporary_key_of_16_bytes_is_tolerated(alice):
    key = an_empty_key(alice, "EC_P256")
    offer = an_offer(alice, key)
    temporary, der = secrets.token_bytes(16), private_keys.der(private_key("EC_P256"))

    do_import(
        alice,
        a_request(
            key,
            offer,
            encrypted_key_material=wrap(offer, temporary),
            encrypted_privatekey=wrap_private_key(temporary, der),
        ),
    )

    assert state_of(alice, key) == "2"


def test_material_may_be_given_a_time_to_expire(alice, the_clock):
    key = an_empty_key(alice)

    import_into(alice, key, expiration_time=the_clock.seconds() + 3600)

    assert describe(alice, key)["expiration_time"] == str((the_clock.seconds() + 3600) * 1000)


def test_the_check_value_of_imported_material_is_kept_for_people_to_compare(alice):
    plaintext = secrets.token_bytes(32)

    key = an_imported_key(alice, plaintext=plaintext)

    assert key.versions.get().check_value == fingerprint.check_value(key.spec, plaintext)


# --- the checks, each alone, in order -----------------------------------------------------------------------------


def test_1_an_unknown_key(alice):
    key = an_empty_key(alice)

    with refused(errors.KEY_NOT_FOUND):
        do_import(alice, a_request(key, an_offer(alice, key), key_id=UNKNOWN))


def test_1_a_key_of_another_account_is_as_good_as_unknown(alice, mallory):
    key = an_empty_key(alice)

    with refused(errors.KEY_NOT_FOUND):
        do_import(mallory, a_request(key, an_offer(alice, key)))


def test_2_a_key_with_material_of_the_service(alice):
    key, generated = an_empty_key(alice), a_key(alice)

    with refused(errors.EXTERNAL_KEY_REQUIRED):
        do_import(alice, a_request(key, an_offer(alice, key), key_id=generated.key_id))


@pytest.mark.parametrize(
    ("leave", "label"), [(None, "Enabled"), (disable, "Disabled"), (schedule_deletion, "Pending deletion")]
)
def test_3_a_key_that_is_not_pending_import_says_what_it_is(alice, leave, label):
    key = an_empty_key(alice)
    fields = a_request(key, an_offer(alice, key))
    do_import(alice, fields)
    if leave:
        leave(alice, key)

    with refused(errors.NOT_PENDING_IMPORT, hint=label):
        do_import(alice, fields)


def test_4_an_hmac_key(alice):
    key, mac_key = an_empty_key(alice), a_key(alice, "HMAC_256")
    # No request can make one, so a row stands for an installation that could once.
    Key.objects.filter(pk=mac_key.pk).update(origin="external", state=5)

    with refused(errors.HMAC_UNSUPPORTED):
        do_import(alice, a_request(key, an_offer(alice, key), key_id=mac_key.key_id))


@pytest.mark.parametrize("token", ["AAAA", "not base64", "ü", "A" * 6145, b64(bytes(540)), b64(b"\x01" + bytes(539))])
def test_5_a_garbled_token(alice, token):
    key = an_empty_key(alice)

    with refused(errors.IMPORT_TOKEN_INVALID, field="import_token"):
        do_import(alice, a_request(key, an_offer(alice, key), import_token=token))


def test_6_an_expired_token(alice, the_clock):
    key = an_empty_key(alice)
    fields = a_request(key, an_offer(alice, key))

    the_clock.advance(hours=24)

    with refused(errors.IMPORT_TOKEN_EXPIRED, hint="24 hours"):
        do_import(alice, fields)


def test_7_a_token_of_another_key_names_both(alice):
    key, other = an_empty_key(alice), an_empty_key(alice)

    with refused(errors.TOKEN_OF_ANOTHER_KEY) as caught:
        do_import(alice, a_request(key, an_offer(alice, other)))

    assert key.key_id in str(caught.value.hint)
    assert other.key_id in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        *((text, "not Base64") for text in ("not base64!", "AAAAA", "AA==\n", " AAAA", "AAAB=", "ü" * 344)),
        ("AAA", "Base64 without its padding"),
        ("_-8=", "URL-safe Base64"),
    ],
)
def test_8_material_that_is_no_base64(alice, text, hint):
    key = an_empty_key(alice)

    with refused(errors.PARAMETER_INVALID, field="encrypted_key_material", hint=hint):
        do_import(alice, a_request(key, an_offer(alice, key), encrypted_key_material=text))


def test_8_both_ciphertexts_in_one_are_told_apart(alice):
    key = an_empty_key(alice, "EC_P256")
    blob = secrets.token_bytes(256 + 152)

    with refused(errors.PARAMETER_INVALID, field="encrypted_key_material", hint="CKM_RSA_AES_KEY_WRAP") as caught:
        do_import(alice, a_request(key, an_offer(alice, key), encrypted_key_material=b64(blob)))

    assert "the first 256 bytes as encrypted_key_material and the other 152 as encrypted_privatekey" in str(
        caught.value.hint
    )


@pytest.mark.parametrize(
    ("size", "hint"),
    [
        (32, "Got 32 bytes; expected 256. This looks like the plaintext"),
        (64, "hex text"),
        (255, "Got 255 bytes"),
        (257, "Got 257 bytes"),
        (512, "RSA-2048"),
    ],
)
def test_8_material_of_another_size_than_the_wrapping_key(alice, size, hint):
    key = an_empty_key(alice)

    with refused(errors.PARAMETER_INVALID, field="encrypted_key_material", hint=hint):
        do_import(alice, a_request(key, an_offer(alice, key), encrypted_key_material=b64(secrets.token_bytes(size))))


@pytest.mark.parametrize("size", [8, 15, 17, 8200])
def test_8_a_private_key_ciphertext_of_a_size_that_no_key_wrap_gives(alice, size):
    key = an_empty_key(alice, "EC_P256")

    with refused(errors.PARAMETER_INVALID, field="encrypted_privatekey", hint="RFC 5649"):
        do_import(alice, a_request(key, an_offer(alice, key), encrypted_privatekey=b64(bytes(size))))


def test_9_material_that_the_wrapping_key_does_not_open(alice):
    key = an_empty_key(alice)

    with refused(errors.UNWRAP_FAILED, field="encrypted_key_material"):
        do_import(
            alice, a_request(key, an_offer(alice, key), encrypted_key_material=wrap(an_offer(alice, key), bytes(32)))
        )


def _by_the_wrapping_key(offer, scheme, plaintext=None):
    public = load_der_public_key(base64.b64decode(offer["public_key"]))
    return b64(public.encrypt(plaintext or secrets.token_bytes(32), scheme))


SHA_1 = SHA1()  # noqa: S303  (to see it refused)


def _oaep(mgf, digest, label=None):
    return padding.OAEP(mgf=padding.MGF1(mgf), algorithm=digest, label=label)


WRONGLY_WRAPPED = {
    "for another wrapping key": lambda offer, other: wrap(other, secrets.token_bytes(32)),
    "SHA-1": lambda offer, other: _by_the_wrapping_key(offer, _oaep(SHA_1, SHA_1)),
    "SHA-256 with MGF1 of SHA-1": lambda offer, other: _by_the_wrapping_key(offer, _oaep(SHA_1, SHA256())),
    "a label": lambda offer, other: _by_the_wrapping_key(offer, _oaep(SHA256(), SHA256(), b"label")),
    "PKCS #1 v1.5": lambda offer, other: _by_the_wrapping_key(offer, padding.PKCS1v15()),
    "zero": lambda offer, other: b64(bytes(256)),
    "one": lambda offer, other: b64(bytes(255) + b"\x01"),
    "more than the modulus": lambda offer, other: b64(b"\xff" * 256),
    "random bytes": lambda offer, other: b64(b"\x01" + secrets.token_bytes(255)),
}


@pytest.mark.parametrize("wrapped", WRONGLY_WRAPPED.values(), ids=WRONGLY_WRAPPED)
def test_9_every_failure_to_unwrap_is_told_in_the_same_words(alice, wrapped):
    key = an_empty_key(alice)
    offer, other = an_offer(alice, key), an_offer(alice, key)

    with refused(errors.UNWRAP_FAILED, field="encrypted_key_material") as caught:
        do_import(alice, a_request(key, offer, encrypted_key_material=wrapped(offer, other)))

    assert str(caught.value.hint) == str(errors.UNWRAP_FAILED.hint)


@pytest.mark.parametrize(
    ("size", "hint"), [(16, "Got 16 bytes"), (31, "31"), (33, "33"), (64, "hex text"), (44, "Base64 text")]
)
def test_10_symmetric_material_that_is_not_32_bytes(alice, size, hint):
    key = an_empty_key(alice)

    with refused(errors.MATERIAL_LENGTH, field="encrypted_key_material", hint=hint):
        import_into(alice, key, plaintext=secrets.token_bytes(size))


def test_10_material_of_one_repeated_byte_is_certainly_not_random(alice):
    key = an_empty_key(alice)

    with refused(errors.PARAMETER_INVALID, field="encrypted_key_material", hint="random"):
        import_into(alice, key, plaintext=bytes(32))


@pytest.mark.parametrize("size", [1, 15, 24, 33, 64])
def test_11_a_temporary_key_that_is_neither_16_nor_32_bytes(alice, size):
    key = an_empty_key(alice, "EC_P256")
    offer = an_offer(alice, key)

    with refused(errors.TEMPORARY_KEY_LENGTH, field="encrypted_key_material", hint=f"Got {size} bytes"):
        do_import(alice, a_request(key, offer, encrypted_key_material=wrap(offer, secrets.token_bytes(size))))


@pytest.mark.parametrize("missing", [None, ""])
def test_12_an_asymmetric_key_without_a_private_key(alice, missing):
    key = an_empty_key(alice, "EC_P256")

    with refused(errors.PRIVATE_KEY_MISSING, field="encrypted_privatekey"):
        do_import(alice, a_request(key, an_offer(alice, key), encrypted_privatekey=missing))


def test_13_a_private_key_wrapped_under_another_temporary_key(alice):
    key = an_empty_key(alice, "EC_P256")
    offer = an_offer(alice, key)

    with refused(errors.PRIVATE_KEY_INVALID, field="encrypted_privatekey", hint="RFC 5649"):
        do_import(alice, a_request(key, offer, encrypted_key_material=wrap(offer, secrets.token_bytes(32))))


def _pem(key):
    forms = private_keys
    return key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())


WRONG_PRIVATE_KEYS = {
    "another size": (
        "RSA_3072",
        lambda: private_keys.der(private_key("RSA_2048")),
        "Found RSA_2048, expected RSA_3072",
    ),
    "another family": (
        "EC_P256",
        lambda: private_keys.der(private_key("RSA_2048")),
        "Found RSA_2048, expected EC_P256",
    ),
    "another curve": ("EC_P256", lambda: private_keys.der(private_key("EC_P384")), "Found EC_P384, expected EC_P256"),
    "secp256k1": (
        "EC_P256",
        lambda: private_keys.der(private_keys.ec_key(private_keys.ec.SECP256K1)),
        "Found secp256k1, expected EC_P256",
    ),
    "PKCS #1": (
        "RSA_2048",
        lambda: private_keys.der(private_key("RSA_2048"), private_keys.PrivateFormat.TraditionalOpenSSL),
        "key of this type and size. Convert it before wrapping: openssl pkcs8 -topk8 -nocrypt -outform DER",
    ),
    "version 1": (
        "EC_P256",
        lambda: private_keys.sequence(b"\2\1\1" + private_keys.der(private_key("EC_P256"))[6:]),
        "Found EC_P256 in PKCS#8 version 1, expected EC_P256",
    ),
    "PEM": ("EC_P256", lambda: _pem(private_key("EC_P256")), "Found PEM text (PRIVATE KEY)"),
    "a public key": ("EC_P256", lambda: private_keys.spki(private_key("EC_P256")), "Found a public key"),
    "noise": ("EC_P256", lambda: b"\xff" + secrets.token_bytes(120), "Found bytes that are not DER"),
    "trailing bytes": ("EC_P256", lambda: private_keys.der(private_key("EC_P256")) + bytes(8), "trailing bytes"),
}


@pytest.mark.parametrize(("spec", "der", "hint"), WRONG_PRIVATE_KEYS.values(), ids=WRONG_PRIVATE_KEYS)
def test_13_another_private_key_than_the_spec_wants_is_named(alice, spec, der, hint):
    key = an_empty_key(alice, spec)

    with refused(errors.PRIVATE_KEY_INVALID, field="encrypted_privatekey", hint=hint):
        import_into(alice, key, plaintext=der())


def test_14_other_material_than_before_shows_both_check_values(alice):
    first, second = secrets.token_bytes(32), secrets.token_bytes(32)
    key = an_imported_key(alice, plaintext=first)
    delete_material(alice, key)

    with refused(errors.MATERIAL_DIFFERS) as caught:
        import_into(alice, key, plaintext=second)

    for plaintext in (first, second):
        assert fingerprint.check_value(key.spec, plaintext) in str(caught.value.hint)


@pytest.mark.parametrize("seconds", [-(2**40), -1, 0])
def test_15_an_expiry_that_is_not_later_than_now(alice, the_clock, seconds):
    key = an_empty_key(alice)

    with refused(errors.EXPIRATION_IN_THE_PAST, field="expiration_time"):
        import_into(alice, key, expiration_time=the_clock.seconds() + seconds)


def test_15_an_expiry_in_milliseconds_by_mistake(alice, the_clock):
    key = an_empty_key(alice)

    with refused(errors.PARAMETER_INVALID, field="expiration_time", hint="in seconds"):
        import_into(alice, key, expiration_time=(the_clock.seconds() + 60) * 1000)


def test_16_asymmetric_material_never_expires(alice, the_clock):
    key = an_empty_key(alice, "EC_P256")

    with refused(errors.PARAMETER_INVALID, field="expiration_time", hint="never expires"):
        import_into(alice, key, expiration_time=the_clock.seconds() + 60)

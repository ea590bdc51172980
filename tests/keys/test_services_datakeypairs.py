"""Key pairs for use outside: the halves fit, and the wrapped private half is the one in the clear."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from keys.api.datakeypairs import CREATE_EC_DATAKEY_PAIR, CREATE_RSA_DATAKEY_PAIR
from keys.api.datakeys import DECRYPT_DATAKEY
from keys.api.encryption import DECRYPT_DATA
from operations import errors
from operations.perform import perform
from tests.operations.stage import a_key, disable, refused


def create(caller, key, key_spec, **fields):
    operation = CREATE_RSA_DATAKEY_PAIR if str(key_spec).startswith("RSA") else CREATE_EC_DATAKEY_PAIR
    return operation.respond(perform(operation, caller, {"key_id": key.key_id, "key_spec": key_spec, **fields}))


def opened(caller, answer, **fields):
    fields = {"cipher_text": answer["private_key_cipher_text"], **fields}
    return base64.b64decode(DECRYPT_DATA.respond(perform(DECRYPT_DATA, caller, fields))["plain_text_base64"])


def der(text):
    return base64.b64decode(text, validate=True)


@pytest.fixture
def key(alice):
    return a_key(alice)


@pytest.mark.parametrize(
    ("spec", "bits"),
    [
        ("RSA_2048", 2048),
        ("RSA_3072", 3072),
        ("RSA_4096", 4096),
        ("EC_P256", 256),
        ("EC_P384", 384),
        ("ECC_NIST_P256", 256),
        ("ECC_NIST_P384", 384),
    ],
)
def test_the_halves_fit_and_decrypt_data_opens_the_private_one(alice, key, spec, bits):
    answer = create(alice, key, spec)

    private = load_der_private_key(der(answer["private_key_plain_text"]), None)
    assert (answer["key_id"], answer["key_spec"], private.key_size) == (key.key_id, spec, bits)
    assert private.public_key() == load_der_public_key(der(answer["public_key"]))
    assert opened(alice, answer) == der(answer["private_key_plain_text"])


def test_the_private_key_is_unencrypted_pkcs8_that_signs(alice, key):
    answer = create(alice, key, "EC_P256")

    signature = load_der_private_key(opened(alice, answer), None).sign(b"text", ec.ECDSA(hashes.SHA256()))

    load_der_public_key(der(answer["public_key"])).verify(signature, b"text", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("flag", [False, "false"])
def test_the_private_key_in_the_clear_is_left_out_where_it_is_not_wanted(alice, key, flag):
    answer = create(alice, key, "EC_P256", with_plain_text=flag)

    assert answer.keys() == {"key_id", "key_spec", "public_key", "private_key_cipher_text"}
    assert load_der_private_key(opened(alice, answer), None).key_size == 256


@pytest.mark.parametrize("flag", [True, "true", None, ""])
def test_it_is_there_by_default(alice, key, flag):
    assert "private_key_plain_text" in create(alice, key, "EC_P256", with_plain_text=flag)


@pytest.mark.parametrize("flag", ["yes", 1, 0, [], {}])
def test_a_flag_is_true_or_false(alice, key, flag):
    with refused(errors.PARAMETER_INVALID, field="with_plain_text"):
        create(alice, key, "EC_P256", with_plain_text=flag)


def test_additional_data_must_be_given_again(alice, key):
    answer = create(alice, key, "EC_P256", additional_authenticated_data="ctx")

    assert opened(alice, answer, additional_authenticated_data="ctx") == der(answer["private_key_plain_text"])
    with refused(errors.CIPHER_TEXT_INVALID):
        opened(alice, answer)


def test_it_is_data_and_no_data_key(alice, key):
    answer = create(alice, key, "EC_P256")
    fields = {"cipher_text": der(answer["private_key_cipher_text"]).hex(), "datakey_cipher_length": 138}

    with refused(errors.CIPHER_TEXT_INVALID):
        perform(DECRYPT_DATAKEY, alice, {"key_id": key.key_id, **fields})


@pytest.mark.parametrize("spec", ["RSA_1024", "RSA_8192", "ECC_NIST_P521", "ECC_SECG_P256K1", "SM2", "AES_256", 2048])
def test_other_specs_are_refused(alice, key, spec):
    with refused(errors.PARAMETER_INVALID, field="key_spec"):
        create(alice, key, spec)


def test_neither_operation_makes_the_others_pairs(alice, key):
    for operation, spec in ((CREATE_RSA_DATAKEY_PAIR, "EC_P256"), (CREATE_EC_DATAKEY_PAIR, "RSA_2048")):
        with refused(errors.PARAMETER_INVALID, field="key_spec"):
            perform(operation, alice, {"key_id": key.key_id, "key_spec": spec})


@pytest.mark.parametrize(
    ("spec", "usage", "code"),
    [
        ("RSA_2048", "ENCRYPT_DECRYPT", errors.ASYMMETRIC_UNSUPPORTED),
        ("HMAC_256", None, errors.HMAC_UNSUPPORTED),
    ],
)
def test_only_an_aes_key_wraps_them(alice, spec, usage, code):
    with refused(code):
        create(alice, a_key(alice, spec, key_usage=usage), "EC_P256")


def test_no_pair_is_made_for_a_key_that_cannot_wrap_it(alice, key, monkeypatch):
    disable(alice, key)
    monkeypatch.setattr("kmscrypto.material.generate", None)

    with refused(errors.KEY_DISABLED):
        create(alice, key, "RSA_2048")


def test_rsa_pairs_are_limited_by_user_and_minute(alice, bob, key, settings, monkeypatch, the_clock):
    """The search for primes is what costs: a refused search counts too."""
    settings.KMS_RATE_LIMITS = True
    unknown = {"key_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "key_spec": "RSA_2048"}
    for _ in range(60):
        with refused(errors.KEY_NOT_FOUND):
            perform(CREATE_RSA_DATAKEY_PAIR, alice, unknown)

    with refused(errors.TOO_MANY_REQUESTS):
        perform(CREATE_RSA_DATAKEY_PAIR, alice, unknown)
    with refused(errors.KEY_NOT_FOUND):
        perform(CREATE_RSA_DATAKEY_PAIR, bob, unknown)
    the_clock.advance(minutes=1)
    with refused(errors.KEY_NOT_FOUND):
        perform(CREATE_RSA_DATAKEY_PAIR, alice, unknown)

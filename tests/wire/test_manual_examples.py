"""The examples of the original's public manual, request by request, against the running product.

An example's key ID is the only thing replaced: the keys of the manual are not ours. Numbers stay texts where it writes
texts.
"""

from __future__ import annotations

import os

import pytest

from tests.wire.conftest import b64

pytestmark = pytest.mark.system

# From the example of a digest to sign. The last letter leaves two bits over that are not zero.
DIGEST = "iNQmb9TmM40TuEX88olXnSCciXgjuSF9o+Fhk28DFYK="
SEQUENCE = "919c82d4-8046-4722-9094-35c3c6524cff"


def unique(name: str) -> str:
    return f"{name}-{os.urandom(5).hex()}"


def test_creating_a_key(wire):
    answer = wire.answer("create-key", {"key_alias": unique("test")})

    assert {"key_id", "domain_id"} <= answer["key_info"].keys()


def test_enabling_and_disabling(wire):
    key_id = wire.new_key()

    assert wire.answer("disable-key", {"key_id": key_id}) == {"key_info": {"key_id": key_id, "key_state": "3"}}
    assert wire.answer("enable-key", {"key_id": key_id}) == {"key_info": {"key_id": key_id, "key_state": "2"}}


def test_scheduling_and_cancelling_a_deletion(wire):
    key_id = wire.new_key()

    scheduled = wire.answer("schedule-key-deletion", {"key_id": key_id, "pending_days": "7"})
    cancelled = wire.answer("cancel-key-deletion", {"key_id": key_id})

    assert scheduled == {"key_id": key_id, "key_state": "4"}
    assert cancelled == {"key_id": key_id, "key_state": "3"}


def test_changing_alias_and_description(wire):
    key_id, alias = wire.new_key(), unique("test")

    renamed = wire.answer("update-key-alias", {"key_alias": alias, "key_id": key_id})
    described = wire.answer("update-key-description", {"key_id": key_id, "key_description": "test"})

    assert renamed == {"key_info": {"key_id": key_id, "key_alias": alias}}
    assert described == {"key_info": {"key_id": key_id, "key_description": "test"}}


EXAMPLE_DETAILS = {
    "key_id", "domain_id", "key_alias", "realm", "key_description", "creation_date", "scheduled_deletion_date",
    "key_state", "default_key_flag", "key_type", "expiration_time", "origin",
}  # fmt: skip


def test_querying_a_key(wire):
    answer = wire.answer("describe-key", {"key_id": wire.new_key()})

    assert answer["key_info"].keys() >= EXAMPLE_DETAILS


def test_querying_the_list_of_keys(wire):
    """Limit 2, marker 1: two keys behind the first."""
    made = [wire.new_key() for _ in range(3)]

    answer = wire.answer("list-keys", {"limit": "2", "marker": "1"})

    assert answer["keys"] == [made[1], made[0]]
    assert [details["key_id"] for details in answer["key_details"]] == answer["keys"]
    assert all(details.keys() >= EXAMPLE_DETAILS for details in answer["key_details"])
    assert answer.keys() == {"keys", "key_details", "next_marker", "truncated", "total"}


def test_the_list_with_empty_texts(wire):
    answer = wire.answer("list-keys", {"limit": "", "marker": "", "sequence": SEQUENCE})

    assert answer["next_marker"] == ""
    assert answer["truncated"] == "false"


def test_encrypting_and_decrypting_data(wire):
    key_id = wire.new_key()

    encrypted = wire.answer("encrypt-data", {"key_id": key_id, "plain_text": "12345678"})
    decrypted = wire.answer("decrypt-data", {"cipher_text": encrypted["cipher_text"]})

    assert encrypted.keys() == {"key_id", "cipher_text"}
    assert 188 <= len(encrypted["cipher_text"]) <= 5648
    assert (decrypted["key_id"], decrypted["plain_text"]) == (key_id, "12345678")


def test_creating_a_dek(wire):
    key_id = wire.new_key()

    answer = wire.answer("create-datakey", {"key_id": key_id, "datakey_length": "512"})

    assert answer.keys() == {"key_id", "plain_text", "cipher_text"}
    assert len(answer["plain_text"]) == 128


def test_creating_a_plaintext_free_dek(wire):
    answer = wire.answer("create-datakey-without-plaintext", {"key_id": wire.new_key(), "datakey_length": "512"})

    assert answer.keys() == {"key_id", "cipher_text"}


def test_encrypting_and_decrypting_a_dek(wire):
    """Its plaintext is in lower case, and a space parts the key from the digest."""
    key_id = wire.new_key()
    data_key = (
        "7549d9aea901767bf3c0b3e14b10722eaf6f59053bbd82045d04e075e809a0fe"
        "6ccab48f8e5efe74e4b18ff0512525e527b10331100f357bf42125d8d5ced94f"
    )
    digest = "fbc8ac72b0785ca7fe33eb6776ce3990b11e32b299d9c0a9ee0305fb9540f797"

    encrypted = wire.answer(
        "encrypt-datakey", {"key_id": key_id, "plain_text": f"{data_key} {digest}", "datakey_plain_length": "64"}
    )
    decrypted = wire.answer(
        "decrypt-datakey",
        {"key_id": key_id, "datakey_cipher_length": "64", "cipher_text": encrypted["cipher_text"]},
    )

    assert encrypted.keys() == {"key_id", "cipher_text", "datakey_length"}
    assert encrypted["datakey_length"] == "64"
    assert decrypted == {
        "data_key": data_key.upper(),
        "datakey_length": "64",
        "datakey_dgst": digest.upper(),
    }


def test_creating_a_random_number(wire):
    answer = wire.answer("gen-random", {"random_data_length": "512"})

    assert answer.keys() == {"random_data"}
    assert len(answer["random_data"]) == 128


def test_generating_and_verifying_a_mac(wire):
    key_id = wire.new_key(key_spec="HMAC_256")
    request = {"key_id": key_id, "mac_algorithm": "HMAC_SHA_256", "message": "ZmRzYQ=="}

    made = wire.answer("generate-mac", request)
    verified = wire.answer("verify-mac", {**request, "mac": made["mac"]})

    assert made.keys() == {"key_id", "mac_algorithm", "mac"}
    assert len(made["mac"]) == 64
    assert verified == {"key_id": key_id, "mac_algorithm": "HMAC_SHA_256", "mac_valid": True}


@pytest.fixture(scope="module")
def rsa_key_id(wire):
    return wire.new_key(key_spec="RSA_2048")


@pytest.mark.parametrize(("message", "message_type"), [("aGVsbG8g", "RAW"), (DIGEST, "DIGEST")])
def test_signing_and_authenticating(wire, rsa_key_id, message, message_type):
    request = {
        "key_id": rsa_key_id,
        "message": message,
        "signing_algorithm": "RSASSA_PSS_SHA_256",
        "message_type": message_type,
    }

    signed = wire.answer("sign", request)
    verified = wire.answer("verify", {**request, "signature": signed["signature"]})

    assert signed.keys() == {"key_id", "signature"}
    assert verified == {"key_id": rsa_key_id, "signature_valid": "true"}


def test_querying_a_public_key(wire, rsa_key_id):
    answer = wire.answer("get-publickey", {"key_id": rsa_key_id})

    assert answer["key_id"] == rsa_key_id
    assert "-----BEGIN PUBLIC KEY-----" in answer["public_key"]
    assert "-----END PUBLIC KEY-----" in answer["public_key"]


def test_obtaining_parameters_importing_and_deleting(wire):
    key_id = wire.new_key(origin="external")

    offer = wire.answer(
        "get-parameters-for-import",
        {"key_id": key_id, "wrapping_algorithm": "RSAES_OAEP_SHA_256", "sequence": SEQUENCE},
    )
    request = {**wire.import_body(key_id, offer, os.urandom(32)), "expiration_time": 2521578672}

    assert wire.answer("import-key-material", request) == {}
    assert wire.answer("describe-key", {"key_id": key_id})["key_info"]["expiration_time"] == "2521578672000"
    assert wire.answer("delete-imported-key-material", {"key_id": key_id}) == {}


def test_the_example_import_is_refused_for_its_token(wire):
    """The manual's own token and material are of another service."""
    key_id = wire.new_key(origin="external")
    request = {
        "key_id": key_id,
        "import_token": "AACIBjY2ZTQxYjBmLTY3ZWItNDU4Ny04OTIxLWVhZTVhZjg5NDZmYQAA",
        "encrypted_key_material": b64(bytes(256)),
        "expiration_time": 1521578672,
    }

    response = wire("import-key-material", request)

    assert (response.status_code, response.json()["error"]["error_code"]) == (400, "KMS.2605")

"""Secrets planted in every input of every operation are found nowhere afterwards: not in a log line, a trace, an error,
the journal or any table (SEC-063)."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import secrets

import pytest
from django.db import connection

from imports.tasks import expire_material, expire_wrapping_keys
from keys.tasks import delete_due_keys
from kmsconsole.urls import OPERATIONS
from operations import journal
from tests import factories
from tests.kmscrypto import keys as private_keys
from tests.operations.stage import (
    a_key,
    an_empty_key,
    an_imported_key,
    an_offer,
    b64,
    schedule_deletion,
    wrap,
    wrap_private_key,
)

PATHS = {operation.name: operation.path for operation in OPERATIONS if operation.path}
# Not secret, and kept: what people call and say of a key, and what a trace may hold.
OPEN_MEMBERS = {"key_alias", "key_description", "enterprise_project_id", "tags"}


class Canaries:
    """Secrets that were planted, and the search for them."""

    def __init__(self) -> None:
        self.planted: dict[str, bytes] = {}

    def text(self, name: str) -> str:
        text = f"canary-{secrets.token_hex(12)}"
        self.planted[name] = text.encode()
        return text

    def raw(self, name: str, secret: bytes | None = None) -> bytes:
        self.planted[name] = secret or secrets.token_bytes(32)
        return self.planted[name]

    def found_in(self, content: bytes) -> list[str]:
        return [name for name, secret in self.planted.items() if any(form in content for form in _forms(secret))]


def _forms(secret: bytes) -> list[bytes]:
    # Base64 of the secret within a longer text: whole groups of it, at each of the three alignments.
    inner = [base64.b64encode(secret[start:])[: 4 * ((len(secret) - start) // 3)] for start in range(3)]
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), *inner]


@pytest.fixture
def canaries():
    return Canaries()


@pytest.fixture
def everything(alice, settings, tmp_path, caplog):
    """What is left behind, all of it as bytes; and what was answered."""
    settings.KMS_HOME = tmp_path
    settings.KMS_TRACE_JOURNAL = True
    journal._journals.clear()
    caplog.set_level(logging.DEBUG)
    answers: list[bytes] = []

    def collect() -> bytes:
        logs = "\n".join(f"{record.getMessage()} {record.__dict__} {record.exc_text}" for record in caplog.records)
        journaled = b"".join(path.read_bytes() for path in (tmp_path / "journal").glob("*"))
        return b"\n".join(
            [logs.encode(errors="replace"), caplog.text.encode(errors="replace"), journaled, _database(), *answers]
        )

    collect.answers = answers
    yield collect
    journal._journals.clear()


def _database() -> bytes:
    """Every value of every table."""
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                parts += [
                    bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in row
                ]
    return b"\n".join(parts)


@pytest.fixture
def post(alice, client, everything, canaries):
    """Posts as alice, or as another user, and keeps the answer for the search where it is a refusal."""

    def send(name: str, body: object, user=None) -> dict:
        headers = factories.headers(user or factories.alice())
        canaries.raw(f"the token of {name}", headers["X-Auth-Token"].encode())
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = f"/v1.0/{alice.project_id}/{PATHS[name]}"
        response = client.post(url, content, content_type="application/json", headers=headers)
        if response.status_code >= 400:
            everything.answers.append(response.content)
        return response.json() if response.content else {}

    return send


def test_the_search_finds_what_is_there(post, everything, canaries):
    alias = canaries.text("an alias")

    post("create-key", {"key_alias": alias, "key_description": canaries.text("a description")})

    assert canaries.found_in(everything()) == ["an alias", "a description"]


def test_what_is_encrypted_and_decrypted_is_nowhere(post, everything, canaries, alice):
    key = a_key(alice)
    secret = {
        "plain_text": canaries.text("the plaintext"),
        "encryption_context": {"purpose": canaries.text("a value of the context")},
        "additional_authenticated_data": canaries.text("additional data"),
    }

    sealed = post("encrypt-data", {"key_id": key.key_id, **secret})["cipher_text"]
    canaries.raw("the ciphertext", base64.b64decode(sealed))
    context = {name: value for name, value in secret.items() if name != "plain_text"}
    opened = post("decrypt-data", {"cipher_text": sealed, **context})
    assert opened["plain_text"] == secret["plain_text"]
    # And where it is refused: without context, cut, by somebody who may not.
    post("decrypt-data", {"cipher_text": sealed})
    post("decrypt-data", {"cipher_text": sealed[:-4], **context})
    post("decrypt-data", {"cipher_text": sealed, **context}, factories.bob())
    post("encrypt-data", {"key_id": key.key_id, **secret, "plain_text": secret["plain_text"] * 500})
    post("encrypt-data", {"key_id": "malformed", **secret})

    assert canaries.found_in(everything()) == []


def test_a_data_key_is_nowhere(post, everything, canaries, alice):
    key_id = a_key(alice).key_id
    data_key = canaries.raw("the data key", os.urandom(64))
    digest = canaries.raw("its digest", hashlib.sha256(data_key).digest())
    brought = {"key_id": key_id, "plain_text": (data_key + digest).hex(), "datakey_plain_length": 64}

    made = post("create-datakey", {"key_id": key_id, "datakey_length": 512})
    canaries.raw("a data key that was made", bytes.fromhex(made["plain_text"]))
    canaries.raw("its ciphertext", bytes.fromhex(made["cipher_text"]))
    sealed = post("encrypt-datakey", brought)["cipher_text"]
    canaries.raw("the ciphertext", bytes.fromhex(sealed))
    wrapped = {"key_id": key_id, "cipher_text": sealed, "datakey_cipher_length": 64}
    assert post("decrypt-datakey", wrapped)["data_key"] == data_key.hex().upper()
    # And where it is refused: another length, another digest, another context, by somebody who may not.
    post("encrypt-datakey", {**brought, "datakey_plain_length": 63})
    post("encrypt-datakey", {**brought, "plain_text": (data_key + digest[::-1]).hex()})
    post("encrypt-datakey", {**brought, "plain_text": (data_key + digest).hex()[:-1]})
    post("decrypt-datakey", {**wrapped, "datakey_cipher_length": 65})
    post("decrypt-datakey", {**wrapped, "additional_authenticated_data": "other"})
    post("decrypt-datakey", wrapped, factories.bob())

    assert canaries.found_in(everything()) == []


def test_what_moves_to_another_key_is_nowhere(post, everything, canaries, alice):
    source, destination = a_key(alice), a_key(alice)
    sealed = post("encrypt-data", {"key_id": source.key_id, "plain_text": canaries.text("the plaintext")})
    move = {
        "cipher_text": sealed["cipher_text"],
        "destination_key_id": destination.key_id,
        "destination_additional_authenticated_data": canaries.text("additional data"),
    }

    moved = post("re-encrypt", move)
    for name, answer in (("the ciphertext", sealed), ("the new ciphertext", moved)):
        canaries.raw(name, base64.b64decode(answer["cipher_text"]))
    post("re-encrypt", {**move, "source_additional_authenticated_data": canaries.text("wrong data")})
    post("re-encrypt", {**move, "datakey_cipher_length": 64})
    post("re-encrypt", move, factories.bob())

    assert canaries.found_in(everything()) == []


def test_a_key_pair_is_nowhere(post, everything, canaries, alice):
    answer = post("create-ec-datakey-pair", {"key_id": a_key(alice).key_id, "key_spec": "EC_P256"})
    canaries.raw("the private key", base64.b64decode(answer["private_key_plain_text"]))
    canaries.raw("its ciphertext", base64.b64decode(answer["private_key_cipher_text"]))

    assert canaries.found_in(everything()) == []


def test_what_is_authenticated_is_nowhere(post, everything, canaries, alice):
    message = {
        "key_id": a_key(alice, "HMAC_256").key_id,
        "mac_algorithm": "HMAC_SHA_256",
        "message": b64(canaries.raw("the message")),
    }

    mac = post("generate-mac", message)["mac"]
    canaries.raw("the MAC", bytes.fromhex(mac))
    assert post("verify-mac", {**message, "mac": mac})["mac_valid"] is True
    post("verify-mac", {**message, "mac": canaries.raw("a wrong MAC").hex()})
    post("generate-mac", {**message, "mac_algorithm": "HMAC_SHA_512"})
    post("generate-mac", message, factories.bob())
    canaries.raw("random data", bytes.fromhex(post("gen-random", {"random_data_length": 512})["random_data"]))

    assert canaries.found_in(everything()) == []


def test_what_is_signed_is_nowhere(post, everything, canaries, alice):
    key = an_imported_key(alice, "EC_P256")
    message = {
        "key_id": key.key_id,
        "message": b64(canaries.raw("the message")),
        "message_type": "RAW",
        "signing_algorithm": "ECDSA_SHA_256",
    }

    signature = post("sign", message)["signature"]
    canaries.raw("the signature", base64.b64decode(signature))
    assert post("verify", {**message, "signature": signature})["signature_valid"] == "true"
    post("verify", {**message, "signature": b64(canaries.raw("a wrong signature"))})
    post("sign", {**message, "signing_algorithm": "RSASSA_PSS_SHA_256"})
    post("sign", {**message, "message_type": "DIGEST", "message": b64(canaries.raw("a digest", os.urandom(31)))})
    post("sign", message, factories.bob())

    assert canaries.found_in(everything()) == []


def test_what_is_imported_is_nowhere(post, everything, canaries, alice, the_clock):
    key, ec_key = an_empty_key(alice), an_empty_key(alice, "EC_P256")
    offer, ec_offer = an_offer(alice, key), an_offer(alice, ec_key)
    private = private_keys.ec.generate_private_key(private_keys.ec.SECP256R1())
    der = canaries.raw("the private key", private_keys.der(private))
    canaries.raw("its scalar", private.private_numbers().private_value.to_bytes(32))
    material, temporary = canaries.raw("the material"), canaries.raw("the temporary key")
    canaries.raw("the import token", base64.b64decode(offer["import_token"]))
    carried = {"encrypted_key_material": wrap(offer, material), "import_token": offer["import_token"]}
    ec_carried = {
        "import_token": ec_offer["import_token"],
        "encrypted_key_material": wrap(ec_offer, temporary),
        "encrypted_privatekey": wrap_private_key(temporary, der),
    }
    for number, ciphertext in enumerate([carried, ec_carried]):
        canaries.raw(f"the wrapped material {number}", base64.b64decode(ciphertext["encrypted_key_material"]))
    canaries.raw("the wrapped private key", base64.b64decode(ec_carried["encrypted_privatekey"]))

    def do_import(into, fields, user=None, **changes):
        return post("import-key-material", {"key_id": into.key_id, **fields, **changes}, user)

    # Refused in every way first, then done; then expired.
    do_import(key, carried, expiration_time=1)
    do_import(key, carried, import_token=carried["import_token"][:-4])
    do_import(key, carried, encrypted_key_material=b64(canaries.raw("plaintext by mistake")))
    do_import(key, carried, encrypted_key_material=material.hex())
    do_import(ec_key, carried)
    do_import(ec_key, ec_carried, encrypted_privatekey=b64(der))
    do_import(ec_key, ec_carried, encrypted_privatekey=der.hex())
    do_import(key, carried, factories.bob())
    assert do_import(key, carried, expiration_time=the_clock.seconds() + 60) == {}
    assert do_import(ec_key, ec_carried) == {}
    do_import(key, carried)
    the_clock.advance(days=2)
    assert (expire_material(), expire_wrapping_keys()) == (1, 0)

    assert canaries.found_in(everything()) == []


def test_a_failed_job_and_a_bug_tell_nothing(post, everything, canaries, alice, the_clock):
    key, other = a_key(alice), a_key(alice)
    schedule_deletion(alice, other)
    the_clock.advance(days=7)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TRIGGER stuck BEFORE DELETE ON keys_key BEGIN SELECT RAISE(ABORT, 'stuck'); END")
    delete_due_keys()
    # A row that was altered does not open: a 500, whose report must not quote what was being encrypted.
    key.versions.update(material_sealed=b"\x01" * 204)
    secret = canaries.text("a plaintext that met a bug")

    answer = post("encrypt-data", {"key_id": key.key_id, "plain_text": secret, "encryption_context": {"a": secret}})

    assert answer["error"]["error_code"] == "KMS.0101"
    assert canaries.found_in(everything()) == []


@pytest.mark.parametrize("name", PATHS)
def test_whatever_a_member_holds_that_is_refused_is_not_repeated(post, everything, canaries, name):
    """A secret in the wrong member, a password in place of a key ID: refused, and not written down."""
    operation = next(operation for operation in OPERATIONS if operation.name == name)
    members = [field.name for field in operation.request.fields if field.name not in OPEN_MEMBERS]

    for member in members:
        post(name, {**dict.fromkeys(members, "x"), member: canaries.text(f"{member} of {name}")})
        post(name, {member: {"nested": canaries.text(f"within {member} of {name}")}})
    post(name, canaries.text("a body that is no JSON").encode())
    post(name, json.dumps({canaries.text("the name of a member"): 1}).encode())

    assert canaries.found_in(everything()) == []

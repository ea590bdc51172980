"""What is secret stands in the database sealed or not at all, and what was erased is gone from the disk (SEC-036)."""

from __future__ import annotations

import base64
import hashlib
import secrets

import pytest
from django.db import connection

from imports import tasks
from imports.api import IMPORT_KEY_MATERIAL
from imports.models import WrappingKey
from imports.services import parameters
from keys import material
from keys.api.encryption import ENCRYPT_DATA
from keys.models import Key, KeyVersion
from keys.tasks import delete_due_keys
from kmscrypto.material import private_der
from operations.perform import perform
from tests import factories
from tests.kmscrypto import keys as private_keys
from tests.operations.stage import (
    a_key,
    a_request,
    an_empty_key,
    an_offer,
    database_bytes,
    delete_material,
    import_into,
    schedule_deletion,
    wrap,
    wrap_private_key,
)
from vault import sealing

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the files of SQLite")


@pytest.fixture
def alice(lasting_strong_room):
    return factories.caller(factories.alice())


def forms(secret: bytes) -> list[bytes]:
    """How a secret could stand somewhere by mistake."""
    return [
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        base64.b64encode(secret),
        base64.urlsafe_b64encode(secret).rstrip(b"="),
        repr(secret).encode(),
    ]


def is_on_disk(secret: bytes) -> bool:
    content = database_bytes()
    return any(form in content for form in forms(secret))


def test_the_search_finds_what_is_there(alice):
    key = a_key(alice, alias="an-alias-that-is-no-secret")

    assert is_on_disk(b"an-alias-that-is-no-secret")
    assert is_on_disk(bytes(key.versions.get().material_sealed))


def test_imported_material_is_nowhere_in_the_clear_before_and_after_its_deletion(alice):
    plaintext = secrets.token_bytes(32)
    key = an_empty_key(alice)

    import_into(alice, key, plaintext=plaintext)
    perform(ENCRYPT_DATA, alice, {"key_id": key.key_id, "plain_text": "a text"})
    assert not is_on_disk(plaintext)

    delete_material(alice, key)
    assert not is_on_disk(plaintext)


def test_neither_a_private_key_nor_its_temporary_key_is_anywhere_in_the_clear(alice):
    private, temporary = private_keys.ec.generate_private_key(private_keys.ec.SECP256R1()), secrets.token_bytes(32)
    der = private_keys.der(private)
    key = an_empty_key(alice, "EC_P256")
    offer = an_offer(alice, key)

    fields = {
        "encrypted_key_material": wrap(offer, temporary),
        "encrypted_privatekey": wrap_private_key(temporary, der),
    }
    perform(IMPORT_KEY_MATERIAL, alice, a_request(key, offer, **fields))

    scalar = private.private_numbers().private_value.to_bytes(32)
    for secret in (der, scalar, temporary):
        assert not is_on_disk(secret)
    # Nor what was carried: neither ciphertext is kept, nor the token.
    for carried in (*fields.values(), offer["import_token"]):
        assert not is_on_disk(base64.b64decode(carried))


def test_the_private_half_of_a_wrapping_key_is_sealed(alice):
    key = an_empty_key(alice)
    offer = an_offer(alice, key)

    row = WrappingKey.objects.get()
    private = sealing.open(parameters.binding(row), bytes(row.private_sealed))

    assert not is_on_disk(private)
    assert is_on_disk(base64.b64decode(offer["public_key"]))


@pytest.mark.parametrize("spec", ["AES_256", "RSA_2048", "EC_P256", "HMAC_256"])
def test_generated_material_is_nowhere_in_the_clear(alice, spec):
    key = a_key(alice, spec)

    usable = material.open_version(key).usable
    assert not is_on_disk(usable if isinstance(usable, bytes) else private_der(usable))


def sealed(key) -> bytes:
    blob = bytes(KeyVersion.objects.get(key=key).material_sealed)
    assert is_on_disk(blob), "it is there before"
    return blob


def test_deleted_material_is_gone_from_the_files(alice):
    key = an_empty_key(alice)
    import_into(alice, key)
    blob = sealed(key)

    delete_material(alice, key)

    assert not is_on_disk(blob)
    assert not is_on_disk(blob[-64:])


def test_expired_material_is_gone_from_the_files(alice, the_clock):
    key = an_empty_key(alice)
    import_into(alice, key, expiration_time=the_clock.seconds() + 60)
    blob = sealed(key)
    the_clock.advance(seconds=60)

    assert tasks.expire_material() == 1

    assert not is_on_disk(blob)


@pytest.mark.parametrize("spec", ["AES_256", "RSA_2048"])
def test_the_material_of_a_deleted_key_is_gone_from_the_files(alice, the_clock, spec):
    key = a_key(alice, spec)
    blob = sealed(key)
    schedule_deletion(alice, key, days=7)
    the_clock.advance(days=7)

    assert delete_due_keys() == 1

    assert not is_on_disk(blob)
    # Pages are zeroed as wholes: no part of it is left either.
    assert not is_on_disk(blob[-64:])


def test_the_fingerprint_outlives_the_material_and_says_nothing_about_it(alice):
    plaintext = secrets.token_bytes(32)
    key, twin = an_empty_key(alice), an_empty_key(alice)
    for each in (key, twin):
        import_into(alice, each, plaintext=plaintext)
    delete_material(alice, key)

    stored = bytes(Key.objects.get(pk=key.pk).material_fingerprint)
    assert len(stored) == 32
    assert not is_on_disk(hashlib.sha256(plaintext).digest())
    # Equal material in two keys is not seen to be equal.
    assert stored != bytes(Key.objects.get(pk=twin.pk).material_fingerprint)


def test_the_row_of_a_used_wrapping_key_stays_without_its_private_half(alice):
    key = an_empty_key(alice)

    offer = an_offer(alice, key)
    sealed_half = bytes(WrappingKey.objects.get().private_sealed)
    assert is_on_disk(sealed_half), "it is there before"

    perform(IMPORT_KEY_MATERIAL, alice, a_request(key, offer))
    delete_material(alice, key)  # after which the journal is emptied

    row = WrappingKey.objects.get()
    assert (row.private_sealed, row.used_at is not None) == (None, True)
    for part in (sealed_half, sealed_half[:64], sealed_half[500:564], sealed_half[-64:]):
        assert not is_on_disk(part)

"""What may be done with a ciphertext, by every operation that makes or takes one (SEC-009 to SEC-014)."""

from __future__ import annotations

import base64
import hashlib
import os
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys.api.datakeypairs import CREATE_EC_DATAKEY_PAIR
from keys.api.datakeys import CREATE_DATAKEY, CREATE_DATAKEY_WITHOUT_PLAINTEXT, DECRYPT_DATAKEY, ENCRYPT_DATAKEY
from keys.api.encryption import DECRYPT_DATA, ENCRYPT_DATA
from keys.api.reencryption import RE_ENCRYPT
from keys.api.rotation import ROTATE_ON_DEMAND
from kmscrypto import envelope
from kmscrypto.envelope import Purpose
from operations import errors
from operations.errors import KmsError
from operations.perform import perform
from tests import factories
from tests.operations.stage import a_key, an_imported_key, b64, refused

LENGTH = 64
DATA_KEY = bytes(range(LENGTH))


def ask(operation, caller, key, **fields):
    return operation.respond(perform(operation, caller, {"key_id": key.key_id, **fields}))


def _brought(caller, key):
    plain_text = (DATA_KEY + hashlib.sha256(DATA_KEY).digest()).hex()
    return ask(ENCRYPT_DATAKEY, caller, key, plain_text=plain_text, datakey_plain_length=LENGTH)


# Everything that makes a ciphertext under an AES key, and its domain.
MAKERS = {
    "encrypt-data": (
        Purpose.DATA,
        lambda caller, key: base64.b64decode(ask(ENCRYPT_DATA, caller, key, plain_text="x" * LENGTH)["cipher_text"]),
    ),
    "create-ec-datakey-pair": (
        Purpose.DATA,
        lambda caller, key: base64.b64decode(
            ask(CREATE_EC_DATAKEY_PAIR, caller, key, key_spec="EC_P256")["private_key_cipher_text"]
        ),
    ),
    "create-datakey": (
        Purpose.DATA_KEY,
        lambda caller, key: bytes.fromhex(ask(CREATE_DATAKEY, caller, key, datakey_length=8 * LENGTH)["cipher_text"]),
    ),
    "create-datakey-without-plaintext": (
        Purpose.DATA_KEY,
        lambda caller, key: bytes.fromhex(
            ask(CREATE_DATAKEY_WITHOUT_PLAINTEXT, caller, key, datakey_length=8 * LENGTH)["cipher_text"]
        ),
    ),
    "encrypt-datakey": (
        Purpose.DATA_KEY,
        lambda caller, key: bytes.fromhex(_brought(caller, key)["cipher_text"]),
    ),
}


def _move(caller, key, **fields):
    return perform(RE_ENCRYPT, caller, {"destination_key_id": key.key_id, "source_key_id": key.key_id, **fields})


# Everything that takes one, and its domain.
TAKERS = {
    "decrypt-data": (
        Purpose.DATA,
        lambda caller, key, raw: ask(DECRYPT_DATA, caller, key, cipher_text=b64(raw)),
    ),
    "re-encrypt": (
        Purpose.DATA,
        lambda caller, key, raw: _move(caller, key, cipher_text=b64(raw)),
    ),
    "decrypt-datakey": (
        Purpose.DATA_KEY,
        lambda caller, key, raw: ask(DECRYPT_DATAKEY, caller, key, cipher_text=raw.hex(), datakey_cipher_length=LENGTH),
    ),
    "re-encrypt a data key": (
        Purpose.DATA_KEY,
        lambda caller, key, raw: _move(caller, key, cipher_text=raw.hex(), datakey_cipher_length=LENGTH),
    ),
}
each_maker = pytest.mark.parametrize("maker", MAKERS)
each_taker = pytest.mark.parametrize("taker", TAKERS)


def make(maker, caller, key):
    return MAKERS[maker][1](caller, key)


def take(taker, caller, key, raw):
    return TAKERS[taker][1](caller, key, raw)


def sound_for(taker, caller, key):
    """A ciphertext that this taker opens."""
    return next(made(caller, key) for purpose, made in MAKERS.values() if purpose is TAKERS[taker][0])


def refusal(taker, caller, key, raw):
    """All that is told."""
    with pytest.raises(KmsError) as caught:
        take(taker, caller, key, raw)
    return caught.value.code, caught.value.field, str(caught.value.hint)


@each_maker
@each_taker
def test_a_ciphertext_opens_in_its_own_domain_only(alice, maker, taker):
    """SEC-013: also where its purpose is overwritten, for the key is derived from the purpose."""
    key = a_key(alice)
    raw = make(maker, alice, key)

    if MAKERS[maker][0] is TAKERS[taker][0]:
        take(taker, alice, key, raw)
    else:
        disguised = raw[:2] + bytes([TAKERS[taker][0]]) + raw[3:]
        told = {refusal(taker, alice, key, attempt) for attempt in (raw, disguised)}
        assert {code for code, _field, _hint in told} == {errors.CIPHER_TEXT_INVALID}
        assert len(told) == 1


@each_taker
def test_what_is_stored_at_rest_opens_through_no_operation(alice, taker):
    key = a_key(alice)

    told = refusal(taker, alice, key, bytes(key.versions.get().material_sealed))

    assert told[0] is errors.CIPHER_TEXT_INVALID


@each_taker
def test_whatever_was_done_to_a_ciphertext_one_thing_is_told(alice, taker):
    """SEC-013: changed, cut, spliced, lengthened, of another key, another version, another context, no ciphertext."""
    key, other = a_key(alice), a_key(alice)
    raw, second = (sound_for(taker, alice, key) for _ in range(2))
    attempts = [
        *(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :] for place in range(0, len(raw), 7)),
        *(raw[:end] for end in (1, 31, 107, 108, 124, len(raw) - 16, len(raw) - 1)),
        raw[:64] + second[64:],
        raw[:-16] + second[-16:],
        raw + bytes(16),
        raw[:20] + (2).to_bytes(4) + raw[24:],
        sound_for(taker, alice, other),
        os.urandom(len(raw)),
    ]

    told = {refusal(taker, alice, key, attempt) for attempt in attempts}

    assert told == {(errors.CIPHER_TEXT_INVALID, "cipher_text", str(errors.CIPHER_TEXT_INVALID.hint))}


@each_taker
def test_a_ciphertext_is_bound_to_its_project(alice, taker):
    """SEC-002: moved with its key, material and all, it still does not open."""
    material = os.urandom(32)
    key = an_imported_key(alice, plaintext=material)
    raw = sound_for(taker, alice, key)
    elsewhere = factories.caller(factories.alice(), project=factories.project("eu-nl", in_region="eu-nl"))
    twin = an_imported_key(elsewhere, plaintext=material)

    renamed = raw[:4] + uuid.UUID(twin.key_id).bytes + raw[20:]

    assert refusal(taker, elsewhere, twin, renamed)[0] is errors.CIPHER_TEXT_INVALID


def test_no_two_ciphertexts_of_a_key_share_salt_nonce_or_commitment(alice):
    """SEC-010: each message has a key of its own, so there is no number of messages to stop at."""
    key = a_key(alice)
    sealed = [made(alice, key) for _purpose, made in MAKERS.values() for _ in range(100)]

    for start, end in ((32, 64), (64, 96), (96, 108)):
        assert len({raw[start:end] for raw in sealed}) == len(sealed)


@each_maker
def test_what_an_old_version_sealed_opens_and_what_is_new_carries_the_newest(alice, maker):
    """SEC-009."""
    key = a_key(alice)
    taker = next(name for name, (purpose, _take) in TAKERS.items() if purpose is MAKERS[maker][0])
    sealed = [make(maker, alice, key)]
    for _ in range(3):
        perform(ROTATE_ON_DEMAND, alice, {"key_id": key.key_id})
        sealed.append(make(maker, alice, key))

    assert [envelope.parse(raw).version for raw in sealed] == [1, 2, 3, 4]
    for raw in sealed:
        take(taker, alice, key, raw)


def test_re_encrypting_under_the_same_key_brings_a_ciphertext_to_the_newest_version(alice):
    key = a_key(alice)
    old = make("encrypt-data", alice, key)
    perform(ROTATE_ON_DEMAND, alice, {"key_id": key.key_id})

    moved = take("re-encrypt", alice, key, old).cipher_text

    assert (envelope.parse(old).version, envelope.parse(moved).version) == (1, 2)
    assert take("decrypt-data", alice, key, moved)["plain_text"] == "x" * LENGTH


def test_a_version_that_never_was_is_told_like_any_other_fault(alice):
    key = a_key(alice)
    raw = make("create-datakey", alice, key)

    for version in (0, 2, 2**32 - 1):
        with refused(errors.CIPHER_TEXT_INVALID):
            take("decrypt-datakey", alice, key, raw[:20] + version.to_bytes(4) + raw[24:])


@each_taker
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_behind_a_sound_header_make_an_unhandled_error(alice, taker, data):
    """SEC-014."""
    from keys.models import Key

    key = Key.objects.filter(project_id=alice.project_id).first() or a_key(alice)
    head = bytes((1, 1, data.draw(st.integers(0, 4)), 0)) + uuid.UUID(key.key_id).bytes
    version = data.draw(st.sampled_from([0, 1, 2, 2**32 - 1])).to_bytes(4)
    tail = data.draw(st.binary(max_size=40) | st.binary(min_size=84, max_size=84) | st.binary(max_size=300))

    assert refusal(taker, alice, key, head + version + bytes(8) + tail)[0] is errors.CIPHER_TEXT_INVALID

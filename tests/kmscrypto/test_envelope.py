"""The ciphertext format of security.md 3: what it holds, what it costs, and that nothing else opens."""

import base64
import hashlib
import hmac as stdlib_hmac
import uuid
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from kmscrypto import envelope
from kmscrypto.envelope import Purpose, bind, context
from kmscrypto.errors import CryptoError, DecryptionFailed, MalformedCiphertext

MATERIAL = bytes(range(32))
KEY_ID = uuid.UUID("0dd0c5b1-7a4b-4b0e-9a3e-1f2f3c4d5e6f")
BINDING = bind("eu-de", "project") + context({"purpose": "test"}, None)


def sealed(plaintext=b"attack at dawn", purpose=Purpose.DATA, version=3, binding=BINDING):
    return envelope.seal(MATERIAL, plaintext, purpose=purpose, key_id=KEY_ID, version=version, binding=binding)


def opened(blob, material=MATERIAL, purpose=Purpose.DATA, binding=BINDING):
    return envelope.open(material, envelope.parse(blob), purpose=purpose, binding=binding)


@settings(deadline=None)
@given(plaintext=st.binary(max_size=5000), purpose=st.sampled_from(Purpose), version=st.integers(0, 2**32 - 1))
def test_what_is_sealed_opens(plaintext, purpose, version):
    blob = sealed(plaintext, purpose, version)
    parsed = envelope.parse(blob)

    assert (parsed.purpose, parsed.key_id, parsed.version) == (purpose, KEY_ID, version)
    assert parsed.header + parsed.sealed == blob
    assert opened(blob, purpose=purpose) == plaintext


@pytest.mark.parametrize(
    ("length", "characters"), [(1, 188), (15, 188), (16, 208), (4080, 5628), (4095, 5628), (4096, 5648)]
)
def test_lengths_follow_the_published_rule(length, characters):
    assert len(base64.b64encode(sealed(bytes(length)))) == characters


@pytest.mark.parametrize("purpose", Purpose)
def test_the_layout_is_the_documented_one(purpose):
    """Opened with HMAC from the standard library and the table of security.md alone."""
    blob = sealed(b"attack at dawn", purpose)

    assert blob[:4] == bytes((1, 1, purpose, 0))
    assert blob[4:20] == KEY_ID.bytes
    assert blob[20:24] == (3).to_bytes(4)
    assert blob[24:32] == bytes(8)
    salt, commitment, nonce, ciphertext = blob[32:64], blob[64:96], blob[96:108], blob[108:]
    pseudorandom = stdlib_hmac.digest(salt, MATERIAL, hashlib.sha256)
    info = b"kms1" + bytes((purpose,)) + KEY_ID.bytes + (3).to_bytes(4)
    first = stdlib_hmac.digest(pseudorandom, info + b"\1", hashlib.sha256)
    second = stdlib_hmac.digest(pseudorandom, first + info + b"\2", hashlib.sha256)
    assert commitment == second
    assert AESGCM(first).decrypt(nonce, ciphertext, blob[:108] + BINDING) == b"attack at dawn\2\2"


def test_no_two_messages_share_salt_nonce_or_key():
    blobs = [sealed(b"same") for _ in range(2000)]

    assert len({blob[32:64] for blob in blobs}) == 2000
    assert len({blob[64:96] for blob in blobs}) == 2000
    assert len({blob[96:108] for blob in blobs}) == 2000


def test_every_flipped_bit_is_refused():
    blob = sealed()

    for position in range(8 * len(blob)):
        flipped = bytearray(blob)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(CryptoError):
            opened(bytes(flipped))


def test_every_cut_and_every_extension_is_refused():
    blob = sealed(bytes(100))

    for length in range(len(blob)):
        with pytest.raises(CryptoError):
            opened(blob[:length])
    for extra in range(1, 40):
        with pytest.raises(CryptoError):
            opened(blob + bytes(extra))


@pytest.mark.parametrize("length", [0, 107, 108, 124, 139, 141, 155])
def test_a_length_that_no_plaintext_has_is_malformed(length):
    with pytest.raises(MalformedCiphertext):
        envelope.parse(sealed(bytes(100))[:length])


def test_a_splice_of_two_ciphertexts_is_refused():
    one, two = sealed(b"one"), sealed(b"two")

    for start, end in pairwise((0, 4, 20, 24, 32, 64, 96, 108, len(one) - 16, len(one))):
        spliced = one[:start] + two[start:end] + one[end:]
        if spliced != one:
            with pytest.raises(DecryptionFailed):
                opened(spliced)


def test_another_key_binding_purpose_or_version_is_refused():
    blob = sealed()
    other_version = blob[:20] + (4).to_bytes(4) + blob[24:]

    for attempt in (
        lambda: opened(blob, material=bytes(32)),
        lambda: opened(blob, binding=b""),
        lambda: opened(blob, binding=BINDING + b"\0"),
        lambda: opened(blob, purpose=Purpose.DATA_KEY),
        lambda: opened(blob[:2] + b"\2" + blob[3:], purpose=Purpose.DATA_KEY),
        lambda: opened(other_version),
    ):
        with pytest.raises(DecryptionFailed) as refusal:
            attempt()
        assert str(refusal.value) == str(DecryptionFailed())
        assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    ("offset", "value"), [(0, 0), (0, 2), (1, 0), (1, 2), (2, 0), (2, 4), (3, 1), (3, 128), (24, 1), (31, 255)]
)
def test_an_unknown_format_suite_purpose_flag_or_reserved_byte_is_malformed(offset, value):
    blob = bytearray(sealed())
    blob[offset] = value

    with pytest.raises(MalformedCiphertext):
        envelope.parse(bytes(blob))


@settings(max_examples=2000, deadline=None)
@given(st.binary(max_size=400))
def test_the_parser_is_total(blob):
    try:
        parsed = envelope.parse(blob)
    except MalformedCiphertext:
        return
    assert parsed.header + parsed.sealed == blob


@settings(max_examples=500, deadline=None)
@given(body=st.binary(min_size=104, max_size=200), purpose=st.sampled_from(Purpose))
def test_forgeries_with_a_good_prefix_never_open(body, purpose):
    blob = bytes((1, 1, purpose, 0)) + body[:20] + bytes(8) + body[20:]

    with pytest.raises((MalformedCiphertext, DecryptionFailed)):
        opened(blob, purpose=purpose)


def test_only_32_bytes_seal():
    with pytest.raises(ValueError, match="32 bytes"):
        envelope.seal(b"short", b"", purpose=Purpose.DATA, key_id=KEY_ID, version=1)


# -- The caller's binding ------------------------------------------------------------------------------------------

texts = st.text(max_size=12)
contexts = st.dictionaries(texts, texts, max_size=5)


def test_absent_and_empty_contexts_are_the_same():
    nothing = context(None, None)

    assert nothing == context({}, None) == context(None, "") == context({}, "")
    assert nothing != context({"": ""}, None)
    assert nothing != context(None, "\0")


@given(contexts, st.randoms())
def test_the_order_of_pairs_does_not_matter(pairs, random):
    items = list(pairs.items())
    random.shuffle(items)

    assert context(dict(items), None) == context(pairs, None)


@given(contexts, contexts, texts, texts)
def test_different_contexts_differ(one, two, first, second):
    assert (context(one, first) == context(two, second)) is ((one, first) == (two, second))


@given(st.lists(texts, max_size=4), st.lists(texts, max_size=4), contexts, contexts)
def test_a_binding_has_one_reading(one, two, first, second):
    same = bind(*one) + context(first, None) == bind(*two) + context(second, None)

    assert same is ((one, first) == (two, second))


def test_moving_characters_between_neighbours_changes_the_binding():
    assert bind("ab", "c") != bind("a", "bc") != bind("abc")
    assert context({"a": "bc"}, None) != context({"ab": "c"}, None)
    assert context({"a": "b"}, None) != context(None, "ab")


def test_text_outside_unicode_still_binds():
    lone = "\ud800"

    assert context({lone: lone}, lone) != context({"?": "?"}, "?")

"""Bring your own key: opening what an importer wrapped, and nothing else (security.md 4)."""

import functools

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.keywrap import aes_key_wrap, aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from kmscrypto import rsa, specs, wrapping
from kmscrypto.errors import KeyUnwrapFailed, MessageTooLong, UnsupportedAlgorithm, UnwrapFailed
from tests.kmscrypto import keys

SHA_256, SHA_1 = "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"
PRIVATE, PUBLIC = keys.der(keys.rsa_key()), keys.spki(keys.rsa_key())
N = keys.rsa_key().public_key().public_numbers().n
MATERIAL = bytes(range(32))


def test_a_wrapping_key_is_what_get_parameters_for_import_promises():
    pair = wrapping.generate_wrapping_key()
    public = load_der_public_key(pair.public_der)

    assert public.key_size == 2048
    assert public.public_numbers().e == 65537
    assert wrapping.unwrap(pair.private_der, SHA_256, wrapping.wrap(pair.public_der, SHA_256, MATERIAL)) == MATERIAL


def test_a_wrapping_pair_does_not_print_its_private_half():
    pair = wrapping.generate_wrapping_key()

    assert "private" not in repr(pair)


@pytest.mark.parametrize("algorithm", [SHA_256, SHA_1])
def test_what_was_wrapped_unwraps_with_the_same_algorithm_only(algorithm):
    (other,) = {SHA_256, SHA_1} - {algorithm}
    wrapped = wrapping.wrap(PUBLIC, algorithm, MATERIAL)

    assert len(wrapped) == 256
    assert wrapping.unwrap(PRIVATE, algorithm, wrapped) == MATERIAL
    with pytest.raises(UnwrapFailed):
        wrapping.unwrap(PRIVATE, other, wrapped)


def test_sha_1_is_marked_as_legacy():
    assert {name: row.legacy for name, row in wrapping.WRAPPING_ALGORITHMS.items()} == {SHA_256: False, SHA_1: True}


def oaep(digest, mgf, label):
    return padding.OAEP(mgf=padding.MGF1(mgf), algorithm=digest, label=label)


@functools.cache
def wrongly_wrapped():
    public = load_der_public_key(PUBLIC)
    wrapped = wrapping.wrap(PUBLIC, SHA_256, MATERIAL)
    return {
        "another key": wrapping.wrap(wrapping.generate_wrapping_key().public_der, SHA_256, MATERIAL),
        "PKCS#1 v1.5": public.encrypt(MATERIAL, padding.PKCS1v15()),
        "SHA-1": public.encrypt(MATERIAL, oaep(specs.SHA_1, specs.SHA_1, None)),
        "MGF1 with SHA-1": public.encrypt(MATERIAL, oaep(specs.SHA_256, specs.SHA_1, None)),
        "a label": public.encrypt(MATERIAL, oaep(specs.SHA_256, specs.SHA_256, b"label")),
        "first octet not zero": pow(N // 2, 65537, N).to_bytes(256),
        "one bit flipped": wrapped[:-1] + bytes((wrapped[-1] ^ 1,)),
        "zero": bytes(256),
        "one": bytes(255) + b"\1",
        "n - 1": (N - 1).to_bytes(256),
        "n": N.to_bytes(256),
        "n + c": b"\xff" * 256,
        "one byte short": wrapped[1:],
        "one byte long": b"\0" + wrapped,
        "nothing": b"",
        "the plaintext": MATERIAL,
    }


@pytest.mark.parametrize("case", wrongly_wrapped())
def test_every_failed_unwrap_looks_alike(case):
    with pytest.raises(UnwrapFailed) as refusal:
        wrapping.unwrap(PRIVATE, SHA_256, wrongly_wrapped()[case])

    assert refusal.value.args == UnwrapFailed().args
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


def test_length_and_range_are_checked_before_the_private_operation():
    """1 < c < n − 1 and exactly k bytes, SP 800-56B (SEC-025); whatever the library would say."""
    key = keys.rsa_key()

    for number in (2, 3, N // 2, N - 2):
        assert rsa.in_range(key, number.to_bytes(256))
        assert not rsa.in_range(key, number.to_bytes(257))
    for number in (0, 1, N - 1, N, N + 1, 2**2048 - 1):
        assert not rsa.in_range(key, number.to_bytes(256))
    assert not rsa.in_range(key, b"\2")


def test_a_ciphertext_with_its_leading_zero_kept_still_unwraps():
    # One in 256 starts with a zero byte; being exactly k bytes long is what counts.
    for _ in range(5000):
        wrapped = wrapping.wrap(PUBLIC, SHA_256, MATERIAL)
        if wrapped[0] == 0:
            break

    assert wrapped[0] == 0
    assert wrapping.unwrap(PRIVATE, SHA_256, wrapped) == MATERIAL


@pytest.mark.parametrize("algorithm", ["RSAES_PKCS1_V1_5", "SM2_ENCRYPT", "SYMMETRIC_DEFAULT", ""])
def test_other_wrapping_algorithms_are_not_supported(algorithm):
    with pytest.raises(UnsupportedAlgorithm):
        wrapping.unwrap(PRIVATE, algorithm, bytes(256))
    with pytest.raises(UnsupportedAlgorithm):
        wrapping.wrap(PUBLIC, algorithm, MATERIAL)


def test_wrapping_tells_how_much_fits():
    assert len(wrapping.unwrap(PRIVATE, SHA_256, wrapping.wrap(PUBLIC, SHA_256, bytes(190)))) == 190
    with pytest.raises(MessageTooLong) as refusal:
        wrapping.wrap(PUBLIC, SHA_256, bytes(191))
    assert refusal.value.limit_bytes == 190


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.binary(min_size=256, max_size=256)))
def test_unwrapping_arbitrary_bytes_gives_the_one_error(ciphertext):
    with pytest.raises(UnwrapFailed):
        wrapping.unwrap(PRIVATE, SHA_256, ciphertext)


# -- AES-KWP -------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.binary(min_size=16, max_size=32).filter(lambda key: len(key) in (16, 32)), st.binary(min_size=1, max_size=3000)
)
def test_a_wrapped_private_key_unwraps(temporary, private):
    assert wrapping.unwrap_private_key(temporary, wrapping.wrap_private_key(temporary, private)) == private


def test_the_largest_private_key_unwraps_and_one_block_more_does_not():
    limit = wrapping.wrap_private_key(MATERIAL, bytes(8184))
    beyond = wrapping.wrap_private_key(MATERIAL, bytes(8185))

    assert len(limit) == 8192
    assert wrapping.unwrap_private_key(MATERIAL, limit) == bytes(8184)
    with pytest.raises(KeyUnwrapFailed):
        wrapping.unwrap_private_key(MATERIAL, beyond)


def test_every_flipped_bit_of_a_wrapped_key_is_refused():
    wrapped = wrapping.wrap_private_key(MATERIAL, keys.der(keys.ec_key()))

    for position in range(8 * len(wrapped)):
        flipped = bytearray(wrapped)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(KeyUnwrapFailed):
            wrapping.unwrap_private_key(MATERIAL, bytes(flipped))


@pytest.mark.parametrize(
    "temporary", [b"", bytes(24), bytes(31), bytes(33), MATERIAL.hex().encode()], ids=lambda key: str(len(key))
)
def test_a_temporary_key_of_another_size_is_refused(temporary):
    wrapped = aes_key_wrap_with_padding(MATERIAL, b"private key")

    with pytest.raises(KeyUnwrapFailed):
        wrapping.unwrap_private_key(temporary, wrapped)


def test_other_wraps_are_refused():
    private = keys.der(keys.ec_key())

    for wrapped in (aes_key_wrap(MATERIAL, private + bytes(-len(private) % 8)), private, b"", bytes(16), bytes(20)):
        with pytest.raises(KeyUnwrapFailed):
            wrapping.unwrap_private_key(MATERIAL, wrapped)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=200))
def test_unwrapping_arbitrary_private_keys_gives_the_one_error(temporary, ciphertext):
    with pytest.raises(KeyUnwrapFailed):
        wrapping.unwrap_private_key(temporary, ciphertext)

"""GCM alone lets one ciphertext open under two keys; the commitment does not (SEC-011).

The blob is made as in "Fast Message Franking" (Dodis and others, 2018): both tags are linear in a free block, so one
equation in GF(2^128) makes them equal. The last block is chosen so that the padding is right under both keys.
"""

import uuid

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from kmscrypto import envelope
from kmscrypto.envelope import Purpose
from kmscrypto.errors import DecryptionFailed

ONE, TWO = bytes([1] * 32), bytes([2] * 32)
KEY_ID = uuid.UUID(int=7)
NONCE = bytes(12)


def block_cipher(key, block):
    encryptor = Cipher(AES(key), modes.ECB()).encryptor()  # noqa: S305 - one block, the E_K inside GCM
    return encryptor.update(block) + encryptor.finalize()


def times(x, y):
    """Multiplication in GF(2^128) as in SP 800-38D §6.3, on big-endian integers."""
    product = 0
    for bit in range(127, -1, -1):
        if y >> bit & 1:
            product ^= x
        x = x >> 1 ^ (0xE1 << 120 if x & 1 else 0)
    return product


def power(x, exponent):
    result = 1 << 127
    while exponent:
        if exponent & 1:
            result = times(result, x)
        x, exponent = times(x, x), exponent >> 1
    return result


def number(block):
    return int.from_bytes(block.ljust(16, b"\0"))


def test_the_arithmetic_is_that_of_gcm():
    hash_key = number(block_cipher(ONE, bytes(16)))
    ghash = times(hash_key, 128)  # one zero block of ciphertext, then the lengths
    plaintext = block_cipher(ONE, NONCE + (2).to_bytes(4))
    tag = number(block_cipher(ONE, NONCE + (1).to_bytes(4))) ^ ghash

    assert AESGCM(ONE).encrypt(NONCE, plaintext, b"") == bytes(16) + tag.to_bytes(16)


def header_and_keys(salt):
    """A header as `seal` writes it, committed to ONE, and the message keys that ONE and TWO derive for it."""
    derive = envelope._derive  # the attacker knows both materials
    key_one, commitment = derive(ONE, salt, Purpose.DATA, KEY_ID.bytes, 1)
    key_two, _ = derive(TWO, salt, Purpose.DATA, KEY_ID.bytes, 1)
    header = bytes((1, 1, 1, 0)) + KEY_ID.bytes + (1).to_bytes(4) + bytes(8) + salt + commitment + NONCE
    return header, key_one, key_two


def tag_without_free_block(key, header, last):
    """The tag but for the first of two ciphertext blocks, and that block's factor in it."""
    hash_key = number(block_cipher(key, bytes(16)))
    aad = [number(header[at : at + 16]) for at in range(0, len(header), 16)]
    lengths = 8 * len(header) << 64 | 8 * 32
    total = 0
    for block in (*aad, 0, last, lengths):
        total = times(total ^ block, hash_key)
    return total ^ number(block_cipher(key, NONCE + (1).to_bytes(4))), power(hash_key, 3)


def a_blob_for_two_keys():
    for salt_number in range(1, 10_000):
        header, key_one, key_two = header_and_keys(salt_number.to_bytes(32))
        counter = NONCE + (3).to_bytes(4)
        stream_one, stream_two = block_cipher(key_one, counter), block_cipher(key_two, counter)
        if stream_one[-1] == stream_two[-1]:
            break
    last = bytes(15) + bytes((stream_one[-1] ^ 1,))  # PKCS#7 padding of one byte under both keys
    tag_one, factor_one = tag_without_free_block(key_one, header, number(last))
    tag_two, factor_two = tag_without_free_block(key_two, header, number(last))
    free = times(tag_one ^ tag_two, power(factor_one ^ factor_two, 2**128 - 2))
    tag = tag_one ^ times(free, factor_one)
    return header + free.to_bytes(16) + last + tag.to_bytes(16), key_one, key_two


def test_a_blob_crafted_for_two_keys_opens_only_under_the_committed_one():
    blob, key_one, key_two = a_blob_for_two_keys()
    parsed = envelope.parse(blob)

    # Plain GCM takes it under both keys, with good padding.
    for key in (key_one, key_two):
        assert AESGCM(key).decrypt(parsed.nonce, parsed.sealed, parsed.header)[-1] == 1

    assert len(envelope.open(ONE, parsed, purpose=Purpose.DATA)) == 31
    with pytest.raises(DecryptionFailed):
        envelope.open(TWO, parsed, purpose=Purpose.DATA)

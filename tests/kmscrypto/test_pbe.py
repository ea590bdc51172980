"""Password-based encryption: what damaged or absurd parameters do. That it decrypts, tests/keyfiles proves."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmscrypto import pbe
from kmscrypto.der import DerError
from kmscrypto.errors import PassphraseWrong, UnsupportedEncryption
from tests.kmscrypto.keys import NULL, integer, octets, sequence

PBES2, PBKDF2, SCRYPT = (
    bytes.fromhex(oid) for oid in ("06092a864886f70d01050d", "06092a864886f70d01050c", "06092b06010401da47040b")
)
SHA256, AES256 = bytes.fromhex("06082a864886f70d0209"), bytes.fromhex("060960864801650304012a")
SALT, IV = os.urandom(16), os.urandom(16)


def encrypted(derivation, *, iv=IV, ciphertext=bytes(64)):
    cipher = sequence(AES256, octets(iv))
    return sequence(sequence(PBES2, sequence(derivation, cipher)), octets(ciphertext))


def pbkdf2(*, iterations=2048, more=b""):
    return sequence(PBKDF2, sequence(octets(SALT), integer(iterations), more, sequence(SHA256, NULL)))


def scrypt(n, r, p):
    return sequence(SCRYPT, sequence(octets(SALT), integer(n), integer(r), integer(p)))


def test_what_does_not_decrypt_to_one_value_is_a_wrong_passphrase():
    with pytest.raises(PassphraseWrong):
        pbe.encrypted_pkcs8(encrypted(pbkdf2())).decrypt(b"sesame")


def test_the_length_of_the_key_may_be_given_and_must_be_the_ciphers():
    assert pbe.encrypted_pkcs8(encrypted(pbkdf2(more=integer(32))))

    with pytest.raises(DerError, match="another length"):
        pbe.encrypted_pkcs8(encrypted(pbkdf2(more=integer(16))))


@pytest.mark.parametrize(
    "blob",
    [
        encrypted(pbkdf2(), ciphertext=b""),
        encrypted(pbkdf2(), ciphertext=bytes(63)),
        encrypted(pbkdf2(), iv=IV[1:]),
        encrypted(pbkdf2(iterations=0)),
        encrypted(pbkdf2(iterations=2**40)),
    ],
    ids=["no ciphertext", "half a block", "a short initial value", "no iterations", "endless iterations"],
)
def test_damaged_parameters_are_refused_before_a_passphrase_is_asked_for(blob):
    with pytest.raises(DerError):
        pbe.encrypted_pkcs8(blob)


@pytest.mark.parametrize("cost", [(0, 8, 1), (3, 8, 1), (2, 0, 1), (2, 8, 0), (2**30, 8, 1), (2, 8, 10**6)])
def test_scrypt_takes_no_more_memory_and_time_than_anybody_asks_for(cost):
    with pytest.raises(UnsupportedEncryption, match=r"1\.3\.6\.1\.4\.1\.11591\.4\.11"):
        pbe.encrypted_pkcs8(encrypted(scrypt(*cost)))


@given(st.binary(max_size=120))
def test_any_bytes_are_refused(blob):
    with pytest.raises((DerError, UnsupportedEncryption)):
        pbe.encrypted_pkcs8(blob)

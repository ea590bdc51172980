"""Bring your own key: the wrapping key pair, RSA-OAEP for secrets, AES-KWP (RFC 5649) for private keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cryptography.exceptions import UnsupportedAlgorithm as UnsupportedKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from kmscrypto import rsa
from kmscrypto.errors import DecryptionFailed, KeyUnwrapFailed, UnsupportedAlgorithm, UnwrapFailed
from kmscrypto.material import private_der, spki

TEMPORARY_KEY_BYTES = (32, 16)  # SEC-029: 16 is tolerated
MIN_WRAPPED_KEY_BYTES, MAX_WRAPPED_KEY_BYTES = 16, 8192  # SEC-028


@dataclass(frozen=True)
class WrappingAlgorithm:
    """`legacy` ones are for the API only and behind a setting (SEC-022)."""

    name: str
    legacy: bool


WRAPPING_ALGORITHMS: Mapping[str, WrappingAlgorithm] = MappingProxyType(
    {
        row.name: row
        for row in (
            WrappingAlgorithm("RSAES_OAEP_SHA_256", legacy=False),
            WrappingAlgorithm("RSAES_OAEP_SHA_1", legacy=True),
        )
    }
)


@dataclass(frozen=True)
class WrappingPair:
    """PKCS#8 DER, to be sealed at once, and SubjectPublicKeyInfo DER, to be handed out."""

    private_der: bytes = field(repr=False)
    public_der: bytes


def generate_wrapping_key(bits: int = 2048) -> WrappingPair:
    """A fresh pair for one import session (SEC-020)."""
    key = rsa.generate(bits)
    return WrappingPair(private_der=private_der(key), public_der=spki(key))


def unwrap(private_der: bytes, algorithm: str, ciphertext: bytes) -> bytes:
    """Open what the importer wrapped. Every failure is the same `UnwrapFailed` (SEC-025)."""
    _known(algorithm)
    key = load_der_private_key(private_der, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("a wrapping key is an RSA key")
    try:
        return rsa.decrypt(key, algorithm, ciphertext)
    except DecryptionFailed:
        raise UnwrapFailed from None


def unwrap_private_key(temporary_key: bytes, ciphertext: bytes) -> bytes:
    """RFC 5649 unwrap with the temporary AES key; `KeyUnwrapFailed` unless its integrity check holds (SEC-028)."""
    if len(temporary_key) not in TEMPORARY_KEY_BYTES:
        raise KeyUnwrapFailed
    if not MIN_WRAPPED_KEY_BYTES <= len(ciphertext) <= MAX_WRAPPED_KEY_BYTES or len(ciphertext) % 8:
        raise KeyUnwrapFailed
    try:
        return aes_key_unwrap_with_padding(temporary_key, ciphertext)
    except (InvalidUnwrap, ValueError):
        raise KeyUnwrapFailed from None


def wrap(public_der: bytes, algorithm: str, plaintext: bytes) -> bytes:
    """The importer's half of `unwrap`; `MessageTooLong` beyond what OAEP takes."""
    _known(algorithm)
    key = load_der_public_key(public_der)
    if not isinstance(key, RSAPublicKey):
        raise TypeError("a wrapping key is an RSA key")
    return rsa.encrypt(key, algorithm, plaintext)


def wrapping_key_bits(public_der: bytes) -> int:
    """The size of a wrapping key from its SPKI; ValueError for what is no RSA public key."""
    try:
        key = load_der_public_key(public_der)
    except UnsupportedKey:
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("a wrapping key is an RSA key")
    return key.key_size


def wrap_private_key(temporary_key: bytes, pkcs8_der: bytes) -> bytes:
    """The importer's half of `unwrap_private_key`."""
    return aes_key_wrap_with_padding(temporary_key, pkcs8_der)


def _known(algorithm: str) -> None:
    if algorithm not in WRAPPING_ALGORITHMS:
        raise UnsupportedAlgorithm(algorithm, "a wrapping key")

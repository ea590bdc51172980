"""Data keys: made or brought, wrapped under an AES key, for callers to encrypt with on their own machines."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import constant_time

from keys import ciphertexts
from keys.models import Key
from kmscrypto.envelope import Purpose
from kmscrypto.hashing import sha256
from operations import errors
from operations.caller import Caller
from operations.errors import KmsError

MAX_BYTES = 1024
DIGEST_BYTES = 32
DEFAULT_BITS = 256
# What a data key may be called instead of giving its length.
SPEC_BITS: Mapping[str, int] = {"AES_128": 128, "AES_256": 256}


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """A data key in the clear and wrapped under `key`."""

    key: Key
    plain: bytes
    cipher_text: bytes


@dataclass(frozen=True, slots=True, repr=False)
class OpenedDataKey:
    key: Key
    plain: bytes
    digest: bytes


def create_data_key(
    caller: Caller,
    key: Key,
    *,
    datakey_length: int | None,
    key_spec: str | None,
    encryption_context: Mapping[str, str] | None,
    additional_authenticated_data: str | None,
) -> DataKey:
    """`datakey_length` in bits; it wins over `key_spec` where both are given."""
    bits = datakey_length or SPEC_BITS.get(key_spec or "", DEFAULT_BITS)
    plain = secrets.token_bytes(bits // 8)
    return _wrapped(key, plain, encryption_context, additional_authenticated_data)


def encrypt_data_key(
    caller: Caller,
    key: Key,
    *,
    plain_text: bytes,
    datakey_plain_length: int,
    encryption_context: Mapping[str, str] | None,
    additional_authenticated_data: str | None,
) -> DataKey:
    """`plain_text` is the data key and its SHA-256 digest; the length is the data key's, in bytes.

    Raises DATA_KEY_PLAIN_MISMATCH or DATA_KEY_DIGEST where the three do not agree.
    """
    if len(plain_text) != datakey_plain_length + DIGEST_BYTES:
        raise KmsError(errors.DATA_KEY_PLAIN_MISMATCH, field="datakey_plain_length")
    plain, digest = plain_text[:datakey_plain_length], plain_text[datakey_plain_length:]
    if not constant_time.bytes_eq(sha256(plain), digest):
        raise KmsError(errors.DATA_KEY_DIGEST, field="plain_text")
    return _wrapped(key, plain, encryption_context, additional_authenticated_data)


def decrypt_data_key(
    caller: Caller,
    key: Key,
    *,
    cipher_text: bytes,
    datakey_cipher_length: int,
    encryption_context: Mapping[str, str] | None,
    additional_authenticated_data: str | None,
) -> OpenedDataKey:
    """The length is that of the data key, in bytes; DATA_KEY_CIPHER_MISMATCH where it has another.

    Raises CIPHER_TEXT_INVALID for what is not, or no longer, a data key that this key wrapped in this context.
    """
    plain = ciphertexts.unseal(
        key,
        cipher_text,
        purpose=Purpose.DATA_KEY,
        context=encryption_context,
        additional=additional_authenticated_data,
    )
    if len(plain) != datakey_cipher_length:
        raise KmsError(errors.DATA_KEY_CIPHER_MISMATCH, field="datakey_cipher_length")
    return OpenedDataKey(key, plain, sha256(plain))


def _wrapped(key: Key, plain: bytes, context: Mapping[str, str] | None, additional: str | None) -> DataKey:
    sealed = ciphertexts.seal(key, plain, purpose=Purpose.DATA_KEY, context=context, additional=additional)
    return DataKey(key, plain, sealed)

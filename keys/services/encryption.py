"""Encrypting and decrypting small data: AES keys with our self-describing ciphertext, RSA keys with OAEP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keys import ciphertexts, material
from keys.models import Key
from kmscrypto import rsa
from kmscrypto.aes import BLOCK_BYTES
from kmscrypto.envelope import OVERHEAD_BYTES, Purpose
from kmscrypto.errors import CryptoError, MessageTooLong
from kmscrypto.specs import EncryptionAlgorithm, Family
from operations import errors
from operations.caller import Caller
from operations.errors import KmsError

MAX_BYTES = 4096
# Of the console's texts, which are encrypted in Base64 (console.md B6).
MAX_ENCODED_BYTES = 4 * -(-MAX_BYTES // 3)
# An AES ciphertext of that many: the longest there is. Padding adds at least a byte, and fills the last block.
MAX_CIPHERTEXT_BYTES = OVERHEAD_BYTES + BLOCK_BYTES * (MAX_ENCODED_BYTES // BLOCK_BYTES + 1)


@dataclass(frozen=True, slots=True)
class Encrypted:
    key: Key
    cipher_text: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Decrypted:
    key: Key
    plain_text: bytes


def encrypt_data(
    caller: Caller,
    key: Key,
    *,
    plain_text: bytes,
    encryption_algorithm: str | None,
    encryption_context: Mapping[str, str] | None,
    additional_authenticated_data: str | None,
) -> Encrypted:
    """Encrypt what the declaration takes; with RSA as much as OAEP takes (RSA_PLAIN_TEXT_TOO_LONG), and no context
    (PARAMETER_INVALID)."""
    algorithm = algorithm_of(key, encryption_algorithm)
    if key.spec.family is Family.RSA:
        _refuse_context(encryption_context, additional_authenticated_data)
        return Encrypted(key, _rsa_encrypted(key, algorithm, plain_text))
    sealed = ciphertexts.seal(
        key,
        plain_text,
        purpose=Purpose.DATA,
        context=encryption_context,
        additional=additional_authenticated_data,
    )
    return Encrypted(key, sealed)


def decrypt_data(
    caller: Caller,
    key: Key,
    *,
    cipher_text: bytes,
    encryption_algorithm: str | None,
    encryption_context: Mapping[str, str] | None,
    additional_authenticated_data: str | None,
) -> Decrypted:
    """Raises CIPHER_TEXT_INVALID, always the same, for anything that was cut, changed, moved or lacks its context."""
    algorithm = algorithm_of(key, encryption_algorithm)
    if key.spec.family is Family.RSA:
        _refuse_context(encryption_context, additional_authenticated_data)
        return Decrypted(key, _rsa_decrypted(key, algorithm, cipher_text))
    plain_text = ciphertexts.unseal(
        key,
        cipher_text,
        purpose=Purpose.DATA,
        context=encryption_context,
        additional=additional_authenticated_data,
    )
    return Decrypted(key, plain_text)


def algorithm_of(key: Key, wanted: str | None, *, field: str = "encryption_algorithm") -> str:
    """AES takes none or SYMMETRIC_DEFAULT; RSA must be told which (api.md 2)."""
    if key.spec.family is Family.AES:
        if wanted not in (None, EncryptionAlgorithm.SYMMETRIC_DEFAULT):
            raise KmsError(errors.SYMMETRIC_ALGORITHM, field=field)
        return EncryptionAlgorithm.SYMMETRIC_DEFAULT
    if wanted not in key.spec.encryption_algorithms:
        raise KmsError(errors.RSA_ALGORITHM, field=field)
    return str(wanted)


def _refuse_context(context: Mapping[str, str] | None, additional: str | None) -> None:
    """What cannot be bound is refused: whoever gives a context relies on it."""
    for name, given in (("encryption_context", context), ("additional_authenticated_data", additional)):
        if given:
            raise KmsError(
                errors.PARAMETER_INVALID, field=name, hint="RSA keys cannot bind a context to their ciphertexts."
            )


def _rsa_encrypted(key: Key, algorithm: str, plain_text: bytes) -> bytes:
    try:
        return rsa.encrypt(material.open_version(key).usable, algorithm, plain_text)
    except MessageTooLong as cause:
        hint = f"At most {cause.limit_bytes} bytes with {key.spec_name} and {algorithm}."
        raise KmsError(errors.RSA_PLAIN_TEXT_TOO_LONG, field="plain_text", hint=hint) from cause


def _rsa_decrypted(key: Key, algorithm: str, cipher_text: bytes) -> bytes:
    try:
        return rsa.decrypt(material.open_version(key).usable, algorithm, cipher_text)
    except CryptoError as cause:
        raise ciphertexts.invalid() from cause

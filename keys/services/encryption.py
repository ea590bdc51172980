"""Encrypting and decrypting small data: AES keys with our self-describing ciphertext, RSA keys with OAEP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from keys import material
from keys.models import Key
from kmscrypto import envelope, rsa
from kmscrypto.envelope import Purpose
from kmscrypto.errors import CryptoError, MessageTooLong
from kmscrypto.specs import EncryptionAlgorithm, Family
from operations import errors
from operations.caller import Caller
from operations.errors import KmsError

MAX_BYTES = 4096


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
    """1 to 4,096 bytes; with RSA as much as OAEP takes (RSA_PLAIN_TEXT_TOO_LONG)."""
    algorithm = _algorithm(key, encryption_algorithm)
    opened = material.open_version(key)
    if key.spec.family is Family.RSA:
        try:
            return Encrypted(key, rsa.encrypt(opened.usable, algorithm, plain_text))
        except MessageTooLong as cause:
            hint = f"At most {cause.limit_bytes} bytes with {key.spec_name} and {algorithm}."
            raise KmsError(errors.RSA_PLAIN_TEXT_TOO_LONG, field="plain_text", hint=hint) from cause
    sealed = envelope.seal(
        opened.usable,
        plain_text,
        purpose=Purpose.DATA,
        key_id=UUID(key.key_id),
        version=opened.version,
        binding=_binding(key, encryption_context, additional_authenticated_data),
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
    algorithm = _algorithm(key, encryption_algorithm)
    try:
        if key.spec.family is Family.RSA:
            return Decrypted(key, rsa.decrypt(material.open_version(key).usable, algorithm, cipher_text))
        sealed = envelope.parse(cipher_text)
        if sealed.key_id != UUID(key.key_id):
            raise KmsError(errors.CIPHER_TEXT_INVALID, field="cipher_text")
        binding = _binding(key, encryption_context, additional_authenticated_data)
        opened = material.open_version(key, sealed.version)
        return Decrypted(key, envelope.open(opened.usable, sealed, purpose=Purpose.DATA, binding=binding))
    except CryptoError as cause:
        raise KmsError(errors.CIPHER_TEXT_INVALID, field="cipher_text") from cause


def _binding(key: Key, context: Mapping[str, str] | None, additional: str | None) -> bytes:
    return envelope.bind(key.project.region_id, key.project_id) + envelope.context(context, additional)


def _algorithm(key: Key, wanted: str | None) -> str:
    """AES takes none or SYMMETRIC_DEFAULT; RSA must be told which (api.md 2)."""
    if key.spec.family is Family.AES:
        if wanted not in (None, EncryptionAlgorithm.SYMMETRIC_DEFAULT):
            raise KmsError(errors.SYMMETRIC_ALGORITHM, field="encryption_algorithm")
        return EncryptionAlgorithm.SYMMETRIC_DEFAULT
    if wanted not in key.spec.encryption_algorithms:
        raise KmsError(errors.RSA_ALGORITHM, field="encryption_algorithm")
    return str(wanted)

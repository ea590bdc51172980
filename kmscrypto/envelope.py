"""The one ciphertext format, for user data, data keys and everything at rest (security.md 3).

    1 format · 1 suite · 1 purpose · 1 flags · 16 key id · 4 material version · 8 reserved
    32 salt · 32 commitment · 12 nonce · n ciphertext (PKCS#7 padded to 16) · 16 tag

Each message has its own AES-256-GCM key, derived with HKDF-SHA-256 from the material and a fresh salt, so there is no
nonce budget to watch (SEC-010). The other half of the derived bytes is stored as the commitment: a blob opens under one
key only (SEC-011). The whole header and the caller's binding are authenticated.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from uuid import UUID

from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

from kmscrypto.aes import BLOCK_BYTES, KEY_BYTES, NONCE_BYTES, TAG_BYTES, gcm_decrypt, gcm_encrypt
from kmscrypto.errors import DecryptionFailed, MalformedCiphertext
from kmscrypto.specs import SHA_256

FORMAT, SUITE, FLAGS, RESERVED = 1, 1, 0, bytes(8)
MATERIAL_BYTES, SALT_BYTES, COMMITMENT_BYTES = 32, 32, 32

_HEADER = Struct(">BBBB16sI8s32s32s12s")
_INFO = Struct(">4sB16sI")
_LENGTH = Struct(">I")
_PADDING = PKCS7(8 * BLOCK_BYTES)

HEADER_BYTES = _HEADER.size
OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES


class Purpose(IntEnum):
    DATA = 1
    DATA_KEY = 2
    AT_REST = 3


_PURPOSES = {purpose.value: purpose for purpose in Purpose}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed, not yet authenticated, ciphertext. `header` is every byte before `sealed` (ciphertext and tag)."""

    purpose: Purpose
    key_id: UUID
    version: int
    salt: bytes
    commitment: bytes
    nonce: bytes
    sealed: bytes
    header: bytes


def seal(
    material: bytes, plaintext: bytes, *, purpose: Purpose, key_id: UUID, version: int, binding: bytes = b""
) -> bytes:
    """Encrypt under 32 bytes of material. `binding` is what must be presented again to open; see `bind`, `context`."""
    random, id_bytes = os.urandom(SALT_BYTES + NONCE_BYTES), key_id.bytes
    salt, nonce = random[:SALT_BYTES], random[SALT_BYTES:]
    key, commitment = _derive(material, salt, purpose, id_bytes, version)
    header = _HEADER.pack(FORMAT, SUITE, purpose, FLAGS, id_bytes, version, RESERVED, salt, commitment, nonce)
    padder = _PADDING.padder()
    padded = padder.update(plaintext) + padder.finalize()
    return header + gcm_encrypt(key, nonce, padded, header + binding)


def parse(blob: bytes) -> Envelope:
    """Split a ciphertext; total: any bytes give an `Envelope` or `MalformedCiphertext`, nothing else (SEC-014)."""
    body_bytes = len(blob) - OVERHEAD_BYTES
    if body_bytes < BLOCK_BYTES or body_bytes % BLOCK_BYTES:
        raise MalformedCiphertext
    format_, suite, purpose, flags, id_bytes, version, reserved, salt, commitment, nonce = _HEADER.unpack_from(blob)
    if (format_, suite, flags, reserved) != (FORMAT, SUITE, FLAGS, RESERVED) or purpose not in _PURPOSES:
        raise MalformedCiphertext
    return Envelope(
        purpose=_PURPOSES[purpose],
        key_id=UUID(bytes=id_bytes),
        version=version,
        salt=salt,
        commitment=commitment,
        nonce=nonce,
        sealed=blob[HEADER_BYTES:],
        header=blob[:HEADER_BYTES],
    )


def open(  # noqa: A001 - the pair of `seal`, always called as `envelope.open`
    material: bytes, envelope: Envelope, *, purpose: Purpose, binding: bytes = b""
) -> bytes:
    """Decrypt; every failure is the same `DecryptionFailed`, another purpose included (SEC-013)."""
    # The purpose asked for, not the one in the blob: another one derives another key and commitment.
    key, commitment = _derive(material, envelope.salt, purpose, envelope.key_id.bytes, envelope.version)
    if not constant_time.bytes_eq(commitment, envelope.commitment):
        raise DecryptionFailed
    padded = gcm_decrypt(key, envelope.nonce, envelope.sealed, envelope.header + binding)
    unpadder = _PADDING.unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:  # authentic, so not made by `seal`
        raise DecryptionFailed from None


def bind(*parts: str) -> bytes:
    """Text parts as bytes that no other list of parts, and no longer or shorter list, can equal."""
    return b"".join((_LENGTH.pack(len(parts)), *map(_prefixed, parts)))


def context(encryption_context: Mapping[str, str] | None, additional_authenticated_data: str | None) -> bytes:
    """The caller's encryption context in canonical form: order does not matter, absent and empty are the same.

    Self-delimiting, so it may follow `bind(…)`; no pair is ever mistaken for additional data or for nothing.
    """
    # Code point order is UTF-8 byte order, so sorting the names sorts them by their bytes.
    pairs = sorted((encryption_context or {}).items())
    flat = (_prefixed(text) for pair in pairs for text in pair)
    return b"".join((_LENGTH.pack(len(pairs)), *flat, _prefixed(additional_authenticated_data or "")))


def _prefixed(text: str) -> bytes:
    # Lone surrogates have no UTF-8; "surrogatepass" keeps this total and still one-to-one.
    encoded = text.encode("utf-8", "surrogatepass")
    return _LENGTH.pack(len(encoded)) + encoded


def _derive(material: bytes, salt: bytes, purpose: int, id_bytes: bytes, version: int) -> tuple[bytes, bytes]:
    if len(material) != MATERIAL_BYTES:
        raise ValueError("an envelope is sealed under exactly 32 bytes")
    info = _INFO.pack(b"kms1", purpose, id_bytes, version)
    derived = HKDF(SHA_256, KEY_BYTES + COMMITMENT_BYTES, salt, info).derive(material)
    return derived[:KEY_BYTES], derived[KEY_BYTES:]

"""AES-256: keys, GCM with its parameters fixed (SEC-015), CMAC. User data is encrypted by `kmscrypto.envelope`."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from kmscrypto.errors import DecryptionFailed

KEY_BYTES = 32
BLOCK_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16


def generate() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def gcm_encrypt(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """AES-GCM (SP 800-38D): ciphertext and 16-byte tag. A pair of key and nonce may be used once only."""
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def gcm_decrypt(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """Undo `gcm_encrypt`, or `DecryptionFailed`."""
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, aad)
    except (InvalidTag, ValueError):
        raise DecryptionFailed from None


def cmac(key: bytes, message: bytes) -> bytes:
    """AES-CMAC (SP 800-38B, RFC 4493), 16 bytes."""
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()

"""AES-256 keys: making them and their check value. Encrypting with them is `kmscrypto.envelope`."""

import secrets

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

KEY_BYTES = 32
BLOCK_BYTES = 16


def generate() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def cmac(key: bytes, message: bytes) -> bytes:
    """AES-CMAC (SP 800-38B, RFC 4493), 16 bytes."""
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()

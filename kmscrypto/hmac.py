"""HMAC keys (FIPS 198-1): making them, making and checking MACs."""

import secrets

from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.hmac import HMAC

from kmscrypto.errors import UnsupportedAlgorithm
from kmscrypto.specs import MAC_HASHES


def generate(bits: int) -> bytes:
    return secrets.token_bytes(bits // 8)


def generate_mac(key: bytes, algorithm: str, message: bytes) -> bytes:
    """The full-length MAC. Which algorithm fits which key is `KeySpec.mac_algorithm`, checked by the caller."""
    digest = MAC_HASHES.get(algorithm)
    if digest is None:
        raise UnsupportedAlgorithm(algorithm, "HMAC")
    mac = HMAC(key, digest)
    mac.update(message)
    return mac.finalize()


def verify_mac(key: bytes, algorithm: str, message: bytes, mac: bytes) -> bool:
    """Constant time, and the whole MAC or nothing: a truncated one is false (SEC-016)."""
    return constant_time.bytes_eq(generate_mac(key, algorithm, message), mac)

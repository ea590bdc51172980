"""Recognising material without having it: the keyed fingerprint, and the check value people compare (SEC-034)."""

import secrets

from cryptography.hazmat.primitives.hmac import HMAC

from kmscrypto import aes
from kmscrypto.envelope import bind
from kmscrypto.errors import UnsupportedAlgorithm
from kmscrypto.hashing import sha256
from kmscrypto.material import public_der
from kmscrypto.specs import SHA_256, Family, KeySpec

CHECK_VALUE_BYTES = 5


def fingerprint(secret: bytes, *, project: str, key_id: str, spec: str, material_or_spki: bytes) -> bytes:
    """32 bytes that stay when the material is gone. Raw bytes for AES, SPKI for asymmetric keys.

    Keyed and tied to one key of one project, so it neither confirms a guess nor links equal keys of two tenants.
    """
    mac = HMAC(secret, SHA_256)
    mac.update(bind("fp1", project, key_id, spec) + material_or_spki)
    return mac.finalize()


def matches(stored: bytes, candidate: bytes) -> bool:
    """Compare two fingerprints in constant time."""
    return secrets.compare_digest(stored, candidate)


def check_value(spec: KeySpec, material: bytes) -> str:
    """Ten upper-case hex digits: AES-CMAC of a zero block, or SHA-256 of the public key, cut to five bytes."""
    if spec.family is Family.AES:
        return _short(aes.cmac(material, bytes(aes.BLOCK_BYTES)))
    public = public_der(spec, material)
    if public is None:
        raise UnsupportedAlgorithm("A check value", spec.name)
    return public_check_value(public)


def public_check_value(public: bytes) -> str:
    """The check value of an asymmetric key from its SPKI alone."""
    return _short(sha256(public))


def _short(digest: bytes) -> str:
    return digest[:CHECK_VALUE_BYTES].hex().upper()

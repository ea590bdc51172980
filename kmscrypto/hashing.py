"""Hashes, and the one place that decides what a signature's hash is applied to: message or digest."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kmscrypto.errors import DigestLength
from kmscrypto.specs import SHA_256, SigningAlgorithm


def hash_for(algorithm: SigningAlgorithm, message: bytes, *, is_digest: bool) -> hashes.HashAlgorithm | Prehashed:
    """The library's hash argument; `DigestLength` when a digest has not the hash's length (KMS.0329)."""
    if not is_digest:
        return algorithm.hash
    if len(message) != algorithm.hash.digest_size:
        raise DigestLength(len(message), algorithm.hash.digest_size)
    return Prehashed(algorithm.hash)


def sha256(message: bytes) -> bytes:
    digest = hashes.Hash(SHA_256)
    digest.update(message)
    return digest.finalize()

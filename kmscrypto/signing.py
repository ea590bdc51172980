"""Signatures by spec: one door before the RSA and EC families."""

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from kmscrypto import ec, rsa
from kmscrypto.specs import KeySpec, signing_algorithm


def sign(spec: KeySpec, key: object, algorithm: str, message: bytes, *, is_digest: bool) -> bytes:
    """Sign with a key from `material.load`. Raises `UnsupportedAlgorithm` or `DigestLength`."""
    signing_algorithm(spec, algorithm)
    if isinstance(key, RSAPrivateKey):
        return rsa.sign(key, algorithm, message, is_digest=is_digest)
    if isinstance(key, EllipticCurvePrivateKey):
        return ec.sign(key, algorithm, message, is_digest=is_digest)
    raise TypeError("not a private signing key")


def verify(spec: KeySpec, key: object, algorithm: str, message: bytes, signature: bytes, *, is_digest: bool) -> bool:
    """Verify with the private or the public key; a wrong or malformed signature is false, never an error."""
    signing_algorithm(spec, algorithm)
    if isinstance(key, RSAPrivateKey | RSAPublicKey):
        return rsa.verify(key, algorithm, message, signature, is_digest=is_digest)
    if isinstance(key, EllipticCurvePrivateKey | EllipticCurvePublicKey):
        return ec.verify(key, algorithm, message, signature, is_digest=is_digest)
    raise TypeError("not a key that verifies")

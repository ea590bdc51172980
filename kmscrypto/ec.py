"""EC keys on P-256 and P-384: ECDSA (FIPS 186-5) with DER signatures."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

from kmscrypto.errors import CryptoError, PairwiseTestFailed, UnsupportedAlgorithm
from kmscrypto.hashing import hash_for
from kmscrypto.specs import SigningAlgorithm

CURVES: dict[int, ec.EllipticCurve] = {256: ec.SECP256R1(), 384: ec.SECP384R1()}

# One hash a curve: api.md 2. A P-384 signature over SHA-256 would be no stronger than SHA-256.
_ALGORITHMS = {256: SigningAlgorithm.ECDSA_SHA_256, 384: SigningAlgorithm.ECDSA_SHA_384}


def generate(bits: int) -> EllipticCurvePrivateKey:
    """A new key whose halves have proved to fit together (SEC-097)."""
    key = ec.generate_private_key(CURVES[bits])
    pairwise_test(key)
    return key


def sign(key: EllipticCurvePrivateKey, algorithm: str, message: bytes, *, is_digest: bool) -> bytes:
    scheme = _fitting(key, algorithm)
    return key.sign(message, ec.ECDSA(hash_for(scheme, message, is_digest=is_digest)))


def verify(
    key: EllipticCurvePublicKey | EllipticCurvePrivateKey,
    algorithm: str,
    message: bytes,
    signature: bytes,
    *,
    is_digest: bool,
) -> bool:
    """False for a wrong or malformed signature; raises only for an algorithm or digest that does not fit."""
    scheme = _fitting(key, algorithm)
    digest = hash_for(scheme, message, is_digest=is_digest)
    public = key.public_key() if isinstance(key, EllipticCurvePrivateKey) else key
    try:
        public.verify(signature, message, ec.ECDSA(digest))
    except (InvalidSignature, ValueError):
        return False
    return True


def pairwise_test(key: EllipticCurvePrivateKey) -> None:
    """Sign a probe and verify it; `PairwiseTestFailed` if it does not verify."""
    probe, algorithm = b"kms pairwise test", _ALGORITHMS[key.key_size]
    try:
        fits = verify(key, algorithm, probe, sign(key, algorithm, probe, is_digest=False), is_digest=False)
    except (CryptoError, ValueError):
        fits = False
    if not fits:
        raise PairwiseTestFailed


def _fitting(key: EllipticCurvePublicKey | EllipticCurvePrivateKey, name: str) -> SigningAlgorithm:
    algorithm = _ALGORITHMS.get(key.key_size)
    if algorithm is None or algorithm != name:
        raise UnsupportedAlgorithm(name, key.curve.name)
    return algorithm

"""Key material as it is stored: raw bytes for AES and HMAC, one canonical PKCS#8 DER for RSA and EC."""

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from kmscrypto import aes, ec, hmac, rsa
from kmscrypto.specs import Family, KeySpec

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey
PublicKey = RSAPublicKey | EllipticCurvePublicKey


def generate(spec: KeySpec) -> bytes:
    """New material from the operating system's randomness; RSA and EC pass a pairwise test first (SEC-097)."""
    match spec.family:
        case Family.AES:
            return aes.generate()
        case Family.HMAC:
            return hmac.generate(spec.bits)
        case Family.RSA:
            return private_der(rsa.generate(spec.bits))
        case Family.EC:
            return private_der(ec.generate(spec.bits))


def load(spec: KeySpec, material: bytes) -> PrivateKey | bytes:
    """The usable key of material that we generated or validated, and sealed, ourselves.

    RSA checks are skipped: they cost 36 to 250 ms, were made before sealing, and the seal authenticates the bytes
    (SEC-033). Outside bytes go through `pkcs8.read_private_key` instead, never through here.
    """
    if not spec.is_asymmetric:
        if len(material) != spec.material_bytes:
            raise ValueError(f"{spec.name} material has {len(material)} bytes")
        return material
    key = load_der_private_key(material, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey) or key.key_size != spec.bits:
        raise ValueError(f"not {spec.name} material")
    return key


def load_public(spec: KeySpec, public: bytes) -> PublicKey:
    """The public key of a stored SPKI, enough to verify and, for RSA, to encrypt."""
    key = load_der_public_key(public)
    if not isinstance(key, RSAPublicKey | EllipticCurvePublicKey) or key.key_size != spec.bits:
        raise ValueError(f"not a {spec.name} public key")
    return key


def public_der(spec: KeySpec, material: bytes) -> bytes | None:
    """SubjectPublicKeyInfo DER of asymmetric material, None for AES and HMAC."""
    key = load(spec, material)
    return None if isinstance(key, bytes) else spki(key)


def is_degenerate(material: bytes) -> bool:
    """All bytes equal, or none at all: certainly not random (SEC-029)."""
    return len(set(material)) < 2


def private_der(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def spki(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

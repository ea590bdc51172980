"""Private keys as people hold them: every format a browser may be given."""

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat

PKCS8, TRADITIONAL = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL
CLEAR = serialization.NoEncryption()


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(curve: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(
        {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "secp256k1": ec.SECP256K1()}[curve]
    )


def key_for(spec: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    if spec.startswith("RSA_"):
        return rsa_key(int(spec.removeprefix("RSA_")))
    return ec_key({"EC_P256": "P-256", "EC_P384": "P-384"}[spec])


@cache
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def private(key, encoding=Encoding.DER, form=PKCS8, password: bytes | None = None) -> bytes:
    protection = serialization.BestAvailableEncryption(password) if password else CLEAR
    return key.private_bytes(encoding, form, protection)


def public(key, encoding=Encoding.DER) -> bytes:
    return key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)

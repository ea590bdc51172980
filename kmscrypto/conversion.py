"""Private keys as people have them, turned into the PKCS#8 DER that an import takes. The importer's side only.

The service reads nothing but strict PKCS#8 (`pkcs8`). What comes out of here is not yet trusted either: it goes through
that same reader before it is wrapped. RFC 8017 (PKCS#1), 5915 (SEC1), 5208 and 5958 (PKCS#8), 7518 §6 (JWK).
"""

import re
from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm as LibraryUnsupported
from cryptography.hazmat.primitives.asymmetric import rsa as library_rsa
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
    EllipticCurvePrivateNumbers,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPrivateNumbers, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from kmscrypto.blobs import describe_private_key
from kmscrypto.errors import NotAPrivateKey, PassphraseRequired, PassphraseWrong
from kmscrypto.material import private_der
from kmscrypto.specs import SPECS, KeySpec

_PLAIN_PKCS8 = re.compile(r"(RSA_\d+|EC_P\d+)")
# PKCS#8 version 1 (RFC 5958) differs by the public key it carries: written anew, it is version 0.
_CONVERTIBLE = re.compile(r"PKCS#1 \(RSA_\d+\)|SEC1 \(EC_P\d+\)|encrypted PKCS#8|(RSA_\d+|EC_P\d+) in PKCS#8 version 1")
_CURVES: Mapping[str, type[EllipticCurve]] = {"P-256": SECP256R1, "P-384": SECP384R1}


def is_encrypted(blob: bytes) -> bool:
    """Whether `from_der` or `from_traditional_pem` will ask for a passphrase."""
    return b"Proc-Type: 4,ENCRYPTED" in blob or describe_private_key(blob) == "encrypted PKCS#8"


def from_der(der: bytes, passphrase: bytes | None = None) -> bytes:
    """PKCS#8 DER of a key in PKCS#8, PKCS#1 or SEC1. Raises NotAPrivateKey, PassphraseRequired, PassphraseWrong."""
    found = describe_private_key(der)
    if _PLAIN_PKCS8.fullmatch(found):
        return der  # nothing to convert; the strict reader shall see it as it is
    if not _CONVERTIBLE.fullmatch(found):
        raise NotAPrivateKey(found)
    if not is_encrypted(der):
        passphrase = None
    elif passphrase is None:
        raise PassphraseRequired
    try:
        key = load_der_private_key(der, passphrase, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, LibraryUnsupported):
        raise PassphraseWrong if passphrase is not None else NotAPrivateKey(f"{found} that is damaged") from None
    return _pkcs8(key, found)


def from_traditional_pem(pem: bytes, passphrase: bytes | None) -> bytes:
    """PKCS#8 DER of one PEM block that OpenSSL encrypted in its old way, with a DEK-Info header."""
    if passphrase is None:
        raise PassphraseRequired
    try:
        key = load_pem_private_key(pem, passphrase, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, LibraryUnsupported):
        raise PassphraseWrong from None
    return _pkcs8(key, "an encrypted PEM key")


def from_rsa_numbers(numbers: Mapping[str, int]) -> bytes:
    """PKCS#8 DER from the members of an RSA JWK, by their names there. Without p and q they are found again."""
    n, e, d = numbers["n"], numbers["e"], numbers["d"]
    try:
        if "p" in numbers and "q" in numbers:
            p, q = numbers["p"], numbers["q"]
        else:
            p, q = library_rsa.rsa_recover_prime_factors(n, e, d)
        key = RSAPrivateNumbers(
            p=p,
            q=q,
            d=d,
            dmp1=numbers.get("dp", library_rsa.rsa_crt_dmp1(d, p)),
            dmq1=numbers.get("dq", library_rsa.rsa_crt_dmq1(d, q)),
            iqmp=numbers.get("qi", library_rsa.rsa_crt_iqmp(p, q)),
            public_numbers=RSAPublicNumbers(e, n),
        ).private_key(unsafe_skip_rsa_key_validation=True)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise NotAPrivateKey("RSA numbers that do not belong together") from None
    return private_der(key)


def from_ec_numbers(curve: str, d: int, x: int, y: int) -> bytes:
    """PKCS#8 DER from the members of an EC JWK; the point must be that of the private scalar."""
    if curve not in _CURVES:
        raise NotAPrivateKey(f"the curve {curve[:32]}")
    try:
        key = EllipticCurvePrivateNumbers(d, EllipticCurvePublicNumbers(x, y, _CURVES[curve]())).private_key()
    except (ValueError, OverflowError):
        raise NotAPrivateKey("EC numbers that do not belong together") from None
    return private_der(key)


def spec_of(pkcs8_der: bytes) -> KeySpec | None:
    """The spec that this PKCS#8 DER seems to be of, if there is one; whether it really is, `pkcs8` decides."""
    return SPECS.get(describe_private_key(pkcs8_der))


def _pkcs8(key: object, found: str) -> bytes:
    if isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        return private_der(key)
    raise NotAPrivateKey(f"{found} of another kind than RSA and EC")

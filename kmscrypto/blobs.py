"""What is this blob? Short names for the things people upload where a PKCS#8 key belongs.

Used to say "found … expected …" (SEC-028). It only names; deciding whether a key may be used is `pkcs8`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from kmscrypto.der import DerError, Reader, Tag

RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
EC_PUBLIC_KEY = "1.2.840.10045.2.1"


@dataclass(frozen=True)
class Curve:
    name: str
    bits: int


CURVES = {"1.2.840.10045.3.1.7": Curve("EC_P256", 256), "1.3.132.0.34": Curve("EC_P384", 384)}

_OTHER_CURVES = {
    "1.3.132.0.10": "secp256k1",
    "1.3.132.0.35": "secp521r1 (P-521)",
    "1.3.132.0.33": "secp224r1 (P-224)",
    "1.2.840.10045.3.1.1": "secp192r1 (P-192)",
    "1.2.156.10197.1.301": "SM2",
    "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
    "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
    "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
}
_OTHER_ALGORITHMS = {
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.113549.1.1.7": "RSAES-OAEP",
    "1.2.840.113549.1.3.1": "Diffie-Hellman",
    "1.2.840.10046.2.1": "Diffie-Hellman",
    "1.2.840.10040.4.1": "DSA",
    "1.3.132.1.12": "ECDH",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
    "2.16.840.1.101.3.4.4.1": "ML-KEM-512",
    "2.16.840.1.101.3.4.4.2": "ML-KEM-768",
    "2.16.840.1.101.3.4.4.3": "ML-KEM-1024",
}
_PBE_PREFIXES = ("1.2.840.113549.1.5.", "1.2.840.113549.1.12.1.")
_PKCS7_PREFIX = "1.2.840.113549.1.7."

_HEX = re.compile(rb"[0-9A-Fa-f\s]+")
_BASE64 = re.compile(rb"[0-9A-Za-z+/_=\s-]+")
_PEM = re.compile(rb"\s*-----BEGIN ([A-Z0-9 ]{1,40})-----")


def curve_name(oid: str) -> str:
    if oid in CURVES:
        return CURVES[oid].name
    return _OTHER_CURVES.get(oid, f"the curve {oid}")


def algorithm_name(oid: str) -> str:
    return _OTHER_ALGORITHMS.get(oid, f"the algorithm {oid}")


def describe_private_key(blob: bytes) -> str:
    """A few words for any bytes: the name of a `KeySpec` for what looks like its PKCS#8, else what it is instead."""
    if not blob:
        return "nothing"
    if text := _text(blob):
        return text
    outer = Reader(blob)
    try:
        name = _structure(outer.read(Tag.SEQUENCE))
    except DerError:
        return "malformed DER" if blob[0] == Tag.SEQUENCE else "bytes that are not DER"
    return name if outer.tag is None else f"{name} with trailing bytes"


def _text(blob: bytes) -> str | None:
    if pem := _PEM.match(blob):
        return f"PEM text ({pem.group(1).decode()})"
    if len(blob) >= 16 and _HEX.fullmatch(blob):
        return "hex text"
    if len(blob) >= 16 and _BASE64.fullmatch(blob):
        return "Base64 text"
    return None


def _structure(content: bytes) -> str:
    """Try the known shapes of an outer SEQUENCE, the wanted one first."""
    for shape in _SHAPES:
        try:
            return shape(Reader(content))
        except DerError:
            continue
    return "an unknown DER structure"


def _pkcs8(fields: Reader) -> str:
    version = fields.integer()
    algorithm, private = fields.sequence(), fields.read(Tag.OCTET_STRING)
    if version > 1:
        raise DerError("not a version of PKCS#8")
    name = _algorithm(algorithm, private)
    return name if version == 0 else f"{name} in PKCS#8 version 1"


def _algorithm(algorithm: Reader, private: bytes) -> str:
    oid = algorithm.oid()
    if oid == RSA_ENCRYPTION:
        return _rsa_size(private)
    if oid == EC_PUBLIC_KEY:
        return _curve(algorithm)
    return algorithm_name(oid)


def _rsa_size(private: bytes) -> str:
    try:
        fields = Reader(private).sequence()
        fields.integer()
        return f"RSA_{fields.integer().bit_length()}"
    except DerError:
        return "a malformed RSA key"


def _curve(algorithm: Reader) -> str:
    if algorithm.tag == Tag.OID:
        return curve_name(algorithm.oid())
    if algorithm.tag == Tag.SEQUENCE:
        return "EC with explicit parameters"
    return "EC without a named curve"


def _encrypted_pkcs8(fields: Reader) -> str:
    oid = fields.sequence().oid()
    fields.read(Tag.OCTET_STRING)
    fields.end()
    if not oid.startswith(_PBE_PREFIXES):
        raise DerError("not an encryption scheme")
    return "encrypted PKCS#8"


def _pkcs1(fields: Reader) -> str:
    version, numbers = fields.integer(), [fields.integer() for _ in range(5)]
    if fields.tag is None and version == 0:
        return "DSA in OpenSSL's traditional form"
    if version > 1:
        raise DerError("not a version of PKCS#1")
    return f"PKCS#1 (RSA_{numbers[0].bit_length()})"


def _pkcs1_public(fields: Reader) -> str:
    modulus, _ = fields.integer(), fields.integer()
    fields.end()
    return f"a public key (PKCS#1, RSA_{modulus.bit_length()})"


def _sec1(fields: Reader) -> str:
    version = fields.integer()
    fields.read(Tag.OCTET_STRING)
    parameters = fields.optional(Tag.CONTEXT_0)
    if version != 1:
        raise DerError("not a version of SEC1")
    return "SEC1" if parameters is None else f"SEC1 ({_curve(Reader(parameters))})"


def _public_key(fields: Reader) -> str:
    fields.sequence().oid()
    fields.read(Tag.BIT_STRING)
    fields.end()
    return "a public key"


def _certificate(fields: Reader) -> str:
    fields.sequence()
    fields.sequence().oid()
    fields.read(Tag.BIT_STRING)
    fields.end()
    return "a certificate or certificate request"


def _pkcs12(fields: Reader) -> str:
    if fields.integer() != 3 or not fields.sequence().oid().startswith(_PKCS7_PREFIX):
        raise DerError("not PKCS#12")
    return "PKCS#12"


_SHAPES: tuple[Callable[[Reader], str], ...] = (
    _pkcs8,
    _encrypted_pkcs8,
    _pkcs1,
    _pkcs1_public,
    _sec1,
    _pkcs12,
    _public_key,
    _certificate,
)

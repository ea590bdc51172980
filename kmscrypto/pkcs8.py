"""Reading a private key from outside: one strict PKCS#8 PrivateKeyInfo in DER, or a clear word about what it is.

The library's loader is not enough (SEC-030): it also takes PKCS#1, SEC1, DSA, explicit curves and weak keys. So the
structure is read here first, the numbers are checked, and only then does the library validate the same bytes.
RFC 5208 and 5958 (PKCS#8), 8017 (RSA), 5915 and 5480 (EC).
"""

from typing import cast

from cryptography.exceptions import UnsupportedAlgorithm as LibraryUnsupported
from cryptography.hazmat.primitives.asymmetric import ec as library_ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from kmscrypto import ec, rsa
from kmscrypto.blobs import CURVES, EC_PUBLIC_KEY, RSA_ENCRYPTION, curve_name, describe_private_key
from kmscrypto.der import DerError, Reader, Tag, without_padding
from kmscrypto.errors import InvalidPrivateKey, PairwiseTestFailed
from kmscrypto.material import private_der
from kmscrypto.rsa_validation import RsaNumbers, canonical, weakness
from kmscrypto.specs import Family, KeySpec

# Orders of the two curves (SP 800-186 §3.2.1): the private scalar is 1 to order − 1.
_ORDERS = {
    256: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    384: 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
}


_HALVES = "its private and public halves do not fit together"


class _Refused(Exception):
    """The reason, before it is known how to name what was found."""


def read_private_key(der: bytes, spec: KeySpec) -> bytes:
    """Our canonical PKCS#8 DER of an acceptable key of that spec; `InvalidPrivateKey` says what is wrong otherwise.

    Up to seven zero octets behind the key are passed over: PKCS#11 modules put them there before wrapping. Equal keys
    give equal bytes, whoever wrote them.
    """
    canonical_der = parse_private_key(der, spec)
    prove_private_key(canonical_der, spec)
    return canonical_der


def prove_private_key(canonical_der: bytes, spec: KeySpec) -> None:
    """Whether the factors of an RSA key are primes; `InvalidPrivateKey` where they are not.

    For what `parse_private_key` returned. Takes tens to hundreds of milliseconds, and the library holds the interpreter
    as long.
    """
    if spec.family is not Family.RSA:
        return
    try:
        key = _load(canonical_der)
        rsa.pairwise_test(cast(RSAPrivateKey, key))
    except _Refused as refusal:
        raise InvalidPrivateKey(spec.name, spec.name, str(refusal)) from None
    except PairwiseTestFailed:
        raise InvalidPrivateKey(spec.name, spec.name, _HALVES) from None


def parse_private_key(der: bytes, spec: KeySpec) -> bytes:
    """As `read_private_key`, in a millisecond or two: of an RSA key all but that its factors are primes."""
    if not spec.is_asymmetric:
        raise ValueError(f"{spec.name} material is not a private key")
    der = without_padding(der)
    found = describe_private_key(der)
    if found != spec.name:
        raise InvalidPrivateKey(found, spec.name, "it is not an unencrypted PKCS#8 DER key of this type and size")
    try:
        algorithm, private = _private_key_info(der)
        key = _rsa_key(der, algorithm, private, spec) if spec.family is Family.RSA else _ec_key(der, algorithm, private)
    except _Refused as refusal:
        raise InvalidPrivateKey(found, spec.name, str(refusal)) from None
    except DerError as error:
        raise InvalidPrivateKey(found, spec.name, f"its encoding is not strict DER ({error})") from None
    except PairwiseTestFailed:
        raise InvalidPrivateKey(found, spec.name, _HALVES) from None
    return private_der(key)


def _private_key_info(der: bytes) -> tuple[Reader, bytes]:
    """AlgorithmIdentifier and the inner octets. Attributes [0] are read over; version 1 (RFC 5958) is refused."""
    outer = Reader(der)
    info = outer.sequence()
    outer.end()
    if info.integer() != 0:
        raise _Refused("only version 0 of PKCS#8 is accepted")
    algorithm, private = info.sequence(), info.read(Tag.OCTET_STRING)
    attributes = info.optional(Tag.CONTEXT_0)
    info.end()
    if attributes is not None:
        _attributes(attributes)
    return algorithm, private


def _attributes(content: bytes) -> None:
    """Attributes ::= SET OF SEQUENCE { type, values SET }: well-formed, otherwise of no interest and not kept."""
    attributes = Reader(content)
    while attributes.tag is not None:
        attribute = attributes.sequence()
        attribute.oid()
        attribute.read(Tag.SET)
        attribute.end()


def _rsa_key(der: bytes, algorithm: Reader, private: bytes, spec: KeySpec) -> RSAPrivateKey:
    if algorithm.oid() != RSA_ENCRYPTION or algorithm.read(Tag.NULL):
        raise _Refused("its algorithm is not rsaEncryption with NULL parameters")  # RFC 8017 A.1
    algorithm.end()
    outer = Reader(private)
    fields = outer.sequence()
    outer.end()
    if fields.integer() != 0:
        raise _Refused("it has more than two primes")
    numbers = RsaNumbers(*(fields.integer() for _ in range(8)))
    fields.end()
    if reason := weakness(numbers, spec.bits):
        raise _Refused(reason)
    loaded = _load(der, prove=False)
    if not isinstance(loaded, RSAPrivateKey) or _numbers(loaded) != numbers:
        raise _Refused("it reads differently in another parser")
    return canonical(numbers)


def _numbers(key: RSAPrivateKey) -> RsaNumbers:
    private = key.private_numbers()
    public = private.public_numbers
    return RsaNumbers(public.n, public.e, private.d, private.p, private.q, private.dmp1, private.dmq1, private.iqmp)


def _ec_key(der: bytes, algorithm: Reader, private: bytes) -> EllipticCurvePrivateKey:
    if algorithm.oid() != EC_PUBLIC_KEY:
        raise _Refused("its algorithm is not id-ecPublicKey")
    curve_oid = algorithm.oid()
    algorithm.end()
    outer = Reader(private)
    fields = outer.sequence()
    outer.end()
    if fields.integer() != 1:
        raise _Refused("the version of its ECPrivateKey is not 1")
    scalar = fields.read(Tag.OCTET_STRING)
    parameters, public = fields.optional(Tag.CONTEXT_0), fields.optional(Tag.CONTEXT_1)
    fields.end()
    if parameters is not None:
        _same_curve(parameters, curve_oid)
    key = _derive(scalar, CURVES[curve_oid].bits)
    if public is not None:
        _same_point(public, key)
    loaded = _load(der)
    if not isinstance(loaded, EllipticCurvePrivateKey) or loaded.private_numbers() != key.private_numbers():
        raise _Refused("it reads differently in another parser")
    ec.pairwise_test(key)
    return key


def _same_curve(parameters: bytes, curve_oid: str) -> None:
    inner = Reader(parameters)
    if inner.tag != Tag.OID:
        raise _Refused("its curve is given by explicit parameters")
    inner_oid = inner.oid()
    inner.end()
    if inner_oid != curve_oid:
        raise _Refused(f"it names a second curve, {curve_name(inner_oid)}")


def _derive(scalar: bytes, bits: int) -> EllipticCurvePrivateKey:
    if len(scalar) != bits // 8:
        raise _Refused(f"its private scalar has {len(scalar)} bytes instead of {bits // 8}")  # RFC 5915 §3
    number = int.from_bytes(scalar)
    if not 1 <= number < _ORDERS[bits]:
        raise _Refused("its private scalar is not between 1 and the order of the curve")
    return library_ec.derive_private_key(number, ec.CURVES[bits])


def _same_point(public: bytes, key: EllipticCurvePrivateKey) -> None:
    """The optional public point, compressed or not, must be the scalar times the generator (SEC-032)."""
    wrapper = Reader(public)
    bits = wrapper.read(Tag.BIT_STRING)
    wrapper.end()
    if bits[:1] != b"\0" or bits[1:2] not in (b"\2", b"\3", b"\4"):
        raise _Refused("its public point is not encoded as RFC 5480 has it")
    try:
        point = EllipticCurvePublicKey.from_encoded_point(key.curve, bits[1:])
    except ValueError:
        raise _Refused("its public point is not on the curve") from None
    if point != key.public_key():
        raise _Refused("its public point does not belong to its private scalar")


def _load(der: bytes, *, prove: bool = True) -> object:
    """The library's own reading of the same bytes, and where it is to `prove` them its full validation."""
    try:
        return load_der_private_key(der, None, unsafe_skip_rsa_key_validation=not prove)
    except (ValueError, TypeError, LibraryUnsupported):
        raise _Refused("the cryptographic library refuses it (for RSA: a factor is not prime)") from None

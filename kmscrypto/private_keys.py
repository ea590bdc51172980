"""Private keys as people have them, normalised to the PKCS#8 DER that an import takes. The importer's side only.

One order for all of them: encryption is removed (`pbe`), the DER is parsed into numbers, the numbers are completed and
written anew, and the service's own strict reader (`pkcs8`) decides. So the same key gets the same verdict in every
container. RFC 5208 and 5958 (PKCS#8), 8017 (PKCS#1), 5915 and 5480 (SEC1), 7518 §6 (JWK).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import (
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
    rsa_recover_prime_factors,
)

from kmscrypto.blobs import CURVES, EC_PUBLIC_KEY, RSA_ENCRYPTION, algorithm_name, curve_name, describe_private_key
from kmscrypto.der import DerError, Reader, Tag, without_padding, write, write_integer, write_oid
from kmscrypto.errors import InvalidPrivateKey
from kmscrypto.key_files import KeyFileRefused, Reason
from kmscrypto.pkcs8 import read_private_key
from kmscrypto.specs import SPECS, KeySpec

RSASSA_PSS = "1.2.840.113549.1.1.10"

# The numbers of an RSAPrivateKey in its order (RFC 8017 A.1.2), by their names in a JWK.
RSA_NUMBERS = ("n", "e", "d", "p", "q", "dp", "dq", "qi")
_NEEDED = {"n": "the modulus n", "e": "the public exponent e", "d": "the private exponent d"}

_SUPPORTED = ", ".join(name for name, spec in SPECS.items() if spec.importable and spec.is_asymmetric)


@dataclass(frozen=True)
class RsaKey:
    """The numbers that the file holds; one that is 0 counts as missing. `public` is n and e of a second public key."""

    numbers: Mapping[str, int] = field(repr=False)
    public: tuple[int, int] | None = None


@dataclass(frozen=True)
class EcKey:
    """`curve` is an OID; `points` are the encodings of the public point, as many as the file holds."""

    curve: str
    scalar: bytes = field(repr=False)
    points: tuple[bytes, ...] = ()


PrivateKey = RsaKey | EcKey


class TrailingBytes(KeyFileRefused):
    """`length` is that of the DER before them; the command that cuts it out depends on what the DER stands in."""

    def __init__(self, found: str, length: int, extra: int) -> None:
        super().__init__(Reason.TRAILING_BYTES, f"The key file holds {found}: {extra} after the end of the key.")
        self.length = length


# --- parsing ------------------------------------------------------------------------------------------------------


def is_encrypted(der: bytes) -> bool:
    """Whether this has the shape of an EncryptedPrivateKeyInfo."""
    return _tags(der) == [Tag.SEQUENCE, Tag.OCTET_STRING]


def parse(der: bytes) -> PrivateKey:
    """The key in PKCS#8 (version 0 or 1), PKCS#1 or SEC1, not encrypted. Raises KeyFileRefused."""
    der = without_padding(der)
    _check_length(der)
    fields, tags = Reader(der).sequence(), _tags(der)
    try:
        match tags:
            case [Tag.INTEGER, Tag.SEQUENCE, Tag.OCTET_STRING, *_]:
                return _pkcs8(fields)
            case [Tag.INTEGER, Tag.OCTET_STRING, *_]:
                return _sec1(fields, curve=None)
            case [Tag.INTEGER, *rest] if rest[:8] == [Tag.INTEGER] * 8:
                return _pkcs1(fields)
    except DerError as cause:
        raise _damaged(f"{describe_private_key(der)} whose encoding is not strict DER ({cause})") from None
    raise not_a_private_key(describe_private_key(der))


def _tags(der: bytes) -> list[int]:
    """The tags of the values in the outer SEQUENCE; none where there is no such thing."""
    tags: list[int] = []
    try:
        outer = Reader(der)
        content = outer.sequence()
        outer.end()
        while content.tag is not None:
            tags.append(content.tag)
            content.read(content.tag)
    except DerError:
        return []
    return tags


def _check_length(der: bytes) -> None:
    outer = Reader(der)
    try:
        outer.read(Tag.SEQUENCE)
    except DerError as cause:
        raise _damaged(f"{describe_private_key(der)} ({cause})") from None
    if extra := len(outer.rest):
        raise TrailingBytes(describe_private_key(der), len(der) - extra, extra)


def _pkcs8(fields: Reader) -> PrivateKey:
    """RFC 5958 with its attributes [0] and public key [1], of which version 0 has no [1] and need not."""
    if fields.integer() > 1:
        raise DerError("PKCS#8 has versions 0 and 1")
    algorithm, private = fields.sequence(), Reader(fields.read(Tag.OCTET_STRING))
    fields.optional(Tag.CONTEXT_0)
    public = fields.optional(Tag.IMPLICIT_1)
    fields.end()
    name = algorithm.oid()
    if name == RSA_ENCRYPTION:
        algorithm.optional(Tag.NULL)  # RFC 8017 A.1 wants it; some programs leave it out
        algorithm.end()
        key = _pkcs1(private.sequence())
        private.end()
        return RsaKey(key.numbers, None if public is None else _rsa_public(public))
    if name == EC_PUBLIC_KEY:
        curve = _curve(algorithm)
        ec_key = _sec1(private.sequence(), curve=curve)
        private.end()
        return EcKey(ec_key.curve, ec_key.scalar, (*ec_key.points, *([] if public is None else [_point(public)])))
    if name == RSASSA_PSS:
        raise rsa_pss()
    raise not_importable(algorithm_name(name))


def _pkcs1(fields: Reader) -> RsaKey:
    if fields.integer() != 0:
        raise multi_prime()
    numbers = {name: fields.integer() for name in RSA_NUMBERS}
    fields.end()
    return RsaKey(numbers)


def _sec1(fields: Reader, *, curve: str | None) -> EcKey:
    """RFC 5915. The curve comes from the algorithm of PKCS#8, where there is one, and must not be another's."""
    if fields.integer() != 1:
        raise DerError("SEC1 has version 1")
    scalar = fields.read(Tag.OCTET_STRING)
    parameters, public = fields.optional(Tag.CONTEXT_0), fields.optional(Tag.CONTEXT_1)
    fields.end()
    inner = None if parameters is None else _curve(Reader(parameters))
    if curve and inner and curve != inner:
        raise invalid("EC", f"it names two curves, {curve_name(curve)} and {curve_name(inner)}")
    if not (name := curve or inner):
        raise KeyFileRefused(
            Reason.NO_CURVE,
            "The key file holds an EC key that does not name its curve.",
            "Write the key as PKCS#8, which names it, by the program that has it; as in: certtool --to-p8",
        )
    points = () if public is None else (_point(_bit_string(public)),)
    return EcKey(name, scalar, points)


def _curve(parameters: Reader) -> str | None:
    """The OID; None where no curve is given."""
    if parameters.tag == Tag.SEQUENCE:
        raise KeyFileRefused(
            Reason.EXPLICIT_PARAMETERS,
            "The key file holds an EC key that spells out its curve instead of naming it (explicit parameters).",
            "Name the curve: openssl ec -in KEY_FILE -param_enc named_curve -out key.pem",
        )
    if parameters.optional(Tag.NULL) is not None or parameters.tag is None:
        parameters.end()
        return None
    name = parameters.oid()
    parameters.end()
    return name


def _bit_string(content: bytes) -> bytes:
    wrapper = Reader(content)
    bits = wrapper.read(Tag.BIT_STRING)
    wrapper.end()
    return bits


def _point(bits: bytes) -> bytes:
    if bits[:1] != b"\0":
        raise DerError("the public point is not whole octets")
    return bits[1:]


def _rsa_public(bits: bytes) -> tuple[int, int]:
    if bits[:1] != b"\0":
        raise DerError("the public key is not whole octets")
    fields = Reader(bits[1:]).sequence()
    numbers = fields.integer(), fields.integer()
    fields.end()
    return numbers


# --- normalising --------------------------------------------------------------------------------------------------


def normalise(key: PrivateKey) -> tuple[KeySpec, bytes]:
    """Its spec, and the service's canonical PKCS#8 DER. Raises KeyFileRefused."""
    return _normalise_rsa(key) if isinstance(key, RsaKey) else _normalise_ec(key)


def _normalise_rsa(key: RsaKey) -> tuple[KeySpec, bytes]:
    missing = [words for name, words in _NEEDED.items() if not key.numbers.get(name)]
    if missing:
        raise KeyFileRefused(
            Reason.MISSING_NUMBERS,
            f"The key file holds an RSA key without {' and '.join(missing)}.",
            "An RSA key needs n, e and d at least: write it again, whole, by the program that made it.",
        )
    found = f"RSA_{key.numbers['n'].bit_length()}"
    if found not in SPECS:
        raise not_importable(found)
    numbers = _completed(key.numbers, found)
    if key.public not in (None, (numbers["n"], numbers["e"])):
        raise invalid(found, "the public key beside it is another's")
    private = write(Tag.SEQUENCE, write_integer(0), *(write_integer(numbers[name]) for name in RSA_NUMBERS))
    algorithm = write(Tag.SEQUENCE, write_oid(RSA_ENCRYPTION), write(Tag.NULL))
    return _checked(algorithm, private, SPECS[found])


def _completed(given: Mapping[str, int], found: str) -> dict[str, int]:
    """All eight numbers; primes and CRT values that are missing are computed from the others."""
    numbers = {name: given.get(name, 0) for name in RSA_NUMBERS}
    n, e, d = numbers["n"], numbers["e"], numbers["d"]
    try:
        if not (1 < e < n and 1 < d < n):
            raise ValueError
        if not (numbers["p"] and numbers["q"]):
            numbers |= dict(zip(("p", "q"), rsa_recover_prime_factors(n, e, d), strict=True))
            numbers |= {"dp": 0, "dq": 0, "qi": 0}
        p, q = numbers["p"], numbers["q"]
        numbers["dp"] = numbers["dp"] or rsa_crt_dmp1(d, p)
        numbers["dq"] = numbers["dq"] or rsa_crt_dmq1(d, q)
        numbers["qi"] = numbers["qi"] or rsa_crt_iqmp(p, q)
    except (ValueError, ZeroDivisionError):
        raise invalid(found, "its numbers do not belong together") from None
    return numbers


def _normalise_ec(key: EcKey) -> tuple[KeySpec, bytes]:
    curve = CURVES.get(key.curve)
    if curve is None:
        raise not_importable(curve_name(key.curve))
    size = curve.bits // 8
    # Some programs write the scalar as a number: without its leading zeros, or with a zero for a sign.
    scalar = key.scalar.lstrip(b"\0").rjust(size, b"\0")
    algorithm = write(Tag.SEQUENCE, write_oid(EC_PUBLIC_KEY), write_oid(key.curve))
    materials = [
        _checked(algorithm, _ec_private_key(scalar, _plain_point(point, size, curve.name)), SPECS[curve.name])
        for point in key.points or (b"",)
    ]
    return materials[0]


def _ec_private_key(scalar: bytes, point: bytes) -> bytes:
    public = write(Tag.CONTEXT_1, write(Tag.BIT_STRING, b"\0", point)) if point else b""
    return write(Tag.SEQUENCE, write_integer(1), write(Tag.OCTET_STRING, scalar), public)


def _plain_point(point: bytes, size: int, found: str) -> bytes:
    """The hybrid form of X9.62 says the parity of y in its first octet, and then y itself; the strict reader does not
    know it."""
    if len(point) != 1 + 2 * size or point[0] not in (6, 7):
        return point
    if point[0] & 1 != point[-1] & 1:
        raise invalid(found, "its public point contradicts itself")
    return b"\4" + point[1:]


def _checked(algorithm: bytes, private: bytes, spec: KeySpec) -> tuple[KeySpec, bytes]:
    try:
        der = write(Tag.SEQUENCE, write_integer(0), algorithm, write(Tag.OCTET_STRING, private))
        return spec, read_private_key(der, spec)
    except InvalidPrivateKey as cause:
        raise invalid(cause.found, cause.reason) from None


# --- refusing -----------------------------------------------------------------------------------------------------


def not_importable(found: str) -> KeyFileRefused:
    return KeyFileRefused(
        Reason.NOT_IMPORTABLE, f"The key file holds {found}, which cannot be imported.", f"Supported: {_SUPPORTED}."
    )


def invalid(found: str, reason: str) -> KeyFileRefused:
    return KeyFileRefused(Reason.INVALID_KEY, f"The key file holds an {found} key that is not valid: {reason}.")


def rsa_pss() -> KeyFileRefused:
    return KeyFileRefused(
        Reason.RSA_PSS,
        "The key file holds an RSA key that is restricted to RSASSA-PSS, which cannot be imported.",
        "Import an RSA key without that restriction (rsaEncryption): it signs with RSASSA-PSS as well.",
    )


def multi_prime() -> KeyFileRefused:
    return KeyFileRefused(
        Reason.MULTI_PRIME,
        "The key file holds an RSA key of more than two primes, which cannot be imported.",
        "Make a key of two primes: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072",
    )


def _damaged(found: str) -> KeyFileRefused:
    return KeyFileRefused(
        Reason.DAMAGED_DER, f"The key file holds {found}.", "It is cut off or damaged: copy it again, in binary mode."
    )


_BRING = "Bring the private key: PKCS#8, PKCS#1 or SEC1, in PEM or DER, or a JWK."


def not_a_private_key(found: str) -> KeyFileRefused:
    """For what `describe_private_key` found in DER, or for the labels of a PEM file."""
    reason, hint = Reason.NO_KEY, f"Or the file is damaged. {_BRING}"
    if "PKCS#12" in found:
        reason = Reason.PKCS12
        hint = "Take the key out: openssl pkcs12 -in KEY_FILE -nocerts -out key.pem (it asks for a new passphrase)."
    elif "public key" in found.lower():
        reason, hint = Reason.PUBLIC_KEY, f"That is the public half. {_BRING}"
    elif "certificate" in found.lower():
        reason, hint = Reason.CERTIFICATE, f"That is the public half. {_BRING}"
    elif "DSA" in found:
        return not_importable(found)
    return KeyFileRefused(reason, f"The key file holds {found}, not a private key.", hint)

"""Keys for the tests: sound ones made once, and DER written by hand for those that no sound program writes."""

import functools
from math import lcm, prod

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

RSA_OID = bytes.fromhex("06092a864886f70d010101")
EC_OID = bytes.fromhex("06072a8648ce3d0201")
P256 = bytes.fromhex("06082a8648ce3d030107")
P384 = bytes.fromhex("06052b81040022")
SECP256K1 = bytes.fromhex("06052b8104000a")
NULL = b"\x05\0"


def tlv(tag, *parts):
    content = b"".join(parts)
    if len(content) < 128:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts):
    return tlv(0x30, *parts)


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1))


def octets(*parts):
    return tlv(0x04, *parts)


def pkcs8(algorithm, private, *rest, version=0):
    return sequence(integer(version), algorithm, octets(private), *rest)


def rsa_pkcs8(p, q, e=65537, *, version=0, extra=b"", **changed):
    """A PKCS#8 RSA key of these primes; `d`, `dp`, `dq`, `q_inv`, `n` may be given wrongly."""
    period = lcm(p - 1, q - 1)
    d = changed.get("d", pow(e, -1, period))
    q_inv = changed.get("q_inv", pow(q, -1, p) if p != q else 1)
    numbers = (
        changed.get("n", p * q),
        e,
        d,
        p,
        q,
        changed.get("dp", d % (p - 1)),
        changed.get("dq", d % (q - 1)),
        q_inv,
    )
    return pkcs8(sequence(RSA_OID, NULL), sequence(integer(version), *(integer(number) for number in numbers), extra))


def ec_pkcs8(scalar, *, curve=P256, inner=None, public=None, version=1):
    """A PKCS#8 EC key; `inner` is the content of [0], `public` the content of the BIT STRING in [1]."""
    parameters = b"" if inner is None else tlv(0xA0, inner)
    point = b"" if public is None else tlv(0xA1, tlv(0x03, public))
    return pkcs8(sequence(EC_OID, curve), sequence(integer(version), octets(scalar), parameters, point))


@functools.cache
def rsa_key(bits=2048):
    return rsa.generate_private_key(65537, bits)


@functools.cache
def ec_key(curve=ec.SECP256R1):
    return ec.generate_private_key(curve())


def der(key, form=PrivateFormat.PKCS8):
    return key.private_bytes(Encoding.DER, form, NoEncryption())


def spki(key):
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def point(key, form=PublicFormat.UncompressedPoint):
    return key.public_key().public_bytes(Encoding.X962, form)


def primes():
    numbers = rsa_key().private_numbers()
    return numbers.p, numbers.q


SMALL_PRIMES = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]
SMALL_PRODUCT = prod(SMALL_PRIMES)


def is_prime(number):
    residue = number % SMALL_PRODUCT
    return all(residue % prime for prime in SMALL_PRIMES) and pow(2, number - 1, number) == 1


def next_prime(number):
    number |= 1
    while not is_prime(number):
        number += 2
    return number

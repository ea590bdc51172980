"""Which keys exist and what each may do, as data (api.md 2).

A new algorithm is a row here and a function in its family.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Self

from cryptography.hazmat.primitives import hashes

from kmscrypto.errors import UnsupportedAlgorithm

SHA_1 = hashes.SHA1()  # noqa: S303 - inside OAEP only, where it need not resist collisions (SEC-022)
SHA_256, SHA_384, SHA_512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()


class Family(StrEnum):
    AES = "AES"
    RSA = "RSA"
    EC = "EC"
    HMAC = "HMAC"


class Usage(StrEnum):
    ENCRYPT_DECRYPT = "ENCRYPT_DECRYPT"
    SIGN_VERIFY = "SIGN_VERIFY"
    GENERATE_VERIFY_MAC = "GENERATE_VERIFY_MAC"


class Scheme(Enum):
    PSS = "PSS"
    PKCS1_V1_5 = "PKCS#1 v1.5"
    ECDSA = "ECDSA"


class SigningAlgorithm(StrEnum):
    """A wire name with its parameters; salt of PSS and MGF1 follow the hash (SEC-015)."""

    scheme: Scheme
    hash: hashes.HashAlgorithm

    def __new__(cls, name: str, scheme: Scheme, digest: hashes.HashAlgorithm) -> Self:
        member = str.__new__(cls, name)
        member._value_ = name
        member.scheme = scheme
        member.hash = digest
        return member

    RSASSA_PSS_SHA_256 = "RSASSA_PSS_SHA_256", Scheme.PSS, SHA_256
    RSASSA_PSS_SHA_384 = "RSASSA_PSS_SHA_384", Scheme.PSS, SHA_384
    RSASSA_PSS_SHA_512 = "RSASSA_PSS_SHA_512", Scheme.PSS, SHA_512
    RSASSA_PKCS1_V1_5_SHA_256 = "RSASSA_PKCS1_V1_5_SHA_256", Scheme.PKCS1_V1_5, SHA_256
    RSASSA_PKCS1_V1_5_SHA_384 = "RSASSA_PKCS1_V1_5_SHA_384", Scheme.PKCS1_V1_5, SHA_384
    RSASSA_PKCS1_V1_5_SHA_512 = "RSASSA_PKCS1_V1_5_SHA_512", Scheme.PKCS1_V1_5, SHA_512
    ECDSA_SHA_256 = "ECDSA_SHA_256", Scheme.ECDSA, SHA_256
    ECDSA_SHA_384 = "ECDSA_SHA_384", Scheme.ECDSA, SHA_384


class EncryptionAlgorithm(StrEnum):
    SYMMETRIC_DEFAULT = "SYMMETRIC_DEFAULT"
    RSAES_OAEP_SHA_256 = "RSAES_OAEP_SHA_256"
    RSAES_OAEP_SHA_1 = "RSAES_OAEP_SHA_1"


class MacAlgorithm(StrEnum):
    HMAC_SHA_256 = "HMAC_SHA_256"
    HMAC_SHA_384 = "HMAC_SHA_384"
    HMAC_SHA_512 = "HMAC_SHA_512"


OAEP_HASHES: Mapping[str, hashes.HashAlgorithm] = MappingProxyType(
    {EncryptionAlgorithm.RSAES_OAEP_SHA_256: SHA_256, EncryptionAlgorithm.RSAES_OAEP_SHA_1: SHA_1}
)
MAC_HASHES: Mapping[str, hashes.HashAlgorithm] = MappingProxyType(
    {MacAlgorithm.HMAC_SHA_256: SHA_256, MacAlgorithm.HMAC_SHA_384: SHA_384, MacAlgorithm.HMAC_SHA_512: SHA_512}
)


@dataclass(frozen=True)
class KeySpec:
    """One row of the table of keys. `usages[0]` is the default; `material_bytes` is None where material is PKCS#8."""

    name: str
    family: Family
    bits: int
    usages: tuple[Usage, ...]
    signing_algorithms: tuple[SigningAlgorithm, ...] = ()
    encryption_algorithms: tuple[EncryptionAlgorithm, ...] = ()
    mac_algorithm: str | None = None
    importable: bool = True
    material_bytes: int | None = None

    @property
    def default_usage(self) -> Usage:
        return self.usages[0]

    @property
    def is_asymmetric(self) -> bool:
        return self.family in (Family.RSA, Family.EC)


def _hmac(bits: int) -> KeySpec:
    return KeySpec(
        name=f"HMAC_{bits}",
        family=Family.HMAC,
        bits=bits,
        usages=(Usage.GENERATE_VERIFY_MAC,),
        mac_algorithm=MacAlgorithm(f"HMAC_SHA_{bits}"),
        importable=False,  # console.md H4
        material_bytes=bits // 8,
    )


def _rsa(bits: int) -> KeySpec:
    return KeySpec(
        name=f"RSA_{bits}",
        family=Family.RSA,
        bits=bits,
        usages=(Usage.SIGN_VERIFY, Usage.ENCRYPT_DECRYPT),
        signing_algorithms=tuple(each for each in SigningAlgorithm if each.scheme is not Scheme.ECDSA),
        encryption_algorithms=(EncryptionAlgorithm.RSAES_OAEP_SHA_256, EncryptionAlgorithm.RSAES_OAEP_SHA_1),
    )


def _ec(bits: int, algorithm: SigningAlgorithm) -> KeySpec:
    return KeySpec(
        name=f"EC_P{bits}", family=Family.EC, bits=bits, usages=(Usage.SIGN_VERIFY,), signing_algorithms=(algorithm,)
    )


_ROWS = (
    KeySpec(
        name="AES_256",
        family=Family.AES,
        bits=256,
        usages=(Usage.ENCRYPT_DECRYPT,),
        encryption_algorithms=(EncryptionAlgorithm.SYMMETRIC_DEFAULT,),
        material_bytes=32,
    ),
    *(_hmac(bits) for bits in (256, 384, 512)),
    *(_rsa(bits) for bits in (2048, 3072, 4096)),
    _ec(256, SigningAlgorithm.ECDSA_SHA_256),
    _ec(384, SigningAlgorithm.ECDSA_SHA_384),
)

SPECS: dict[str, KeySpec] = {row.name: row for row in _ROWS}


def signing_algorithm(key_spec: KeySpec, name: str) -> SigningAlgorithm:
    """The algorithm of that wire name; `UnsupportedAlgorithm` unless it fits the spec."""
    for algorithm in key_spec.signing_algorithms:
        if algorithm == name:
            return algorithm
    raise UnsupportedAlgorithm(name, key_spec.name)

"""Signatures with RSA and EC keys, and their public halves."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from keys import material
from keys.models import Key
from kmscrypto import signing
from kmscrypto.errors import DigestLength, UnsupportedAlgorithm
from operations import errors
from operations.caller import Caller
from operations.errors import KmsError

MAX_BYTES = 4096
DIGEST, RAW = "DIGEST", "RAW"


@dataclass(frozen=True, slots=True)
class Signed:
    key: Key
    signature: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    key: Key
    signature_valid: bool


@dataclass(frozen=True, slots=True)
class PublicKey:
    key: Key
    pem: str


def sign(caller: Caller, key: Key, *, message: bytes, signing_algorithm: str, message_type: str) -> Signed:
    """Raises SIGNING_ALGORITHM where it does not fit the key, DIGEST_LENGTH for a digest of another hash."""
    opened = material.open_version(key)
    try:
        signature = signing.sign(key.spec, opened.usable, signing_algorithm, message, is_digest=message_type == DIGEST)
    except UnsupportedAlgorithm as cause:
        raise _unsupported(key) from cause
    except DigestLength as cause:
        raise _digest(cause) from cause
    return Signed(key, signature)


def verify(
    caller: Caller, key: Key, *, message: bytes, signature: bytes, signing_algorithm: str, message_type: str
) -> Verified:
    """A wrong or malformed signature is an answer, not an error."""
    opened = material.open_version(key)
    try:
        valid = signing.verify(
            key.spec, opened.usable, signing_algorithm, message, signature, is_digest=message_type == DIGEST
        )
    except UnsupportedAlgorithm as cause:
        raise _unsupported(key) from cause
    except DigestLength as cause:
        raise _digest(cause) from cause
    return Verified(key, valid)


def get_public_key(caller: Caller, key: Key) -> PublicKey:
    """SubjectPublicKeyInfo, PEM with LF line ends."""
    version = key.versions.get(number=key.current_version)
    public = load_der_public_key(bytes(version.public_key or b""))
    return PublicKey(key, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii"))


def _unsupported(key: Key) -> KmsError:
    hint = f"{key.spec_name}: {', '.join(key.spec.signing_algorithms)}."
    return KmsError(errors.SIGNING_ALGORITHM, field="signing_algorithm", hint=hint)


def _digest(cause: DigestLength) -> KmsError:
    hint = f"The digest has {cause.found_bytes} bytes; this algorithm needs {cause.expected_bytes}."
    return KmsError(errors.DIGEST_LENGTH, field="message", hint=hint)

"""Wrapping for one import: RSA-OAEP with SHA-256 for 32 bytes, and AES-KWP (RFC 5649) under them for a private key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
from dataclasses import dataclass

from kmscrypto import wrapping
from kmsimport.formats import Material
from kmsimport.secrecy import wipe

ALGORITHM = "RSAES_OAEP_SHA_256"
TEMPORARY_KEY_BYTES = 32
LEAST_BITS, MOST_BITS = 2048, 4096

_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----(?P<body>[0-9A-Za-z+/=\s]+)-----END PUBLIC KEY-----")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class NoWrappingKey(Exception):
    """What was given is no public key that could be one; why, in a sentence."""


@dataclass(frozen=True)
class Wrapped:
    """Safe to show and to store: `material` holds the key, or the temporary key that opens `private_key`."""

    material: bytes
    private_key: bytes | None = None


@dataclass(frozen=True)
class WrappingKey:
    """SubjectPublicKeyInfo in DER, checked."""

    der: bytes
    bits: int

    @property
    def fingerprint(self) -> str:
        """Of the DER, shortened as the console's wizard shows it."""
        digest = hashlib.sha256(self.der).hexdigest()
        return f"{digest[:4]} {digest[4:8]} … {digest[-8:-4]} {digest[-4:]}"


def wrapping_key(data: bytes) -> WrappingKey:
    """From DER as the console saves it, Base64 or JSON as the API gives it, or PEM. Raises NoWrappingKey."""
    der = spki(data)
    try:
        bits = wrapping.wrapping_key_bits(der)
    except ValueError:
        raise NoWrappingKey("The wrapping key is not an RSA public key.") from None
    if not LEAST_BITS <= bits <= MOST_BITS:
        raise NoWrappingKey(f"The wrapping key has {bits} bits; {LEAST_BITS} to {MOST_BITS} are in use.")
    return WrappingKey(der, bits)


def wrap(material: Material, key: WrappingKey) -> Wrapped:
    """As the service opens it; a private key gets a fresh temporary key."""
    if not material.spec.is_asymmetric:
        return Wrapped(wrapping.wrap(key.der, ALGORITHM, bytes(material.secret)))
    temporary = bytearray(secrets.token_bytes(TEMPORARY_KEY_BYTES))
    try:
        return Wrapped(
            material=wrapping.wrap(key.der, ALGORITHM, bytes(temporary)),
            private_key=wrapping.wrap_private_key(bytes(temporary), bytes(material.secret)),
        )
    finally:
        wipe(temporary)


def spki(data: bytes) -> bytes:
    """The DER of a public key in DER, PEM, Base64, or the API's answer in JSON. Raises NoWrappingKey."""
    if data[:1] == b"\x30":
        return data
    text = data.removeprefix(_BYTE_ORDER_MARK).strip()
    if text.startswith(b"{"):
        text = _public_key_member(text)
    pem = _PEM.search(text)
    try:
        return base64.b64decode(b"".join((pem["body"] if pem else text).split()), validate=True)
    except binascii.Error:
        raise NoWrappingKey("The wrapping key is neither DER, Base64, PEM nor the API's answer in JSON.") from None


def _public_key_member(text: bytes) -> bytes:
    try:
        value = json.loads(text)["public_key"]
    except (ValueError, KeyError, TypeError, RecursionError):
        value = None
    if not isinstance(value, str):
        raise NoWrappingKey("The JSON of the wrapping key has no member public_key.")
    return value.encode()

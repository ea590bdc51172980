"""One JSON Web Key (RFC 7517, RFC 7518 section 6) with a secret in it: oct, RSA or EC."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any

from kmscrypto import conversion
from kmscrypto.errors import NotAPrivateKey

_BASE64URL = re.compile(r"[0-9A-Za-z_-]+")
_RSA_MEMBERS = ("n", "e", "d", "p", "q", "dp", "dq", "qi")


class NotAKey(Exception):
    """What is wrong with the JSON, as the rest of a sentence."""


@dataclass(frozen=True)
class Jwk:
    kind: str
    is_private_key: bool
    # The bytes of an oct key, else PKCS#8 DER.
    secret: bytes = field(repr=False)


def read(text: str) -> Jwk:
    """Raises NotAKey for what is no JWK with a secret, NotAPrivateKey where its numbers are of no use."""
    members = _the_one_key(_parse(text))
    kind = members.get("kty")
    if "ciphertext" in members or "encrypted_key" in members:
        raise NotAKey("it is encrypted (JWE)")
    match kind:
        case "oct":
            return Jwk("oct", False, _octets(members, "k"))
        case "RSA":
            return Jwk("RSA", True, _rsa(members))
        case "EC":
            curve = str(members.get("crv"))
            return Jwk(f"EC {curve[:16]}", True, _ec(members, curve))
        case "OKP":
            raise NotAPrivateKey(f"the curve {str(members.get('crv'))[:16]}")
    raise NotAKey("its member kty is missing or unknown")


def _parse(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise NotAKey("it is not JSON") from None
    if not isinstance(parsed, dict):
        raise NotAKey("it is not an object")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotAKey("it has a member twice")
    return members


def _the_one_key(parsed: dict[str, Any]) -> dict[str, Any]:
    """A set of one key is as good as the key."""
    keys = parsed.get("keys")
    if not isinstance(keys, list):
        return parsed
    if len(keys) != 1 or not isinstance(keys[0], dict):
        raise NotAKey(f"it is a set of {len(keys)} keys")
    return keys[0]


def _rsa(members: dict[str, Any]) -> bytes:
    if "oth" in members:
        raise NotAPrivateKey("more than two primes")
    if "d" not in members:
        raise NotAKey("it is a public key; bring the private one")
    numbers = {name: _number(members, name) for name in _RSA_MEMBERS if name in members or name in ("n", "e")}
    return conversion.from_rsa_numbers(numbers)


def _ec(members: dict[str, Any], curve: str) -> bytes:
    if "d" not in members:
        raise NotAKey("it is a public key; bring the private one")
    d, x, y = (_number(members, name) for name in ("d", "x", "y"))
    return conversion.from_ec_numbers(curve, d, x, y)


def _number(members: dict[str, Any], name: str) -> int:
    return int.from_bytes(_octets(members, name))


def _octets(members: dict[str, Any], name: str) -> bytes:
    """Base64url without padding (RFC 7515 section 2); some writers pad it all the same."""
    value = members.get(name)
    if not isinstance(value, str) or not _BASE64URL.fullmatch(value.rstrip("=")):
        raise NotAKey(f"its member {name} is missing or not Base64url")
    bare = value.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise NotAKey(f"its member {name} is cut off") from None

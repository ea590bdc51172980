"""One key in JSON: a JSON Web Key (RFC 7517, RFC 7518 section 6) with a secret in it, or PEM in a member of any name,
as the `private_key` of a cloud provider's service account.

The JWK may stand in a set of one, or in the member `key`, as Azure Key Vault answers.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any

from kmscrypto.key_files import KeyFileRefused, Reason
from kmscrypto.private_keys import RSA_NUMBERS, EcKey, PrivateKey, RsaKey, invalid, multi_prime, not_importable

_BASE64URL = re.compile(r"[0-9A-Za-z_-]+")
_CURVES = {"P-256": ("1.2.840.10045.3.1.7", 32), "P-384": ("1.3.132.0.34", 48)}
_PEM = "-----BEGIN "


def read(text: str) -> tuple[str, PrivateKey | bytes | str]:
    """What kind of key this is, and the key: the bytes of a symmetric one, a private key, or PEM text.

    Raises KeyFileRefused.
    """
    members = _parse(text)
    if "kty" not in members and (texts := [text for text in _strings(members) if _PEM in text]):
        return "JSON", "\n".join(texts)
    members, is_answer = _the_one_key(members)
    if "ciphertext" in members or "encrypted_key" in members:
        raise KeyFileRefused(
            Reason.JWE, "The key file is an encrypted JSON document (JWE).", "Decrypt it by the program that wrote it."
        )
    kind = str(members.get("kty"))[:16]
    is_answer |= kind.endswith("-HSM")  # Azure's name for a key in its hardware
    match kind.removesuffix("-HSM"):
        case "oct":
            return "JWK (oct)", _octets(_secret(members, "k", is_answer), "k")
        case "RSA":
            _secret(members, "d", is_answer)
            if "oth" in members:
                raise multi_prime()
            return "JWK (RSA)", RsaKey({name: _number(members, name) for name in RSA_NUMBERS if name in members})
        case "EC":
            _secret(members, "d", is_answer)
            curve = str(members.get("crv"))[:16]
            if curve not in _CURVES:
                raise not_importable(f"a JWK on the curve {curve}")
            return f"JWK (EC {curve})", _ec(members, *_CURVES[curve])
        case "OKP":
            raise not_importable(f"a JWK on the curve {str(members.get('crv'))[:16]}")
    raise _damaged("its member kty is missing or unknown")


def _damaged(why: str) -> KeyFileRefused:
    return KeyFileRefused(Reason.DAMAGED_JSON, f"The key file looks like a JWK, but {why}.")


def _parse(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise _damaged("it is not JSON") from None
    if not isinstance(parsed, dict):
        raise _damaged("it is not an object")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _damaged("it has a member twice")
    return members


def _strings(value: Any) -> Iterator[str]:
    """All strings in it, at any depth."""
    pending = [value]
    while pending:
        match pending.pop():
            case str() as text:
                yield text
            case dict() as members:
                pending += members.values()
            case list() as elements:
                pending += elements


def _the_one_key(parsed: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The JWK, and whether it stood in a provider's answer; a set of one key is as good as the key."""
    keys, key = parsed.get("keys"), parsed.get("key")
    if isinstance(key, dict):
        return key, True
    if not isinstance(keys, list):
        return parsed, False
    if len(keys) != 1 or not isinstance(keys[0], dict):
        raise KeyFileRefused(
            Reason.SEVERAL_KEYS if keys else Reason.NO_KEY,
            f"The key file is a JWK set of {len(keys)} keys.",
            "Give a file that holds one.",
        )
    return keys[0], False


def _secret(members: dict[str, Any], name: str, is_answer: bool) -> Any:
    """The member that makes a key secret."""
    if name in members:
        return members[name]
    if is_answer:
        raise KeyFileRefused(
            Reason.CLOUD_KEY,
            "The key file is what Azure Key Vault answers about a key: the public half alone.",
            "Azure never gives the secret away: bring the file from which the key was imported there.",
        )
    if name == "k":
        raise KeyFileRefused(Reason.MISSING_NUMBERS, "The key file is a JWK (oct) without its member k, the key.")
    raise KeyFileRefused(
        Reason.PUBLIC_KEY, "The key file is a JWK of a public key.", "Bring the private key: it has a member d."
    )


def _ec(members: dict[str, Any], curve: str, size: int) -> EcKey:
    try:
        point = b"\4" + b"".join(_number(members, name).to_bytes(size) for name in ("x", "y"))
    except OverflowError:
        raise invalid("EC", "its public point is not on the curve") from None
    return EcKey(curve, _octets(members.get("d"), "d"), (point,))


def _number(members: dict[str, Any], name: str) -> int:
    return int.from_bytes(_octets(members.get(name), name))


def _octets(value: Any, name: str) -> bytes:
    """Base64url without padding (RFC 7515 section 2); some writers pad it all the same."""
    if not isinstance(value, str) or not _BASE64URL.fullmatch(value.rstrip("=")):
        raise _damaged(f"its member {name} is missing or not Base64url")
    bare = value.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise _damaged(f"its member {name} is cut off") from None

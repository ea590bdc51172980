"""Message authentication codes with HMAC keys."""

from __future__ import annotations

from dataclasses import dataclass

from keys import material
from keys.models import Key
from kmscrypto import hmac
from operations import errors
from operations.caller import Caller
from operations.errors import KmsError

MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Mac:
    key: Key
    algorithm: str
    mac: bytes


@dataclass(frozen=True, slots=True)
class CheckedMac:
    key: Key
    algorithm: str
    mac_valid: bool


def generate_mac(caller: Caller, key: Key, *, mac_algorithm: str, message: bytes) -> Mac:
    """Raises PARAMETER_INVALID for an algorithm other than the key's own."""
    _check_algorithm(key, mac_algorithm)
    return Mac(key, mac_algorithm, hmac.generate_mac(material.open_version(key).usable, mac_algorithm, message))


def verify_mac(caller: Caller, key: Key, *, mac_algorithm: str, message: bytes, mac: bytes) -> CheckedMac:
    """A wrong, cut or malformed MAC is an answer, not an error; compared whole and in constant time (SEC-016)."""
    _check_algorithm(key, mac_algorithm)
    valid = hmac.verify_mac(material.open_version(key).usable, mac_algorithm, message, mac)
    return CheckedMac(key, mac_algorithm, valid)


def _check_algorithm(key: Key, wanted: str) -> None:
    if wanted != key.spec.mac_algorithm:
        raise KmsError(
            errors.PARAMETER_INVALID, field="mac_algorithm", hint=f"{key.spec_name}: {key.spec.mac_algorithm}."
        )

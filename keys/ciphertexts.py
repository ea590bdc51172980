"""Ciphertexts of AES keys: sealed under the current version, opened under the version that they name.

Data and data keys are two domains of one format: what was sealed for one purpose never opens for the other. Every
ciphertext is bound to its region, its project and the context the caller gave (SEC-013).
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from keys import material
from keys.models import Key
from kmscrypto import envelope
from kmscrypto.envelope import Purpose
from kmscrypto.errors import CryptoError
from operations import errors
from operations.errors import KmsError


def seal(
    key: Key, plain: bytes, *, purpose: Purpose, context: Mapping[str, str] | None = None, additional: str | None = None
) -> bytes:
    """Raises NOT_ENABLED where the material went this very moment."""
    opened = material.open_version(key)
    return envelope.seal(
        opened.usable,
        plain,
        purpose=purpose,
        key_id=UUID(key.key_id),
        version=opened.version,
        binding=_binding(key, context, additional),
    )


def unseal(
    key: Key, blob: bytes, *, purpose: Purpose, context: Mapping[str, str] | None = None, additional: str | None = None
) -> bytes:
    """Raises CIPHER_TEXT_INVALID, always the same, for what was cut, changed, moved or lacks its context."""
    try:
        sealed = envelope.parse(blob)
        if sealed.key_id != UUID(key.key_id):
            raise invalid()
        opened = material.open_version(key, sealed.version)
        return envelope.open(opened.usable, sealed, purpose=purpose, binding=_binding(key, context, additional))
    except CryptoError as cause:
        raise invalid() from cause


def invalid() -> KmsError:
    return KmsError(errors.CIPHER_TEXT_INVALID, field="cipher_text")


def _binding(key: Key, context: Mapping[str, str] | None, additional: str | None) -> bytes:
    return envelope.bind(key.project.region_id, key.project_id) + envelope.context(context, additional)

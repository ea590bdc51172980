"""The import token: opaque, authenticated, and bound to key, project, algorithm and wrapping key (SEC-023).

AES-256-GCM under a service key of its own. The token proves that we made an offer; whether the offer still stands is
for its row to say. Neither alone opens anything.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from uuid import UUID

from imports.models import WrappingKey
from kmscrypto import aes
from kmscrypto.errors import CryptoError
from operations import errors
from operations.errors import KmsError
from operations.fields import decode_base64
from vault import hierarchy
from vault.hierarchy import ServicePurpose

VERSION = b"\x01"
NONCE_BYTES = 12
# All tokens are of one length, whatever the names inside: 3 times a multiple of 3 needs no Base64 padding either.
CLAIMS_BYTES = 511
MAX_CHARACTERS = 6144


@dataclass(frozen=True, slots=True)
class Claims:
    offer: str
    key_id: str
    project: str
    region: str
    algorithm: str
    spki: str
    carrier: str
    expires: int


def issue(offer: WrappingKey) -> bytes:
    """A token for this offer. Every call gives another one; all of them live and die with the offer."""
    text = json.dumps(asdict(_claims_of(offer)), separators=(",", ":")).encode()
    padded = text.ljust(CLAIMS_BYTES)
    nonce = secrets.token_bytes(NONCE_BYTES)
    return VERSION + nonce + aes.gcm_encrypt(hierarchy.service_key(ServicePurpose.IMPORT_TOKEN), nonce, padded, VERSION)


def read(token: str, *, project_id: str) -> Claims:
    """What the token claims. Raises IMPORT_TOKEN_INVALID for anything that we did not make for this project."""
    invalid = KmsError(errors.IMPORT_TOKEN_INVALID, field="import_token")
    raw = decode_base64(token) if len(token) <= MAX_CHARACTERS else None
    if raw is None or raw[:1] != VERSION or len(raw) <= 1 + NONCE_BYTES:
        raise invalid
    nonce, sealed = raw[1 : 1 + NONCE_BYTES], raw[1 + NONCE_BYTES :]
    try:
        text = aes.gcm_decrypt(hierarchy.service_key(ServicePurpose.IMPORT_TOKEN), nonce, sealed, VERSION)
    except CryptoError as cause:
        raise invalid from cause
    claims = Claims(**json.loads(text))
    if claims.project != project_id:
        raise invalid
    return claims


def offer_of(claims: Claims, *, lock: bool) -> WrappingKey | None:
    """The row the token points at, if it is still there and is what the token says."""
    offers = WrappingKey.objects.select_for_update(of=("self",)) if lock else WrappingKey.objects
    try:
        offer = offers.get(pk=UUID(claims.offer))
    except WrappingKey.DoesNotExist:
        return None
    if _spki_digest(offer) != claims.spki or offer.algorithm != claims.algorithm:
        return None
    return offer


def _claims_of(offer: WrappingKey) -> Claims:
    return Claims(
        offer=offer.pk.hex,
        key_id=offer.key.key_id,
        project=offer.key.project_id,
        region=offer.key.project.region_id,
        algorithm=offer.algorithm,
        spki=_spki_digest(offer),
        carrier=offer.carrier,
        expires=int(offer.expires_at.timestamp()),
    )


def _spki_digest(offer: WrappingKey) -> str:
    return hashlib.sha256(bytes(offer.public_der)).hexdigest()

"""Issue wrapping keys, and end them on use, revocation or expiry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from imports import tokens
from imports.models import LIFETIME, MAX_FAILED_UNWRAPS, Carrier, Revocation, WrappingKey
from keys.models import Key
from kmscrypto import wrapping
from kmscrypto.wrapping import WrappingPair
from operations import clock, errors, timekeeping
from operations.caller import Caller, Kind
from operations.errors import KmsError
from vault import sealing
from vault.holdings import SealedColumn
from vault.sealing import Binding

# The documented field takes 344 to 360 characters: a 256-byte ciphertext, RSA-2048 (SEC-020).
WRAPPING_KEY_BITS = 2048
DEFAULT_ALGORITHM = "RSAES_OAEP_SHA_256"
LEGACY_ALGORITHM = "RSAES_OAEP_SHA_1"
MAX_LIVE_OFFERS = 10
_AGAIN = "Download the import items again and wrap the material with the new wrapping key."
_REVOKED = {
    Revocation.CLOSED: "ended when its wizard was closed, left or reloaded",
    Revocation.REPLACED: "was replaced by a newer one for the same key",
    Revocation.RESTORED: "ended when the service was restored from a backup",
}


@dataclass(frozen=True, slots=True, repr=False)
class Offer:
    """What an importer needs: the wrapping key's public half, and the token that goes with it."""

    row: WrappingKey
    token: bytes


def make_pair(caller: Caller, key: Key, *, wrapping_algorithm: str) -> WrappingPair:
    """Made before the transaction. Raises PARAMETER_INVALID for an algorithm that this installation does not take:
    no processor makes a key for it."""
    if wrapping_algorithm != DEFAULT_ALGORITHM and not settings.KMS_LEGACY_WRAPPING:
        raise KmsError(errors.PARAMETER_INVALID, field="wrapping_algorithm", hint=f"Use {DEFAULT_ALGORITHM}.")
    return wrapping.generate_wrapping_key(WRAPPING_KEY_BITS)


def offer(caller: Caller, key: Key, *, wrapping_algorithm: str, prepared: WrappingPair) -> Offer:
    """A fresh pair and token, valid for 24 hours; those of the wizard end earlier when it is closed.

    Several offers made through the API may live side by side, ten at most; a second one of the wizard replaces the
    first (SEC-021).
    """
    carrier = Carrier.WIZARD if caller.kind is Kind.CONSOLE else Carrier.API
    kept = 0 if carrier is Carrier.WIZARD else MAX_LIVE_OFFERS - 1
    for older in list(_live(key, carrier).order_by("-created_at")[kept:]):
        end(older, revoked=Revocation.REPLACED)
    at = clock.now()
    row = WrappingKey(
        key=key,
        algorithm=wrapping_algorithm,
        carrier=carrier,
        public_der=prepared.public_der,
        created_at=at,
        created_by_id=caller.user_id,
        # Whole seconds: the wire tells the end in seconds, and must not promise more than the row keeps.
        expires_at=(at + LIFETIME).replace(microsecond=0),
    )
    row.private_sealed = sealing.seal(binding(row), prepared.private_der)
    row.save(force_insert=True)
    return Offer(row, tokens.issue(row))


def why_ended(row: WrappingKey | None) -> KmsError:
    """The refusal of a wrapping key that is no longer valid: which one it is, and why."""
    if row is None:
        return KmsError(errors.IMPORT_TOKEN_EXPIRED, field="import_token")
    if row.used_at is not None:
        reason = "was used by an import"
    elif row.revoked_at is not None:
        reason = _REVOKED.get(Revocation(row.revocation), "") if row.revocation else ""
        reason = reason or "was revoked"
    elif row.failed_unwraps >= MAX_FAILED_UNWRAPS:
        reason = f"ended after {MAX_FAILED_UNWRAPS} failed imports"
    else:
        reason = "is older than 24 hours"
    return KmsError(errors.IMPORT_TOKEN_EXPIRED, field="import_token", hint=f"{name_of(row)} {reason}. {_AGAIN}")


def name_of(row: WrappingKey) -> str:
    """How a page tells one wrapping key from another: the start of a sentence about it."""
    made = row.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S GMT+00:00")
    return f"The wrapping key obtained at {made} (SHA-256 {row.fingerprint})"


def revoke(caller: Caller, key: Key, *, offer_id: UUID) -> None:
    """Ends one of the wizard's own offers. Ending what has ended already changes nothing."""
    row = (
        WrappingKey.objects.select_for_update(of=("self",)).filter(pk=offer_id, key=key, carrier=Carrier.WIZARD).first()
    )
    if row is not None and row.private_sealed is not None:
        end(row, revoked=Revocation.CLOSED)


def expire(caller: Caller, key: Key, *, offer_id: UUID) -> None:
    """Erase the private half of a wrapping key that is 24 hours old. Raises PARAMETER_INVALID for a younger one."""
    row = WrappingKey.objects.select_for_update(of=("self",)).filter(pk=offer_id, key=key).first()
    if row is None or row.private_sealed is None or row.expires_at > timekeeping.latest():
        raise KmsError(errors.PARAMETER_INVALID, hint="This wrapping key is not due.")
    end(row)


def end(row: WrappingKey, *, revoked: Revocation | None = None, used: bool = False) -> None:
    """Removes the private half. The row stays, to say what became of it.

    Nothing is written over it first: SQLite itself zeroes what a row gives up, and PostgreSQL keeps the old row anyway.
    """
    row.private_sealed = None
    if revoked:
        row.revoked_at = clock.now()
        row.revocation = revoked
    if used:
        row.used_at = clock.now()
    row.save(update_fields=["private_sealed", "revoked_at", "revocation", "used_at"])


def end_all() -> int:
    """Ends every wrapping key of this installation, as after a backup was restored; returns how many."""
    rows = list(WrappingKey.objects.select_for_update(of=("self",)).filter(private_sealed__isnull=False))
    for row in rows:
        end(row, revoked=Revocation.RESTORED)
    return len(rows)


def binding(row: WrappingKey) -> Binding:
    return Binding(
        kind="wrapping-key",
        object_id=str(row.pk),
        purpose="unwrap",
        region=row.key.project.region_id,
        project=row.key.project_id,
        parent=row.key.key_id,
    )


SEALED = SealedColumn(
    model=WrappingKey,
    field="private_sealed",
    project="key__project_id",
    related="key__project",
    binding=binding,
)


def _live(key: Key, carrier: Carrier) -> QuerySet[WrappingKey]:
    return WrappingKey.objects.select_for_update(of=("self",)).filter(
        key=key, carrier=carrier, private_sealed__isnull=False
    )

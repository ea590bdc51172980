"""Offering wrapping keys, hearing of the wizards that hold them, and ending them: by will, by age or by silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from imports import tokens
from imports.models import LIFETIME, LONGEST_SILENCE, Carrier, WrappingKey
from keys.models import Key
from kmscrypto import wrapping
from kmscrypto.wrapping import WrappingPair
from operations import clock, errors
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
# Noting each contact would make every request about an offer a write.
CONTACT_NOTED_EVERY = timedelta(minutes=1)
_ABANDONED = (
    "The service heard nothing of this wizard for 30 minutes, so its wrapping key and import token have ended."
    " Download the import items again and wrap the material with the new wrapping key."
)


@dataclass(frozen=True, slots=True, repr=False)
class Offer:
    """What an importer needs: the wrapping key's public half, and the token that goes with it."""

    row: WrappingKey
    token: bytes


def make_pair(caller: Caller, request: Mapping[str, Any]) -> WrappingPair:
    """Made before the transaction. Raises PARAMETER_INVALID for an algorithm that this installation does not take:
    no processor makes a key for it."""
    if request["wrapping_algorithm"] != DEFAULT_ALGORITHM and not settings.KMS_LEGACY_WRAPPING:
        raise KmsError(errors.PARAMETER_INVALID, field="wrapping_algorithm", hint=f"Use {DEFAULT_ALGORITHM}.")
    return wrapping.generate_wrapping_key(WRAPPING_KEY_BITS)


def offer(caller: Caller, key: Key, *, wrapping_algorithm: str, prepared: WrappingPair) -> Offer:
    """A fresh pair and token, valid for 24 hours; those of the wizard only while it is heard of.

    Several offers made through the API may live side by side, ten at most; a second one of the wizard replaces the
    first (SEC-021).
    """
    carrier = Carrier.WIZARD if caller.kind is Kind.CONSOLE else Carrier.API
    kept = 0 if carrier is Carrier.WIZARD else MAX_LIVE_OFFERS - 1
    for older in list(_live(key, carrier).order_by("-created_at")[kept:]):
        end(older, revoked=True)
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
        last_contact_at=at if carrier is Carrier.WIZARD else None,
    )
    row.private_sealed = sealing.seal(binding(row), prepared.private_der)
    row.save(force_insert=True)
    return Offer(row, tokens.issue(row))


def keep(row: WrappingKey) -> bool:
    """Notes that the wizard of this offer is still there; False if the offer no longer stands, and nothing revives it.

    It changes a time and nothing else, at most once a minute, and is no operation with a trace of its own: no more than
    the session's last activity is (docs/decisions/0005).
    """
    at = clock.now()
    if not row.is_live(at):
        return False
    if row.last_contact_at is not None and row.last_contact_at <= at - CONTACT_NOTED_EVERY:
        # Asked of the row as it is now: it may have been ended, or heard of, since it was read.
        standing = WrappingKey.objects.filter(
            pk=row.pk,
            private_sealed__isnull=False,
            last_contact_at__gt=at - LONGEST_SILENCE,
            last_contact_at__lte=at - CONTACT_NOTED_EVERY,
        )
        with transaction.atomic():  # a writer like all others: it waits its turn
            if standing.update(last_contact_at=at):
                row.last_contact_at = at
    return True


def why_ended(row: WrappingKey | None) -> KmsError:
    """What is told of an offer that no longer stands, or that is not there."""
    hint = _ABANDONED if row is not None and row.is_abandoned() else ""
    return KmsError(errors.IMPORT_TOKEN_EXPIRED, field="import_token", hint=hint)


def revoke(caller: Caller, key: Key, *, offer_id: UUID) -> None:
    """Ends one of the wizard's own offers. Ending what has ended already changes nothing."""
    row = (
        WrappingKey.objects.select_for_update(of=("self",)).filter(pk=offer_id, key=key, carrier=Carrier.WIZARD).first()
    )
    if row is not None and row.private_sealed is not None:
        end(row, revoked=True)


@dataclass(frozen=True, slots=True)
class Expired:
    """An offer that the clock has ended. Its trace tells why."""

    reason: str

    @property
    def trace_members(self) -> Mapping[str, str]:
        return {"reason": self.reason}


def expire(caller: Caller, key: Key, *, offer_id: UUID) -> Expired:
    """By the clock alone: erases the private half of an offer whose day is over, or whose wizard has fallen silent.

    Raises PARAMETER_INVALID where neither is so.
    """
    row = WrappingKey.objects.select_for_update(of=("self",)).filter(pk=offer_id, key=key).first()
    if row is None or row.private_sealed is None or row.ends_at > clock.now():
        raise KmsError(errors.PARAMETER_INVALID, hint="This wrapping key is not due.")
    expired = Expired("no contact for 30 minutes" if row.is_abandoned() else "older than 24 hours")
    end(row)
    return expired


def end(row: WrappingKey, *, revoked: bool = False, used: bool = False) -> None:
    """Removes the private half. The row stays, to say what became of it.

    Nothing is written over it first: SQLite itself zeroes what a row gives up, and PostgreSQL keeps the old row anyway.
    """
    row.private_sealed = None
    if revoked:
        row.revoked_at = clock.now()
    if used:
        row.used_at = clock.now()
    row.save(update_fields=["private_sealed", "revoked_at", "used_at"])


def end_all() -> int:
    """Ends every wrapping key of this installation, as after a backup was restored; returns how many."""
    rows = list(WrappingKey.objects.select_for_update(of=("self",)).filter(private_sealed__isnull=False))
    for row in rows:
        end(row, revoked=True)
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

"""WrappingKey: one offer to import, valid for 24 hours. The row is the truth; a token only points at it."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q

from keys.models import Key
from operations import timekeeping

LIFETIME = timedelta(hours=24)
MAX_FAILED_UNWRAPS = 200


class Carrier(models.TextChoices):
    """Who carries the token: the wizard's own page, or a program that asked through the API."""

    API = "api"
    WIZARD = "wizard"


class Revocation(models.TextChoices):
    """Why a wrapping key was revoked before its 24 hours were over."""

    CLOSED = "closed"
    REPLACED = "replaced"
    RESTORED = "restored"


class WrappingKey(models.Model):
    """An RSA pair that lives for one import. The private half is sealed, and erased when it ends in whatever way."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="wrapping_keys")
    algorithm = models.CharField(max_length=32)
    carrier = models.CharField(max_length=8, choices=Carrier.choices)
    private_sealed = models.BinaryField(null=True)
    public_der = models.BinaryField()
    created_at = models.DateTimeField()
    created_by_id = models.CharField(max_length=32, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revocation = models.CharField(max_length=8, choices=Revocation.choices, blank=True)
    # Against an oracle built of many tries (SEC-026).
    failed_unwraps = models.PositiveIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"], name="wrapping_key_by_expiry", condition=Q(private_sealed__isnull=False)
            ),
            models.Index(fields=["key", "carrier", "created_at"], name="wrapping_key_by_key"),
        ]

    def __str__(self) -> str:
        return f"{self.id} for {self.key_id}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the wrapping key's DER, as `sha256sum` of the saved file prints it, shortened."""
        digest = hashlib.sha256(bytes(self.public_der)).hexdigest()
        return f"{digest[:4]} {digest[4:8]} … {digest[-8:-4]} {digest[-4:]}"

    def is_live(self, at: datetime | None = None) -> bool:
        """Usable to the second, whether or not the sweep has come by."""
        return (
            self.used_at is None
            and self.revoked_at is None
            and self.private_sealed is not None
            and self.failed_unwraps < MAX_FAILED_UNWRAPS
            and self.expires_at > (at or timekeeping.latest())
        )

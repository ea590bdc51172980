"""WrappingKey: one offer to import, 24 hours long at most. The row is the truth; a token only points at it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q

from keys.models import Key
from operations import clock, timekeeping

LIFETIME = timedelta(hours=24)
# A wizard that the service has not heard of for so long is taken for abandoned (SEC-037).
LONGEST_SILENCE = timedelta(minutes=30)
MAX_FAILED_UNWRAPS = 200


class Carrier(models.TextChoices):
    """Who carries the token: the wizard's own page, or a program that asked through the API."""

    API = "api"
    WIZARD = "wizard"


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
    # When the wizard was last heard of; None for the API's, which are nobody's open page.
    last_contact_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # Against an oracle built of many tries (SEC-026).
    failed_unwraps = models.PositiveIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"], name="wrapping_key_by_expiry", condition=Q(private_sealed__isnull=False)
            ),
            models.Index(
                fields=["last_contact_at"],
                name="wrapping_key_by_contact",
                condition=Q(private_sealed__isnull=False, last_contact_at__isnull=False),
            ),
            models.Index(fields=["key", "carrier", "created_at"], name="wrapping_key_by_key"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="a_wizard_has_been_heard_of",
                condition=Q(carrier=Carrier.WIZARD, last_contact_at__isnull=False)
                | Q(carrier=Carrier.API, last_contact_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} for {self.key_id}"

    @property
    def ends_at(self) -> datetime:
        """When it ends by itself: with its day, or with the silence of its wizard if that is sooner."""
        if self.last_contact_at is None:
            return self.expires_at
        return min(self.expires_at, self.last_contact_at + LONGEST_SILENCE)

    def is_abandoned(self, at: datetime | None = None) -> bool:
        """Whether silence ended it, and nothing before that did."""
        unended = self.used_at is None and self.revoked_at is None
        return unended and self.ends_at < self.expires_at and self.ends_at <= (at or clock.now())

    def is_live(self, at: datetime | None = None) -> bool:
        """Usable to the second, whether or not the sweep has come by."""
        return (
            self.used_at is None
            and self.revoked_at is None
            and self.private_sealed is not None
            and self.failed_unwraps < MAX_FAILED_UNWRAPS
            and self.ends_at > (at or clock.now())
            and self.expires_at > timekeeping.latest()
        )

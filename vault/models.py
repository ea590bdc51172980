"""The keys that seal every other secret, wrapped by the root key (security.md §2). No column holds a plaintext key.

Rows are made, opened and re-wrapped by `hierarchy`, `initialisation` and `rotation` only. `place` is what a wrapped
value is bound to: a value copied into any other row does not open there (SEC-002).
"""

from __future__ import annotations

import uuid

from django.db import models


class Wrapped(models.Model):
    """A value wrapped by the root key `root_id`."""

    root_id = models.CharField(max_length=16, db_index=True)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        abstract = True

    @property
    def place(self) -> tuple[str, ...]:
        raise NotImplementedError


class WrappedKey(Wrapped):
    """A random 256-bit key. Its id and version stand in the header of each blob that it seals."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(default=1)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta(Wrapped.Meta):
        abstract = True


class ServiceKey(WrappedKey):
    """A key of the installation itself, for one purpose (`hierarchy.ServicePurpose`)."""

    purpose = models.CharField(max_length=32)

    class Meta(WrappedKey.Meta):
        constraints = [models.UniqueConstraint(fields=["purpose", "version"], name="vault_one_service_key_a_version")]

    def __str__(self) -> str:
        return f"service key {self.purpose} v{self.version}"

    @property
    def place(self) -> tuple[str, ...]:
        return ("service-key", str(self.id), self.purpose, str(self.version))


class ProjectKey(WrappedKey):
    """The key that encrypts the keys of one project in one region."""

    region = models.CharField(max_length=64)
    project = models.CharField(max_length=64)
    # No fewer than were made: processes count in blocks (`wraps`).
    wraps = models.PositiveBigIntegerField(default=0)

    class Meta(WrappedKey.Meta):
        constraints = [
            models.UniqueConstraint(fields=["region", "project", "version"], name="vault_one_project_key_a_version"),
            models.UniqueConstraint(
                fields=["region", "project"],
                condition=models.Q(retired_at__isnull=True),
                name="vault_one_current_project_key",
            ),
        ]

    def __str__(self) -> str:
        return f"project key {self.region}/{self.project} v{self.version}"

    @property
    def place(self) -> tuple[str, ...]:
        return ("project-key", str(self.id), self.region, self.project, str(self.version))


class Canary(Wrapped):
    """The single row that proves a root key to be the right one, and says which root new keys are wrapped by."""

    ONLY = 1
    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)

    class Meta(Wrapped.Meta):
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="vault_one_canary")]

    def __str__(self) -> str:
        return "canary"

    @property
    def place(self) -> tuple[str, ...]:
        return ("canary",)

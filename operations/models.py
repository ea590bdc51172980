"""What performing leaves behind: the audit trail, counters for what is rate-limited, and counts of what changed."""

from __future__ import annotations

import uuid

from django.db import models


class Rating(models.TextChoices):
    NORMAL = "normal"
    WARNING = "warning"
    INCIDENT = "incident"


class Trace(models.Model):
    """One performed or refused operation. Rows are never changed; only those past KMS_KEEP_TRACES go (SEC-060)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    time = models.DateTimeField()
    name = models.CharField(max_length=64)
    kind = models.CharField(max_length=16)
    rating = models.CharField(max_length=8, choices=Rating.choices)
    account_id = models.CharField(max_length=32, blank=True)
    project_id = models.CharField(max_length=32, blank=True)
    region_id = models.CharField(max_length=64, blank=True)
    user_id = models.CharField(max_length=32, blank=True)
    user_name = models.CharField(max_length=255, blank=True)
    source_ip = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=256, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    resource_type = models.CharField(max_length=32, blank=True)
    resource_id = models.CharField(max_length=64, blank=True)
    resource_name = models.CharField(max_length=255, blank=True)
    request = models.JSONField(default=dict)
    response_code = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=16, blank=True)
    message = models.CharField(max_length=255, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "-time", "-id"], name="trace_by_project"),
            models.Index(fields=["resource_id", "-time"], name="trace_by_resource"),
        ]

    def __str__(self) -> str:
        return f"{self.time:%Y-%m-%dT%H:%M:%SZ} {self.name} {self.rating}"


class RateCount(models.Model):
    """Calls of one user in one window of time."""

    bucket = models.CharField(max_length=96)
    window = models.BigIntegerField()
    calls = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "window"], name="one_count_a_window")]

    def __str__(self) -> str:
        return f"{self.bucket} {self.window}"


class ChangeCount(models.Model):
    """How often what belongs to a scope has changed. Written by triggers alone; see `operations.changes`."""

    scope = models.CharField(primary_key=True, max_length=32)
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.scope} {self.count}"


class ChangedRow(models.Model):
    """Under which count of its scope a row that is remembered by itself last changed. Written as ChangeCount is."""

    row_name = models.CharField(primary_key=True, max_length=36)
    scope = models.CharField(max_length=32)
    at = models.BigIntegerField()

    class Meta:
        indexes = (models.Index(fields=("scope", "at"), name="changed_row_scope_at"),)

    def __str__(self) -> str:
        return f"{self.row_name} {self.at}"


class JournalPosition(models.Model):
    """How far a file of the journal has been moved into the trace table."""

    file = models.CharField(primary_key=True, max_length=64)
    offset = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.file} {self.offset}"


class ClockMark(models.Model):
    """The latest time that was believed: one row, written by `operations.timekeeping` alone (SEC-082)."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    at = models.DateTimeField()
    # A reading of the last day: the time, by which start of which machine, and for how many seconds it had been up.
    read_at = models.DateTimeField()
    boot_id = models.CharField(max_length=64)
    uptime = models.FloatField()
    # Machines whose clock is not believed, by boot ID: their uptime when they began to wait, None to begin anew.
    doubted = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%dT%H:%M:%SZ}"

"""Where things happen: accounts, regions, projects, enterprise projects, and quotas that differ from the default."""

from __future__ import annotations

import uuid

from django.db import models

from operations import clock

DEFAULT_WIRE_ID = "0"
"""What every account's default enterprise project is called on the wire."""


def new_id() -> str:
    """32 lower-case hex digits: the form of account, project and user ids (api.md 0, rule 10)."""
    return uuid.uuid4().hex


def new_enterprise_project_id() -> str:
    return str(uuid.uuid4())


class Account(models.Model):
    """A tenant: a *domain* in Keystone's words. Nothing is ever shared between two of them."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    name = models.CharField(max_length=64, unique=True)
    enterprise_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Region(models.Model):
    id = models.CharField(primary_key=True, max_length=64)
    name = models.CharField(max_length=64, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.id


class Project(models.Model):
    """A region's share of an account. The first project of a region bears the region's name (api.md 6.1)."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="projects")
    region = models.ForeignKey(Region, models.PROTECT, related_name="projects")
    name = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="project_name_once_an_account")]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """As the region selector writes it: the region, with the project's name where it differs."""
        return self.region_id if self.name == self.region_id else f"{self.region_id} ({self.name})"


class EnterpriseProjectType(models.TextChoices):
    """Commercial or for trying; the service treats both alike."""

    PRODUCTION = "prod"
    TRIAL = "poc"


class EnterpriseProject(models.Model):
    """A group of an account's resources, across regions.

    Each account has one called `default`, whose id on the wire is "0". "0" would not be unique here, so the row of the
    default has its account's id; every other id is a UUID and the same in both places. Resources store the wire id: it
    is unique in their account (`projects.queries.wire_id`).
    """

    id = models.CharField(primary_key=True, max_length=36, default=new_enterprise_project_id, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="enterprise_projects")
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=512, blank=True)
    type = models.CharField(
        max_length=4, choices=EnterpriseProjectType.choices, default=EnterpriseProjectType.PRODUCTION
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="enterprise_project_name_once_an_account")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_default(self) -> bool:
        return self.id == self.account_id

    @property
    def wire_id(self) -> str:
        return DEFAULT_WIRE_ID if self.is_default else self.id

    @property
    def trace_identity(self) -> tuple[str, str, str]:
        return "enterpriseProject", self.wire_id, self.name


class QuotaKind(models.TextChoices):
    """What is limited in number; the values are the wire's names of quotas."""

    KEYS = "CMK"
    GRANTS_PER_KEY = "grant_per_CMK"


class QuotaOverride(models.Model):
    """A limit of one project, or of every project of one account, that differs from the installation's default."""

    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="quota_overrides")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="quota_overrides")
    kind = models.CharField(max_length=32, choices=QuotaKind.choices)
    limit = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="quota_of_account_or_project",
                condition=models.Q(account__isnull=True, project__isnull=False)
                | models.Q(account__isnull=False, project__isnull=True),
            ),
            models.UniqueConstraint(fields=["account", "kind"], name="one_quota_of_a_kind_an_account"),
            models.UniqueConstraint(fields=["project", "kind"], name="one_quota_of_a_kind_a_project"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.limit}"

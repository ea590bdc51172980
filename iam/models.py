"""Who asks: users and groups, what they are allowed, and the credentials by which they are recognised.

No credential can be read back: a token is kept as its digest, a secret key sealed, a password as an Argon2 hash.
"""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from operations import clock
from projects.models import Account, EnterpriseProject, Project, new_id


class User(AbstractBaseUser):
    """An IAM user of one account.

    The two epochs are how everything issued before a change dies with it, in whatever process it is presented:
    tokens carry `password_epoch`, sessions `session_epoch`.
    """

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="users")
    name = models.CharField(max_length=64)
    email = models.EmailField(blank=True)
    enabled = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    password_changed_at = models.DateTimeField(default=clock.now)
    password_epoch = models.PositiveIntegerField(default=0)
    session_epoch = models.PositiveIntegerField(default=0)
    last_signed_in_at = models.DateTimeField(null=True, blank=True)
    last_project = models.ForeignKey(Project, models.SET_NULL, null=True, blank=True, related_name="+")
    preferences = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    last_login = None  # Django would set it by its own clock
    objects = BaseUserManager["User"]()

    # A name is unique in its account only, so Django knows users by their id.
    USERNAME_FIELD = "id"
    REQUIRED_FIELDS = []

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="user_name_once_an_account")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Django's name for `enabled`."""
        return self.enabled


class Group(models.Model):
    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="groups")
    name = models.CharField(max_length=64)
    members = models.ManyToManyField(User, through="Membership", related_name="groups")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="group_name_once_an_account")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    group = models.ForeignKey(Group, models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "group"], name="member_once_a_group")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"


class Policy(models.Model):
    """Named statements. A built-in one (no account) has its document in `iam.rights`: an upgrade reaches every user."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="policies")
    name = models.CharField(max_length=64)
    document = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="policy_name_once_an_account"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(account__isnull=True), name="built_in_policy_name_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


def _exactly_one(*names: str) -> Q:
    cases = [Q(**{f"{name}__isnull": name != chosen for name in names}) for chosen in names]
    either = cases[0]
    for case in cases[1:]:
        either |= case
    return either


class Assignment(models.Model):
    """A policy given to a user or to a group, for a whole account, one project, or one enterprise project."""

    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="assignments")
    group = models.ForeignKey(Group, models.CASCADE, null=True, blank=True, related_name="assignments")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="assignments")
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    enterprise_project = models.ForeignKey(EnterpriseProject, models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="assignment_has_one_holder_and_one_scope",
                condition=_exactly_one("user", "group") & _exactly_one("account", "project", "enterprise_project"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy_id} to {self.user_id or self.group_id}"


class Token(models.Model):
    """A Keystone token. 256 random bits reach the client; the SHA-256 of them stays here (SEC-044)."""

    digest = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    domain_scoped = models.BooleanField(default=False)
    methods = models.CharField(max_length=32, default="password")
    issued_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    password_epoch = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="token_has_one_scope", condition=Q(project__isnull=True) | Q(domain_scoped=False)
            ),
        ]

    def __str__(self) -> str:
        return f"token of {self.user_id} until {self.expires_at:%Y-%m-%dT%H:%M:%SZ}"


class ConsoleSession(models.Model):
    """A console session that is alive: without its row, a session cookie opens nothing (SEC-043).

    The session's data names the row, never the row the session: nothing in here is worth stealing.
    """

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="console_sessions")
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=256, blank=True)
    signed_in_at = models.DateTimeField(db_index=True)
    seen_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"session of {self.user_id} since {self.signed_in_at:%Y-%m-%dT%H:%M:%SZ}"


class AccessKey(models.Model):
    """An AK/SK pair. Two slots a user, so that one can replace the other without a gap (SEC-045)."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        INACTIVE = "inactive"

    ak = models.CharField(primary_key=True, max_length=20)
    user = models.ForeignKey(User, models.CASCADE, related_name="access_keys")
    slot = models.PositiveSmallIntegerField()
    sk_sealed = models.BinaryField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="at_most_two_access_keys", condition=Q(slot__in=(1, 2))),
            models.UniqueConstraint(fields=["user", "slot"], name="one_access_key_a_slot"),
        ]

    def __str__(self) -> str:
        return self.ak


class SignInAttempts(models.Model):
    """Failed sign-ins counted for one account and name, or for one address (SEC-041).

    `subject` is a digest: people type passwords into the field for names.
    """

    subject = models.CharField(primary_key=True, max_length=64)
    failures = models.PositiveIntegerField(default=0)
    last_failed_at = models.DateTimeField()
    blocked_until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "sign-in attempts"

    def __str__(self) -> str:
        return f"{self.failures} until {self.blocked_until:%Y-%m-%dT%H:%M:%SZ}"

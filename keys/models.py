"""A key and what is born and dies with it: its versions, its aliases, its grants and its tags."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from keys import states
from keys.states import Event, Nature, Origin, State, Use
from kmscrypto.specs import SPECS, KeySpec, Usage
from operations import timekeeping
from operations.caller import Caller
from operations.errors import KmsError
from projects.models import DEFAULT_WIRE_ID, Project

# The name of the operation by which a grantee gives a grant back.
RETIRE_GRANT = "retire-grant"


def new_key_id() -> str:
    return str(uuid.uuid4())


def new_grant_id() -> str:
    """64 hex digits that nobody can guess: who names a grant has been told of it."""
    return secrets.token_hex(32)


class Key(models.Model):
    """Ordered by `pk`: the order of creation, behind every list and its marker."""

    key_id = models.CharField(max_length=36, unique=True, default=new_key_id)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="keys")
    # The wire id of the enterprise project; "0" is the account's default one.
    enterprise_project_id = models.CharField(max_length=36, default=DEFAULT_WIRE_ID)
    # A copy of the primary alias's name, for lists; `Alias` is where names are held.
    alias = models.CharField(max_length=255)
    description = models.CharField(max_length=255, blank=True)
    spec_name = models.CharField(max_length=16)
    usage = models.CharField(max_length=24)
    origin = models.CharField(max_length=8, choices=[(o.value, o.value) for o in Origin])
    state = models.PositiveSmallIntegerField(choices=[(s.value, s.label) for s in State])
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    # A snapshot: `keys` does not know users.
    created_by_id = models.CharField(max_length=32, blank=True)
    created_by_name = models.CharField(max_length=255, blank=True)
    current_version = models.PositiveIntegerField(default=1)
    # The rotation policy, in days; None where it is off.
    rotation_days = models.PositiveSmallIntegerField(null=True)
    rotated_at = models.DateTimeField(null=True)
    rotation_due_at = models.DateTimeField(null=True)
    scheduled_deletion_at = models.DateTimeField(null=True)
    material_expires_at = models.DateTimeField(null=True)
    # Keyed digest of the first material; outlives it, so that only the same can come back (SEC-034).
    material_fingerprint = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state=State.PENDING_DELETION, scheduled_deletion_at__isnull=False)
                | (~Q(state=State.PENDING_DELETION) & Q(scheduled_deletion_at__isnull=True)),
                name="pending_deletion_has_a_date",
            ),
            models.CheckConstraint(
                condition=Q(material_expires_at__isnull=True) | Q(origin=Origin.EXTERNAL, spec_name="AES_256"),
                name="only_imported_symmetric_material_expires",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.PENDING_IMPORT) | Q(origin=Origin.EXTERNAL), name="only_external_keys_wait"
            ),
            models.CheckConstraint(
                condition=Q(current_version=1, rotation_days__isnull=True)
                | Q(origin=Origin.KMS, spec_name="AES_256", is_default=False),
                name="only_symmetric_keys_of_the_service_rotate",
            ),
            models.CheckConstraint(
                condition=Q(rotation_days__isnull=True, rotation_due_at__isnull=True)
                | Q(rotation_days__range=(30, 365), rotation_due_at__isnull=False),
                name="a_rotation_policy_has_a_date",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="key_by_creation"),
            # With all that tells whether a key counts in a list, so that counting a million reads no rows.
            models.Index(
                fields=["project", "state", "-id", "is_default", "scheduled_deletion_at"], name="key_by_state"
            ),
            models.Index(fields=["project", "alias", "id"], name="key_by_alias"),
            models.Index(fields=["project"], name="default_keys", condition=Q(is_default=True)),
            models.Index(
                fields=["material_expires_at"],
                name="key_by_expiry",
                condition=Q(material_expires_at__isnull=False),
            ),
            models.Index(
                fields=["scheduled_deletion_at"],
                name="key_by_deletion",
                condition=Q(scheduled_deletion_at__isnull=False),
            ),
            models.Index(
                fields=["rotation_due_at"], name="key_by_rotation", condition=Q(rotation_due_at__isnull=False)
            ),
            # For what is next in one project; the two by date alone are for the clock, which goes through all.
            models.Index(
                fields=["project", "material_expires_at"],
                name="next_expiry_of_a_project",
                condition=Q(material_expires_at__isnull=False),
            ),
            models.Index(
                fields=["project", "scheduled_deletion_at"],
                name="next_deletion_of_a_project",
                condition=Q(scheduled_deletion_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.alias} ({self.key_id})"

    # --- what never changes

    @property
    def spec(self) -> KeySpec:
        return SPECS[self.spec_name]

    @property
    def nature(self) -> Nature:
        return Nature(self.spec, Usage(self.usage), Origin(self.origin), self.is_default)

    @property
    def is_external(self) -> bool:
        return self.origin == Origin.EXTERNAL

    # --- what time changes

    def material_has_expired(self, at: datetime | None = None) -> bool:
        return self.material_expires_at is not None and self.material_expires_at <= (at or timekeeping.latest())

    def deletion_is_due(self, at: datetime | None = None) -> bool:
        """Whether the waiting period is over: the key is then gone, whether or not a job has tidied up."""
        return self.scheduled_deletion_at is not None and self.scheduled_deletion_at <= (at or timekeeping.latest())

    def state_now(self, at: datetime | None = None) -> State:
        """The state that counts. Material past its time is gone, whether or not a job has tidied up (SEC-035)."""
        state = State(self.state)
        if state in (State.ENABLED, State.DISABLED) and self.material_has_expired(at):
            return State.PENDING_IMPORT
        return state

    # --- as the target of an operation

    is_resource = True

    @property
    def trace_identity(self) -> tuple[str, str, str]:
        return "cmk", self.key_id, self.alias

    def admit(self, use: Use | None) -> None:
        """Raises KmsError where this key's kind or state does not allow the use."""
        if use is None:
            return
        code = states.refusal(use, self.nature, self.state_now())
        if code is not None:
            raise KmsError(code, hint=code.hint or self._present_state())

    def grants_to(self, caller: Caller, operation: str) -> bool:
        from keys import queries  # which reads the models of this module

        return queries.is_granted(self, caller, operation)

    def uses_open(self) -> frozenset[Use]:
        return states.uses_open_to(self.nature, self.state_now())

    def move(self, event: Event, *, has_material: bool = True) -> None:
        """The only place that assigns `state`. Does not save.

        Starts from the stored state: a service that may meet expired material settles it first (`expiry.settle`).
        """
        self.state = states.after(event, State(self.state), has_material=has_material)

    def _present_state(self) -> str:
        return f"The key is in state {self.state_now().label}."


class KeyVersion(models.Model):
    """One material of a key. `material_sealed` is null once the material was erased; the row, and its number, stay."""

    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(default=1)
    material_sealed = models.BinaryField(null=True)
    public_key = models.BinaryField(null=True)
    # What people may compare a backup with; see kmscrypto.fingerprint.check_value.
    check_value = models.CharField(max_length=16, blank=True)
    wrapping_algorithm = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "number"], name="one_version_a_number")]

    def __str__(self) -> str:
        return f"{self.key_id} v{self.number}"

    @property
    def material_id(self) -> str:
        """A UUID as the wire has one: the same for the same number of the same key, also after importing again."""
        return str(uuid.uuid5(uuid.UUID(self.key.key_id), str(self.number)))


class GranteeKind(models.TextChoices):
    """Whom a grant is given to: one user, or every user of an account. The values are the wire's."""

    USER = "user"
    DOMAIN = "domain"


class Grant(models.Model):
    """Named operations on one key for one grantee. Ordered by `pk`, as keys are.

    Principals are ids of users or accounts as the wire has them: `keys` does not know users, and whether there is such
    a user is nobody's business. An id is never used twice, so the grants of a deleted user open nothing.
    """

    grant_id = models.CharField(max_length=64, unique=True, default=new_grant_id)
    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="grants", db_index=False)
    name = models.CharField(max_length=255, blank=True)
    grantee = models.CharField(max_length=64)
    grantee_kind = models.CharField(max_length=6, choices=GranteeKind.choices)
    # The user who may end the grant beside the key's owner; empty for nobody.
    retiring_principal = models.CharField(max_length=64, blank=True)
    issued_by = models.CharField(max_length=64)
    # Names of operations that are declared grantable, in the order of the request.
    operations = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(grantee_kind__in=GranteeKind.values) & ~Q(grantee=""), name="grant_has_a_grantee"
            ),
        ]
        indexes = [
            models.Index(fields=["key", "-id"], name="grant_by_creation"),
            models.Index(fields=["grantee", "grantee_kind", "key"], name="grant_by_grantee"),
            models.Index(fields=["retiring_principal", "-id"], name="grant_by_retirer"),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.grant_id} to {self.grantee_kind} {self.grantee}"

    @property
    def trace_members(self) -> dict[str, str]:
        """What making it found out: by this ID the trail tells which grant ended later."""
        return {"grant_id": self.grant_id}

    def is_to(self, caller: Caller) -> bool:
        """Whether the caller is the grantee, or a user of the account that is."""
        return self.grantee == (caller.user_id if self.grantee_kind == GranteeKind.USER else caller.account_id)

    def may_be_retired_by(self, caller: Caller) -> bool:
        """The issuer, the retiring principal, and a grantee to whom retire-grant was granted (api.md 3.5)."""
        is_named = bool(caller.user_id) and caller.user_id in (self.issued_by, self.retiring_principal)
        return is_named or (self.is_to(caller) and RETIRE_GRANT in self.operations)


class Alias(models.Model):
    """A name of a key, unique in the project whether it is the primary one or one more. Ordered by `pk`."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=255)
    is_primary = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="alias_once_a_project"),
            models.UniqueConstraint(fields=["key"], condition=Q(is_primary=True), name="one_primary_alias_a_key"),
        ]
        indexes = [
            models.Index(fields=["project", "id"], name="alias_by_creation"),
            models.Index(fields=["key", "id"], name="alias_of_a_key"),
        ]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=128)
    value = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "name"], name="tag_key_once_a_key")]
        indexes = [models.Index(fields=["name", "value", "key"], name="key_by_tag")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.name}={self.value}"

"""What an operation is about: a key of the caller's project, the key inside a ciphertext, or the project itself.

Whatever is not in the caller's project does not exist (SEC-051): foreign and missing answer alike. The one door to a
key of another project is a grant on that key; it opens to the key's ID and nothing else (decision 0006).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from keys import queries
from keys.models import Key
from keys.services import defaults
from kmscrypto import envelope
from kmscrypto.errors import CryptoError
from operations import brief, errors
from operations.caller import Caller, Kind
from operations.errors import KmsError
from operations.fields import KEY_ID
from projects.models import Project

# The resource type of gen-random in the audit trail.
RNG = "rng"


@dataclass(frozen=True, slots=True)
class InProject:
    """The caller's project as the target of what concerns no single key.

    `enterprise_project_id` None: it is enough to have the right somewhere; the query then shows only what is there.
    """

    project_id: str
    enterprise_project_id: str | None = None
    is_resource: bool = False

    @property
    def trace_identity(self) -> tuple[str, str, str]:
        return "project", self.project_id, ""

    def admit(self, use: Any) -> None:
        return None

    def grants_to(self, caller: Caller, operation: str) -> bool:
        return False


class RandomNumberGenerator(InProject):
    """What gen-random is about."""

    @property
    def trace_identity(self) -> tuple[str, str, str]:
        return RNG, "", ""


def the_random_number_generator(caller: Caller, request: dict[str, Any]) -> InProject:
    return RandomNumberGenerator(caller.project_id)


def the_project(caller: Caller, request: dict[str, Any]) -> InProject:
    return InProject(caller.project_id)


def the_enterprise_project(caller: Caller, request: dict[str, Any]) -> InProject:
    """Where a key is to be made; "0", the default one, unless the request names another."""
    return InProject(caller.project_id, request.get("enterprise_project_id") or "0")


def the_key(caller: Caller, request: dict[str, Any]) -> Key:
    """By ID, `alias/<name>` or alias URN; a granted key of another project by its ID. Raises KEY_NOT_FOUND."""
    return find(caller, request.pop("key_id"), by_grant=True)


def make_default_key(caller: Caller, request: Mapping[str, Any]) -> bool:
    """For what encrypts: a service's default key is made by its first use. Says whether it was."""
    return make_default_key_named(caller, request["key_id"])


def make_default_key_named(caller: Caller, reference: str) -> bool:
    name = _name(caller, reference)
    if name is None or not defaults.is_to_be_made(caller, name):
        return False
    brief.require_thread()
    defaults.make(Project.objects.get(pk=caller.project_id), name.removesuffix(defaults.SUFFIX))
    return True


def the_locked_key(caller: Caller, request: dict[str, Any]) -> Key:
    """As `the_key`, with its row locked until the transaction ends."""
    return find(caller, request.pop("key_id"), lock=True)


def the_key_before_locking(caller: Caller, request: dict[str, Any]) -> Key:
    """As `the_locked_key`, before the transaction: for what is prepared."""
    return find(caller, request.pop("key_id"))


def the_locked_granted_key(caller: Caller, request: dict[str, Any]) -> Key:
    """As `the_locked_key`, and open to who holds a grant on a key of another project: for changing grants."""
    return find(caller, request.pop("key_id"), lock=True, by_grant=True)


def the_locked_destination(caller: Caller, request: dict[str, Any]) -> Key:
    """The key that an alias is to belong to, locked."""
    return find(caller, request.pop("target_key_id"), lock=True)


def the_key_or_the_project(caller: Caller, request: dict[str, Any]) -> Key | InProject:
    """The key, where the request names one."""
    reference = request.pop("key_id")
    return InProject(caller.project_id) if reference is None else find(caller, reference)


def the_due_key(caller: Caller, request: dict[str, Any]) -> Key:
    """For the clock alone: locked, and found even where its waiting period is over. Raises KEY_NOT_FOUND."""
    keys = Key.objects.filter(project_id=caller.project_id).select_related("project").select_for_update(of=("self",))
    key = keys.filter(key_id=request.pop("key_id")).first()
    if key is None:
        raise KmsError(errors.KEY_NOT_FOUND)
    return key


def the_key_of_the_ciphertext(caller: Caller, request: dict[str, Any]) -> Key:
    """The key named by `key_id`, else by the authenticated header of a ciphertext of ours (SEC-012)."""
    reference = request.pop("key_id")
    if reference is not None:
        return find(caller, reference, by_grant=True)
    try:
        sealed = envelope.parse(request["cipher_text"])
    except CryptoError as cause:
        raise KmsError(errors.CIPHER_TEXT_INVALID, field="cipher_text") from cause
    return find(caller, str(sealed.key_id), by_grant=True)


def find(caller: Caller, reference: str, *, lock: bool = False, by_grant: bool = False) -> Key:
    """By any reference. Raises KEY_NOT_FOUND, also where the waiting period is over: then the key is gone.

    `by_grant`: a key of another project too, by its ID, where a grant on it concerns the caller.
    """
    try:
        return _own(caller, reference, lock=lock)
    except KmsError:
        if not by_grant or caller.kind is not Kind.API or not KEY_ID.fullmatch(reference):
            raise
        return _granted(caller, reference, lock=lock)


def _own(caller: Caller, reference: str, *, lock: bool) -> Key:
    """A remembered key is shared between requests and never changed; inside a transaction, where keys are, each is read
    anew.
    """
    if lock or caller.memory is None or connection.in_atomic_block:
        key = _load(caller, reference, lock=lock)
    else:
        # Found by its ID, a key stands on its own row alone; by a name, also on who bears that.
        row = reference if KEY_ID.fullmatch(reference) else ""
        key = caller.memory.recall(("key", reference), lambda: _load(caller, reference), row=row)
    if key.deletion_is_due():
        raise KmsError(errors.KEY_NOT_FOUND)
    return key


def _load(caller: Caller, reference: str, *, lock: bool = False) -> Key:
    keys = Key.objects.filter(project_id=caller.project_id, **_condition(caller, reference))
    return _first(keys, lock=lock)


def _granted(caller: Caller, key_id: str, *, lock: bool) -> Key:
    """Never remembered: what changes a foreign key, or a grant on it, is not counted in the caller's project."""
    return _first(queries.keys_granted_to(caller).filter(key_id=key_id), lock=lock)


def _first(keys: QuerySet[Key], *, lock: bool) -> Key:
    keys = keys.select_related("project")
    if lock:
        keys = keys.select_for_update(of=("self",))
    key = keys.first()
    if key is None:
        raise KmsError(errors.KEY_NOT_FOUND)
    return key


def _condition(caller: Caller, reference: str) -> dict[str, str]:
    if KEY_ID.fullmatch(reference):
        return {"key_id": reference}
    name = _name(caller, reference)
    if name is None:
        raise KmsError(errors.KEY_NOT_FOUND)
    # By any of its aliases; with the project's id, so that their index is used.
    return {"aliases__project": caller.project_id, "aliases__name": name}


def _name(caller: Caller, reference: str) -> str | None:
    """The alias in a reference; None for an ID, and for a URN of another account or region."""
    for prefix in ("alias/", f"kms:{caller.region_id}:{caller.account_id}:alias:"):
        if reference.startswith(prefix):
            return reference.removeprefix(prefix)
    return None

"""AK/SK pairs: made, shown once, kept sealed, switched off and on, deleted; and what one of them stands on when it is
used (SEC-045).

Every change leaves its trace in the same transaction, under the names that the cloud's own trail has for them.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from iam.models import AccessKey, User
from operations import clock
from operations.caller import Caller
from operations.changes import Memory
from operations.trail import record_event
from vault import sealing
from vault.cache import OpenedKeys
from vault.sealing import Binding

SLOTS = (1, 2)
USE_IS_NOTED_EVERY = timedelta(hours=1)
_AK_ALPHABET = string.ascii_uppercase + string.digits
_SK_ALPHABET = string.ascii_letters + string.digits


# Opened secret keys of this process, by the row's content: what is sealed anew is opened anew (SEC-006).
_opened: OpenedKeys[tuple[str, bytes], bytes] = OpenedKeys(entries=1000, seconds=60)


class UnknownAccessKey(Exception):
    """There is no such pair."""


class TooManyAccessKeys(Exception):
    """The user has two access keys; one must be deleted first."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new pair. The secret key is told now or never."""

    access_key: AccessKey
    secret_key: str = field(repr=False)


@transaction.atomic
def create(user: User, *, by: Caller) -> Created:
    """Raises TooManyAccessKeys; Sealed while the vault is."""
    # The user's row is the lock under which a free slot stays free.
    User.objects.select_for_update().get(pk=user.pk)
    taken = set(AccessKey.objects.filter(user=user).values_list("slot", flat=True))
    free = [slot for slot in SLOTS if slot not in taken]
    if not free:
        raise TooManyAccessKeys
    ak = _random(_AK_ALPHABET, 20)
    sk = _random(_SK_ALPHABET, 40)
    sealed = sealing.seal(_binding(ak), sk.encode())
    created = AccessKey.objects.create(ak=ak, user=user, slot=free[0], sk_sealed=sealed)
    _record("createCredential", created, by)
    return Created(created, sk)


def listed(user_id: str | None = None) -> QuerySet[AccessKey]:
    """The pairs of one user, or of all, the oldest first; with their owners, and without what is sealed."""
    rows = AccessKey.objects.select_related("user__account").defer("sk_sealed")
    ordered = rows.order_by("user__account__name", "user__name", "created_at", "slot")
    return ordered if user_id is None else ordered.filter(user=user_id)


def named(ak: str, *, user_id: str | None = None) -> AccessKey:
    """The pair to be changed; one of this user, where a user is given. Raises UnknownAccessKey."""
    found = listed(user_id).filter(ak=ak).first()
    if found is None:
        raise UnknownAccessKey
    return found


def enable(access_key: AccessKey, *, by: Caller) -> None:
    """Raises UnknownAccessKey for one that was deleted meanwhile. Enabling an enabled one changes nothing."""
    _set_status(access_key, AccessKey.Status.ACTIVE, by)


def disable(access_key: AccessKey, *, by: Caller) -> None:
    """From now on no process takes a signature of it. Raises UnknownAccessKey as `enable` does."""
    _set_status(access_key, AccessKey.Status.INACTIVE, by)


@transaction.atomic
def delete(access_key: AccessKey, *, by: Caller) -> None:
    """The secret key goes with the row: nothing brings the pair back. Raises UnknownAccessKey."""
    _locked(access_key).delete()
    _record("deleteCredential", access_key, by)


@transaction.atomic
def _set_status(access_key: AccessKey, status: AccessKey.Status, by: Caller) -> None:
    row = _locked(access_key)
    if row.status != status:
        row.status = status
        row.save(update_fields=["status"])
        _record("updateCredential", access_key, by, status=status.value)


def _locked(access_key: AccessKey) -> AccessKey:
    row = AccessKey.objects.select_for_update().filter(pk=access_key.pk).first()
    if row is None:
        raise UnknownAccessKey
    return row


def _record(name: str, access_key: AccessKey, by: Caller, **changed: str) -> None:
    owner = access_key.user
    record_event(name, by, resource=("user", owner.pk, owner.name), request={"access_key": access_key.ak, **changed})


def find(ak: str, memory: Memory | None = None) -> AccessKey:
    """The pair with its owner and the owner's account: one query, or none where remembered. Raises UnknownAccessKey.

    Whether it is usable is told, not enforced: a signature is judged before anything is said about its key.
    """
    return memory.recall(("access key", ak), lambda: _load(ak)) if memory else _load(ak)


def _load(ak: str) -> AccessKey:
    found = AccessKey.objects.select_related("user__account").filter(ak=ak).first()
    if found is None:
        # Sealing costs what opening does: the time of an answer does not tell whether there is such a key.
        sealing.seal(_binding(ak), ak.encode())
        raise UnknownAccessKey
    return found


def secret_key(access_key: AccessKey) -> bytes:
    """For checking a signature. Raises OpenFailed, Sealed."""
    place = access_key.ak, bytes(access_key.sk_sealed)
    secret = _opened.get(place)
    if secret is None:
        secret = sealing.open(_binding(access_key.ak), place[1])
        _opened.put(place, secret)
    return secret


def is_usable(access_key: AccessKey) -> bool:
    return access_key.status == AccessKey.Status.ACTIVE and access_key.user.enabled


# When pairs were used last, until `write_uses` has put it into the table. Lost with the process.
_noted_uses: dict[str, datetime] = {}


def note_use(access_key: AccessKey) -> None:
    """Keeps when the pair was used last, to the hour. In memory: no call waits, or fails, for the sake of a time."""
    now, before = clock.now(), access_key.last_used_at
    if before is None or now - before >= USE_IS_NOTED_EVERY:
        _noted_uses[access_key.pk] = now
        access_key.last_used_at = now  # for whoever remembers this row


def has_noted_uses() -> bool:
    return bool(_noted_uses)


def write_uses() -> None:
    """Puts what was noted into the table. Raises DatabaseError where it cannot be written: it is noted still."""
    for ak, at in _noted_uses.copy().items():
        is_later = Q(last_used_at=None) | Q(last_used_at__lt=at)
        AccessKey.objects.filter(is_later, pk=ak).update(last_used_at=at)
        if _noted_uses.get(ak) == at:
            del _noted_uses[ak]


def _binding(ak: str) -> Binding:
    return Binding(kind="access-key", object_id=ak, purpose="iam")


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))

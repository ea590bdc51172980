"""AK/SK pairs: made, shown once, kept sealed (SEC-045)."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field

from django.db import transaction

from iam.models import AccessKey, User
from vault import sealing
from vault.sealing import Binding

SLOTS = (1, 2)
_AK_ALPHABET = string.ascii_uppercase + string.digits
_SK_ALPHABET = string.ascii_letters + string.digits


class TooManyAccessKeys(Exception):
    """The user has two access keys; one must be deleted first."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new pair. The secret key is told now or never."""

    access_key: AccessKey
    secret_key: str = field(repr=False)


@transaction.atomic
def create(user: User) -> Created:
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
    return Created(AccessKey.objects.create(ak=ak, user=user, slot=free[0], sk_sealed=sealed), sk)


def secret_key(access_key: AccessKey) -> bytes:
    """For checking a signature. Raises OpenFailed, Sealed."""
    return sealing.open(_binding(access_key.ak), bytes(access_key.sk_sealed))


def _binding(ak: str) -> Binding:
    return Binding(kind="access-key", object_id=ak, purpose="iam")


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))

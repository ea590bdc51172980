"""Root key → service keys and project keys (security.md §2), and whether this process may use them: sealed or unsealed.

Sealed means: no root key, the wrong one, no initialised database, or a failed self-test (SEC-005, SEC-097). Then
nothing opens, nothing is written, and `seal_reason` tells the operator what to do.
"""

from __future__ import annotations

import logging
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, partial
from threading import Lock
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from kmscrypto import selftest
from kmscrypto.errors import CryptoError
from operations import clock
from vault import keyring, wraps
from vault.cache import OpenedKeys
from vault.errors import OpenFailed, Sealed
from vault.models import Canary, ProjectKey, ServiceKey, WrappedKey

log = logging.getLogger(__name__)

RECHECK_SECONDS = 3.0
PROJECT_KEY_SECONDS = 300.0  # SEC-006
PROJECT_KEY_ENTRIES = 1000

UNINITIALISED = "The strong room is not initialised: run manage.py init_root."


class ServicePurpose(StrEnum):
    IMPORT_TOKEN = "import-token"  # noqa: S105  (a name, not a token)
    FINGERPRINT = "fingerprint"
    IAM = "iam"


@dataclass(frozen=True)
class OpenedKey:
    """A key encryption key, opened. `id` and `version` go into the header of what it seals."""

    id: UUID
    version: int
    material: bytes = field(repr=False)


@dataclass(frozen=True)
class _Verdict:
    reason: str
    until: float  # monotonic seconds


_service_keys: OpenedKeys[str, OpenedKey] = OpenedKeys(entries=len(ServicePurpose), seconds=float("inf"))
_project_keys: OpenedKeys[tuple[str, str, int], OpenedKey] = OpenedKeys(
    entries=PROJECT_KEY_ENTRIES, seconds=PROJECT_KEY_SECONDS
)
_verdict: _Verdict | None = None
_verdict_lock = Lock()


def is_sealed() -> bool:
    return bool(seal_reason())


def require_unsealed() -> None:
    """Raises Sealed, with the reason, if this process cannot open keys."""
    if reason := seal_reason():
        raise Sealed(reason)


def seal_reason() -> str:
    """Why the strong room is sealed, one or two sentences for the operator; empty if it is not.

    Costs a comparison: an unsealed process stays so, a sealed one looks again every few seconds.
    """
    global _verdict
    verdict = _verdict
    if verdict is None or time.monotonic() >= verdict.until:
        with _verdict_lock:
            if _verdict is None or time.monotonic() >= _verdict.until:
                reason = _examine()
                _tell(reason, before=_verdict.reason if _verdict else "")
                _verdict = _Verdict(reason, time.monotonic() + RECHECK_SECONDS if reason else float("inf"))
            verdict = _verdict
    return verdict.reason


def service_key(purpose: ServicePurpose) -> bytes:
    """The 32 bytes of a service key. Raises Sealed."""
    return opened_service_key(purpose).material


def opened_service_key(purpose: ServicePurpose) -> OpenedKey:
    require_unsealed()
    known = _service_keys.get(purpose)
    if known is None:
        row = ServiceKey.objects.filter(purpose=purpose, retired_at=None).order_by("-version").first()
        if row is None:
            raise Sealed(f"The service key {purpose} is missing from the database: restore it from your backup.")
        try:
            known = _opened(row)
        except OpenFailed:
            raise Sealed(f"The service key {purpose} does not open: the database was altered.") from None
        _service_keys.put(purpose, known)
    return known


def project_key(region: str, project: str, *, version: int | None = None) -> OpenedKey:
    """The key of a project: the one to seal with, made at first use, or that of a `version` to open with.

    Which one seals, the database is asked each time: so a version that was replaced seals nothing more in any process.
    Raises Sealed, or OpenFailed if there is no such version or the row was altered.
    """
    require_unsealed()
    row = None
    if version is None:
        version = _current_version(region, project)
        if version is None:
            row = _first_project_key(region, project)
            version = row.version
    known = _project_keys.get((region, project, version))
    if known is not None:
        return known
    row = row or ProjectKey.objects.filter(region=region, project=project, version=version).first()
    if row is None:
        raise OpenFailed
    opened = _opened(row)
    # Only once the row is certain to stay: a key that this very transaction made vanishes if it is rolled back.
    transaction.on_commit(partial(_project_keys.put, (region, project, version), opened))
    return opened


def lock_canary() -> Canary:
    """The canary, locked until the end of the transaction.

    Whoever adds a wrapped row holds this lock, and so does a rotation when it changes the root that new rows are
    wrapped by: no row can be added under a root that is about to be retired.
    """
    canary = Canary.objects.select_for_update().first()
    if canary is None:
        raise Sealed(UNINITIALISED)
    return canary


def forget() -> None:
    """Drops every opened key and the verdict from this process's memory, as if it had just started."""
    global _verdict
    _service_keys.clear()
    _project_keys.clear()
    wraps.forget()
    keyring.forget()
    _self_test_failure.cache_clear()
    _verdict = None


_CURRENT = "SELECT version FROM vault_projectkey WHERE region = %s AND project = %s AND retired_at IS NULL"


def _current_version(region: str, project: str) -> int | None:
    """Of the version that seals. It is held till the end of the transaction, so it is not replaced before the commit.

    Those who seal do not wait for each other: a shared lock is all they take. SQLite lets one transaction write anyway.
    """
    lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    for _look in range(2):  # the first one may have waited for a rotation, and then finds what it began with gone
        with connection.cursor() as cursor:
            cursor.execute(_CURRENT + lock, [region, project])
            if found := cursor.fetchone():
                return int(found[0])
    return None


def _first_project_key(region: str, project: str) -> ProjectKey:
    with transaction.atomic():
        canary = lock_canary()
        # Whoever held the lock before us may have made it.
        found = ProjectKey.objects.filter(region=region, project=project, retired_at=None).first()
        if found is not None:
            return found
        row = ProjectKey(region=region, project=project, created_at=clock.now())
        keyring.wrap_new_key(row, under=keyring.root(canary.root_id)).save(force_insert=True)
        return row


def _opened(row: WrappedKey) -> OpenedKey:
    return OpenedKey(id=row.id, version=row.version, material=keyring.unwrap(row))


def _examine() -> str:
    if failure := _self_test_failure():
        return failure
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            canary = Canary.objects.first()
            if canary is None:
                return _without_canary()
            keyring.check_canary(canary)
    except DatabaseError:  # the savepoint, if there is one, keeps it from spoiling the caller's transaction
        return "The database cannot be read, or has not been migrated: run manage.py migrate."
    except Sealed as sealed:
        return sealed.reason
    return ""


def _without_canary() -> str:
    if ServiceKey.objects.exists() or ProjectKey.objects.exists():
        return "The canary is missing from the database: restore it from your backup."
    return UNINITIALISED


def _tell(reason: str, *, before: str) -> None:
    if reason and reason != before:
        log.error("The strong room is sealed. %s", reason)
    elif before and not reason:
        log.warning("The strong room is no longer sealed.")


@cache
def _self_test_failure() -> str:
    try:
        selftest.run()
    except CryptoError as error:
        return f"{error} Nothing is encrypted with this installation of the library."
    return ""

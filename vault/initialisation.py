"""The first start: a root key, the canary that recognises it, and the service keys. Once, on explicit order (SEC-005).

A root key is never made beside a database that has one. The new key gets its lasting name only after the database is
committed; until then it is the incoming one, which every process reads as well. So a crash at any point is mended by
doing it again.
"""

from __future__ import annotations

from django.db import DatabaseError, transaction

from operations import clock
from vault import hierarchy, keyring, roots
from vault.errors import RootKeyMissing, RootKeyUnsafe, VaultError
from vault.models import Canary, ProjectKey, ServiceKey


def initialise(*, use_existing_root: bool = False) -> str:
    """Prepares an empty database and returns the id of its root key.

    A root key that is already in its file or token is taken only with `use_existing_root`; the environment and a
    program always bring their own. Raises VaultError, with a sentence that says why, and then has changed nothing.
    """
    source = roots.configured()
    if isinstance(source, roots.KeepingSource):
        with source.exclusively():
            return _initialise_with_ours(source, use_existing_root=use_existing_root)
    _refuse_a_database_with_keys()
    root = source.read().current
    if root is None:
        raise RootKeyMissing(f"There is no root key in {source.place}.")
    _write_rows(root)
    return root.root_id()


def _initialise_with_ours(source: roots.KeepingSource, *, use_existing_root: bool) -> str:
    if root_id := _unsettled(source):
        source.settle()
        return root_id
    _refuse_a_database_with_keys()
    found = source.look()
    if found.current is not None and not use_existing_root:
        raise VaultError(
            f"There is a root key at {source.place} already, but nothing in this database is sealed under it. If the "
            "database is new and shall use that root key, run init_root --use-existing; otherwise check which database "
            "you are connected to."
        )
    if not found.by_id():
        source.create_incoming()
        found = source.look()
    root = found.current or found.incoming
    if root is None:
        raise RootKeyMissing(f"There is no root key at {source.place}.")
    _write_rows(root)
    if found.current is None:
        source.settle()
    return root.root_id()


def _unsettled(source: roots.KeepingSource) -> str | None:
    """The root id of an initialisation that was cut off between the commit and the naming of the root key."""
    canary = _canary()
    if canary is None:
        return None
    try:
        found = source.look()
    except (RootKeyMissing, RootKeyUnsafe):
        return None
    is_cut_off = found.current is None and found.incoming is not None and found.incoming.root_id() == canary.root_id
    return canary.root_id if is_cut_off else None


def _refuse_a_database_with_keys() -> None:
    canary = _canary()
    if canary is not None:
        raise VaultError(
            f"This database is sealed under root key {canary.root_id} already. A new root key beside it would lose "
            "every key in it; nothing was changed. If the root key is lost, restore it from your backup."
        )
    if ServiceKey.objects.exists() or ProjectKey.objects.exists():
        raise VaultError("This database holds keys but no canary; nothing was changed. Restore it from your backup.")


def _canary() -> Canary | None:
    try:
        with transaction.atomic():
            return Canary.objects.first()
    except DatabaseError:
        raise VaultError("The database cannot be read, or has not been migrated: run manage.py migrate.") from None


def _write_rows(root: roots.RootProvider) -> None:
    now = clock.now()
    with transaction.atomic():
        keyring.wrap_canary(Canary(created_at=now), under=root).save(force_insert=True)
        for purpose in hierarchy.ServicePurpose:
            row = ServiceKey(purpose=purpose, created_at=now)
            keyring.wrap_new_key(row, under=root).save(force_insert=True)
    hierarchy.forget()

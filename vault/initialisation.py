"""The first start: a root key, the canary that recognises it, and the service keys. Once, on explicit order (SEC-005).

A root key is never made beside a database that has one. The new key is named `root.key` only after the database is
committed; until then it is the incoming one, which every process reads as well. So a crash at any point is mended by
doing it again.
"""

from __future__ import annotations

from django.db import DatabaseError, transaction

from operations import clock
from vault import hierarchy, keyring, rootfile, roots
from vault.errors import RootKeyMissing, RootKeyUnsafe, VaultError
from vault.models import Canary, ProjectKey, ServiceKey


def initialise(*, use_existing_root: bool = False) -> str:
    """Prepares an empty database and returns the id of its root key.

    A root key file that is already there is taken only with `use_existing_root`; the environment and a program always
    bring their own. Raises VaultError, with a sentence that says why, and then has changed nothing.
    """
    source = roots.configured()
    if not isinstance(source, roots.FileSource):
        _refuse_a_database_with_keys()
        root = source.read().current
        if root is None:
            raise RootKeyMissing(f"There is no root key in {source.place}.")
        _write_rows(root)
        return root.root_id()
    with rootfile.exclusively(source.path.parent):
        return _initialise_with_file(source, use_existing_root=use_existing_root)


def _initialise_with_file(source: roots.FileSource, *, use_existing_root: bool) -> str:
    if root_id := _unsettled(source):
        rootfile.settle(source.path, source.incoming_path)
        return root_id
    _refuse_a_database_with_keys()
    if source.path.exists() and not use_existing_root:
        raise VaultError(
            f"There is a root key at {source.path} already, but nothing in this database is sealed under it. If the "
            "database is new and shall use that root key, run init_root --use-existing; otherwise check which database "
            "you are connected to."
        )
    made = not source.path.exists()
    if made and not source.incoming_path.exists():
        rootfile.create(source.incoming_path)
    found = source.read()
    root = found.incoming if made else found.current
    if root is None:
        raise RootKeyMissing(f"There is no root key at {source.path}.")
    _write_rows(root)
    if made:
        rootfile.settle(source.path, source.incoming_path)
    return root.root_id()


def _unsettled(source: roots.FileSource) -> str | None:
    """The root id of an initialisation that was cut off between the commit and the naming of the file."""
    canary = _canary()
    if canary is None or source.path.exists():
        return None
    try:
        incoming = source.read().incoming
    except (RootKeyMissing, RootKeyUnsafe):
        return None
    return canary.root_id if incoming is not None and incoming.root_id() == canary.root_id else None


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

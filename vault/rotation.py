"""A new root key in place of the old, while the product runs (SEC-003).

Every service and project key is wrapped anew, one row per transaction, then the canary; what those keys seal is not
touched. Until nothing is under the old root, both can be read. Killed at any point, the rotation goes on where it was
when started again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from vault import hierarchy, keyring, roots
from vault.errors import OpenFailed, VaultError
from vault.models import Canary, ProjectKey, ServiceKey, Wrapped, WrappedKey


@dataclass(frozen=True)
class Rotated:
    """What a rotation did. `retired` says where the old root key is now, or what the operator has to do with it."""

    root_id: str
    rewrapped: int
    retired: str


def prepare() -> str:
    """Makes the new root key beside the old one, uses it for nothing yet, and returns its id. Files and tokens only."""
    source = roots.configured()
    if not isinstance(source, roots.KeepingSource):
        raise VaultError(_bring_your_own(source))
    with source.exclusively():
        _examine_afresh()
        return _incoming(source).root_id()


def rotate(*, keep_old: bool = True, on_step: Callable[[str], None] = lambda step: None) -> Rotated:
    """Moves everything to the incoming root key, then retires the current one.

    In a file or a token it is made if there is none; the environment and a program have to bring the new key. Raises
    VaultError, and then both root keys are still needed unless it says otherwise.
    """
    source = roots.configured()
    if isinstance(source, roots.KeepingSource):
        with source.exclusively():
            _examine_afresh()
            incoming = _incoming(source)
            rewrapped = _rewrap_everything(incoming, on_step)
            return Rotated(incoming.root_id(), rewrapped, source.retire(keep=keep_old))
    _examine_afresh()
    brought = source.read().incoming
    if brought is None:
        raise VaultError(_bring_your_own(source))
    rewrapped = _rewrap_everything(brought, on_step)
    return Rotated(
        brought.root_id(), rewrapped, f"Nothing needs the old root key any more: take it out of {source.place}."
    )


def _incoming(source: roots.KeepingSource) -> roots.RootProvider:
    found = source.look()
    if found.current is None and found.incoming is not None:
        # Cut off between two names, if all keys are under the incoming one; then that is the current one.
        if left := _keys_under_others(found.incoming.root_id()):
            raise VaultError(f"{left} keys are under a root key that is not at {source.place}: put it back first.")
        source.settle()
        found = source.look()
    if found.incoming is None:
        source.create_incoming()
        found = source.look()
    if found.incoming is None:
        raise VaultError(f"{source.incoming_place} disappeared while it was needed.")
    return found.incoming


def _rewrap_everything(target: roots.RootProvider, on_step: Callable[[str], None]) -> int:
    count = _rewrap_keys(target, on_step)
    with transaction.atomic(durable=True):
        canary = hierarchy.lock_canary()
        if canary.root_id != target.root_id():
            _rewrap(canary, target)
            count += 1
    on_step("canary")
    # From here on new keys are wrapped by the new root; whatever was added before the canary moved is committed and
    # visible.
    count += _rewrap_keys(target, on_step)
    if left := _keys_under_others(target.root_id()):
        raise VaultError(f"{left} keys are still under another root key; nothing was retired. Run the rotation again.")
    return count


def _rewrap_keys(target: roots.RootProvider, on_step: Callable[[str], None]) -> int:
    count = 0
    models: tuple[type[WrappedKey], ...] = (ServiceKey, ProjectKey)
    for model in models:
        pending = model._default_manager.exclude(root_id=target.root_id()).order_by("pk")
        while True:
            with transaction.atomic(durable=True):
                row = pending.select_for_update().first()
                if row is None:
                    break
                _rewrap(row, target)
            count += 1
            on_step(str(row))
    return count


def _rewrap(row: Wrapped, target: roots.RootProvider) -> None:
    before = row.root_id
    try:
        keyring.rewrap(row, under=target)
    except OpenFailed:
        raise VaultError(
            f"The {row} does not open under root key {before}; the rotation stops and both root keys stay. "
            "Run check_vault, and restore the row from your backup."
        ) from None
    row.save(update_fields=["root_id", "wrapped"])


def _keys_under_others(root_id: str) -> int:
    return sum(model.objects.exclude(root_id=root_id).count() for model in (ServiceKey, ProjectKey, Canary))


def _examine_afresh() -> None:
    hierarchy.forget()
    hierarchy.require_unsealed()


def _bring_your_own(source: roots.RootSource) -> str:
    if isinstance(source, roots.EnvironmentSource):
        return f"Set {source.INCOMING} to the new root key, beside the old one, in every process; then rotate."
    return f"Let {source.place} announce the new root key as incoming; then rotate."

"""The root keys as this process knows them, and the wrapping of rows under them.

Each row names its root, so rows under the old and the new root are readable side by side during a rotation. A process
that meets a root it does not know looks at the source again: a rotation needs no restart.
"""

from __future__ import annotations

import secrets
from threading import Lock
from typing import TypeVar

from kmscrypto.envelope import bind
from vault import roots
from vault.errors import OpenFailed, RootKeyMissing, RootKeyUnsafe, RootKeyWrong, Sealed
from vault.models import Canary, Wrapped

KEY_BYTES = 32
_CANARY = b"kms-console canary: this root key is the right one"

W = TypeVar("W", bound=Wrapped)

_roots: dict[str, roots.RootProvider] = {}
_lock = Lock()


def root(root_id: str) -> roots.RootProvider:
    """The root key of that id. Raises Sealed if the source does not have it (any more)."""
    known = _roots.get(root_id)
    if known is not None:
        return known
    with _lock:
        try:
            found = roots.read_for(root_id, roots.configured())
        except (RootKeyMissing, RootKeyWrong, RootKeyUnsafe) as error:
            raise Sealed(str(error)) from error
        _roots.clear()
        _roots.update(found)
        return found[root_id]


def wrap_new_key(row: W, *, under: roots.RootProvider) -> W:
    """Fills an unsaved row with a new random key."""
    return wrap(row, secrets.token_bytes(KEY_BYTES), under=under)


def wrap_canary(row: Canary, *, under: roots.RootProvider) -> Canary:
    return wrap(row, _CANARY, under=under)


def wrap(row: W, plaintext: bytes, *, under: roots.RootProvider) -> W:
    row.root_id = under.root_id()
    try:
        row.wrapped = under.wrap(plaintext, _aad(row))
    except RootKeyMissing as error:
        raise Sealed(str(error)) from error
    return row


def rewrap(row: Wrapped, *, under: roots.RootProvider) -> None:
    """Moves a row to another root, unsaved. Raises as `unwrap` does, also if the row would not open again."""
    plaintext = unwrap(row)
    wrap(row, plaintext, under=under)
    try:
        again = under.unwrap(bytes(row.wrapped), _aad(row))
    except RootKeyMissing as error:
        raise Sealed(str(error)) from error
    if not secrets.compare_digest(again, plaintext):
        raise OpenFailed


def unwrap(row: Wrapped) -> bytes:
    """The plaintext of a row. Raises OpenFailed if it was altered or moved, Sealed if its root is not to be had."""
    try:
        provider = root(row.root_id)
    except Sealed:
        # A rotation may have ended after the row was read: then the row has moved to a root that is there.
        before = row.root_id
        row.refresh_from_db(fields=["root_id", "wrapped"])
        if row.root_id == before:
            raise
        provider = root(row.root_id)
    try:
        return provider.unwrap(bytes(row.wrapped), _aad(row))
    except RootKeyMissing as error:
        raise Sealed(str(error)) from error


def check_canary(canary: Canary) -> None:
    """Raises Sealed unless the root key that the canary names opens it."""
    try:
        if secrets.compare_digest(unwrap(canary), _CANARY):
            return
    except OpenFailed:
        pass
    raise Sealed(f"Root key {canary.root_id} does not open this database's canary: the database was altered.")


def forget() -> None:
    """Drops the root keys from memory; the next use reads the source again."""
    with _lock:
        _roots.clear()


def _aad(row: Wrapped) -> bytes:
    return bind("vault", *row.place, row.root_id)

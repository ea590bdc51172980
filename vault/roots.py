"""Where root keys come from: a file, the environment, a program of the operator's, or a PKCS#11 token (SEC-001).

A source gives the current root and, while a rotation is under way, the incoming one. The bytes of a root derive a
wrap key and an id and are used for nothing else; a `RootProvider` does not keep them.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from kmscrypto import envelope
from kmscrypto.errors import CryptoError
from vault import rootfile
from vault.errors import OpenFailed, RootKeyMissing, RootKeyUnsafe, RootKeyWrong, VaultError

log = logging.getLogger(__name__)

_WRAP_LABEL = b"kms-console root wrap 1"
_ID_LABEL = b"root-id"


class RootProvider(Protocol):
    """One root key. `aad` must be presented again, byte for byte, to unwrap."""

    def root_id(self) -> str:
        """16 hex digits that name the key and tell nothing about it."""

    def wrap(self, plaintext: bytes, aad: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """Raises OpenFailed for anything that this root did not wrap with this `aad`."""


@dataclass(frozen=True)
class Roots:
    """The root keys a source has: one, or two while a rotation is under way."""

    current: RootProvider | None
    incoming: RootProvider | None = None

    def by_id(self) -> dict[str, RootProvider]:
        return {root.root_id(): root for root in (self.current, self.incoming) if root is not None}


class RootSource(Protocol):
    place: str
    """Where an operator has to look; stands in messages."""

    def read(self) -> Roots:
        """Raises RootKeyMissing or RootKeyUnsafe."""


@runtime_checkable
class KeepingSource(RootSource, Protocol):
    """A source in which we make and retire the root keys ourselves, under names that tell the current one."""

    @property
    def incoming_place(self) -> str: ...

    def look(self) -> Roots:
        """What is there, which may be nothing. Raises RootKeyMissing (out of reach) or RootKeyUnsafe."""

    def exclusively(self) -> AbstractContextManager[None]:
        """Lets one process at a time change the root keys. Raises VaultError if another one does."""

    def create_incoming(self) -> None: ...

    def settle(self) -> None:
        """Gives the incoming root key the name of the current one, where there is none."""

    def retire(self, *, keep: bool) -> str:
        """Puts the incoming root key in the place of the current one; says what became of that.

        Raises VaultError, with what the operator has to do, if the keys cannot be exchanged.
        """

    def retired_place(self, root_id: str) -> str:
        """Where a retired key of that id still is; empty if it is not."""


class LocalRoot:
    """A root key whose bytes this process was given."""

    def __init__(self, root: bytearray) -> None:
        self._id = hmac.new(root, _ID_LABEL, hashlib.sha256).hexdigest()[:16]
        self._wrap_key = HKDF(SHA256(), 32, salt=None, info=_WRAP_LABEL).derive(bytes(root))
        root[:] = bytes(len(root))

    def root_id(self) -> str:
        return self._id

    def wrap(self, plaintext: bytes, aad: bytes) -> bytes:
        return envelope.seal(
            self._wrap_key,
            plaintext,
            purpose=envelope.Purpose.AT_REST,
            key_id=self._header_id(),
            version=1,
            binding=aad,
        )

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        try:
            parsed = envelope.parse(wrapped)
            return envelope.open(self._wrap_key, parsed, purpose=envelope.Purpose.AT_REST, binding=aad)
        except CryptoError:
            raise OpenFailed from None

    def _header_id(self) -> UUID:
        return UUID(int=int(self._id, 16))


class FileSource:
    """`root.key`, and beside it `root.key.new` while a rotation (or the very first start) has not ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.incoming_path = path.with_name(path.name + ".new")
        self.place = str(path)

    @property
    def incoming_place(self) -> str:
        return str(self.incoming_path)

    def read(self) -> Roots:
        found = self.look()
        if not found.by_id():
            raise RootKeyMissing(f"There is no root key at {self.path}.")
        return found

    def look(self) -> Roots:
        # The incoming key first: if a rotation ends between the two looks, the second one finds that key again.
        incoming = self._read(self.incoming_path)
        current = self._read(self.path)
        if current is not None and incoming is not None and current.root_id() == incoming.root_id():
            incoming = None
        return Roots(current, incoming)

    def exclusively(self) -> AbstractContextManager[None]:
        return rootfile.exclusively(self.path.parent)

    def create_incoming(self) -> None:
        self.incoming_path.unlink(missing_ok=True)  # a second name of the current key, left by a crash
        rootfile.create(self.incoming_path)

    def settle(self) -> None:
        rootfile.settle(self.path, self.incoming_path)

    def retire(self, *, keep: bool) -> str:
        current = self._read(self.path)
        kept = self._retired_path(current.root_id()) if keep and current is not None else None
        try:
            rootfile.retire(self.path, self.incoming_path, keep=kept)
        except OSError as error:
            raise VaultError(
                f"Nothing needs the old root key any more, but the files could not be exchanged ({error.strerror}): "
                f"move {self.path} away and give {self.incoming_path} its name."
            ) from None
        return f"The old root key is kept as {kept}." if kept else "The old root key is gone."

    def retired_place(self, root_id: str) -> str:
        path = self._retired_path(root_id)
        return str(path) if path.exists() else ""

    def _retired_path(self, root_id: str) -> Path:
        return self.path.with_name(f"{self.path.name}.retired-{root_id}")

    @staticmethod
    def _read(path: Path) -> LocalRoot | None:
        root = rootfile.read(path)
        return None if root is None else LocalRoot(root)


class EnvironmentSource:
    """KMS_ROOT_KEY, and KMS_ROOT_KEY_NEW during a rotation; both leave the environment as soon as they are read.

    Whoever may look at the process may have seen them at its start, hence the warning.
    """

    CURRENT, INCOMING = "KMS_ROOT_KEY", "KMS_ROOT_KEY_NEW"
    place = "the environment variable KMS_ROOT_KEY"
    _taken: dict[str, LocalRoot] = {}

    def read(self) -> Roots:
        for name in (self.CURRENT, self.INCOMING):
            if text := os.environ.pop(name, ""):
                self._taken[name] = LocalRoot(rootfile.parse(os.fsencode(text), place=name))
                log.warning("%s is visible to every process that can see this one's environment.", name)
        if self.CURRENT not in self._taken:
            raise RootKeyMissing(f"{self.CURRENT} is not set.")
        return Roots(self._taken[self.CURRENT], self._taken.get(self.INCOMING))


def configured() -> RootSource:
    """The source that the settings name."""
    provider = getattr(settings, "KMS_ROOT_KEY_PROVIDER", "file")
    match provider:
        case "file":
            return FileSource(
                Path(getattr(settings, "KMS_ROOT_KEY_FILE", None) or Path(settings.KMS_HOME) / "root.key")
            )
        case "env":
            return EnvironmentSource()
        case "command":
            from vault.plugin import CommandSource

            return CommandSource(getattr(settings, "KMS_ROOT_KEY_COMMAND", None) or "")
        case "pkcs11":
            return _token()
    raise VaultError(f"KMS_ROOT_KEY_PROVIDER must be file, env, command or pkcs11, not {provider}.")


def _token() -> RootSource:
    try:
        from vault import hsm, token
    except ImportError:
        raise RootKeyMissing(
            "KMS_ROOT_KEY_PROVIDER is pkcs11, but the package python-pkcs11 is not installed: run make hsm."
        ) from None
    at = token.token_at(settings.KMS_PKCS11_LIBRARY, settings.KMS_PKCS11_TOKEN, Path(settings.KMS_PKCS11_PIN_FILE))
    return hsm.TokenSource(at, settings.KMS_PKCS11_KEY)


def read_for(root_id: str, source: RootSource) -> dict[str, RootProvider]:
    """The roots by id, with `root_id` among them; otherwise says which one was expected and where (SEC-005)."""
    try:
        found = source.read().by_id()
    except RootKeyMissing as error:
        raise RootKeyMissing(
            f"{error} This database is sealed under root key {root_id}, expected in {source.place}: "
            f"restore it from your backup.{_retired_hint(source, root_id)}"
        ) from None
    except RootKeyUnsafe as error:
        raise RootKeyUnsafe(f"{error} This database is sealed under root key {root_id}.") from None
    if root_id not in found:
        raise RootKeyWrong(
            f"The root key in {source.place} has id {', '.join(found)}, but this database is sealed under "
            f"root key {root_id}: put that one back.{_retired_hint(source, root_id)}"
        )
    return found


def _retired_hint(source: RootSource, root_id: str) -> str:
    if isinstance(source, KeepingSource) and (place := source.retired_place(root_id)):
        return f" A retired key of that id is at {place}."
    return ""

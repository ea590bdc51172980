"""Root keys as files: read only if nobody else could have, written so that a crash leaves no half key.

A root key file is a regular file of our own user, mode 0400 or 0600, of 32 raw bytes or their Base64 (SEC-001).
"""

from __future__ import annotations

import base64
import binascii
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vault import files
from vault.errors import RootKeyMissing, RootKeyUnsafe, VaultError

ROOT_BYTES = 32
_MOST_BYTES = 256  # more than any way to write 32 bytes
_MODES = (0o400, 0o600)
_FEWEST_DISTINCT = 12  # 32 random bytes have fewer once in about 10^19 keys; placeholders and samples always do


def read(path: Path) -> bytearray | None:
    """The root key in a file, None if there is no such file. Raises RootKeyMissing (unreadable) or RootKeyUnsafe."""
    content = read_private(path, what="root key")
    return None if content is None else parse(content, place=str(path))


def read_private(path: Path, *, what: str) -> bytes | None:
    """The first bytes of a file that nobody else could have read or written; `what` names it in messages.

    None if there is no such file. Raises RootKeyMissing (unreadable) or RootKeyUnsafe.
    """
    try:
        # A link would let whoever owns it choose the content; a pipe would keep us waiting.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RootKeyUnsafe(f"The {what} {path} is a symbolic link; it must be a regular file.") from None
        raise RootKeyMissing(f"The {what} {path} cannot be read: {error.strerror}.") from None
    try:
        _demand_private(path, os.fstat(descriptor), what)
        return os.read(descriptor, _MOST_BYTES)
    finally:
        os.close(descriptor)


def _demand_private(path: Path, status: os.stat_result, what: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise RootKeyUnsafe(f"The {what} {path} must be a regular file.")
    if status.st_uid != os.geteuid():
        raise RootKeyUnsafe(f"The {what} {path} belongs to user {status.st_uid}; it must belong to {os.geteuid()}.")
    mode = stat.S_IMODE(status.st_mode)
    if mode not in _MODES:
        raise RootKeyUnsafe(f"The {what} {path} has mode {mode:04o}; it must be 0600 or 0400 (chmod 600 {path}).")


def parse(content: bytes, *, place: str) -> bytearray:
    """32 raw bytes, or strict Base64 of 32 bytes with at most one line break at its end."""
    root = bytearray(content)
    if len(content) != ROOT_BYTES:
        line = content.removesuffix(b"\n").removesuffix(b"\r")
        try:
            root = bytearray(base64.b64decode(line, validate=True))
        except binascii.Error:
            root = bytearray()
    if len(root) != ROOT_BYTES:
        raise RootKeyUnsafe(f"The root key in {place} must be {ROOT_BYTES} bytes, raw or as Base64.")
    if len(set(root)) < _FEWEST_DISTINCT:
        raise RootKeyUnsafe(f"The root key in {place} is not random; make one with: openssl rand -base64 {ROOT_BYTES}")
    return root


def create(path: Path) -> None:
    """Writes a new random root key, as Base64 so that it can be kept on paper. Never replaces a file that is there.

    The name appears only once the whole key is on disk, so no reader and no crash ever meets a part of it.
    """
    files.write(path, base64.b64encode(secrets.token_bytes(ROOT_BYTES)) + b"\n", replace=False)


def retire(current: Path, incoming: Path, *, keep: Path | None) -> None:
    """Puts `incoming` in the place of `current` in one step; under the name `keep` the old key stays."""
    if keep is not None and not keep.exists():
        os.link(current, keep)
        files.sync(current.parent)  # the old key must have its new name before it loses its old one
    incoming.replace(current)
    files.sync(current.parent)


def settle(current: Path, incoming: Path) -> None:
    """Gives an incoming root key its lasting name, where no current one is."""
    os.link(incoming, current)
    incoming.unlink()
    files.sync(current.parent)


@contextmanager
def exclusively(directory: Path) -> Iterator[None]:
    """Lets one process at a time change the root keys in a directory; a killed one frees the lock."""
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VaultError(f"Another command is changing the root key in {directory}; wait for its end.") from None
        yield
    finally:
        os.close(descriptor)

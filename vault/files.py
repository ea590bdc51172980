"""Files written in one step: beside, to disk, renamed. No reader and no crash ever meets a part of one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def write(path: Path, content: bytes, *, mode: int = 0o600, replace: bool = True) -> None:
    """Writes the file, content and name durable on return. Raises OSError; then the file is what it was.

    Raises FileExistsError where one is there and `replace` is false.
    """

    def fill(descriptor: int) -> None:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]

    create(path, fill, mode=mode, replace=replace)


def create(path: Path, fill: Callable[[int], None], *, mode: int = 0o600, replace: bool = True) -> None:
    """As `write`, for content that `fill` writes to a descriptor."""
    # A name of its own: what a killed process left is in nobody's way, and two writers do not share a file.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fill(descriptor)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if replace:
            partial.replace(path)
        else:
            os.link(partial, path)  # unlike a rename, a link refuses to replace
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)


def sync(directory: Path) -> None:
    """Makes the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

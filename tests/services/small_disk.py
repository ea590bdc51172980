"""A disk that can be filled: a file system of a few megabytes in memory."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class SmallDisk:
    directory: Path

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Not one byte more fits on it within the block."""
        filler = self.directory / "filler"
        try:
            with filler.open("wb", buffering=0) as file:
                for size in (MEGABYTE, 4096, 1):
                    with contextlib.suppress(_NoSpace):
                        while True:
                            _write(file.fileno(), bytes(size))
            yield
        finally:
            filler.unlink()


class _NoSpace(Exception):
    pass


def _write(descriptor: int, data: bytes) -> None:
    try:
        written = os.write(descriptor, data)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _NoSpace from error
    if written < len(data):
        raise _NoSpace


@contextlib.contextmanager
def small_disk(directory: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    """Mounted at the directory until the block ends. Skips where this process may not mount anything."""
    if os.geteuid():
        pytest.skip("only root can mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", directory]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this machine lets nobody mount a small disk: {done.stderr.strip()}")
    try:
        yield SmallDisk(directory)
    finally:
        # At once from the tree, and for good when the last file on it is closed.
        subprocess.run(["umount", "--lazy", directory], check=True)

"""What one process can do to keep key material to itself."""

from __future__ import annotations

import contextlib
import ctypes
import sys

try:
    import resource
except ImportError:  # not on Windows, which has no core files either
    resource = None  # type: ignore[assignment]

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def harden() -> None:
    """A crash must not write memory to disk, nor another program of the same user read it."""
    if resource is not None:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # A core dump that is piped to a program is not bound by that limit.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def wipe(buffer: bytearray) -> None:
    """Overwrite in place. Best effort: copies that the interpreter and the library made are out of reach."""
    buffer[:] = bytes(len(buffer))

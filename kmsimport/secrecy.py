"""What one process can do to keep key material to itself."""

from __future__ import annotations

import contextlib

try:
    import resource
except ImportError:  # not on Windows, which has no core files either
    resource = None  # type: ignore[assignment]


def forbid_core_dumps() -> None:
    """A crash must not write memory to disk."""
    if resource is not None:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def wipe(buffer: bytearray) -> None:
    """Overwrite in place. Best effort: copies that the interpreter and the library made are out of reach."""
    buffer[:] = bytes(len(buffer))

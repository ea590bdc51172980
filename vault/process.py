"""Keeps key bytes out of core dumps and away from debuggers of the same user (SEC-008).

That is what can be done in Python, where `bytes` cannot be wiped.
"""

import contextlib
import ctypes
import sys

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def harden() -> None:
    """Forbids core dumps and, on Linux, makes the process non-dumpable. Harmless where the system has neither."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

"""Stopping a program the unkind way: it keeps its connections and its place, and says no more (SIGSTOP)."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def silent(pid: int) -> Iterator[None]:
    """The process and its children stand still within the block."""
    family = [pid]
    os.kill(pid, signal.SIGSTOP)  # first, so that it has no more children
    try:
        family += _children(pid)
        for child in family[1:]:
            _send(child, signal.SIGSTOP)
        yield
    finally:
        for member in reversed(family):
            _send(member, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # After the name, which is in parentheses and may hold anything: state, parent.
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def _send(pid: int, word: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, word)

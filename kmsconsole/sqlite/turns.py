"""The queue before SQLite's one write lock, and how long one stands in it.

The kernel holds the queue: a lock on a file (`flock`), which wakes the next one at once in whichever process it is, and
which is free as soon as its holder is gone. It knows no bound of time. So of each process one thread waits there on
behalf of all, and whoever has waited long enough goes away; what the kernel then gives is for those who still wait.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path


class Turns:
    """This process's turns to write to one database. Safe for threads."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Held by the thread whose turn it is, or that is the next one of this process.
        self._next = threading.Lock()
        self._state = threading.Condition()
        self._is_asked_for = False  # of the kernel, by a thread that waits there
        self._is_wanted = False
        self._is_given = False
        self._is_inherited = False

    def take(self, seconds: float) -> bool:
        """Whether the turn came in time. Whoever has it gives it back."""
        end = time.monotonic() + seconds
        if not self._next.acquire(timeout=seconds):
            return False
        try:
            if self._comes(end):
                return True
        except BaseException:
            self._next.release()
            raise
        self._next.release()
        return False

    def give_back(self) -> None:
        if not self._is_inherited:
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._next.release()

    def leave_to_the_parent(self) -> None:
        """In a forked process: it shares the file, and with it the lock, which it must not end."""
        self._is_inherited = True
        os.close(self._file)

    def _comes(self, end: float) -> bool:
        with self._state:
            # While a thread waits in the kernel nobody else may ask there: the lock is of the file, not of a thread.
            if not self._is_asked_for:
                if self._is_free():
                    return True
                threading.Thread(target=self._ask, name="turn", daemon=True).start()
                self._is_asked_for = True
            self._is_wanted, self._is_given = True, False
            self._state.wait_for(lambda: self._is_given, timeout=max(0.0, end - time.monotonic()))
            self._is_wanted = False
            return self._is_given

    def _is_free(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _ask(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        with self._state:
            self._is_asked_for = False
            self._is_given = self._is_wanted
            if self._is_wanted:
                self._state.notify()
            else:
                fcntl.flock(self._file, fcntl.LOCK_UN)


_turns: dict[Path, Turns] = {}
_opening = threading.Lock()


def turns_of(database: Path) -> Turns:
    """The queue stands in a file beside the database."""
    found = _turns.get(database)
    if found is None:
        with _opening:
            found = _turns.get(database) or _turns.setdefault(
                database, Turns(database.with_name(f"{database.name}-queue"))
            )
    return found


def _begin_anew() -> None:
    global _opening
    _opening = threading.Lock()
    for inherited in _turns.values():
        inherited.leave_to_the_parent()
    _turns.clear()


os.register_at_fork(after_in_child=_begin_anew)

"""Writers wait in a queue. SQLite has none: who finds its write lock taken sleeps for up to 100 ms and looks again.

So the lock lies idle while others sleep, and who came last may come first: of a few busy writers, one in a hundred
waited for most of a second. Each transaction begins by taking that lock; here it first waits for its turn, not
without end, as for a row on PostgreSQL.

Statements outside any transaction, and other programs, know SQLite's own lock alone. That one still holds for all.
See docs/decisions/0013-writers-on-sqlite-stand-in-a-queue.md.
"""

from __future__ import annotations

import sqlite3
import weakref
from pathlib import Path

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from kmsconsole.sqlite.turns import turns_of
from operations import brief

TURN_SECONDS = 10.0


class DatabaseWrapper(base.DatabaseWrapper):
    # What gives the turn back while it is this connection's, also where its thread just ends.
    _turn: weakref.finalize | None = None  # type: ignore[type-arg]

    def _start_transaction_under_autocommit(self) -> None:
        brief.require_thread()
        turns = turns_of(Path(self.settings_dict["NAME"]))
        if not turns.take(TURN_SECONDS):
            raise _busy()
        self._turn = weakref.finalize(self, turns.give_back)
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # private, and not in the stubs
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]  # private, and not in the stubs
        self._end_turn()

    def _rollback(self) -> None:
        super()._rollback()  # type: ignore[misc]  # private, and not in the stubs
        self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]  # private, and not in the stubs
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn()
            self._turn = None


def _busy() -> OperationalError:
    """What SQLite itself raises when its own lock is not free in time."""
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorcode, cause.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
    error = OperationalError(*cause.args)
    error.__cause__ = cause
    return error

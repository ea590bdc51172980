"""Writers wait in a queue. SQLite has none: who finds its write lock taken sleeps for up to 100 ms and looks again.

So the lock lies idle while others sleep, and who came last may come first: of a few busy writers, one in a hundred
waited for most of a second. Each transaction begins by taking that lock; here it first takes another, on a file beside
the database, for which the kernel wakes the next one at once, in whichever process it is, and which is free as soon as
its holder is gone. It is waited for as long as it takes, as a row is on PostgreSQL.

Statements outside any transaction, and other programs, know SQLite's own lock alone. That one still holds for all.
See docs/decisions/0013-writers-on-sqlite-stand-in-a-queue.md.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Opened and closed with the connection: a lock belongs to what was opened, which a forked process would share.
        self._queue: int | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        self._queue = os.open(f"{self.settings_dict['NAME']}-queue", os.O_RDWR | os.O_CREAT, 0o600)
        self._leave_queue = weakref.finalize(self, os.close, self._queue)  # also where a thread just ends
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        assert self._queue is not None  # noqa: S101 - there is a connection
        fcntl.flock(self._queue, fcntl.LOCK_EX)
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
            if self._queue is not None:
                self._queue = None
                self._leave_queue()

    def _end_turn(self) -> None:
        if self._queue is not None:
            fcntl.flock(self._queue, fcntl.LOCK_UN)

"""No statement waits for ever.

PostgreSQL itself bounds statements and locks (`kmsconsole.database`), but a server that is stopped, or a network that
drops what is sent, bounds nothing, and the driver waits without end. A thread of this process watches what waits:
whatever does so for too long has its socket shut down, and fails as with any lost connection.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from psycopg import Error

from operations import availability

# How often the watching thread looks.
LOOK_SECONDS = 0.5


class Waits:
    """The connections of this process that wait for the database. Safe for threads."""

    def __init__(self) -> None:
        self._began: dict[DatabaseWrapper, float] = {}
        self._state = threading.Lock()
        self._watch: threading.Thread | None = None

    def begin(self, waiting: DatabaseWrapper) -> None:
        with self._state:
            self._began[waiting] = time.monotonic()
            if self._watch is None:
                self._watch = threading.Thread(target=self._look, name="database waits", daemon=True)
                self._watch.start()

    def end(self, waiting: DatabaseWrapper) -> None:
        with self._state:
            self._began.pop(waiting, None)

    def cut(self, *, most_seconds: float = math.inf) -> None:
        """Every wait that has lasted longer than this, or than its connection allows, fails now."""
        with self._state:
            now = time.monotonic()
            for waiting, began in list(self._began.items()):
                if now - began > min(most_seconds, waiting.wait_seconds):
                    del self._began[waiting]
                    waiting.shut_down()

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            self.cut()


waits = Waits()


def _after_fork() -> None:
    global waits
    waits = Waits()  # the thread stayed behind


os.register_at_fork(after_in_child=_after_fork)


class _BoundedErrors(DatabaseErrorWrapper):
    """The framework holds this around whatever talks to the database; here also for as long as that may take."""

    def __init__(self, wrapper: DatabaseWrapper) -> None:
        super().__init__(wrapper)
        self._bounded = wrapper
        self._depth = 0

    def __enter__(self) -> None:
        self._depth += 1
        if self._depth == 1:
            waits.begin(self._bounded)

    def __exit__(self, *raised: Any) -> None:
        self._depth -= 1
        if not self._depth:
            waits.end(self._bounded)
        super().__exit__(*raised)


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Longer than the server lets any statement take, so that its own, better error comes first.
        self.wait_seconds: float = self.settings_dict["WAIT_SECONDS"]

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        return _BoundedErrors(self)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        availability.require_answering_database()
        return super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Any:
        availability.require_answering_database()
        return super().create_cursor(name)

    def is_usable(self) -> bool:
        waits.begin(self)
        try:
            return super().is_usable()
        finally:
            waits.end(self)

    def shut_down(self) -> None:
        """For another thread: whoever waits on the connection finds it lost."""
        if self.connection is not None:
            with suppress(OSError, Error), socket.socket(fileno=os.dup(self.connection.fileno())) as other:
                other.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def without_bounds(self) -> Iterator[None]:
        """For statements that take long by their nature, such as migrations. Ends with a new connection."""
        before, self.wait_seconds = self.wait_seconds, math.inf
        with self.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        try:
            yield
        finally:
            self.wait_seconds = before
            self.close()

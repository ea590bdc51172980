"""Calls that the web server runs between two others, in the thread of its event loop, must wait for nobody.

Nearly all of them only read and compute. One that finds that it would have to write raises `NeedsThread`, before it has
any effect, and is done again from its beginning in a thread (docs/decisions/0012-one-thread-for-what-is-brief.md).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


class NeedsThread(BaseException):
    """Not an Exception, so that nobody takes it for a fault of the call and leaves a trace of it."""


class _Here(threading.local):
    must_not_wait = False


_here = _Here()


def require_thread() -> None:
    """Raises NeedsThread where this thread must not wait."""
    if _here.must_not_wait:
        raise NeedsThread


@contextmanager
def without_waiting() -> Iterator[None]:
    """Within, this thread only reads the database."""
    _here.must_not_wait = True
    try:
        with connection.execute_wrapper(_only_read):
            yield
    finally:
        _here.must_not_wait = False


def _only_read(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    if not sql.lstrip().upper().startswith("SELECT"):
        raise NeedsThread
    return execute(sql, params, many, context)

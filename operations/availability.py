"""What the service needs and may have to do without for a while: its database and its disk.

Here, and nowhere else, errors of drivers and of the operating system are recognised as such a condition. A call that
meets one is refused with 503; the log has one line when a condition begins and one when it ends, however many calls are
refused in between.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from enum import StrEnum

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _

from operations import errors
from operations.errors import KmsError, Text

log = logging.getLogger(__name__)

# A condition that nothing has reported for this long, in seconds, is over.
QUIET_SECONDS = 10.0


class Condition(StrEnum):
    """Each with the words in which readiness and the log name it."""

    NO_DATABASE = "no database"
    DATABASE_BUSY = "database busy"
    DISK_FULL = "disk full"
    DISK_NOT_WRITABLE = "disk not writable"


HINTS: dict[Condition, Text] = {
    # Lost in the middle of a commit, a connection does not tell whether it was made.
    Condition.NO_DATABASE: _("The database does not answer. Try again soon, and look whether your change was made."),
    Condition.DATABASE_BUSY: _("The database was busy for too long. Nothing was changed. Try again in a few seconds."),
    Condition.DISK_FULL: _("The disk is full. Nothing was changed. Ask your administrator to free space."),
    Condition.DISK_NOT_WRITABLE: _("The disk cannot be written. Nothing was changed. Tell your administrator."),
}

_OF_THE_SYSTEM = {
    errno.ENOSPC: Condition.DISK_FULL,
    errno.EDQUOT: Condition.DISK_FULL,
    errno.EROFS: Condition.DISK_NOT_WRITABLE,
    errno.EIO: Condition.DISK_NOT_WRITABLE,
}
_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: Condition.DATABASE_BUSY,
    sqlite3.SQLITE_LOCKED: Condition.DATABASE_BUSY,
    sqlite3.SQLITE_FULL: Condition.DISK_FULL,
    sqlite3.SQLITE_IOERR: Condition.DISK_NOT_WRITABLE,
    sqlite3.SQLITE_READONLY: Condition.DISK_NOT_WRITABLE,
    sqlite3.SQLITE_CANTOPEN: Condition.NO_DATABASE,
}
# By SQLSTATE, or by its first characters (PostgreSQL, appendix A).
_OF_POSTGRESQL = {
    "53100": Condition.DISK_FULL,
    "58030": Condition.DISK_NOT_WRITABLE,
    "55P03": Condition.DATABASE_BUSY,  # a lock was not free in time
    "57014": Condition.DATABASE_BUSY,  # a statement took too long
    "25P03": Condition.DATABASE_BUSY,  # a transaction stood idle for too long
    "40": Condition.DATABASE_BUSY,  # deadlocks and the like
    "08": Condition.NO_DATABASE,
    "28": Condition.NO_DATABASE,
    "3D": Condition.NO_DATABASE,
    "53": Condition.NO_DATABASE,
    "57P": Condition.NO_DATABASE,
    "25006": Condition.NO_DATABASE,  # one that may only be read: a standby
}


def condition_of(error: BaseException) -> Condition | None:
    """What an error, or any of its causes, says is missing; None for every other error."""
    for each in _causes(error):
        if isinstance(each, OSError) and each.errno in _OF_THE_SYSTEM:
            return _OF_THE_SYSTEM[each.errno]
        if isinstance(each, sqlite3.Error):
            return _OF_SQLITE.get(getattr(each, "sqlite_errorcode", 0) & 0xFF)  # the rest says more exactly why
        if state := getattr(each, "sqlstate", None):
            return next((found for known, found in _OF_POSTGRESQL.items() if state.startswith(known)), None)
    # Without a code: the connection could not be made, or was lost.
    return Condition.NO_DATABASE if isinstance(error, OperationalError | InterfaceError) else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def unavailable(error: BaseException) -> KmsError | None:
    """The refusal for an error that says that something is missing, which is thereby reported; None for every other."""
    if isinstance(error, KmsError):
        return error if error.code is errors.UNAVAILABLE else None
    condition = condition_of(error)
    if condition is None:
        return None
    report(condition)
    return errors.unavailable(HINTS[condition])


# --- what there is at the moment -----------------------------------------------------------------------------------

_reported: dict[str, float] = {}  # when each was reported last, by the monotonic clock
_state = threading.Lock()


def report(condition: str) -> None:
    """It holds now. Logged where it did not hold before."""
    with _state:
        is_new = condition not in _reported
        _reported[condition] = time.monotonic()
    if is_new:
        log.error("%s: this begins", condition)


def end(condition: str) -> None:
    """It is known to hold no more. Logged where it did before."""
    with _state:
        did_hold = _reported.pop(condition, None) is not None
    if did_hold:
        log.warning("%s: this is over", condition)


def end_quiet() -> None:
    """Ends what nothing has reported for QUIET_SECONDS."""
    now = time.monotonic()
    for condition in [each for each, at in _reported.copy().items() if now - at > QUIET_SECONDS]:
        end(condition)


def holds(condition: str) -> bool:
    return condition in _reported


# --- a database that is known not to answer ------------------------------------------------------------------------

_silent = threading.Event()
_exempt: set[int] = set()  # threads that ask it all the same


def set_silent(is_silent: bool) -> None:
    """While a background check finds that the database does not answer, nobody else waits to find the same."""
    _exempt.add(threading.get_ident())
    if is_silent:
        _silent.set()
    else:
        _silent.clear()


def require_answering_database() -> None:
    """Raises OperationalError at once where a statement would only wait. For what is about to send one."""
    if _silent.is_set() and threading.get_ident() not in _exempt:
        raise OperationalError("The database does not answer.")

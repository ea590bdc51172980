"""Whether this process is alive (`/healthz`), and whether it should be given traffic (`/readyz`).

`/healthz` touches nothing. `/readyz` tells what a thread in the background found last: whatever a neighbour does, both
answer at once. An answer has a few words: strangers learn no detail (SEC-094).
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from redis.backoff import NoBackoff
from redis.retry import Retry

from kmsconsole.schema import is_migrated
from operations import availability, journal, timekeeping
from operations.availability import Condition
from operations.models import JournalPosition
from operations.rest import Reply, reading_only
from vault import hierarchy

log = logging.getLogger(__name__)

OK = "ok"
STARTING = "starting"
NOT_MIGRATED = "not migrated"
SEALED = "sealed"
NO_BROKER = "no broker"
NO_ROOT_KEY_FILE = "root key file missing"
JOURNAL_WAITS = "journal not moved"
UNKNOWN = "not known"

LOOK_SECONDS = 1.0
# A neighbour that has not answered a look by then counts as away.
DATABASE_SECONDS = 4.0
BROKER_SECONDS = 2.0
# In sweeps: the journal is moved in each of them.
LATE_SWEEPS = 5


@dataclass(frozen=True)
class Check:
    """`find` returns what is wrong in a few words, or "" where nothing is. It may raise whatever says that something is
    missing. What is no reason to keep traffic away only warns.
    """

    find: Callable[[], str]
    warns: bool = False


@dataclass(frozen=True)
class State:
    status: str = OK
    warnings: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        return self.status == OK

    @property
    def reply(self) -> Reply:
        told = {"status": self.status, **({"warnings": self.warnings} if self.warnings else {})}
        return Reply(200 if self.is_ready else 503, json.dumps(told).encode())


# --- the checks ----------------------------------------------------------------------------------------------------


def database() -> str:
    began = time.monotonic()
    try:
        _ask_database()
    except (OperationalError, InterfaceError):
        if time.monotonic() - began >= DATABASE_SECONDS:
            raise
        # It answers no more on this connection, and may well on another: it was started anew, or ended all of them.
        connection.close()
        _ask_database()
    return ""


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def schema() -> str:
    if _migrated():
        return ""
    _migrated.cache_clear()
    return NOT_MIGRATED


# Once true it stays true for the life of a process: the code it would have to match is the code it runs.
_migrated = cache(is_migrated)


def root_key() -> str:
    return SEALED if hierarchy.is_sealed() else ""


def root_key_file() -> str:
    """A running process has it in memory; the next one would be sealed."""
    is_gone = settings.KMS_ROOT_KEY_PROVIDER == "file" and not Path(settings.KMS_ROOT_KEY_FILE).exists()
    return NO_ROOT_KEY_FILE if is_gone else ""


def disk() -> str:
    """Writes a little where the journal and the embedded database do. Nothing of it stays."""
    for folder in _written_folders():
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            probe.write(bytes(64 * 1024))
    return ""


def _written_folders() -> list[Path]:
    folders = [Path(settings.KMS_HOME)]
    if connection.vendor == "sqlite":
        folders.append(Path(str(connection.settings_dict["NAME"])).parent)
    by_disk = {folder.stat().st_dev: folder for folder in folders if folder.is_dir()}
    return list(by_disk.values())


def broker() -> str:
    if settings.KMS_REDIS_URL is None:
        return ""
    try:
        with redis.Redis.from_url(
            settings.KMS_REDIS_URL,
            socket_timeout=BROKER_SECONDS,
            socket_connect_timeout=BROKER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            client.ping()
    except (redis.RedisError, OSError):
        return NO_BROKER
    return ""


class JournalIsMoved:
    """Whether traces reach the trace table: a sweep moves them, of the worker or of the embedded product."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[int, float]] = {}  # file: how far it was moved, and since when only so far

    def __call__(self) -> str:
        moved = dict(JournalPosition.objects.values_list("file", "offset"))
        now, waiting = time.monotonic(), {}
        for file in journal.folder().glob("*.jsonl"):
            offset = moved.get(file.name, 0)
            if _size(file) > offset:
                before, since = self._waiting.get(file.name, (offset, now))
                waiting[file.name] = (offset, since if before == offset else now)
        self._waiting = waiting
        late = now - LATE_SWEEPS * settings.KMS_JOB_INTERVAL
        return JOURNAL_WAITS if any(since < late for _offset, since in waiting.values()) else ""


def clock() -> str:
    """Jobs that act on dates wait while the machine's clock cannot be believed."""
    doubt = timekeeping.doubt()
    return f"clock {doubt}" if doubt else ""


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0  # it was moved just now


# In this order; the first that finds something gives the status. What needs the database stands behind it.
CHECKS: list[Check] = [
    Check(database),
    Check(schema),
    Check(root_key),
    Check(disk),
    Check(broker),
    Check(root_key_file, warns=True),
    Check(JournalIsMoved(), warns=True),
    Check(clock, warns=True),
]


def look(checks: list[Check] | None = None) -> State:
    """What the checks find, now. What begins or ends is logged, once."""
    status, warnings = OK, []
    for check in CHECKS if checks is None else checks:
        found = _found(check)
        if found and check.warns:
            warnings.append(found)
        elif found and status == OK:
            status = found
        if found == Condition.NO_DATABASE:
            break  # every further check would wait for it
    return State(status, tuple(warnings))


def _found(check: Check) -> str:
    try:
        return check.find()
    except Exception as error:
        condition = availability.condition_of(error)
        if condition is None and isinstance(error, DatabaseError):
            condition = Condition.NO_DATABASE
        if condition is None:
            log.exception("a check of readiness failed")
            return UNKNOWN
        return condition


# --- the background ------------------------------------------------------------------------------------------------


class Lookout(threading.Thread):
    """Looks again and again, and keeps others from waiting for a database that does not answer."""

    def __init__(self) -> None:
        super().__init__(name="readiness", daemon=True)
        self.state = State(STARTING)
        self.has_looked = threading.Event()

    def run(self) -> None:
        be_impatient()
        while True:
            before, self.state = self.state, look()
            self._spare_others(self.state.status == Condition.NO_DATABASE)
            _log_changes(before, self.state)
            self.has_looked.set()
            time.sleep(LOOK_SECONDS)

    def _spare_others(self, database_is_silent: bool) -> None:
        availability.set_silent(database_is_silent)
        if database_is_silent:
            connection.close()
            if connection.vendor == "postgresql":
                from kmsconsole.postgresql.base import waits

                waits.cut(most_seconds=DATABASE_SECONDS)


def be_impatient() -> None:
    """This thread's connection gives up after DATABASE_SECONDS."""
    if connection.vendor == "postgresql":
        connection.wait_seconds = DATABASE_SECONDS  # type: ignore[attr-defined]  # kmsconsole.postgresql


def _log_changes(before: State, now: State) -> None:
    held, holds = {before.status, *before.warnings} - {OK}, {now.status, *now.warnings} - {OK}
    for each in holds:
        availability.report(each)
    for each in held - holds:
        availability.end(each)
    availability.end_quiet()


_lookouts: list[Lookout] = []
os.register_at_fork(after_in_child=_lookouts.clear)


def begin() -> None:
    """From now on this process answers `/readyz` from what a thread finds in the background.

    Waits a moment for the first look, so that a process whose neighbours are there takes its first call as a ready one.
    """
    if not _lookouts:
        _lookouts.append(Lookout())
        _lookouts[0].start()
        _lookouts[0].has_looked.wait(LOOK_SECONDS)


def state() -> State:
    found = _lookouts[0].state if _lookouts else look()
    # What calls met, such as a full disk of the database server, which no check sees from here.
    for condition in (Condition.DISK_FULL, Condition.DISK_NOT_WRITABLE):
        if found.is_ready and availability.holds(condition):
            return State(condition, found.warnings)
    return found


# --- the probes ----------------------------------------------------------------------------------------------------

PROBES: dict[str, Callable[[], State]] = {"/healthz": State, "/readyz": state}


@reading_only
def healthz(request: HttpRequest) -> HttpResponse:
    return State().reply.as_response()


@reading_only
def readyz(request: HttpRequest) -> HttpResponse:
    return state().reply.as_response()

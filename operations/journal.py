"""The durable journal: where the traces of operations that change nothing go before their answer leaves (SEC-060).

Such an operation has no transaction its trace could share, and one of its own would cost more than the cryptography. So
traces are appended to a file of this process by group commit: one thread writes all that has gathered meanwhile, syncs
once and tells everybody. The web server sends an answer only then, and until then serves others. A job drains the files
into the trace table, each trace once however often it is killed or repeated, for traces are known by their id and each
file's position is kept in the transaction that adds them.

Traces of plain reading are written but not forced to disk: they survive a crash, and may be lost with the power.

If the journal cannot be written, the operation fails.

A line that cannot become a row of the table (zeros after a power failure, a line that a full disk cut short) is set
aside: kept in a file beside, for the operator, and reported by an incident trace. The lines and files behind it go on.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction

from operations import traces
from operations.caller import system
from operations.models import JournalPosition, Rating, Trace
from operations.traces import InvalidTrace
from vault import files

log = logging.getLogger(__name__)

SEGMENT_BYTES = 8 * 1024 * 1024
DRAIN_LINES = 500
DRAIN_BYTES = 2 * 1024 * 1024
INCIDENT = "rejectJournalLines"

_INCIDENT_IDS = uuid.UUID("5b0c52b0-54d3-4c7e-9b7e-2f6f2c1f7a11")


class Segment:
    """A file that one process appends to, locked as long as that process lives."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unlocked = folder / f"{uuid.uuid4().hex}.new"
        self._descriptor = os.open(unlocked, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        # Locked before it bears the name that drains look for: an unlocked one counts as abandoned, and is removed.
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._path = unlocked.rename(unlocked.with_suffix(".jsonl"))
        files.sync(folder)
        self.size = 0

    def write(self, data: bytes, *, durable: bool) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._descriptor, view)
            view = view[written:]
        if durable:
            os.fdatasync(self._descriptor)
        self.size += len(data)

    def close(self) -> None:
        if not os.fstat(self._descriptor).st_size:
            # A full disk took the file and nothing else: calls that are refused for hours must not leave one each.
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


@dataclass(slots=True, eq=False)
class Batch:
    """Lines that are written together. `written` comes true when they are, or raises OSError when they are not."""

    lines: list[bytes] = field(default_factory=list)
    is_durable: bool = False
    is_handed: bool = False
    written: Future[None] = field(default_factory=Future)


class Journal:
    """Group commit over one segment after another. Safe for threads; each process has its own.

    Lines gather in a batch; `commit` hands it to the one thread that writes, and what comes while that one is busy
    gathers in the next. So a thread that waits is woken once, whatever the number of them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._segment: Segment | None = None
        self._state = threading.Lock()
        self._writing = threading.Lock()
        self._gathering: Batch | None = None
        self._handed: SimpleQueue[Batch] = SimpleQueue()
        self._writer: threading.Thread | None = None

    def append(self, line: bytes, *, durable: bool = True) -> None:
        """Returns when the line is on disk, or if not `durable` in the file. Raises OSError when it is not."""
        written = self.add(line, durable=durable)
        self.commit()
        written.result()

    def add(self, line: bytes, *, durable: bool) -> Future[None]:
        """Puts the line with those that gather. It is not written before somebody calls `commit`."""
        with self._state:
            batch = self._gathering
            if batch is None:
                batch = self._gathering = Batch()
            batch.lines.append(line)
            batch.is_durable |= durable
            return batch.written

    def commit(self) -> None:
        """Has what gathered written: here and now where nothing must be forced to disk and nobody else writes, else by
        the thread for it. Never waits for the disk.
        """
        with self._state:
            batch = self._gathering
            if batch is None or batch.is_handed:
                return
            if batch.is_durable or not self._writing.acquire(blocking=False):
                batch.is_handed = True
                if self._writer is None:
                    self._writer = threading.Thread(target=self._write_what_is_handed, name="journal", daemon=True)
                    self._writer.start()
                self._handed.put(batch)
                return
            self._gathering = None
        try:
            self._settle(batch)
        finally:
            self._writing.release()

    def _write_what_is_handed(self) -> None:
        while True:
            batch = self._handed.get()
            with self._writing:
                with self._state:
                    self._gathering = None  # until now more lines could join
                self._settle(batch)

    def _settle(self, batch: Batch) -> None:
        # Whatever goes wrong, those who wait are told, and the thread lives on for the next.
        failure: Exception | None
        try:
            failure = self._write(b"".join(batch.lines), durable=batch.is_durable)
        except Exception as bug:
            failure = bug
        if failure is None:
            batch.written.set_result(None)
        else:
            batch.written.set_exception(failure)

    def _write(self, data: bytes, *, durable: bool) -> OSError | None:
        try:
            if self._segment is None or self._segment.size > SEGMENT_BYTES:
                self._change_segment()
            assert self._segment is not None  # noqa: S101 - for the type checker
            self._segment.write(data, durable=durable)
        except OSError as failure:
            # What follows a torn line would be lost with it: go on in another file.
            self._close_segment()
            return failure
        return None

    def _change_segment(self) -> None:
        self._close_segment()
        self._segment = Segment(self.folder)

    def _close_segment(self) -> None:
        if self._segment is not None:
            self._segment.close()
            self._segment = None


# One at most. A forked child must not write to its parent's file.
_journals: list[Journal] = []
_opening = threading.Lock()
os.register_at_fork(after_in_child=_journals.clear)


def _journal() -> Journal:
    if not _journals:
        with _opening:
            if not _journals:
                _journals.append(Journal(folder()))
    return _journals[0]


def folder() -> Path:
    return Path(settings.KMS_HOME) / "journal"


def append(members: Mapping[str, Any], *, durable: bool = True) -> None:
    """Writes a trace of these members for the drain to put into the table; if `durable`, on disk. Raises OSError.

    Within `deferred` it may return before that.
    """
    journal, promises = _journal(), _here.promises
    written = journal.add(traces.encode(members), durable=durable)
    if promises is None or not durable:
        journal.commit()
    if promises is None or written.done():
        written.result()
    else:
        promises.append(written)


class _Here(threading.local):
    promises: list[Future[None]] | None = None


_here = _Here()


@contextmanager
def deferred() -> Iterator[list[Future[None]]]:
    """Within, this thread does not wait for its traces. Whoever defers takes over: he lets nobody know what was done
    before each of these futures has come true, and calls `commit` so that they do.
    """
    promises: list[Future[None]] = []
    before, _here.promises = _here.promises, promises
    try:
        yield promises
    finally:
        _here.promises = before


def commit() -> None:
    """Has this process write what gathered; does not wait for it."""
    _journal().commit()


def drain() -> int:
    """Moves what the journal holds into the trace table; returns how many traces that were.

    A file that cannot be read, or whose rejected lines cannot be set aside, stays as it is, and the others go on.
    Raises OSError for the first of them at the end, DatabaseError at once.
    """
    moved, failures = 0, []
    for path in sorted(folder().glob("*.jsonl")):
        try:
            moved += _drain_file(path)
        except OSError as failure:
            log.error("The journal file %s cannot be drained: %s.", path.name, failure.strerror)
            failures.append(failure)
    if failures:
        raise failures[0]
    return moved


def _drain_file(path: Path) -> int:
    moved = 0
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return 0  # another drain was here
    with file:
        while (added := _drain_some(file, path)) is not None:
            moved += added
        if _is_abandoned(file):
            # Whatever its process still wrote before it ended is read; then there will never be more.
            while (added := _drain_some(file, path, to_end=True)) is not None:
                moved += added
            path.unlink(missing_ok=True)
            JournalPosition.objects.filter(file=path.name).delete()
    return moved


@dataclass(frozen=True, slots=True)
class _Rejected:
    line: bytes
    reason: str


def _drain_some(file: IO[bytes], path: Path, *, to_end: bool = False) -> int | None:
    """How many traces the next lines of the file were; None where there is no whole line. `to_end`: also a torn one."""
    with transaction.atomic():
        position, _created = JournalPosition.objects.select_for_update().get_or_create(file=path.name)
        start = position.offset
        file.seek(start)
        rows, rejected = [], []
        for line in _lines(file, to_end=to_end):
            try:
                rows.append((line, _row(line)))
            except (InvalidTrace, RecursionError) as error:
                rejected.append(_Rejected(line, str(error) if isinstance(error, InvalidTrace) else "nested too deeply"))
            position.offset += len(line)
        if position.offset == start:
            return None
        refused = _insert(rows)
        if rejected or refused:
            # Before the commit, and again under the same name after a kill in between.
            _set_aside(path, start, rejected + refused)
        position.save(update_fields=["offset"])
    return len(rows) - len(refused)


def _lines(file: IO[bytes], *, to_end: bool) -> Iterator[bytes]:
    """The next whole lines; a run of zeros, and what is longer than any line, count as lines that are not valid."""
    read = 0
    for _number in range(DRAIN_LINES):
        line = file.readline(traces.MAX_LINE_BYTES + 1)
        if line.startswith(b"\0"):
            # A trace may follow the zeros that a power failure left.
            rest = line.lstrip(b"\0")
            file.seek(-len(rest), os.SEEK_CUR)
            line = line[: len(line) - len(rest)]
        elif not line or not (line.endswith(b"\n") or to_end or len(line) > traces.MAX_LINE_BYTES):
            return  # not yet whole: its call has not been answered
        yield line
        read += len(line)
        if read >= DRAIN_BYTES:
            return


def _insert(rows: list[tuple[bytes, list[Any]]]) -> list[_Rejected]:
    """Adds the rows; returns those that the database refuses for what they hold."""
    if not rows:
        return []
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(_statement(), [values for _line, values in rows])
    except (DataError, IntegrityError) as error:
        if len(rows) == 1:
            return [_Rejected(rows[0][0], f"refused by the database ({type(error).__name__})")]
        half = len(rows) // 2
        return _insert(rows[:half]) + _insert(rows[half:])
    return []


def _set_aside(path: Path, offset: int, rejected: list[_Rejected]) -> None:
    beside = path.with_name(f"{path.stem}.{offset}.rejected")
    files.write(beside, b"".join(each.line for each in rejected))
    message = f"Lines of the trace journal cannot be read; they are kept in {beside.name}."
    members = traces.members(
        INCIDENT,
        system(),
        rating=Rating.INCIDENT,
        status=500,
        message=message,
        resource=("journal", "", path.name),
        request={"lines": len(rejected), "kept_in": beside.name, "reason": rejected[0].reason},
    )
    # One ID for this place in this file, so that a drain which is repeated reports it once.
    members["id"] = uuid.uuid5(_INCIDENT_IDS, f"{path.name}:{offset}")
    Trace.objects.get_or_create(pk=members.pop("id"), defaults=members)
    log.error("%s Lines: %d, the first is %s.", message, len(rejected), rejected[0].reason)


def _is_abandoned(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _row(line: bytes) -> list[Any]:
    values = traces.decode(line)
    for column in _ADAPTED:
        values[column.attname] = column.get_db_prep_save(values[column.attname], connection)
    return [values[name] for name in traces.COLUMNS]


# What databases write differently. All else is texts and numbers, in JSON as in the table.
_ADAPTED = [column for column in Trace._meta.concrete_fields if column.attname in ("id", "time", "request")]


def _statement() -> str:
    """Adds traces that are not there yet. By way of models SQLite takes two to three times as long for it, which under
    a lasting load is felt by those who use keys.
    """
    columns = ", ".join(map(connection.ops.quote_name, traces.COLUMNS))
    values = ", ".join(["%s"] * len(traces.COLUMNS))
    return f"INSERT INTO {Trace._meta.db_table} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608

"""What lets a process remember what it read of the database, without ever acting on what no longer holds (SEC-006).

Triggers count every change of the watched tables, by scope and in the transaction of the change itself: no service, job
or hand at a database prompt can forget to. A request reads the counts of its scopes first, in one small query; whatever
was loaded under the same count is still true and is not loaded again. So a change is felt by the next request of every
process, with no grace at all, and a quiet database is read once. Of rows that are used by the thousand it is also noted
which changed under what count, so that the others need not be read again in a busy one.

Only what has no transaction open remembers: inside one, the counts would be those of a change not yet made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    models,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from operations import availability
from operations.models import ChangeCount, ChangedRow

# Who may do what; every other scope is a project's ID.
IDENTITY = "identity"

# Bounds of one process: at the worst some hundred thousand small objects.
MAX_ENTRIES = 2_000
MAX_SCOPES = 100

Loaded = TypeVar("Loaded")


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One table whose changes count, all of them or some events only.

    `columns`: an update counts only where it sets one of these. `scope`: an SQL expression in which `{row}` is the row,
    before a deletion and after any other change. `row`: likewise, the name under which it is noted that this very row
    was changed or deleted.
    """

    model: type[models.Model]
    scope: str = f"'{IDENTITY}'"
    row: str = ""
    events: tuple[str, ...] = ("insert", "update", "delete")
    columns: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return self.model._meta.db_table


@dataclass(frozen=True, slots=True)
class Remembered:
    """`row`: the name of the one row that it was read from; "" where it stands on more."""

    found: Any
    row: str = ""


Entries = dict[Hashable, Remembered]


@dataclass(slots=True)
class Memory:
    """What was loaded under one count of one scope: shared by all requests that met that count."""

    count: int
    entries: Entries = field(default_factory=dict)

    def part(self) -> None:
        """From now on this request, having changed something itself, remembers for itself alone."""
        self.entries = {}

    def recall(self, key: Hashable, load: Callable[[], Loaded], *, row: str = "") -> Loaded:
        """What `load` returned when it was last called for this key. What it raises is not remembered.

        `row`: the watched name of the one row that `load` reads. What others change does not matter then.
        """
        known = self.entries.get(key)
        if known is not None:
            return known.found  # type: ignore[no-any-return]
        found = load()
        if len(self.entries) >= MAX_ENTRIES:
            self.entries.clear()
        self.entries[key] = Remembered(found, row)
        return found


_memories: dict[str, Memory] = {}


def memories(*scopes: str) -> tuple[Memory | None, ...]:
    """The memory of each scope as it stands now: one query. None inside a transaction, and before a first change."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.in_atomic_block or not scopes:
        return (None,) * len(scopes)
    counts = _here.counts.get(scopes)
    if counts is None:
        counts = _here.counts[scopes] = _counts(database, scopes)
    # A scope that never changed has no row: what belongs to none is not remembered either.
    return tuple(_memory(scope, counts[scope]) if scope in counts else None for scope in scopes)


def _counts(database: BaseDatabaseWrapper, scopes: tuple[str, ...]) -> dict[str, int]:
    marks = ", ".join([_MARKS[database.vendor]] * len(scopes))
    return dict(_rows(database, f"SELECT scope, count FROM {_TABLE} WHERE scope IN ({marks})", scopes))  # noqa: S608


def _rows(database: BaseDatabaseWrapper, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Past the framework's cursor, which would take longer than the database: every request asks this first.

    A connection that the database has ended meanwhile is replaced, as the framework's own would be.
    """
    try:
        return _asked(database, query, values)
    except (OperationalError, InterfaceError):
        database.close()
        return _asked(database, query, values)


def _asked(database: BaseDatabaseWrapper, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    availability.require_answering_database()
    database.ensure_connection()
    with database.wrap_database_errors:
        return database.connection.execute(query, values).fetchall()  # type: ignore[no-any-return]


_MARKS = {"sqlite": "?", "postgresql": "%s"}

Counts = dict[tuple[str, ...], dict[str, int]]


class _Nothing(Counts):
    """Keeps nothing."""

    def __setitem__(self, scopes: tuple[str, ...], counts: dict[str, int]) -> None:
        return None


class _Here(threading.local):
    counts: Counts = _Nothing()


_here = _Here()


@contextmanager
def shared(counts: Counts) -> Iterator[None]:
    """Within, this thread asks once for all requests that are given the same dict. Only such may share it as have all
    begun before the first of them runs: each then acts on what was so after it began.
    """
    before, _here.counts = _here.counts, counts
    try:
        yield
    finally:
        _here.counts = before


def _memory(scope: str, count: int) -> Memory:
    known = _memories.get(scope)
    if known is not None and known.count == count:
        return Memory(count, known.entries)
    fresh = Memory(count, _what_still_holds(scope, known) if known is not None and known.count < count else {})
    # A slower thread may come with an older count: what it loads is for itself alone.
    if known is None or known.count < count:
        if len(_memories) >= MAX_SCOPES:
            _memories.clear()
        _memories[scope] = Memory(count, fresh.entries)
    return fresh


def _what_still_holds(scope: str, known: Memory) -> Entries:
    """Of what was loaded under an earlier count: that which was read from rows that have not changed since."""
    entries = {key: entry for key, entry in known.entries.copy().items() if entry.row}
    if not entries:
        return {}
    database = connections[DEFAULT_DB_ALIAS]
    mark = _MARKS[database.vendor]
    query = f"SELECT row_name FROM {_CHANGED} WHERE scope = {mark} AND at > {mark} LIMIT {MAX_ENTRIES}"  # noqa: S608
    changed = {name for (name,) in _rows(database, query, (scope, known.count))}
    if len(changed) == MAX_ENTRIES:
        return {}
    return {key: entry for key, entry in entries.items() if entry.row not in changed}


def forget() -> None:
    """Empties this process's memories."""
    _memories.clear()


# --- the triggers --------------------------------------------------------------------------------------------------

_TABLE, _CHANGED = ChangeCount._meta.db_table, ChangedRow._meta.db_table


def install(watches: tuple[Watch, ...]) -> None:
    """Puts the triggers in place, anew: a migration that rebuilds a table of SQLite loses them."""
    with transaction.atomic(), connection.cursor() as cursor:
        present = connection.introspection.table_names(cursor)
        for watch in watches:
            for event in watch.events if watch.table in present else ():
                for statement in _STATEMENTS[connection.vendor]:
                    cursor.execute(statement.format(**_parts(watch, event)))


def _parts(watch: Watch, event: str) -> dict[str, str]:
    columns = ", ".join(watch.columns)
    values = {
        "counts": _TABLE,
        "changed": _CHANGED,
        "scope": watch.scope.format(row="OLD" if event == "delete" else "NEW"),
        "name": watch.row.format(row="OLD" if event == "delete" else "NEW"),
        "random": _RANDOM[connection.vendor],
    }
    # What is new was in nobody's memory.
    noted = _COUNT + _NOTE if watch.row and event != "insert" else _COUNT
    return {
        "name": f"count_{watch.table}_{event}",
        "when": f"{event} OF {columns}" if columns and event == "update" else event,
        "table": watch.table,
        "statements": noted.format(**values),
    }


_COUNT = """
    INSERT INTO {counts} (scope, count) VALUES ({scope}, {random})
    ON CONFLICT (scope) DO UPDATE SET count = {counts}.count + 1;"""
_NOTE = """
    INSERT INTO {changed} (row_name, scope, at)
    VALUES ({name}, {scope}, (SELECT count FROM {counts} WHERE scope = {scope}))
    ON CONFLICT (row_name) DO UPDATE SET scope = excluded.scope, at = excluded.at;"""
# The first count is random, so that no count of a database that was emptied or replaced comes again.
_RANDOM = {"sqlite": "random() & 281474976710655", "postgresql": "floor(random() * 281474976710655)::bigint"}

_SQLITE = "CREATE TRIGGER {name} AFTER {when} ON {table} BEGIN {statements} END"

# Deferred to the commit: a count that is taken earlier would make writers wait for each other, even for ever.
_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statements}
    RETURN NULL;
END $$"""
_POSTGRESQL_TRIGGER = """
CREATE CONSTRAINT TRIGGER {name} AFTER {when} ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {name}()"""

_STATEMENTS: dict[str, tuple[str, ...]] = {
    "sqlite": ("DROP TRIGGER IF EXISTS {name}", _SQLITE),
    "postgresql": ("DROP TRIGGER IF EXISTS {name} ON {table}", _POSTGRESQL_FUNCTION, _POSTGRESQL_TRIGGER),
}

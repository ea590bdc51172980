"""Which errors say that something is missing, from the drivers and the system themselves; and what the log says."""

from __future__ import annotations

import errno
import logging
import sqlite3
import threading

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError

from operations import availability, errors
from operations.availability import Condition, condition_of
from operations.errors import KmsError


@pytest.fixture(autouse=True)
def _nothing_is_missing():
    yield
    for condition in Condition:
        availability.end(condition)


def as_django_raises(error: Exception) -> OperationalError:
    raised = OperationalError(*error.args)
    raised.__cause__ = error
    return raised


def error_of(connection, *statements: str) -> Exception:
    *before, last = statements
    for statement in before:
        connection.execute(statement)
    with pytest.raises((sqlite3.Error, psycopg.Error)) as caught:
        connection.execute(last)
    return caught.value


def sqlite(path, **options) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=0, **options)


def test_a_lock_of_sqlite_that_is_not_free_in_time(tmp_path):
    holder, other = sqlite(tmp_path / "database"), sqlite(tmp_path / "database")
    holder.execute("BEGIN IMMEDIATE")

    assert condition_of(as_django_raises(error_of(other, "BEGIN IMMEDIATE"))) is Condition.DATABASE_BUSY


def test_a_database_of_sqlite_that_has_no_room(tmp_path):
    full = sqlite(tmp_path / "database")

    failure = error_of(full, "CREATE TABLE a (b)", "PRAGMA max_page_count = 1", "CREATE TABLE c (d)")

    assert condition_of(as_django_raises(failure)) is Condition.DISK_FULL


def test_a_database_of_sqlite_that_may_not_be_written(tmp_path):
    sqlite(tmp_path / "database").execute("CREATE TABLE a (b)")
    reading = sqlite(f"file:{tmp_path / 'database'}?mode=ro", uri=True)

    failure = error_of(reading, "INSERT INTO a VALUES (1)")

    assert condition_of(as_django_raises(failure)) is Condition.DISK_NOT_WRITABLE


def test_a_file_of_sqlite_that_is_gone(tmp_path):
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite(tmp_path / "no" / "database").execute("SELECT 1")

    assert condition_of(as_django_raises(caught.value)) is Condition.NO_DATABASE


def test_a_mistake_in_a_statement_is_a_bug(tmp_path):
    failure = error_of(sqlite(tmp_path / "database"), "SELECT FROM")

    assert condition_of(as_django_raises(failure)) is None
    assert availability.unavailable(as_django_raises(failure)) is None
    assert condition_of(ProgrammingError("no such table")) is None


@pytest.mark.system
@pytest.mark.parametrize(
    "statement",
    ["SET statement_timeout = '20ms'; SELECT pg_sleep(30)", "SET lock_timeout = '20ms'; LOCK TABLE taken"],
)
def test_a_statement_of_postgresql_that_waits_too_long(postgresql_server, statement):
    url = postgresql_server.create_database()
    with psycopg.connect(url) as holder, psycopg.connect(url) as other:
        holder.execute("CREATE TABLE taken (a int)")
        holder.commit()
        holder.execute("LOCK TABLE taken")

        assert condition_of(as_django_raises(error_of(other, statement))) is Condition.DATABASE_BUSY


@pytest.mark.system
def test_a_connection_of_postgresql_that_is_ended(postgresql_server):
    url = postgresql_server.create_database()
    with psycopg.connect(url) as ended, psycopg.connect(url) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [ended.info.backend_pid])

        assert condition_of(as_django_raises(error_of(ended, "SELECT 1"))) is Condition.NO_DATABASE
        assert condition_of(InterfaceError("connection already closed")) is Condition.NO_DATABASE


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk(number):
    assert condition_of(OSError(number, "no room")) is Condition.DISK_FULL


def test_other_errors_of_the_system_are_bugs():
    assert condition_of(OSError(errno.EACCES, "not allowed")) is None
    assert condition_of(ValueError("not at all")) is None


def test_it_is_refused_with_a_code_a_time_and_a_sentence():
    refusal = availability.unavailable(OSError(errno.ENOSPC, "no room"))

    assert isinstance(refusal, KmsError)
    assert (refusal.code, refusal.retry_after > 0) == (errors.UNAVAILABLE, True)
    assert "disk is full" in str(refusal.hint)


def test_the_log_says_when_it_begins_and_when_it_ends_and_nothing_in_between(caplog, monkeypatch):
    caplog.set_level(logging.WARNING, logger="operations.availability")
    for _ in range(100):
        availability.unavailable(OSError(errno.ENOSPC, "no room"))
    availability.end_quiet()
    assert caplog.messages == ["disk full: this begins"]

    monkeypatch.setattr(availability, "QUIET_SECONDS", -1)
    availability.end_quiet()
    availability.end_quiet()
    assert caplog.messages == ["disk full: this begins", "disk full: this is over"]


def test_while_the_database_is_known_to_be_silent_only_the_thread_that_looks_asks_it():
    refused = []

    def ask():
        try:
            availability.require_answering_database()
        except OperationalError as error:
            refused.append(condition_of(error))

    availability.set_silent(True)
    try:
        availability.require_answering_database()
        other = threading.Thread(target=ask)
        other.start()
        other.join()
    finally:
        availability.set_silent(False)
    assert refused == [Condition.NO_DATABASE]
    ask()
    assert len(refused) == 1

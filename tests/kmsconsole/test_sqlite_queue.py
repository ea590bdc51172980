"""Transactions on SQLite wait for each other in a queue, by a lock on a file beside the database."""

from __future__ import annotations

import fcntl
import gc
import os
import sqlite3
import threading
from pathlib import Path

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from keys.models import KeyVersion
from kmsconsole.sqlite import base
from operations import clock

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has queues of its own"),
]


@pytest.fixture
def queue():
    """The file in which to stand in front of a transaction, as another process would."""
    with transaction.atomic():
        pass
    with Path(f"{connection.settings_dict['NAME']}-queue").open() as file:
        yield file


def is_free(queue) -> bool:
    try:
        fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(queue, fcntl.LOCK_UN)
    return True


def test_a_transaction_waits_for_who_is_in_front_and_goes_on_at_once(queue):
    began = threading.Event()

    def write():
        with transaction.atomic():
            began.set()
        connection.close()

    fcntl.flock(queue, fcntl.LOCK_EX)
    writer = threading.Thread(target=write)
    writer.start()
    assert not began.wait(0.3)

    fcntl.flock(queue, fcntl.LOCK_UN)
    assert began.wait(20)
    writer.join()


def test_reading_outside_a_transaction_waits_for_nobody(queue):
    fcntl.flock(queue, fcntl.LOCK_EX)

    with connection.cursor() as cursor:
        assert cursor.execute("SELECT 1").fetchone() == (1,)

    fcntl.flock(queue, fcntl.LOCK_UN)


def test_a_turn_is_a_transaction_with_all_that_is_nested_in_it(queue):
    with transaction.atomic():
        with transaction.atomic():
            assert not is_free(queue)
        assert not is_free(queue)
    assert is_free(queue)


def test_a_turn_ends_before_what_waits_for_the_commit(queue):
    seen = []
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append(is_free(queue)))

    assert seen == [True]


def test_a_forked_process_ends_no_turn_of_its_parent(queue):
    """A worker of the job runner closes the connections that it inherits."""
    with transaction.atomic():
        child = os.fork()
        if not child:
            connection.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0

        assert not is_free(queue)
    assert is_free(queue)


def test_a_thread_that_ends_leaves_the_queue(queue):
    def places():
        return sum(str(each.readlink()) == queue.name for each in Path("/proc/self/fd").iterdir() if each.is_symlink())

    before = places()

    def write():
        with transaction.atomic():
            pass

    writer = threading.Thread(target=write)
    writer.start()
    writer.join()
    del writer
    gc.collect()

    assert places() == before


def roll_back():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError


def lose_the_connection():
    with transaction.atomic():
        connection.close()


def fail_to_commit():
    """Foreign keys are looked at by the commit."""
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), transaction.atomic():
        KeyVersion.objects.create(key_id=0, created_at=clock.now())


def find_the_database_locked():
    """By a program that knows nothing of the queue."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(OperationalError, match="locked"), transaction.atomic():
            pass
    finally:
        other.close()
        connection.close()


@pytest.mark.parametrize("end", [roll_back, lose_the_connection, fail_to_commit, find_the_database_locked])
def test_a_turn_ends_however_its_transaction_does(queue, end):
    end()

    assert is_free(queue)


# --- waiting too long ---------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(base, "TURN_SECONDS", 0.2)


def test_who_waits_too_long_is_told_that_the_database_is_locked(queue, impatient):
    fcntl.flock(queue, fcntl.LOCK_EX)
    for _ in range(3):
        with pytest.raises(OperationalError, match="locked") as refused, transaction.atomic():
            pass
        assert refused.value.__cause__.sqlite_errorcode == sqlite3.SQLITE_BUSY

    fcntl.flock(queue, fcntl.LOCK_UN)
    with transaction.atomic():
        assert not is_free(queue)
    assert is_free(queue)


def test_a_turn_that_comes_when_nobody_waits_any_more_is_given_on(queue, impatient):
    fcntl.flock(queue, fcntl.LOCK_EX)
    with pytest.raises(OperationalError), transaction.atomic():
        pass

    fcntl.flock(queue, fcntl.LOCK_UN)

    with Path(queue.name).open() as another_process:
        fcntl.flock(another_process, fcntl.LOCK_EX)  # waits for ever where it was kept


def test_however_many_wait_one_thread_of_a_process_stands_in_the_kernels_queue(queue, impatient):
    fcntl.flock(queue, fcntl.LOCK_EX)

    def write():
        with pytest.raises(OperationalError), transaction.atomic():
            pass
        connection.close()

    for _ in range(3):
        writers = [threading.Thread(target=write) for _ in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

    assert [thread.name for thread in threading.enumerate()].count("turn") == 1
    fcntl.flock(queue, fcntl.LOCK_UN)


def test_no_two_transactions_have_their_turn_at_once(queue):
    inside, most = 0, 0

    def write():
        nonlocal inside, most
        for _ in range(20):
            with transaction.atomic():
                inside += 1
                most = max(most, inside)
                inside -= 1
        connection.close()

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert most == 1
    assert is_free(queue)

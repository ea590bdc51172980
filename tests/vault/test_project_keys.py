"""A project's key is made once, at its first use, and leaves memory within five minutes (SEC-006)."""

import threading

import pytest
from django.db import connection, transaction

from tests.vault.conftest import a_binding
from tests.vault.processes import fork, wait
from vault import hierarchy, sealing
from vault.cache import OpenedKeys
from vault.models import ProjectKey

AT_ONCE = 8


def in_threads(work):
    """Runs `work` AT_ONCE times at the same moment; returns what each returned."""
    start, results, faults = threading.Barrier(AT_ONCE), [], []

    def run():
        try:
            start.wait()
            results.append(work())
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    return results


def test_first_use_in_many_threads_makes_one_key(committed_vault):
    blobs = in_threads(lambda: sealing.seal(a_binding(), b"a key"))

    assert ProjectKey.objects.count() == 1
    hierarchy.forget()
    assert [sealing.open(a_binding(), blob) for blob in blobs] == [b"a key"] * AT_ONCE


def test_first_use_in_many_transactions_makes_one_key(committed_vault):
    def seal_in_a_transaction():
        with transaction.atomic():
            return sealing.seal(a_binding(), b"a key")

    blobs = in_threads(seal_in_a_transaction)

    assert ProjectKey.objects.count() == 1
    hierarchy.forget()
    assert [sealing.open(a_binding(), blob) for blob in blobs] == [b"a key"] * AT_ONCE


def test_first_use_in_many_processes_makes_one_key(committed_vault, tmp_path):
    def serve(number):
        return lambda: (tmp_path / str(number)).write_bytes(sealing.seal(a_binding(), b"a key"))

    processes = [fork(serve(number)) for number in range(4)]

    assert [wait(process) for process in processes] == [0] * 4
    assert ProjectKey.objects.count() == 1
    assert [sealing.open(a_binding(), path.read_bytes()) for path in tmp_path.glob("[0-9]")] == [b"a key"] * 4


def test_each_project_and_each_region_has_a_key_of_its_own(vault):
    keys = [
        hierarchy.project_key(region, project).material for region in ("eu-de", "eu-nl") for project in ("p1", "p2")
    ]

    assert len(set(keys)) == 4


def test_a_key_that_was_rolled_back_is_not_remembered(committed_vault):
    with transaction.atomic():
        sealing.seal(a_binding(), b"a key")
        transaction.set_rollback(True)
    assert not ProjectKey.objects.exists()

    blob = sealing.seal(a_binding(), b"a key")

    hierarchy.forget()
    assert sealing.open(a_binding(), blob) == b"a key"


def test_with_a_key_in_memory_opening_costs_no_query_and_sealing_one(committed_vault, django_assert_num_queries):
    blob = sealing.seal(a_binding(), b"a key")

    with django_assert_num_queries(0):
        sealing.open(a_binding(), blob)
    with django_assert_num_queries(1):  # is this version still the current one?
        sealing.seal(a_binding(), b"another")


def test_a_key_leaves_memory_after_five_minutes(committed_vault, monkeypatch, django_assert_num_queries):
    now = [1000.0]
    monkeypatch.setattr(hierarchy, "_project_keys", OpenedKeys(entries=9, seconds=300, clock=lambda: now[0]))
    blob = sealing.seal(a_binding(), b"a key")
    assert hierarchy.PROJECT_KEY_SECONDS <= 300

    now[0] += 299
    with django_assert_num_queries(0):
        sealing.open(a_binding(), blob)
    now[0] += 1
    with django_assert_num_queries(1):
        sealing.open(a_binding(), blob)


class TestOpenedKeys:
    @pytest.fixture
    def now(self):
        return [0.0]

    @pytest.fixture
    def keys(self, now):
        return OpenedKeys(entries=2, seconds=10, clock=lambda: now[0])

    def test_gives_what_was_put(self, keys):
        keys.put("a", 1)

        assert keys.get("a") == 1
        assert keys.get("b") is None

    def test_forgets_by_age_even_what_is_used_all_the_time(self, keys, now):
        keys.put("a", 1)
        for now[0] in range(10):
            assert keys.get("a") == 1

        now[0] = 10

        assert keys.get("a") is None
        assert len(keys._values) == 0

    def test_holds_no_more_than_its_bound_and_drops_the_least_recently_used(self, keys):
        keys.put("a", 1)
        keys.put("b", 2)
        keys.get("a")
        keys.put("c", 3)

        assert (keys.get("a"), keys.get("b"), keys.get("c")) == (1, None, 3)

    def test_drops_one_or_all(self, keys):
        keys.put("a", 1)
        keys.put("b", 2)

        keys.drop("a")
        keys.drop("never there")
        assert (keys.get("a"), keys.get("b")) == (None, 2)
        keys.clear()
        assert keys.get("b") is None

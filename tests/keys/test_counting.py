"""The number of keys in a list is remembered, and is right all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keys import counting, queries
from keys.api import listing
from keys.models import Key
from operations import changes
from operations.perform import perform
from tests.operations.stage import a_key, an_imported_key, schedule_deletion

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def strong_room(lasting_strong_room):
    """Committed: inside a test's transaction nothing would be remembered."""


@pytest.fixture(autouse=True)
def _nothing_remembered(strong_room):
    changes.forget()
    yield
    changes.forget()


def total(caller):
    remembering = replace(caller, memory=changes.memories(caller.project_id)[0])
    return counting.total(remembering, queries.visible_keys(caller), question="all")


def listed(caller, **fields):
    remembering = replace(caller, memory=changes.memories(caller.project_id)[0])
    return listing.LIST_KEYS.respond(perform(listing.LIST_KEYS, remembering, fields))["total"]


def test_keys_are_counted_once(alice):
    a_key(alice)
    assert total(alice) == 1

    with CaptureQueriesContext(connection) as asked:
        assert total(alice) == 1

    assert not list(asked), "the change count alone is read, and by no cursor that is listened to"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads plans of SQLite")
@pytest.mark.parametrize("selection", [{}, {"is_default": False}], ids=["all keys", "custom keys"])
def test_counting_reads_an_index_and_when_the_count_changes_by_itself_one_row(alice, selection):
    a_key(alice)
    remembering = replace(alice, memory=changes.memories(alice.project_id)[0])
    keys = queries.visible_keys(alice).filter(**selection)
    with CaptureQueriesContext(connection) as asked:
        counting.total(remembering, keys, question="plan")

    plans = []
    with connection.cursor() as cursor:
        for query in asked:
            plans += [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}").fetchall()]

    assert plans == [
        "SEARCH keys_key USING COVERING INDEX next_deletion_of_a_project (project_id=? AND scheduled_deletion_at>?)",
        "SEARCH keys_key USING COVERING INDEX next_expiry_of_a_project (project_id=? AND material_expires_at>?)",
        "SEARCH keys_key USING COVERING INDEX key_by_state (project_id=?)",
    ]


@pytest.mark.parametrize("change", [a_key, lambda caller: Key.objects.filter(project=caller.project_id).delete()])
def test_a_key_more_or_less_is_seen_at_once(alice, change):
    a_key(alice)
    before = total(alice)

    change(alice)

    assert total(alice) != before


def test_a_key_whose_waiting_period_ends_is_counted_no_more(alice, the_clock):
    a_key(alice)
    schedule_deletion(alice, a_key(alice))
    assert total(alice) == 2

    the_clock.advance(days=7)

    assert total(alice) == 1


def test_each_filter_has_a_count_of_its_own(alice, the_clock):
    a_key(alice)
    an_imported_key(alice, "EC_P256")

    assert [listed(alice), listed(alice, key_spec="EC_P256"), listed(alice, key_state="5")] == [2, 1, 0]
    assert [listed(alice), listed(alice, key_spec="EC_P256"), listed(alice, key_state="5")] == [2, 1, 0]


def test_material_that_expires_moves_a_key_from_count_to_count(alice, the_clock):
    an_imported_key(alice, expiration_time=the_clock.seconds() + 3600)
    assert [listed(alice, key_state="2"), listed(alice, key_state="5")] == [1, 0]

    the_clock.advance(hours=1)

    assert [listed(alice, key_state="2"), listed(alice, key_state="5")] == [0, 1]


def test_a_clock_that_is_set_back_is_believed_too(alice, the_clock):
    schedule_deletion(alice, a_key(alice))
    the_clock.advance(days=8)
    assert total(alice) == 0

    the_clock.advance(days=-8)

    assert total(alice) == 1

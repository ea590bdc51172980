"""Deleting keys at their date: due to the second, repeatable, and traced as the system's own act."""

from __future__ import annotations

import pytest
from django.db import connection

from keys import queries
from keys.api.lifecycle import DELETE_KEY
from keys.models import Key, KeyVersion, Tag
from keys.tasks import delete_due_keys, perform_each
from operations import errors
from operations.caller import system
from operations.models import Trace
from operations.perform import perform
from tests.operations.stage import (
    a_key,
    an_empty_key,
    an_imported_key,
    an_offer,
    cancel_deletion,
    refused,
    schedule_deletion,
)


def the_system(caller):
    return system(account_id=caller.account_id, project_id=caller.project_id, region_id=caller.region_id)


def test_a_key_is_deleted_at_its_date_with_all_that_hangs_on_it(alice, the_clock):
    key = an_empty_key(alice, tags=[{"key": "team", "value": "x"}])
    an_offer(alice, key)
    imported = an_imported_key(alice, "EC_P256")
    for each in (key, imported):
        schedule_deletion(alice, each, days=7)
    the_clock.advance(days=7)

    assert delete_due_keys() == 2

    assert not Key.objects.exists()
    assert not KeyVersion.objects.exists()
    assert not Tag.objects.exists()
    assert not key.wrapping_keys.exists()


def test_its_traces_stay_and_the_last_one_is_the_systems(alice, the_clock):
    key = a_key(alice, alias="orders")
    schedule_deletion(alice, key, days=7)
    the_clock.advance(days=7)

    delete_due_keys()

    traces = list(Trace.objects.filter(resource_id=key.key_id).order_by("time", "name"))
    assert [trace.name for trace in traces] == ["createKey", "scheduleKeyDeletion", "deleteKey"]
    last = traces[-1]
    assert (last.kind, last.user_name, last.rating) == ("SystemAction", "system", "normal")
    assert (last.resource_name, last.project_id, last.time) == ("orders", alice.project_id, the_clock.at)


def test_nothing_is_deleted_a_second_before(alice, the_clock):
    key = a_key(alice)
    schedule_deletion(alice, key, days=7)
    the_clock.advance(days=7, seconds=-1)

    assert delete_due_keys() == 0

    cancel_deletion(alice, key)


def test_a_repeated_sweep_does_nothing_more(alice, the_clock):
    schedule_deletion(alice, a_key(alice), days=7)
    the_clock.advance(days=7)

    assert [delete_due_keys() for _ in range(10)] == [1] + [0] * 9

    assert Trace.objects.filter(name="deleteKey").count() == 1


def schedule_and_cancel(caller, key):
    schedule_deletion(caller, key)
    cancel_deletion(caller, key)


@pytest.mark.parametrize("leave", [None, schedule_deletion, schedule_and_cancel])
def test_a_forged_message_deletes_no_key_that_is_not_due(alice, leave):
    key = a_key(alice)
    if leave:
        leave(alice, key)

    with refused(errors.NOT_PENDING_DELETION):
        perform(DELETE_KEY, the_system(alice), {"key_id": key.key_id})

    assert Key.objects.filter(pk=key.pk).exists()


def test_nobody_but_the_system_deletes_a_key_at_once(alice, the_clock):
    key = a_key(alice)
    schedule_deletion(alice, key, days=7)
    the_clock.advance(days=7)

    with refused(errors.NO_PERMISSION):
        perform(DELETE_KEY, alice, {"key_id": key.key_id})


def test_one_key_that_cannot_be_deleted_stops_no_other(alice, the_clock):
    keys = [a_key(alice) for _ in range(3)]
    for key in keys:
        schedule_deletion(alice, key, days=7)
    the_clock.advance(days=7)
    _make_undeletable(keys[0])

    assert delete_due_keys() == 2

    assert list(Key.objects.values_list("key_id", flat=True)) == [keys[0].key_id]
    # Half a deletion is none: its material is still there.
    assert keys[0].versions.get().material_sealed is not None
    assert Trace.objects.get(resource_id=keys[0].key_id, name="deleteKey").rating == "incident"


def test_a_runner_that_was_quicker_is_left_the_rest(alice, the_clock):
    keys = [a_key(alice) for _ in range(5)]
    for key in keys:
        schedule_deletion(alice, key, days=7)
    the_clock.advance(days=7)
    deleted_by_the_other = []

    def about(key):
        if key == keys[2]:
            deleted_by_the_other.append(delete_due_keys())
        return key, {}

    due = Key.objects.filter(queries.due_for_deletion()).select_related("project")
    deleted = perform_each(due, DELETE_KEY, by="scheduled_deletion_at", about=about)

    assert (deleted, deleted_by_the_other) == (2, [3])
    ratings = Trace.objects.filter(name="deleteKey").values_list("rating", flat=True)
    assert sorted(ratings) == ["normal"] * 5 + ["warning"], "of what two reached at once, and of nothing behind it"


def _make_undeletable(key):
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TRIGGER keep BEFORE DELETE ON keys_key WHEN OLD.id = {key.pk} "
            "BEGIN SELECT RAISE(ABORT, 'kept by the test'); END"
        )


def test_an_id_and_an_alias_are_free_of_the_deleted_key(alice, the_clock):
    key = a_key(alice, alias="orders")
    schedule_deletion(alice, key, days=7)
    the_clock.advance(days=7)
    delete_due_keys()

    again = a_key(alice, alias="orders")

    assert again.key_id != key.key_id

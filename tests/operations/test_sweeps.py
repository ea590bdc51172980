"""Sweeps: every due row once, in the order of its date, whatever becomes of the rows before it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from operations import sweeps
from operations.models import Trace
from operations.trail import record_event
from tests.operations.stage import NOON


@pytest.fixture
def rows(alice, monkeypatch):
    """Seven, three to a page; several of the same moment."""
    monkeypatch.setattr(sweeps, "PAGE_ROWS", 3)
    for minutes in (5, 1, 1, 1, 1, 3, 0):
        trace = record_event("swept", alice)
        Trace.objects.filter(pk=trace.pk).update(time=NOON + timedelta(minutes=minutes))
    return Trace.objects.filter(name="swept")


def test_every_row_comes_once_and_the_earliest_first(rows):
    found = list(sweeps.each(rows, by="time"))

    assert len({row.pk for row in found}) == len(found) == 7
    assert [row.time for row in found] == sorted(row.time for row in found)


def test_rows_that_stay_hold_up_no_others_and_rows_that_go_are_not_missed(rows):
    seen = []
    for row in sweeps.each(rows, by="time"):
        seen.append(row.pk)
        if len(seen) % 2:
            Trace.objects.filter(pk=row.pk).update(name="done")

    assert len(set(seen)) == len(seen) == 7


def test_a_page_is_one_query(rows):
    with CaptureQueriesContext(connection) as queries:
        list(sweeps.each(rows, by="time"))

    assert len(queries) == 3


def test_a_sweep_ends_before_its_task_is_killed(rows, monkeypatch):
    monkeypatch.setattr(sweeps, "LONGEST_SECONDS", -1.0)

    assert list(sweeps.each(rows, by="time")) == []


def test_a_row_that_is_renewed_while_it_is_purged_stays(rows):
    renewed = rows.first()

    def renew_before_deleting(execute, sql, *arguments):
        if sql.startswith("DELETE"):
            with connection.cursor() as cursor:
                cursor.execute("UPDATE operations_trace SET name = 'renewed' WHERE request_id = %s", ["renewed"])
        return execute(sql, *arguments)

    Trace.objects.filter(pk=renewed.pk).update(request_id="renewed")
    with connection.execute_wrapper(renew_before_deleting):
        assert sweeps.purge(rows) == 6

    assert list(Trace.objects.filter(name__in=("swept", "renewed"))) == [renewed]

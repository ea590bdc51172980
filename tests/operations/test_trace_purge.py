"""Traces are kept for ever, unless a setting says for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from operations import sweeps
from operations.caller import system
from operations.models import Trace
from operations.tasks import purge_traces
from operations.trail import record_event

pytestmark = pytest.mark.django_db


def test_traces_are_kept_for_ever_by_default(the_clock):
    record_event("createKey", system())
    the_clock.advance(days=10_000)

    assert purge_traces() == 0

    assert Trace.objects.count() == 1


def test_traces_older_than_the_setting_go_and_the_trail_says_so(the_clock, settings, monkeypatch):
    monkeypatch.setattr(sweeps, "PURGE_ROWS", 2)
    settings.KMS_KEEP_TRACES = timedelta(days=400)
    for _ in range(5):
        record_event("createKey", system())
    the_clock.advance(days=400)
    record_event("enableKey", system())
    assert purge_traces() == 0
    the_clock.advance(seconds=1)

    assert purge_traces() == 5

    assert set(Trace.objects.values_list("name", flat=True)) == {"enableKey", "purgeTraces"}
    trace = Trace.objects.get(name="purgeTraces")
    assert (trace.kind, trace.request["traces"]) == ("SystemAction", 5)
    assert purge_traces() == 0

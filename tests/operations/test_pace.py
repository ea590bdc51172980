"""A caller may be fast, but not faster than the limit; and nobody is slowed down by another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations import errors, pace
from operations.errors import KmsError
from operations.pace import Pace


def admitted(limit, who, times):
    return sum(limit.wait(who, at) == 0 for at in times)


def test_a_burst_of_a_seconds_worth_passes_and_no_more():
    limit = Pace(per_second=10)

    assert admitted(limit, "alice", [0.0] * 30) == 10


def test_who_waits_as_told_is_let_through():
    limit = Pace(per_second=10)
    admitted(limit, "alice", [0.0] * 10)

    wait = limit.wait("alice", 0.0)

    assert 0 < wait <= 0.1
    assert limit.wait("alice", wait) == 0


def test_a_steady_stream_at_the_limit_is_never_stopped():
    limit = Pace(per_second=10)

    assert admitted(limit, "alice", [n / 10 for n in range(1000)]) == 1000


def test_each_caller_is_counted_alone():
    limit = Pace(per_second=10)
    admitted(limit, "alice", [0.0] * 100)

    assert limit.wait("bob", 0.0) == 0


@given(st.lists(st.floats(0, 60), max_size=200), st.integers(1, 20))
def test_in_no_second_more_pass_than_twice_the_limit(times, per_second):
    limit = Pace(per_second)
    passed = [at for at in sorted(times) if limit.wait("alice", at) == 0]

    assert all(sum(start <= at < start + 1 for at in passed) <= 2 * per_second for start in passed)


def test_callers_without_number_take_no_memory_without_end(monkeypatch):
    monkeypatch.setattr(pace, "MAX_CALLERS", 100)
    limit = Pace(per_second=10)

    for number in range(1000):
        limit.wait(f"caller {number}", 0.0)

    assert len(limit._due) <= 100


def test_too_many_calls_are_told_when_to_come_again(settings):
    settings.KMS_RATE_LIMITS, settings.KMS_CALLS_PER_SECOND, settings.KMS_WEB_WORKERS = True, 4, 2
    pace._paces.clear()
    pace.admit("somebody")
    pace.admit("somebody")

    with pytest.raises(KmsError) as refused:
        pace.admit("somebody")

    assert refused.value.code is errors.TOO_MANY_REQUESTS
    assert refused.value.retry_after == 1


def test_limits_can_be_off(settings):
    settings.KMS_RATE_LIMITS, settings.KMS_CALLS_PER_SECOND = False, 1

    for _call in range(10):
        pace.admit("somebody")

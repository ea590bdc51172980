"""What costs much is counted in the database, one statement a call, so that every process counts together (SEC-077)."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from operations import errors, limits
from operations.errors import KmsError
from operations.limits import Rate
from operations.models import RateCount

pytestmark = pytest.mark.django_db(transaction=True)

THREE_A_MINUTE = Rate("a-dear-thing", calls=3)


@pytest.fixture
def strong_room(lasting_strong_room):
    """Committed: threads of their own count here."""


def admitted(caller, times):
    """How many of so many calls were let through."""
    passed = 0
    for _call in range(times):
        try:
            limits.admit(THREE_A_MINUTE, caller)
        except KmsError as error:
            assert error.code is errors.TOO_MANY_REQUESTS
        else:
            passed += 1
    return passed


def test_so_many_calls_pass_in_each_window(alice, the_clock):
    assert admitted(alice, 5) == 3

    the_clock.advance(minutes=1)

    assert admitted(alice, 5) == 3


def test_one_too_many_is_told_how_long_to_wait(alice, the_clock):
    the_clock.advance(seconds=60 - the_clock.seconds() % 60 + 20)
    admitted(alice, 3)

    with pytest.raises(KmsError) as refused:
        limits.admit(THREE_A_MINUTE, alice)

    assert refused.value.retry_after == 40


def test_each_user_has_a_count_of_his_own(alice):
    assert admitted(alice, 4) == 3
    assert admitted(replace(alice, user_id="another"), 4) == 3


def test_a_count_is_one_statement(alice):
    limits.admit(THREE_A_MINUTE, alice)

    with CaptureQueriesContext(connection) as captured:
        limits.admit(THREE_A_MINUTE, alice)

    assert [query["sql"].split()[0] for query in captured] == ["BEGIN", "INSERT", "COMMIT"]


def test_calls_at_the_same_time_are_all_counted(alice, the_clock):
    passed = []

    def call():
        passed.append(admitted(alice, 5))
        connection.close()

    callers = [threading.Thread(target=call) for _each in range(4)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()

    assert sum(passed) == 3
    assert RateCount.objects.get().calls == 20


def test_windows_that_are_long_over_are_forgotten(alice, the_clock):
    admitted(alice, 1)
    the_clock.advance(minutes=62)
    admitted(alice, 1)

    limits.forget_old()

    assert RateCount.objects.get().calls == 1

"""A clock that jumps erases nothing, and one that is set back revives nothing (SEC-082)."""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from importlib import import_module
from io import StringIO

import pytest
import requests
from django.core.management import call_command

from iam.models import Token
from iam.services import tokens
from imports.models import WrappingKey
from imports.tasks import expire_material, expire_wrapping_keys
from keys.models import Key
from keys.tasks import delete_due_keys, rotate_due_keys
from kmsconsole import health
from kmsconsole.celery import DUTIES, app
from operations import errors, timekeeping
from operations.models import ClockMark, Trace
from tests import factories
from tests.clock import Machine
from tests.operations.stage import (
    a_key,
    alice,
    an_empty_key,
    an_imported_key,
    an_offer,
    import_into,
    refused,
    schedule_deletion,
    state_of,
    strong_room,
)
from tests.services.product import running_console

__all__ = ["alice", "strong_room"]

MATERIAL = bytes(range(32))
TIMED_JOBS = [duty.task for duty in DUTIES if duty.task != "operations.tasks.drain_journal"]


@pytest.fixture
def machine(settings):
    settings.KMS_TEST_MODE = False
    with Machine() as machine:
        yield machine


@pytest.fixture
def noted(machine, alice):
    """A machine whose clock has been noted."""
    assert timekeeping.observe() is None
    return machine


def run(task):
    module, _, name = task.rpartition(".")
    return getattr(import_module(module), name)()


def expiring(caller, machine, **span):
    at = int((machine.at + timedelta(**span)).timestamp())
    return an_imported_key(caller, plaintext=MATERIAL, expiration_time=at)


def traces(name):
    return list(Trace.objects.filter(name=name).values_list("rating", "kind", "user_name"))


# --- ahead --------------------------------------------------------------------------------------------------------


def test_a_clock_that_jumped_a_year_ahead_destroys_nothing_and_coming_back_loses_nothing(alice, noted):
    key, other, empty = expiring(alice, noted, days=30), a_key(alice), an_empty_key(alice)
    schedule_deletion(alice, other, days=30)
    an_offer(alice, empty)
    noted.let_pass(minutes=5)
    expire_material()

    noted.set_clock(days=365)
    assert [run(task) for task in TIMED_JOBS] == [None] * len(TIMED_JOBS)
    assert state_of(alice, key) == "5", "what has expired by the clock is refused all the same"
    noted.set_clock(days=-365)

    assert [expire_material(), delete_due_keys(), expire_wrapping_keys()] == [0, 0, 0]
    assert state_of(alice, key) == "2"
    assert Key.objects.filter(pk=other.pk).exists()
    assert WrappingKey.objects.get(key=empty).is_live()


def test_a_jump_is_an_incident_once_and_a_line_in_the_log_once(noted, caplog):
    noted.set_clock(days=365)

    for _ in range(5):
        assert expire_material() is None
        noted.let_pass(minutes=1)

    assert traces("doubtClock") == [("incident", "SystemAction", "system")]
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert "confirm_clock" in line
    assert timekeeping.warning() == line
    trace = Trace.objects.get(name="doubtClock")
    assert trace.request == {"clock": "2027-11-24T12:00:00+00:00", "last_noted": "2026-11-24T12:00:00+00:00"}


def test_an_operator_confirms_and_the_jobs_go_on(alice, noted):
    key = expiring(alice, noted, days=30)
    noted.set_clock(days=365)
    assert expire_material() is None
    told = StringIO()

    call_command("confirm_clock", stdout=told)

    assert "2026-11-24T12:00:00Z" in told.getvalue()
    assert "2027-11-24T12:00:00Z" in told.getvalue()
    assert timekeeping.warning() == ""
    assert expire_material() == 1
    assert traces("confirmClock") == [("warning", "SystemAction", "system")]
    assert state_of(alice, key) == "5"


def test_a_clock_that_stays_ahead_for_a_day_is_believed(alice, noted):
    expiring(alice, noted, days=30)
    noted.set_clock(days=365)
    assert expire_material() is None

    noted.let_pass(hours=23, minutes=59)
    assert expire_material() is None
    noted.let_pass(minutes=1)

    assert expire_material() == 1
    assert traces("acceptClock") == [("warning", "SystemAction", "system")]


def test_the_day_is_counted_by_uptime_and_not_by_the_clock(noted):
    noted.set_clock(days=365)
    assert expire_material() is None

    for _ in range(10):
        noted.set_clock(days=2)
        assert expire_material() is None


def test_a_day_that_is_broken_by_the_right_time_begins_anew(noted):
    noted.set_clock(days=365)
    assert expire_material() is None
    noted.let_pass(hours=23)
    noted.set_clock(days=-365)
    assert expire_material() == 0

    noted.set_clock(days=365)
    assert expire_material() is None
    noted.let_pass(hours=2)

    assert expire_material() is None
    assert len(traces("doubtClock")) == 2


def test_the_day_begins_anew_while_another_machine_says_otherwise(noted):
    """One worker's clock is wrong, another's is right: the wrong one is never believed by itself."""
    right = Machine(noted.at)
    right.boot = 99
    noted.set_clock(days=365)
    for _hour in range(30):
        assert expire_material() is None
        with right:
            assert expire_material() == 0
        for each in (noted, right):
            each.let_pass(hours=1)

    assert len(traces("doubtClock")) == 1
    assert ClockMark.objects.get().at < noted.at - timedelta(days=300)


@pytest.mark.parametrize("hours", [1, 23.9])
def test_a_small_jump_holds_up_nothing(alice, noted, hours):
    expiring(alice, noted, minutes=30)
    noted.set_clock(hours=hours)

    assert expire_material() == 1


def test_many_small_jumps_are_one_large_one(noted):
    noted.set_clock(hours=20)
    assert expire_material() == 0
    noted.let_pass(minutes=10)
    noted.set_clock(hours=20)

    assert expire_material() is None


def test_a_clock_that_gains_a_little_each_day_is_believed(noted):
    for _day in range(10):
        noted.let_pass(days=1)
        noted.set_clock(hours=3)
        assert expire_material() == 0


def test_the_bound_is_a_setting(noted, settings):
    settings.KMS_MAX_CLOCK_JUMP = timedelta(hours=2)
    noted.set_clock(hours=3)

    assert expire_material() is None


def test_a_product_that_was_off_for_a_week_on_a_machine_that_was_not_goes_on_at_once(alice, noted):
    expiring(alice, noted, days=2)
    noted.let_pass(days=7)

    assert expire_material() == 1
    assert timekeeping.warning() == ""


def test_a_machine_that_was_off_for_a_week_waits_for_a_day_or_a_word(alice, noted):
    """It cannot be told from one whose clock battery is empty."""
    expiring(alice, noted, days=2)
    noted.switch_off(days=7)
    assert expire_material() is None

    noted.let_pass(hours=24)

    assert expire_material() == 1


def test_a_machine_that_was_off_overnight_goes_on_at_once(noted):
    noted.switch_off(hours=10)

    assert expire_material() == 0


def test_a_restart_while_it_waits_begins_the_day_anew(noted):
    noted.set_clock(days=365)
    assert expire_material() is None
    noted.let_pass(hours=20)
    noted.switch_off(minutes=2)
    assert expire_material() is None
    noted.let_pass(hours=20)
    assert expire_material() is None
    noted.let_pass(hours=4)

    assert expire_material() == 0


# --- back ---------------------------------------------------------------------------------------------------------


def test_material_that_has_expired_is_not_usable_again_when_the_clock_is_set_back(alice, noted):
    """No sweep has come by: only the time says that it is gone."""
    key = expiring(alice, noted, hours=1)
    noted.let_pass(hours=2)
    assert timekeeping.observe() is None

    noted.set_clock(days=-365)

    assert state_of(alice, key) == "5"
    assert expire_material() is None
    assert traces("doubtClock") == [("incident", "SystemAction", "system")]
    assert "behind" in timekeeping.warning()


def test_another_process_learns_of_the_mark_from_the_database(alice, noted):
    key = expiring(alice, noted, hours=1)
    noted.let_pass(hours=2)
    timekeeping.observe()
    timekeeping.forget()

    noted.set_clock(days=-365)

    assert state_of(alice, key) == "5"


def test_a_key_whose_waiting_period_is_over_stays_gone(alice, noted):
    key = a_key(alice)
    schedule_deletion(alice, key, days=7)
    noted.let_pass(days=8)
    timekeeping.observe()

    noted.set_clock(days=-30)

    with refused(errors.KEY_NOT_FOUND):
        state_of(alice, key)


def test_tokens_and_wrapping_keys_that_have_ended_stay_so(alice, noted):
    issued = tokens.issue(factories.user("carol"))
    key = an_empty_key(alice)
    an_offer(alice, key)
    noted.let_pass(hours=25)
    timekeeping.observe()

    noted.set_clock(hours=-20)

    with refused(errors.TOKEN_EXPIRED_AUTH):
        tokens.find(issued.secret)
    assert not WrappingKey.objects.get(key=key).is_live()


def test_what_is_made_by_a_clock_that_was_set_back_works(alice, noted):
    noted.let_pass(hours=20)
    timekeeping.observe()
    noted.set_clock(hours=-20)

    issued = tokens.issue(factories.user("carol"))
    key = an_empty_key(alice)
    import_into(alice, key)

    assert tokens.find(issued.secret)
    assert state_of(alice, key) == "2"


def test_material_may_not_expire_at_a_time_that_has_been(alice, noted):
    noted.let_pass(hours=20)
    timekeeping.observe()
    noted.set_clock(hours=-20)
    key = an_empty_key(alice)

    with refused(errors.EXPIRATION_IN_THE_PAST, field="expiration_time"):
        import_into(alice, key, expiration_time=int((noted.at + timedelta(hours=10)).timestamp()))


def test_jobs_go_on_when_the_clock_has_caught_up(alice, noted, caplog):
    noted.set_clock(hours=-2)
    assert delete_due_keys() is None

    noted.let_pass(hours=1, minutes=56)

    assert delete_due_keys() == 0
    assert timekeeping.warning() == ""
    assert "believed again" in caplog.text


def test_an_operator_who_confirms_a_clock_that_was_set_back_lowers_the_mark(noted):
    noted.set_clock(days=-365)
    assert expire_material() is None

    call_command("confirm_clock", stdout=StringIO())

    assert expire_material() == 0
    assert timekeeping.latest() == noted.at


def test_a_clock_that_steps_back_by_seconds_holds_up_nothing(noted):
    noted.set_clock(seconds=-20)

    assert expire_material() == 0
    assert timekeeping.latest() == noted.at + timedelta(seconds=20)


# --- who moves the mark, and who is watched -----------------------------------------------------------------------


@pytest.mark.parametrize("task", TIMED_JOBS)
def test_each_job_that_acts_on_dates_moves_the_mark_and_waits_while_it_cannot(noted, task):
    noted.let_pass(minutes=1)
    run(task)
    assert ClockMark.objects.get().at == noted.at

    noted.set_clock(days=2)

    assert run(task) is None
    assert ClockMark.objects.get().at < noted.at
    assert app.tasks[task].name == task


def test_writes_move_the_mark_where_no_job_runs(alice, noted):
    noted.let_pass(minutes=9)
    schedule_deletion(alice, a_key(alice))
    assert ClockMark.objects.get().at < noted.at

    noted.let_pass(minutes=1)
    schedule_deletion(alice, a_key(alice))

    assert ClockMark.objects.get().at == noted.at


def test_a_mark_that_is_new_costs_one_query(noted, django_assert_num_queries):
    noted.let_pass(seconds=20)

    with django_assert_num_queries(1):
        timekeeping.observe()


def test_expiry_costs_no_query_but_one_a_minute(noted, django_assert_num_queries):
    timekeeping.forget()

    with django_assert_num_queries(1):
        for _ in range(10):
            timekeeping.latest()


def test_test_mode_believes_every_clock(alice, noted, settings):
    settings.KMS_TEST_MODE = True
    expiring(alice, noted, days=30)
    noted.set_clock(days=365)

    assert expire_material() == 1
    assert rotate_due_keys() == 0
    assert timekeeping.warning() == ""
    assert Token.objects.count() == 0


def test_readiness_warns_and_does_not_turn_traffic_away(noted):
    checks = [check for check in health.CHECKS if check.find is health.clock]
    assert health.look(checks) == health.State()
    noted.set_clock(days=365)

    assert health.look(checks) == health.State(warnings=("clock ahead",))
    noted.set_clock(days=-700)
    assert health.look(checks) == health.State(warnings=("clock behind",))


@pytest.mark.system
def test_a_running_product_waits_warns_and_goes_on_when_it_is_told_to(tmp_path):
    """To it, a mark of a year ago by another start of the machine is what a clock that jumped a year ahead would be."""
    settings = {"KMS_TEST_MODE": "0", "KMS_RATE_LIMITS": "1", "KMS_JOB_INTERVAL": "1", "KMS_WEB_WORKERS": "1"}
    with running_console(tmp_path, **settings) as console:

        def warnings():
            return requests.get(f"{console.url}/readyz", timeout=20).json().get("warnings", [])

        def mark():
            with closing(sqlite3.connect(console.home / "kms.sqlite3", timeout=20)) as database:
                return database.execute("SELECT at, boot_id FROM operations_clockmark").fetchone()

        _until(mark)
        assert "clock ahead" not in warnings()
        with closing(sqlite3.connect(console.home / "kms.sqlite3", timeout=20)) as database, database:
            database.execute("UPDATE operations_clockmark SET at = datetime('now', '-365 days'), boot_id = 'before'")

        _until(lambda: "clock ahead" in warnings() and "confirm_clock" in console.log_text())
        assert mark()[1] == "before"
        assert "Confirmed:" in console.manage("confirm_clock")
        _until(lambda: "clock ahead" not in warnings())
        assert mark()[1] != "before"


def _until(holds, seconds=120):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)

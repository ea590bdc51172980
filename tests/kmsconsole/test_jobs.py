"""The beat table, the moved clock, and the thread that is beat where there is no broker."""

from __future__ import annotations

import inspect
import threading
from datetime import timedelta
from importlib import import_module
from io import StringIO
from uuid import uuid4

import pytest
from celery import Celery
from django.core.management import CommandError, call_command

from kmsconsole import celery as jobs
from kmsconsole.embedded import EmbeddedBeat
from operations import clock


@pytest.fixture
def clock_file(settings):
    yield
    clock.set_offset(timedelta())


@pytest.mark.parametrize("duty", jobs.DUTIES, ids=lambda duty: duty.task)
def test_every_row_of_the_beat_table_is_a_task_that_takes_no_order(duty):
    module, _, name = duty.task.rpartition(".")

    task = getattr(import_module(module), name)

    assert jobs.app.tasks[duty.task].name == task.name
    assert not inspect.signature(task.run).parameters
    assert duty.why.endswith(".")


def test_the_period_of_a_sweep_is_a_setting(settings):
    settings.KMS_JOB_INTERVAL = 2

    assert jobs.period(jobs.DUTIES[0]) == timedelta(seconds=2)


def test_tasks_travel_as_json_and_leave_no_result():
    conf = jobs.app.conf

    assert list(conf.accept_content) == ["json"]
    assert conf.task_serializer == "json"
    assert conf.task_ignore_result is True
    assert conf.task_time_limit > conf.task_soft_time_limit > 0


@pytest.mark.django_db
def test_due_jobs_are_run_once_each_in_the_order_of_the_table():
    told = StringIO()

    call_command("run_due_jobs", stdout=told)

    assert [line.partition(":")[0] for line in told.getvalue().splitlines()] == [duty.task for duty in jobs.DUTIES]


def test_the_clock_moves_and_comes_back(clock_file):
    call_command("clock", advance="25h", stdout=StringIO())
    call_command("clock", advance="90m", stdout=StringIO())
    assert clock.offset() == timedelta(hours=26, minutes=30)

    call_command("clock", reset=True, stdout=StringIO())
    assert clock.offset() == timedelta()


def test_a_span_that_cannot_be_read_is_refused(clock_file):
    with pytest.raises(CommandError, match=r"^--advance must be a duration such as 25h"):
        call_command("clock", advance="tomorrow")


@pytest.mark.parametrize("command", ["clock", "run_due_jobs"])
def test_time_stands_outside_test_mode(settings, command):
    settings.KMS_TEST_MODE = False

    with pytest.raises(CommandError, match="test mode only"):
        call_command(command)


def _beat_app(body) -> Celery:
    name = f"probe-{uuid4()}"
    app = Celery(name, broker="memory://", set_as_current=False)
    app.conf.update(task_always_eager=True, task_ignore_result=True)
    app.task(name=name)(body)
    app.conf.beat_schedule = {name: {"task": name, "schedule": timedelta(seconds=0.05)}}
    return app


def test_the_embedded_clock_runs_what_is_due_again_and_again():
    thrice = threading.Event()
    runs = []

    def body():
        runs.append(threading.current_thread().name)
        if len(runs) >= 3:
            thrice.set()

    beat = EmbeddedBeat(_beat_app(body))
    beat.start()
    try:
        assert thrice.wait(20)
    finally:
        beat.stop(seconds=5)

    assert set(runs) == {"beat"}
    assert not beat.is_alive()


def test_a_failing_job_does_not_stop_the_clock():
    again = threading.Event()
    runs = []

    def body():
        runs.append(1)
        if len(runs) >= 2:
            again.set()
        raise RuntimeError

    beat = EmbeddedBeat(_beat_app(body))
    beat.start()
    try:
        assert again.wait(20)
    finally:
        beat.stop(seconds=5)

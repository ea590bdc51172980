"""How jobs behave while something they need is missing: none piles up, none fails with a traceback at each sweep."""

from __future__ import annotations

from typing import Any

from celery import Task, beat
from celery.beat import ScheduleEntry
from celery.exceptions import OperationalError

from operations import availability
from operations.availability import Condition

NO_BROKER = "no broker"
NOT_READ = "jobs not read by any worker"


class Job(Task):
    """Every task: it ends quietly where the database or the disk is missing, and the next sweep tries again."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            result = super().__call__(*args, **kwargs)
        except Exception as error:
            if availability.unavailable(error) is None:
                raise
            return None
        availability.end(Condition.NO_DATABASE)
        availability.end_quiet()
        return result


class Scheduler(beat.Scheduler):
    """Sends a duty only while workers read: a message says no more than that something may be due, and one for each
    duty says all there is to say. So a worker that is away for days finds a few messages when it comes back.
    """

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        try:
            if self._unread() < len(self.app.conf.beat_schedule):
                self.apply_async(entry, producer=producer, advance=False)
                availability.end(NOT_READ)
            else:
                availability.report(NOT_READ)
        except (OperationalError, OSError, beat.SchedulingError, *self.connection.connection_errors):
            availability.report(NO_BROKER)
        else:
            availability.end(NO_BROKER)

    def _unread(self) -> int:
        with self.app.connection_for_write() as connection:
            declared = connection.default_channel.queue_declare(self.app.conf.task_default_queue)
            return int(declared.message_count)

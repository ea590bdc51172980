"""What beat would do, now and in order. For a test mode whose clock was moved."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from kmsconsole.celery import DUTIES, app


class Command(BaseCommand):
    help = "Run every periodic job once, in order (test mode only)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.KMS_TEST_MODE:
            raise CommandError("run_due_jobs works in test mode only: set KMS_TEST_MODE=1.")
        for duty in DUTIES:
            import_module(duty.task.rpartition(".")[0])
            done = app.tasks[duty.task].apply(throw=True).result
            self.stdout.write(f"{duty.task}: {'done' if done is None else done}")

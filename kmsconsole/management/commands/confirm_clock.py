"""Says that the machine's clock is right, so that jobs which act on dates go on (SEC-082)."""

from typing import Any

from django.core.management.base import BaseCommand

from operations import timekeeping


class Command(BaseCommand):
    help = "Confirm that this machine's clock is right after it jumped: jobs that erase, delete and rotate go on."

    def handle(self, *args: Any, **options: Any) -> None:
        before, now = timekeeping.confirm()
        if before is not None:
            self.stdout.write(f"Last time noted: {before:%Y-%m-%dT%H:%M:%SZ}")
        self.stdout.write(f"Confirmed:       {now:%Y-%m-%dT%H:%M:%SZ}")

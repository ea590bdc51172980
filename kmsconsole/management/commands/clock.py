"""Moves the clock of a running product in test mode, so that a day need not be waited for."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kmsconsole import env
from operations import clock


class Command(BaseCommand):
    help = "Move the product's clock forward, or back to the present (test mode only)."

    def add_arguments(self, parser: CommandParser) -> None:
        change = parser.add_mutually_exclusive_group()
        change.add_argument("--advance", metavar="SPAN", help="25h, 30d, 90m or seconds; adds to earlier advances")
        change.add_argument("--reset", action="store_true", help="back to the real time")

    def handle(self, *args: Any, advance: str | None, reset: bool, **options: Any) -> None:
        if not settings.KMS_TEST_MODE:
            raise CommandError("The clock can be moved in test mode only: set KMS_TEST_MODE=1.")
        if reset:
            clock.set_offset(timedelta())
        elif advance:
            try:
                clock.set_offset(clock.offset() + env.parse_duration(advance))
            except ValueError as error:
                raise CommandError(f"--advance {error}.") from None
        self.stdout.write(f"{clock.now():%Y-%m-%dT%H:%M:%SZ} ({clock.offset()} ahead)")

"""For health checks of containers: whether this process's database, root key and broker are usable from here."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kmsconsole import health


class Command(BaseCommand):
    help = "Exit with 0 if database, root key and broker can be used, else with 1 and one line."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        state = health.console_state()
        if state == health.OK:
            state = health.broker_state()
        if state != health.OK:
            raise CommandError(state)
        self.stdout.write(state)

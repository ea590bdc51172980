"""For health checks of containers: whether what this process needs can be used from here."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kmsconsole import health


class Command(BaseCommand):
    help = "Exit with 0 if database, root key, disk and broker can be used, else with 1 and one line."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        health.be_impatient()
        state = health.look()
        if not state.is_ready:
            raise CommandError(state.status)
        self.stdout.write(state.status)

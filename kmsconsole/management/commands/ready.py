"""For health checks of containers: whether what this process needs can be used from here, and whether it serves."""

from http.client import HTTPConnection
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kmsconsole import health

SECONDS = 8


class Command(BaseCommand):
    help = "Exit with 0 if database, root key, disk and broker can be used, else with 1 and one line."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--web", action="store_true", help="ask the web server of this container instead")

    def handle(self, *args: Any, web: bool, **options: Any) -> None:
        if web:
            _ask_web_server()
        else:
            _look()
        self.stdout.write(health.OK)


def _look() -> None:
    health.be_impatient()
    state = health.look()
    if not state.is_ready:
        raise CommandError(state.status)


def _ask_web_server() -> None:
    connection = HTTPConnection("127.0.0.1", settings.KMS_PORT, timeout=SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        told = answer.read().decode()
    except OSError:
        raise CommandError("the web server does not answer") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise CommandError(told)

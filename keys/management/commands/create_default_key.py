"""The default key of a service in a project, made before the service first uses it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from keys.models import Key
from keys.services import defaults
from projects.models import Project
from projects.queries import find_project
from vault.errors import VaultError


class Command(BaseCommand):
    help = "Make the default key of a service, unless it is there. The first use of the service makes it by itself."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="its ID, or its name where one account only has it")
        parser.add_argument("service", choices=defaults.SERVICES)
        parser.add_argument("--account", help="name of the project's account")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project = find_project(options["project"], account=options["account"])
            defaults.make(project, options["service"])
        except (Project.DoesNotExist, Project.MultipleObjectsReturned) as error:
            raise CommandError(str(error)) from None
        except VaultError as error:
            raise CommandError(f"The key cannot be sealed: {error}") from None
        key = Key.objects.get(project=project, alias=defaults.alias_of(options["service"]), is_default=True)
        self.stdout.write(f"{key.alias} {key.key_id}")

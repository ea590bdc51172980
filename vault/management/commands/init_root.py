"""First start: the root key and the keys of the installation. Refuses beside a database that has keys (SEC-005)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from vault import initialisation, roots
from vault.errors import VaultError


class Command(BaseCommand):
    help = "Create the root key of a new installation and the keys that hang on it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--use-existing",
            action="store_true",
            help="take the root key file that is already there for a new database",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            root_id = initialisation.initialise(use_existing_root=options["use_existing"])
        except VaultError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"The root key cannot be written: {error}.") from None
        self.stdout.write(f"Root key {root_id} is in {roots.configured().place}.")
        self.stdout.write("Back it up now, apart from the database: without it every key in the database is lost.")

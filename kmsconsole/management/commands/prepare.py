"""Once for a deployment, and again after each update: database, root key, first administrator, static files."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kmsconsole import preparation
from vault.errors import VaultError


class Command(BaseCommand):
    help = "Migrate, initialise the root key of a new database, create the first administrator, collect static files."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        preparation.make_home()
        preparation.ensure_secret_key()
        preparation.migrate()
        try:
            preparation.ensure_root_key()
        except VaultError as error:
            raise CommandError(str(error)) from None
        if reason := preparation.seal_reason():
            self.stderr.write(f"The key service is sealed: {reason}")
        else:
            self.stdout.writelines(f"{line}\n" for line in preparation.bootstrap())
        preparation.collect_static()

"""Replaces the root key while the product runs. Safe to stop and to start again at any point (SEC-003)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from vault import rotation
from vault.errors import VaultError


class Command(BaseCommand):
    help = "Wrap every service key and project key under a new root key, then retire the old one."

    def add_arguments(self, parser: CommandParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument(
            "--prepare",
            action="store_true",
            help="only make the new root key file, to back it up and to copy it to other hosts",
        )
        choice.add_argument(
            "--remove-old",
            action="store_true",
            help="remove the old root key file; older backups can then not be restored",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["prepare"]:
                self.stdout.write(f"Root key {rotation.prepare()} is ready; run rotate_root_key to go over to it.")
                return
            done = rotation.rotate(keep_old=not options["remove_old"], on_step=self._report(options["verbosity"]))
        except VaultError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"The root key file cannot be written: {error}.") from None
        self.stdout.write(f"Everything is under root key {done.root_id} ({done.rewrapped} keys wrapped anew).")
        self.stdout.write(done.retired)
        self.stdout.write("Back up the new root key now, apart from the database.")

    def _report(self, verbosity: int) -> Any:
        return (lambda step: self.stdout.write(f"wrapped anew: {step}")) if verbosity > 1 else (lambda step: None)

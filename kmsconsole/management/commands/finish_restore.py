"""Once after a backup was put back: checks that it opens, and ends what must not come back with it (SEC-093)."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import transaction

from iam import sessions
from iam.services import tokens
from imports.services import parameters
from kmsconsole import preparation
from operations import timekeeping
from operations.caller import system
from operations.models import Rating
from operations.trail import record_event


class Command(BaseCommand):
    help = "After a restore: migrate, open every key, end all tokens, console sessions and import sessions."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        preparation.migrate()
        call_command("check_vault", stdout=self.stdout, stderr=self.stderr)
        with transaction.atomic():
            ended = {
                "tokens": tokens.revoke_all(),
                "sessions": sessions.end_all(),
                "import_sessions": parameters.end_all(),
            }
            record_event("restoreBackup", system(), rating=Rating.WARNING, resource=("backup", "", ""), request=ended)
        self.stdout.write(
            f"Ended: {ended['tokens']} tokens, {ended['sessions']} console sessions,"
            f" {ended['import_sessions']} import sessions."
        )
        self.stdout.write("Access keys, passwords and grants are those of the backup: see list_access_keys.")
        timekeeping.observe()
        if warning := timekeeping.warning():
            self.stdout.write(warning)

"""Once for an installation: the first account and its administrator."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from iam.services.bootstrap import bootstrap


class Command(BaseCommand):
    help = "Create the first region, account, project and administrator; does nothing where there is a user already."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            first = bootstrap(
                region=settings.KMS_REGION,
                account=settings.KMS_ACCOUNT,
                user=settings.KMS_ADMIN_USER,
                password=settings.KMS_ADMIN_PASSWORD,
            )
        except ValidationError as error:
            raise CommandError(f"KMS_ADMIN_PASSWORD or KMS_ADMIN_USER: {' '.join(error.messages)}") from None
        if first is None:
            return
        self.stdout.write(f"Address:            {settings.KMS_ADDRESS}")
        self.stdout.write(f"Account:            {first.user.account.name}")
        self.stdout.write(f"User:               {first.user.name}")
        if first.one_time_password:
            self.stdout.write(f"One-time password:  {first.one_time_password}")
            self.stdout.write("It is shown this once and must be changed at sign-in.")
        else:
            self.stdout.write("Password:           as set by KMS_ADMIN_PASSWORD")

"""A new one-time password for a user who lost theirs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from iam.models import User
from iam.services import users
from operations.caller import system


class Command(BaseCommand):
    help = "Give a user a one-time password. All of the user's sessions and tokens end."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--account", help="where several accounts have a user of that name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = users.find(options["user"], account=options["account"])
        except User.DoesNotExist as error:
            raise CommandError(str(error)) from None
        password = users.reset_password(user, by=system(account_id=user.account_id))
        self.stdout.write(f"Account:            {user.account.name}")
        self.stdout.write(f"User:               {user.name}")
        self.stdout.write(f"One-time password:  {password}")

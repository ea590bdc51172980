"""A new IAM user with a one-time password."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from iam import rights
from iam.services import passwords, users
from operations.caller import system
from projects.models import Account


class Command(BaseCommand):
    help = "Create a user. A one-time password is printed once; it must be changed at sign-in."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--account", help="may be left out where there is only one")
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--policy",
            action="append",
            default=[],
            choices=sorted(rights.BUILT_IN),
            help="for the whole account; repeatable",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        password = passwords.one_time()
        try:
            account = _account(options["account"])
            users.create(
                account,
                options["user"],
                password,
                email=options["email"],
                policies=tuple(options["policy"]),
                by=system(account_id=account.pk),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(f"Account:            {account.name}")
        self.stdout.write(f"User:               {options['user']}")
        self.stdout.write(f"One-time password:  {password}")


def _account(name: str | None) -> Account:
    accounts = list(Account.objects.filter(name=name) if name else Account.objects.all()[:2])
    if len(accounts) != 1:
        raise CommandError(f"There is no account {name}." if name else "Say which account: --account NAME.")
    return accounts[0]

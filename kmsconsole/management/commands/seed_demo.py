"""A tenant full of keys, to look around in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kmsconsole import demo
from projects.models import Account


class Command(BaseCommand):
    help = "Fill a new demo account with regions, projects, users and some sixty keys in every state."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", default="demo")
        parser.add_argument("--password", help="of everybody in it; made up and printed if not given")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["account"]
        if Account.objects.filter(name=name).exists():
            raise CommandError(f"There is an account {name} already; choose another one with --account.")
        user, password = demo.seed(account_name=name, password=options["password"])
        people = ", ".join(person for person, _policies in demo.PEOPLE)
        self.stdout.write(f"Account:   {user.account.name}")
        self.stdout.write(f"Users:     {people}")
        self.stdout.write(f"Password:  {password}")

"""What the commands that change one access key share: they name it, change it, and say what was done."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from iam.services import access_keys
from iam.services.access_keys import UnknownAccessKey
from operations.caller import system


class AccessKeyCommand(BaseCommand):
    """Subclasses set what is done and how it is told."""

    requires_system_checks: list[str] = []
    change: ClassVar[Callable[..., None]]
    done: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ak", metavar="AK", help="the access key ID, as list_access_keys shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = access_keys.named(options["ak"])
            type(self).change(found, by=system(account_id=found.user.account_id))
        except UnknownAccessKey:
            raise CommandError(f"There is no access key {options['ak']}.") from None
        self.stdout.write(f"Access key {found.ak} of {found.user.name} ({found.user.account.name}) is {self.done}.")

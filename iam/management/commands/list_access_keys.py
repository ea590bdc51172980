"""Which access keys there are, whose, and when each was used last."""

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from iam.models import AccessKey, User
from iam.services import access_keys, users
from projects.models import Account

COLUMNS = ("ak", "status", "created", "last_used", "account", "user")


class Command(BaseCommand):
    help = "List the access keys of a user, or of everybody. Times are UTC; the last use is kept to the hour."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", nargs="?", help="name of the IAM user; everybody otherwise")
        parser.add_argument("--account", help="name of the account; needed for a user of a name that several have")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [_row(access_key) for access_key in _chosen(options["user"], options["account"])]
        if options["format"] == "json":
            self.stdout.write(json.dumps(rows))
            return
        lines = [
            [name.upper().replace("_", " ") for name in COLUMNS],
            *([row[name] or "--" for name in COLUMNS] for row in rows),
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            self.stdout.write("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _chosen(user: str | None, account: str | None) -> QuerySet[AccessKey]:
    try:
        if user is not None:
            return access_keys.listed(users.find(user, account=account).pk)
        if account is not None:
            return access_keys.listed().filter(user__account=Account.objects.get(name=account))
    except User.DoesNotExist as error:
        raise CommandError(str(error)) from None
    except Account.DoesNotExist:
        raise CommandError(f"There is no account {account}.") from None
    return access_keys.listed()


def _row(access_key: AccessKey) -> dict[str, str | None]:
    used = access_key.last_used_at
    return {
        "ak": access_key.ak,
        "status": access_key.status,
        "created": _moment(access_key.created_at),
        "last_used": _moment(used) if used else None,
        "account": access_key.user.account.name,
        "user": access_key.user.name,
    }


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"

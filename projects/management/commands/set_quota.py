"""How many keys a project may hold, or how many grants a key, where that differs from the default."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from projects.models import Account, Project, QuotaKind
from projects.queries import find_project
from projects.services import quotas

MOST = 10_000_000


class Command(BaseCommand):
    help = "Set the quota of a project, or of every project of an account. A project's own comes first."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("limit", help="a whole number, or `default` to take the limit back")
        parser.add_argument("--kind", choices=QuotaKind.values, default=QuotaKind.KEYS.value)
        parser.add_argument("--project", help="its ID, or its name where one account only has it")
        parser.add_argument("--account", help="its name")

    def handle(self, *args: Any, **options: Any) -> None:
        limit = _limit(options["limit"])
        holder = _holder(options["project"], options["account"])
        quotas.set_limit(holder, QuotaKind(options["kind"]), limit)
        told = "the default" if limit is None else limit
        self.stdout.write(f"{options['kind']} of {holder._meta.verbose_name} {holder}: {told}")


def _limit(text: str) -> int | None:
    if text == "default":
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) > MOST:
        raise CommandError(f"Say a whole number up to {MOST:,}, or `default`.")
    return int(text)


def _holder(project: str | None, account: str | None) -> Account | Project:
    try:
        if project is not None:
            return find_project(project, account=account)
        if account is not None:
            return Account.objects.get(name=account)
    except (Project.DoesNotExist, Project.MultipleObjectsReturned) as error:
        raise CommandError(str(error)) from None
    except Account.DoesNotExist:
        raise CommandError(f"There is no account {account}.") from None
    raise CommandError("Say for whom: --project or --account.")

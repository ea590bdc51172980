"""An AK/SK pair for a user, told once on standard output."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from iam.authentication import selected_project
from iam.models import User
from iam.services import access_keys, users
from operations.caller import system
from projects.models import Project
from projects.queries import projects_of
from vault.errors import VaultError


class Command(BaseCommand):
    help = "Create an access key (AK/SK). The secret key is shown once and cannot be read again."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="name of the IAM user")
        parser.add_argument("--account", help="name of the account, where several have a user of that name")
        parser.add_argument("--project", help="name of the project to print; the user's own choice otherwise")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = users.find(options["user"], account=options["account"])
            project = _project(user, options["project"])
            created = access_keys.create(user, by=system(account_id=user.account_id))
        except (User.DoesNotExist, Project.DoesNotExist) as error:
            raise CommandError(str(error)) from None
        except access_keys.TooManyAccessKeys:
            raise CommandError(
                f"{options['user']} has two access keys already: delete one first (delete_access_key)."
            ) from None
        except VaultError as error:
            raise CommandError(f"The secret key cannot be sealed: {error}") from None
        told = {
            "ak": created.access_key.ak,
            "sk": created.secret_key,
            "user": user.name,
            "domain": user.account.name,
            "project_id": project.pk,
            "region": project.region_id,
            "endpoint": settings.KMS_ADDRESS,
        }
        if options["format"] == "json":
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.writelines(f"{name:<12}{value}\n" for name, value in told.items())


def _project(user: User, name: str | None) -> Project:
    project = projects_of(user.account).filter(name=name).first() if name else selected_project(user)
    if project is None:
        raise Project.DoesNotExist(f"Account {user.account.name} has no project {name or ''}".rstrip() + ".")
    return project

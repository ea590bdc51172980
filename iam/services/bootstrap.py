"""The first start: somewhere for keys to be, and someone who may make them (SEC-048)."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction

from iam import rights
from iam.models import User
from iam.services import passwords, users
from operations.caller import system
from projects.models import Account, EnterpriseProject, Project, Region


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What the operator must be told; `one_time_password` is empty when the password was the operator's own."""

    user: User
    one_time_password: str = field(repr=False)


@transaction.atomic
def bootstrap(*, region: str, account: str, user: str, password: str | None) -> FirstStart | None:
    """Region, account, project, enterprise project and administrator of an empty installation.

    None, and nothing but built-in policies added, where there is a user already. Raises ValidationError for a password
    that breaks the rules.
    """
    rights.install_built_in()
    if User.objects.exists():
        return None
    home, _ = Region.objects.get_or_create(pk=region, defaults={"name": region})
    tenant = open_account(account, home)
    one_time = "" if password else passwords.one_time()
    administrator = users.create(
        tenant,
        user,
        password or one_time,
        must_change=not password,
        policies=rights.FIRST_ADMINISTRATOR,
        by=system(account_id=tenant.pk),
    )
    return FirstStart(administrator, one_time)


def open_account(name: str, region: Region) -> Account:
    """An account with its default enterprise project, and in the region the project that bears the region's name."""
    account, _ = Account.objects.get_or_create(name=name)
    EnterpriseProject.objects.get_or_create(pk=account.pk, defaults={"account": account, "name": "default"})
    Project.objects.get_or_create(account=account, name=region.pk, defaults={"region": region})
    return account

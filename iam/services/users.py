"""Users: found by account and name, created with policies, given a new password by who operates the service.

Each change leaves its trace in the same transaction; no trace holds a password.
"""

from __future__ import annotations

from django.db import transaction

from iam import rights
from iam.models import Assignment, User
from iam.services import passwords
from operations.caller import Caller
from operations.trail import record_event
from projects.models import Account


def find(name: str, *, account: str | None = None) -> User:
    """By name; without an account the name must be unique here. Raises User.DoesNotExist with a sentence."""
    users = list(User.objects.select_related("account", "last_project").filter(name=name).order_by("account__name"))
    if account is not None:
        users = [user for user in users if user.account.name == account]
    if not users:
        raise User.DoesNotExist(f"There is no user {name}" + (f" in account {account}." if account else "."))
    if len(users) > 1:
        accounts = ", ".join(user.account.name for user in users)
        raise User.DoesNotExist(f"Several accounts have a user {name}: {accounts}. Say which.")
    return users[0]


@transaction.atomic
def create(
    account: Account,
    name: str,
    password: str,
    *,
    email: str = "",
    must_change: bool = True,
    policies: tuple[str, ...] = (),
    by: Caller,
) -> User:
    """A user with built-in policies for the whole account. Raises ValidationError for a bad name or password."""
    user = User(account=account, name=name, email=email, must_change_password=must_change)
    user.full_clean(exclude=["password"])
    passwords.validate(password, user)
    user.set_password(password)
    user.save()
    built_in = rights.install_built_in()
    for policy in policies:
        Assignment.objects.create(user=user, policy=built_in[policy], account=account)
    _record("createUser", user, by, policies=list(policies))
    return user


@transaction.atomic
def reset_password(user: User, *, by: Caller) -> str:
    """A one-time password for who lost theirs, told now or never. All of the user's sessions and tokens end."""
    password = passwords.one_time()
    passwords.put(user, password, must_change=True)
    _record("resetPassword", user, by)
    return password


def _record(name: str, user: User, by: Caller, **request: object) -> None:
    record_event(name, by, resource=("user", user.pk, user.name), request=request)

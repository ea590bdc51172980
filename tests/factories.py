"""The cast of the tests. In account acme, project eu-de: alice owns (KMS Administrator), bob may only read. mallory
owns too, but in another account. Plain functions; each gives what its name says, or what is there already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password

from iam import rights, sessions
from iam.authentication import selected_project
from iam.models import Assignment, Policy, User
from iam.services import tokens
from iam.services.bootstrap import open_account
from iam.services.signin import Origin
from operations.caller import Caller, Kind, Rights
from projects.models import Account, EnterpriseProject, Project, Region

PASSWORD = "a long and quiet harbour"
_HASH: list[str] = []


@dataclass(frozen=True)
class Cast:
    """All three at once."""

    alice: User
    bob: User
    mallory: User


def cast() -> Cast:
    return Cast(alice(), bob(), mallory())


def region(name: str = "eu-de") -> Region:
    return Region.objects.get_or_create(pk=name, defaults={"name": name})[0]


def account(name: str = "acme") -> Account:
    """With its default enterprise project and the project eu-de."""
    return Account.objects.filter(name=name).first() or open_account(name, region())


def project(name: str = "eu-de", *, account_name: str = "acme", in_region: str = "eu-de") -> Project:
    owner = account(account_name)
    return Project.objects.get_or_create(account=owner, name=name, defaults={"region": region(in_region)})[0]


def enterprise_project(name: str = "payments", *, account_name: str = "acme", **fields: Any) -> EnterpriseProject:
    return EnterpriseProject.objects.get_or_create(account=account(account_name), name=name, defaults=fields)[0]


def user(name: str, *, account_name: str = "acme", policies: tuple[str, ...] = (), **fields: Any) -> User:
    """Signs in with PASSWORD. Policies hold for the whole account."""
    owner = account(account_name)
    found = User.objects.filter(account=owner, name=name).first()
    if found is None:
        found = User.objects.create(account=owner, name=name, password=_password_hash(), **fields)
        for policy in policies:
            allow(found, policy)
    return found


def alice() -> User:
    return user("alice", policies=("KMS Administrator",))


def bob() -> User:
    return user("bob", policies=("KMS CMKReadOnlyAccess",))


def mallory() -> User:
    return user("mallory", account_name="mallory-and-sons", policies=("KMS Administrator",))


def policy(name: str, *statements: tuple[str, str], account_name: str = "acme") -> Policy:
    """A custom one: `policy("no disabling", ("Allow", "kms:*"), ("Deny", "kms:cmk:disable"))`."""
    document = {
        "Version": "1.1",
        "Statement": [{"Effect": effect, "Action": [action]} for effect, action in statements],
    }
    return Policy.objects.create(account=account(account_name), name=name, document=document)


def allow(
    holder: User,
    given: str | Policy,
    *,
    in_project: Project | None = None,
    in_enterprise_project: EnterpriseProject | None = None,
) -> Assignment:
    chosen = rights.install_built_in()[given] if isinstance(given, str) else given
    everywhere = in_project is None and in_enterprise_project is None
    return Assignment.objects.create(
        user=holder,
        policy=chosen,
        account=holder.account if everywhere else None,
        project=in_project,
        enterprise_project=in_enterprise_project,
    )


def caller(
    of: User, *, kind: Kind = Kind.API, project: Project | None = None, allowed: Rights | None = None, **fields: Any
) -> Caller:
    """The user as a Caller, with the rights that the database gives, or with those given."""
    where = project or selected_project(of)
    assert where is not None
    return Caller(
        kind=kind,
        user_id=of.pk,
        user_name=of.name,
        account_id=of.account_id,
        account_name=of.account.name,
        project_id=where.pk,
        project_name=where.name,
        region_id=where.region_id,
        rights=rights.rights_in(of.pk, where) if allowed is None else allowed,
        source_ip="192.0.2.7",
        agent="tests",
        request_id="0" * 32,
        **fields,
    )


def token(of: User, *, project: Project | None = None) -> str:
    """What X-Auth-Token carries; scoped to the project the user works in."""
    return tokens.issue(of, project=project or selected_project(of)).secret


def headers(of: User, *, project: Project | None = None) -> dict[str, str]:
    """For Django's test client: `client.post(url, …, headers=headers(alice))`."""
    return {"X-Auth-Token": token(of, project=project)}


def sign_in(client: Any, of: User) -> Any:
    """Gives Django's test client a console session of the user, without the form. Returns the client."""
    session = client.session
    session["iam"] = sessions.opened(of, Origin(kind=Kind.CONSOLE, address="192.0.2.7", agent="tests"))
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client


def _password_hash() -> str:
    # One Argon2 hash a run: hashing for each user of each test would be most of what the tests do.
    if not _HASH:
        _HASH.append(make_password(PASSWORD))
    return _HASH[0]

"""A lively tenant to look around in: regions, projects, people and some sixty keys in every state.

Everything is done as a person would, through `perform`, at moments of the past year; nothing goes around the gate.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from iam import rights
from iam.models import User
from iam.services import bootstrap, passwords, users
from imports.api import DELETE_IMPORTED_KEY_MATERIAL, GET_PARAMETERS_FOR_IMPORT, IMPORT_KEY_MATERIAL
from keys.api.creation import CREATE_KEY
from keys.api.encryption import ENCRYPT_DATA
from keys.api.lifecycle import DISABLE_KEY, SCHEDULE_KEY_DELETION
from keys.api.rotation import ENABLE_KEY_ROTATION, ROTATE_KEY
from keys.models import Key
from kmscrypto import material, wrapping
from operations import clock
from operations.caller import EVERYTHING, Caller, Kind, system
from operations.fields import encode_base64
from operations.perform import perform
from projects.models import Account, EnterpriseProject, Project, Region

ALGORITHM = "RSAES_OAEP_SHA_256"
REGIONS = ("eu-de", "eu-nl", "eu-ch2")
EXTRA_PROJECTS = (("eu-de", "eu-de_production"), ("eu-de", "eu-de_staging"), ("eu-nl", "eu-nl_archive"))
ENTERPRISE_PROJECTS = ("commerce", "edge", "payments")
PEOPLE = (
    ("demo", ("KMS Administrator", "Security Administrator")),
    ("mara", ("KMS CMKFullAccess",)),
    ("jonas", ("KMS CMK Crypto User",)),
    ("ines", ("KMS CMKReadOnlyAccess",)),
)
DEFAULT_KEYS_DAYS_AGO = (("obs", 300), ("evs", 120))


@dataclass(frozen=True, slots=True)
class Wish:
    """A key to be: how it came to be, what became of it, how many days ago it began."""

    alias: str
    spec: str = "AES_256"
    days_ago: int = 100
    # kms, imported, or waiting for its import
    material: str = "kms"
    expires_in: timedelta | None = None
    # "", disable, delete, lose
    then: str = ""
    rotation_days: int = 0
    enterprise_project: str = "default"
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()


_PROD = (("env", "prod"), ("owner", "platform"))
_TEST = (("env", "test"),)

STORY = (
    Wish("payments/card-vault-kek", material="imported", days_ago=210, expires_in=timedelta(days=25), tags=_PROD,
         enterprise_project="payments", description="Key encryption key of the card vault; material kept in the HSM."),
    Wish("payments/signing-2026", "RSA_3072", material="imported", days_ago=190, enterprise_project="payments",
         tags=_PROD),
    Wish("payments/webhook-mac", "HMAC_384", days_ago=96, enterprise_project="payments", tags=_PROD),
    Wish("orders-db", days_ago=320, enterprise_project="commerce", tags=_PROD, description="Database encryption.",
         rotation_days=90),
    Wish("orders-db-standby", material="imported", days_ago=60, expires_in=timedelta(hours=17),
         enterprise_project="commerce", tags=_PROD),
    Wish("legacy-crm", "RSA_2048", days_ago=350, then="delete", enterprise_project="commerce"),
    Wish("iot/device-ca", "EC_P384", material="imported", days_ago=150, enterprise_project="edge", tags=_PROD),
    Wish("iot/firmware-signing", "EC_P256", days_ago=140, enterprise_project="edge", tags=_PROD),
    Wish("archive-2019", material="imported", days_ago=365, then="lose", description="Read-only archive."),
    Wish("archive-2020", days_ago=360, then="disable"),
    Wish("partner:acceptance", "RSA_4096", material="waiting", days_ago=2, tags=_TEST),
    Wish("new-hsm-root", material="waiting", days_ago=1),
    Wish("backup/offsite", material="imported", days_ago=45, expires_in=timedelta(days=4), tags=_PROD),
)  # fmt: skip

_SERVICES = ("billing", "search", "mail", "reports", "sessions", "media", "audit", "telemetry")
_SPECS = ("AES_256", "AES_256", "EC_P256", "AES_256", "HMAC_256", "EC_P384")
_THEN = ("", "", "disable", "", "", "delete")


def seed(*, account_name: str, password: str | None) -> tuple[User, str]:
    """Fills a new account; returns its administrator and the password of everybody in it."""
    secret = password or passwords.one_time()
    account = _account(account_name)
    for name, policies in PEOPLE:
        users.create(account, name, secret, must_change=False, policies=policies, by=system(account_id=account.pk))
    production = account.projects.get(name="eu-de_production")
    wishes = [(production, wish) for wish in STORY]
    for index, project in enumerate(account.projects.order_by("name")):
        wishes += [(project, _ordinary(service, index, number)) for number, service in enumerate(_SERVICES)]
    # Oldest first: keys are listed in the order in which they were made.
    for project, wish in sorted(wishes, key=lambda pair: -pair[1].days_ago):
        _grant_wish(project, wish)
    _use_services(production)
    demo = users.find("demo", account=account_name)
    demo.last_project = production
    demo.save(update_fields=["last_project"])
    return demo, secret


def _account(name: str) -> Account:
    rights.install_built_in()
    regions = [Region.objects.get_or_create(pk=region, defaults={"name": region})[0] for region in REGIONS]
    account = bootstrap.open_account(name, regions[0])
    for region in regions[1:]:
        Project.objects.get_or_create(account=account, name=region.pk, defaults={"region": region})
    for region_id, project in EXTRA_PROJECTS:
        Project.objects.get_or_create(account=account, name=project, defaults={"region_id": region_id})
    for enterprise_project in ENTERPRISE_PROJECTS:
        EnterpriseProject.objects.get_or_create(account=account, name=enterprise_project)
    return account


def _ordinary(service: str, index: int, number: int) -> Wish:
    return Wish(
        f"{service}/{'primary' if index % 2 == 0 else 'main'}",
        _SPECS[number % len(_SPECS)],
        days_ago=20 + 11 * index + 7 * number,
        then=_THEN[(index + number) % len(_THEN)],
        enterprise_project=("default", *ENTERPRISE_PROJECTS)[(index + number) % 4],
        tags=_PROD if index % 2 == 0 else _TEST,
    )


def _grant_wish(project: Project, wish: Wish) -> None:
    caller = _person(project, "mara" if wish.days_ago % 2 else "demo")
    scope = EnterpriseProject.objects.get(account=project.account, name=wish.enterprise_project)
    with _days_ago(wish.days_ago):
        key = perform(
            CREATE_KEY,
            caller,
            {
                "key_alias": wish.alias,
                "key_spec": wish.spec,
                "key_description": wish.description,
                "origin": "kms" if wish.material == "kms" else "external",
                "enterprise_project_id": scope.wire_id,
                "tags": [{"key": name, "value": value} for name, value in wish.tags],
            },
        )
    if wish.material == "imported":
        with _days_ago(wish.days_ago - 0.01):
            _import(caller, key, wish)
    if wish.spec == "AES_256" and wish.material != "waiting":
        with _days_ago(wish.days_ago * 0.3):
            perform(ENCRYPT_DATA, replace(caller, kind=Kind.API), {"key_id": key.key_id, "plain_text": "self test"})
    if wish.rotation_days:
        _rotate(caller, key, wish)
    with _days_ago(min(2, wish.days_ago * 0.1)):
        _finish(caller, key, wish.then)


def _import(caller: Caller, key: Key, wish: Wish) -> None:
    offer = perform(GET_PARAMETERS_FOR_IMPORT, caller, {"key_id": key.key_id, "wrapping_algorithm": ALGORITHM})
    own = material.generate(key.spec)
    public = bytes(offer.row.public_der)
    body: dict[str, Any] = {"key_id": key.key_id, "import_token": encode_base64(offer.token)}
    if key.spec.is_asymmetric:
        temporary = secrets.token_bytes(32)
        body["encrypted_key_material"] = encode_base64(wrapping.wrap(public, ALGORITHM, temporary))
        body["encrypted_privatekey"] = encode_base64(wrapping.wrap_private_key(temporary, own))
    else:
        body["encrypted_key_material"] = encode_base64(wrapping.wrap(public, ALGORITHM, own))
    if wish.expires_in is not None:
        # Counted from the present, not from the moment of the import.
        body["expiration_time"] = clock.epoch_seconds() + int(
            (timedelta(days=wish.days_ago) + wish.expires_in).total_seconds()
        )
    perform(IMPORT_KEY_MATERIAL, caller, body)


def _rotate(caller: Caller, key: Key, wish: Wish) -> None:
    """By a policy as old as the key, whenever it was due since."""
    clockwork = system(account_id=caller.account_id, project_id=caller.project_id, region_id=caller.region_id)
    with _days_ago(wish.days_ago):
        perform(ENABLE_KEY_ROTATION, caller, {"key_id": key.key_id, "rotation_interval": wish.rotation_days})
    for days in range(wish.days_ago - wish.rotation_days, -1, -wish.rotation_days):
        with _days_ago(days):
            perform(ROTATE_KEY, clockwork, {"key_id": key.key_id})


def _use_services(project: Project) -> None:
    """Two services that store something encrypted: each made its default key when it first did."""
    caller = replace(_person(project, "demo"), kind=Kind.API)
    for service, days in DEFAULT_KEYS_DAYS_AGO:
        with _days_ago(days):
            perform(ENCRYPT_DATA, caller, {"key_id": f"alias/{service}/default", "plain_text": "self test"})


def _finish(caller: Caller, key: Key, then: str) -> None:
    if then == "disable":
        perform(DISABLE_KEY, caller, {"key_id": key.key_id})
    elif then == "delete":
        perform(SCHEDULE_KEY_DELETION, caller, {"key_id": key.key_id, "pending_days": 30})
    elif then == "lose":
        perform(DELETE_IMPORTED_KEY_MATERIAL, caller, {"key_id": key.key_id})


def _person(project: Project, name: str) -> Caller:
    user = User.objects.get(account=project.account_id, name=name)
    return Caller(
        kind=Kind.CONSOLE,
        user_id=user.pk,
        user_name=user.name,
        account_id=project.account_id,
        account_name=project.account.name,
        project_id=project.pk,
        project_name=project.name,
        region_id=project.region_id,
        rights=EVERYTHING,
        source_ip="127.0.0.1",
    )


@contextmanager
def _days_ago(days: float) -> Iterator[None]:
    present = clock.use(clock.now)
    clock.use(lambda: present() - timedelta(days=days))
    try:
        yield
    finally:
        clock.use(present)

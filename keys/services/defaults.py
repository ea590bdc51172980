"""Default keys: one a project for each service that encrypts with KMS, named `<service>/default` (console.md B2).

A service has its key made by using it: by the first call that encrypts with a name no user can give. Nobody changes,
grants, tags or rotates it; `keys.states` says so.
"""

from __future__ import annotations

from django.db import transaction

from keys import material
from keys.models import Key
from keys.services import aliases
from keys.states import Origin, State
from kmscrypto import material as mathematics
from kmscrypto.specs import SPECS, Usage
from operations import clock, errors
from operations.caller import Caller, system
from operations.errors import KmsError
from operations.trail import record_event
from projects.models import DEFAULT_WIRE_ID, Project

SERVICES = ("obs", "evs", "ims", "sfs", "rds", "dds")
SUFFIX = "/default"
# Any of these makes a caller one who encrypts; which one an operation takes is asked when the key is there.
_USING = ("kms:cmk:crypto", "kms:dek:create", "kms:dek:crypto")


def alias_of(service: str) -> str:
    return f"{service}{SUFFIX}"


def is_to_be_made(caller: Caller, alias: str) -> bool:
    """Whether it is the name of a default key, used by someone who may encrypt with it."""
    may_use = any(caller.may(action, DEFAULT_WIRE_ID) for action in _USING)
    return may_use and alias.endswith(SUFFIX) and alias.removesuffix(SUFFIX) in SERVICES


def make(project: Project, service: str) -> None:
    """Unless it is there: two at once make one. As the system, with a trace of its own."""
    try:
        with transaction.atomic():
            _make(project, service)
    except KmsError as error:
        if error.code is not errors.ALIAS_DUPLICATE:
            raise


def _make(project: Project, service: str) -> None:
    spec = SPECS["AES_256"]
    key = Key(
        project=project,
        enterprise_project_id=DEFAULT_WIRE_ID,
        alias=alias_of(service),
        description=f"Default key of {service}.",
        spec_name=spec.name,
        usage=Usage.ENCRYPT_DECRYPT,
        origin=Origin.KMS,
        state=State.ENABLED,
        is_default=True,
        created_at=clock.now(),
        created_by_name="system",
    )
    key.save(force_insert=True)
    aliases.claim(key, key.alias, is_primary=True)
    material.store(key, mathematics.generate(spec))
    clockwork = system(account_id=project.account_id, project_id=project.pk, region_id=project.region_id)
    record_event("createKey", clockwork, resource=key.trace_identity, request={"key_alias": key.alias})

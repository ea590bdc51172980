"""The story of one import: describe or create the key, fetch a wrapping key, wrap, import, prove."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kmsimport import expiry, roundtrip, wrapping
from kmsimport.connection import Unreachable
from kmsimport.faults import Exit, Fault, usage
from kmsimport.formats import Material
from kmsimport.report import Report
from kmsimport.service import ENABLED, NOT_FOUND, PENDING_IMPORT, Key, Offer, Refused, Service
from kmsimport.wrapping import Wrapped


@dataclass(frozen=True)
class Wish:
    """What the user asked for. Either `key` or `alias`; empty text: not given."""

    key: str = ""
    alias: str = ""
    spec: str = ""
    usage: str = ""
    description: str = ""
    enterprise_project: str = ""
    expires_at: datetime | None = None
    dry_run: bool = False
    prove: bool = True


def check(material: Material, wish: Wish) -> None:
    """What can be told before anything is sent. Raises a Fault of KEY_FILE or USAGE."""
    if wish.spec:
        _same_spec(material, wish.spec, "--spec says")
    if wish.usage and wish.usage not in material.spec.usages:
        raise usage(f"--usage {wish.usage} does not fit {material.spec.name}.")
    if wish.expires_at is not None and material.spec.is_asymmetric:
        raise usage("Material of an asymmetric key never expires.", "Leave out --expires.")


def bring(service: Service, material: Material, wish: Wish, report: Report) -> None:
    """All of it. Faults say how far it got; what was made on the way is among the report's facts."""
    if wish.alias:
        if wish.dry_run:
            _would_create(service, material, wish, report)
            return
        key = _create(service, material, wish, report)
    else:
        key = _find(service, material, wish, report)
    try:
        offer, wrapped = _wrap(service, key, material, report)
        if wish.dry_run:
            report.step("dry run", "not imported; the wrapping key lapses by itself")
            return
        _import(service, key, offer, wrapped, wish, report)
    except Fault as fault:
        raise _with_what_is_left(fault, key) if wish.alias else fault from None
    if wish.prove:
        _prove(service, key, material, report)


def _would_create(service: Service, material: Material, wish: Wish, report: Report) -> None:
    try:
        taken = service.describe(f"alias/{wish.alias}")
    except Refused as refused:
        if refused.code not in NOT_FOUND:
            raise
    else:
        raise Fault(Exit.REFUSED, f"The alias {wish.alias} is taken by key {taken.key_id}.", code="KMS.1104")
    report.step("dry run", f'would create "{wish.alias}", {material.spec.name}, and import the material')


def _create(service: Service, material: Material, wish: Wish, report: Report) -> Key:
    purpose = wish.usage or material.spec.default_usage
    key_id = service.create(
        wish.alias,
        spec=material.spec.name,
        usage=purpose,
        description=wish.description,
        enterprise_project=wish.enterprise_project,
    )
    key = Key(key_id, wish.alias, material.spec.name, purpose, PENDING_IMPORT, "external")
    report.step("key", f'created {key_id} "{wish.alias}", {key.spec}, {purpose}', **_facts(key), created=True)
    return key


def _find(service: Service, material: Material, wish: Wish, report: Report) -> Key:
    key = service.describe(wish.key)
    report.step("key", f'{key.key_id} "{key.alias}", {key.spec}, {key.state_name}', **_facts(key), created=False)
    if key.origin != "external":
        raise Fault(Exit.REFUSED, "The key was not made for import.", hint="Make one: --create ALIAS.", code="KMS.0309")
    if key.spec:
        _same_spec(material, key.spec, "the key on the server is")
    if key.state != PENDING_IMPORT:
        raise Fault(
            Exit.REFUSED,
            f"The key is {key.state_name}: it does not wait for material.",
            hint="To see whether it holds this very material: --check-value." if key.state == ENABLED else "",
            code="KMS.0310",
        )
    return key


def _wrap(service: Service, key: Key, material: Material, report: Report) -> tuple[Offer, Wrapped]:
    offer = service.offer(key.key_id)
    report.step(
        "parameters",
        f"wrapping key RSA-{offer.wrapping_key.bits} ({offer.wrapping_key.fingerprint}), "
        f"until {expiry.iso(offer.expires_at)}",
    )
    wrapped = wrapping.wrap(material, offer.wrapping_key)
    how = "RSA-OAEP with SHA-256"
    if wrapped.private_key is not None:
        how = f"AES-KWP under a temporary key, that under {how}"
    report.step("wrapped", f"in memory: {how}")
    return offer, wrapped


def _import(service: Service, key: Key, offer: Offer, wrapped: Wrapped, wish: Wish, report: Report) -> None:
    try:
        service.import_material(key.key_id, offer, wrapped, wish.expires_at)
    except Unreachable:
        # The answer was lost; whether the import was too, the key itself tells.
        if service.describe(key.key_id).state != ENABLED:
            raise
    until = expiry.iso(wish.expires_at) if wish.expires_at else ""
    report.step("imported", f"until {until}" if until else "never expires", imported=True, expires_at=until or None)


def _prove(service: Service, key: Key, material: Material, report: Report) -> None:
    try:
        how = roundtrip.prove(service, key.key_id, material, key.usage or material.spec.default_usage)
    except Fault as fault:
        report.facts["round_trip"] = False
        message = f"The key is imported, but not proven. {fault.message}"
        hint = fault.hint or "Try it yourself, or see --check-value."
        raise Fault(Exit.NOT_PROVEN, message, hint=hint, code=fault.code, request_id=fault.request_id) from None
    report.step("round trip", how, round_trip=True)


def _same_spec(material: Material, expected: str, words: str) -> None:
    if material.spec.name != expected:
        raise Fault(
            Exit.KEY_FILE,
            f"The key file holds {material.spec.name} ({material.found}); {words} {expected}.",
            hint=_spec_hint(material, expected),
        )


def _spec_hint(material: Material, expected: str) -> str:
    if material.spec.name == "AES_256" and not expected.startswith(("AES", "HMAC")):
        return f"{expected} takes a private key: PEM, DER or JWK."
    return ""


def _with_what_is_left(fault: Fault, key: Key) -> Fault:
    left = f'The key {key.key_id} "{key.alias}" was created and is empty. Go on with: --key-id {key.key_id}'
    hint = f"{fault.hint} {left}".strip()
    return Fault(fault.exit_code, fault.message, hint=hint, code=fault.code, request_id=fault.request_id)


def _facts(key: Key) -> dict[str, str]:
    return {"key_id": key.key_id, "alias": key.alias, "key_spec": key.spec, "key_usage": key.usage}

"""`--check-value`: is this backup the material that the key in the service has, or had?

Our service tells the check value in every state. The original does not; there, public keys are compared instead, as
long as the key is enabled, and for AES there is nothing that could be.
"""

from __future__ import annotations

from kmscrypto.fingerprint import public_check_value
from kmsimport.faults import Exit, Fault
from kmsimport.formats import Material
from kmsimport.report import Report
from kmsimport.service import UNKNOWN_OPERATION, Key, Refused, Service


def compare(service: Service, reference: str, material: Material, report: Report) -> None:
    """Raises a Fault of DIFFERS unless both are the same, REFUSED where the service does not tell."""
    key = service.describe(reference)
    report.step(
        "key",
        f'{key.key_id} "{key.alias}", {key.spec}, {key.state_name}',
        key_id=key.key_id,
        alias=key.alias,
        same=False,
    )
    if key.spec and key.spec != material.spec.name:
        raise Fault(Exit.DIFFERS, f"The key file holds {material.spec.name}; the key on the server is {key.spec}.")
    known = _known(service, key, material)
    report.step(
        "check value", f"the file {material.check_value}, the service {known or 'none'}", service_check_value=known
    )
    if not known:
        raise Fault(Exit.DIFFERS, "The key never had any material.", hint="Import it: --key-id, without --check-value.")
    if known != material.check_value:
        raise Fault(
            Exit.DIFFERS,
            f"The check values differ: {material.check_value} in the file, {known} in the service.",
            hint="This is not the material of that key, which takes no other.",
        )
    report.facts["same"] = True


def _known(service: Service, key: Key, material: Material) -> str:
    try:
        return service.check_value(key.key_id)
    except Refused as refused:
        if refused.code not in UNKNOWN_OPERATION:
            raise
    if not material.spec.is_asymmetric:
        raise Fault(Exit.REFUSED, "This service does not tell the check values of symmetric keys.")
    return public_check_value(service.public_key(key.key_id))

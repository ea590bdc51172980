"""generate-mac and verify-mac (api.md 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keys.api.schemas import Proof
from keys.locate import the_key
from keys.services import macs
from keys.services.macs import CheckedMac, Mac
from keys.states import Use
from kmscrypto.specs import MacAlgorithm
from operations.answers import FLAG, TEXT, record
from operations.fields import Base64, Choice, Hex, KeyReference, Request
from operations.operation import Operation


@dataclass(frozen=True, kw_only=True)
class MacField(Proof, Hex):
    name: str = "mac"
    required: bool = True
    about: str = "The whole MAC, in hexadecimal. A malformed one is answered like a wrong one."


ALGORITHM = Choice(
    name="mac_algorithm",
    values=tuple(MacAlgorithm),
    required=True,
    traced=True,
    about="The one that fits the key's size.",
)
MESSAGE = Base64(
    name="message", required=True, min_bytes=1, max_bytes=macs.MAX_BYTES, about="1 to 4,096 bytes, in Base64."
)


def _generated(result: Mac) -> dict[str, str]:
    """Lower case, unlike the hexadecimal of data keys."""
    return {"key_id": result.key.key_id, "mac_algorithm": result.algorithm, "mac": result.mac.hex()}


def _verified(result: CheckedMac) -> dict[str, Any]:
    return {"key_id": result.key.key_id, "mac_algorithm": result.algorithm, "mac_valid": result.mac_valid}


GENERATE_MAC = Operation(
    name="generate-mac",
    path="kms/generate-mac",
    action="kms:cmk:generateMac",
    use=Use.GENERATE_MAC,
    locate=the_key,
    run=macs.generate_mac,
    request=Request((KeyReference(), ALGORITHM, MESSAGE)),
    respond=_generated,
    answer=record(key_id=TEXT, mac_algorithm=TEXT, mac=TEXT),
    trace="generateMac",
    writes=False,
    brief=True,
    grantable=True,
    summary="Authenticate a message of up to 4,096 bytes with an HMAC key.",
)

VERIFY_MAC = Operation(
    name="verify-mac",
    path="kms/verify-mac",
    action="kms:cmk:verifyMac",
    use=Use.VERIFY_MAC,
    locate=the_key,
    run=macs.verify_mac,
    request=Request((KeyReference(), ALGORITHM, MESSAGE, MacField())),
    respond=_verified,
    answer=record(key_id=TEXT, mac_algorithm=TEXT, mac_valid=FLAG),
    trace="verifyMac",
    writes=False,
    brief=True,
    grantable=True,
    summary="Verify the MAC of a message.",
)

OPERATIONS = (GENERATE_MAC, VERIFY_MAC)

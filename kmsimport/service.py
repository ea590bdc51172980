"""The key service's operations that an import needs (docs/reference/operations.md), typed, with refusals as faults."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kmsimport.connection import Answer, Connection, Request
from kmsimport.faults import Exit, Fault
from kmsimport.identity import Session
from kmsimport.wrapping import ALGORITHM, NoWrappingKey, Wrapped, WrappingKey, spki, wrapping_key

STATES = {"1": "Pending activation", "2": "Enabled", "3": "Disabled", "4": "Pending deletion", "5": "Pending import"}
ENABLED, PENDING_IMPORT = "2", "5"

# How a service, or the gateway before it, answers to an operation that it does not have.
UNKNOWN_OPERATION = frozenset({"KMS.0201", "KMS.0215", "APIGW.0101"})
# No key of that ID or alias.
NOT_FOUND = frozenset({"KMS.0205", "KMS.0207"})

# What to do about a refusal, where the service's own words do not say.
HINTS = {
    "KMS.0205": "A key ID is 36 characters long; an alias is written alias/NAME.",
    "KMS.0207": "Is it the right project and region?",
    "KMS.0211": "Default keys belong to the cloud's own services.",
    "KMS.0306": "You lack a permission on this key; an import takes kms:cmk:getMaterial and kms:cmk:importMaterial.",
    "KMS.0309": "The key was not made for import. Make one: --create ALIAS.",
    "KMS.0310": "The key has its material already, or is about to be deleted.",
    "KMS.0330": (
        "You lack a permission: an import takes kms:cmk:getMaterial and kms:cmk:importMaterial, and --create"
        " kms:cmk:create."
    ),
    "KMS.1101": "An alias is 1 to 255 letters, digits and : / _ -, and does not end in /default.",
    "KMS.1104": "Choose another alias, or fill the key that bears it: --key-id alias/NAME.",
    "KMS.1105": "Delete keys that are not needed, or ask for a larger quota.",
    "KMS.2601": "The import token lived its 24 hours: start again.",
    "KMS.2606": "A key takes only the material it was first given. Compare: --check-value.",
}


class Refused(Fault):
    """The service said no."""


@dataclass(frozen=True)
class Key:
    key_id: str
    alias: str
    spec: str
    usage: str
    state: str
    origin: str

    @property
    def state_name(self) -> str:
        return STATES.get(self.state, f"state {self.state}")


@dataclass(frozen=True)
class Offer:
    """One wrapping key, and the token that goes back with what it wrapped; both live until `expires_at`."""

    wrapping_key: WrappingKey
    expires_at: datetime
    token: str = field(repr=False)


class Service:
    def __init__(self, connection: Connection, session: Session) -> None:
        self._connection = connection
        self._session = session

    def describe(self, reference: str) -> Key:
        info = self._read("describe-key", {"key_id": reference}).get("key_info")
        members = info if isinstance(info, dict) else {}
        return Key(
            key_id=_text(members, "key_id"),
            alias=str(members.get("key_alias", "")),
            spec=str(members.get("key_spec") or ""),
            usage=str(members.get("key_usage") or ""),
            state=str(members.get("key_state", "")),
            origin=str(members.get("origin", "")),
        )

    def create(self, alias: str, *, spec: str, usage: str, description: str, enterprise_project: str) -> str:
        """An empty key that waits for its material; its ID."""
        body = {"key_alias": alias, "key_spec": spec, "key_usage": usage, "origin": "external"}
        body |= {"key_description": description} if description else {}
        body |= {"enterprise_project_id": enterprise_project} if enterprise_project else {}
        info = self._write("create-key", body).get("key_info")
        return _text(info if isinstance(info, dict) else {}, "key_id")

    def offer(self, key_id: str) -> Offer:
        answer = self._write("get-parameters-for-import", {"key_id": key_id, "wrapping_algorithm": ALGORITHM})
        try:
            expires_at = datetime.fromtimestamp(int(answer["expiration_time"]), UTC)
        except (KeyError, ValueError, TypeError, OverflowError):
            raise _nonsense("expiration_time") from None
        try:
            key = wrapping_key(_text(answer, "public_key").encode())
        except NoWrappingKey:
            raise _nonsense("public_key") from None
        return Offer(key, expires_at, token=_text(answer, "import_token"))

    def import_material(self, key_id: str, offer: Offer, wrapped: Wrapped, expires_at: datetime | None) -> None:
        body: dict[str, Any] = {
            "key_id": key_id,
            "import_token": offer.token,
            "encrypted_key_material": _b64(wrapped.material),
        }
        if wrapped.private_key is not None:
            body["encrypted_privatekey"] = _b64(wrapped.private_key)
        if expires_at is not None:
            body["expiration_time"] = int(expires_at.timestamp())
        self._write("import-key-material", body)

    def check_value(self, key_id: str) -> str:
        """Of the material that the key has or once had; "" where there never was any. The original has no such call."""
        answer = self._read("get-check-value", {"key_id": key_id})
        value = answer.get("check_value")
        if not isinstance(value, str):
            raise _nonsense("check_value")
        return value

    def public_key(self, key_id: str) -> bytes:
        """SubjectPublicKeyInfo in DER."""
        try:
            return spki(_text(self._read("get-publickey", {"key_id": key_id}), "public_key").encode())
        except NoWrappingKey:
            raise _nonsense("public_key") from None

    # --- using it ---

    def encrypt(self, key_id: str, text: str) -> str:
        return _text(self._read("encrypt-data", {"key_id": key_id, "plain_text": text}), "cipher_text")

    def decrypt(self, key_id: str, cipher_text: str, algorithm: str | None = None) -> str:
        body = {"cipher_text": cipher_text}
        # An RSA ciphertext names no key; a symmetric one does, and shall.
        body |= {"key_id": key_id, "encryption_algorithm": algorithm} if algorithm else {}
        return _text(self._read("decrypt-data", body), "plain_text")

    def sign(self, key_id: str, message: bytes, algorithm: str) -> bytes:
        body = {"key_id": key_id, "message": _b64(message), "message_type": "RAW", "signing_algorithm": algorithm}
        return _bytes(self._read("sign", body), "signature")

    # --- the wire ---

    def _read(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call(operation, body, repeatable=True)

    def _write(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call(operation, body, repeatable=False)

    def _call(self, operation: str, body: dict[str, Any], *, repeatable: bool) -> dict[str, Any]:
        request = Request("POST", f"{self._session.base}/kms/{operation}", json.dumps(body).encode())
        answer = self._connection.send(request, self._session.credentials, repeatable=repeatable)
        if answer.status != 200:
            raise refusal(operation, answer)
        return answer.json


def refusal(operation: str, answer: Answer) -> Fault:
    """What the service, or a gateway before it, answered instead of a result."""
    nested = answer.json.get("error")
    told = nested if isinstance(nested, dict) else answer.json
    code, message = str(told.get("error_code", ""))[:40], str(told.get("error_msg", ""))[:300].rstrip(".")
    text = f"{operation} was refused: {message or 'no reason given'} ({code or f'HTTP {answer.status}'})."
    if answer.status == 401:
        return Fault(Exit.SIGN_IN, text, hint=answer.clock_hint, code=code, request_id=answer.request_id)
    if not code and not 400 <= answer.status < 500:
        text = f"{operation}: the answer is HTTP {answer.status}, not the key service's."
        return Fault(Exit.NETWORK, text, hint="Is the address right? See --endpoint.", request_id=answer.request_id)
    return Refused(Exit.REFUSED, text, hint=HINTS.get(code, ""), code=code, request_id=answer.request_id)


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise _nonsense(name)
    return value


def _bytes(answer: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(_text(answer, name), validate=True)
    except binascii.Error:
        raise _nonsense(name) from None


def _nonsense(name: str) -> Fault:
    return Fault(Exit.NETWORK, f"The answer lacks {name}.", hint="Is the address the key service's? See --endpoint.")


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")

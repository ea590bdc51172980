"""Examples for the API description: one plausible value for each name that they show. Made up, and no one's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from operations.answers import Schema
from operations.fields import Field

KEY_ID = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
OTHER_KEY_ID = "bb6a3d22-dc93-47ac-b5bd-88df7ad35f1e"
DOMAIN_ID = "b168fe00ff56492495a7d22974df2d0b"
USER_ID = "5b2fd1f8c9f24a3c8a8e0d6b5a1c7e90"
MOMENT = "1772366400000"
DATA_KEY = "00112233445566778899AABBCCDDEEFF"
DATA_KEY_DIGEST = "1F825AA2F0020EF7CF91DFA30DA4668D791C5D4824FC8E41354B89EC05795AB3"

OF_NAME: dict[str, Any] = {
    "alias": "payments-main",
    "alias_urn": f"kms:eu-de:{DOMAIN_ID}:alias:payments-main",
    "aliases": ["alias/payments-main"],
    "charge_id": "",
    "check_value": "AE1D6C42F9",
    "cipher_text": "AgDoAG7EsEc2OHpQxz4gDFDH54CqwaelpTdE…",
    "create_time": MOMENT,
    "created_at": "2026-03-01T12:00:00Z",
    "creation_date": MOMENT,
    "data_key": DATA_KEY,
    "datakey_cipher_length": 16,
    "datakey_dgst": DATA_KEY_DIGEST,
    "datakey_length": 256,
    "datakey_plain_length": 16,
    "default_key_flag": "0",
    "description": "What the shop is made of",
    "destination_key_id": OTHER_KEY_ID,
    "domain_id": DOMAIN_ID,
    "encrypted_key_material": "ZW5jcnlwdGVkIG1hdGVyaWFs…",
    "enterprise_project_id": "0",
    "expiration_time": 1803902400,
    "grant_id": "7c9a3286af4fcca5f0a385ad13e1d21a50e27b6dbcab50f37f30f93b8939827d",
    "grantee_principal": USER_ID,
    "grantee_principal_type": "user",
    "id": "0",
    "import_token": "AACIBjY2ZTQxYjBmLTY3ZWItNDU4Zi1iNTJl…",
    "issuing_principal": USER_ID,
    "key": "team",
    "key_alias": "payments",
    "key_description": "Signs invoices",
    "key_id": KEY_ID,
    "key_rotation_enabled": "false",
    "key_spec": "AES_256",
    "key_state": "2",
    "key_type": "1",
    "key_usage": "ENCRYPT_DECRYPT",
    "keystore_id": "0",
    "last_rotation_time": MOMENT,
    "mac": "c7ab36e1a8fa1b8a5c4f0e1d2b3a49586776655443322110ffeeddccbbaa9988",
    "mac_algorithm": "HMAC_SHA_256",
    "material_id": OTHER_KEY_ID,
    "message": "aGVsbG8=",
    "name": "payments",
    "next_marker": "",
    "number_of_rotations": 1,
    "operations": ["create-datakey", "decrypt-datakey"],
    "origin": "kms",
    "pending_days": 7,
    "plain_text": "hello",
    "plain_text_base64": "aGVsbG8=",
    "private_key_cipher_text": "AgDoAG7EsEc2OHpQxz4gDFDH54CqwaelpTdE…",
    "private_key_plain_text": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw…",
    "public_key": "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIB…",
    "random_data": "5791C223E87B9F6B1D8A0C4E2F3B6A97",
    "random_data_length": 512,
    "realm": "eu-de",
    "region_id": "eu-de",
    "resource_id": KEY_ID,
    "resource_instances": "resource_instances",
    "resource_name": "payments",
    "retiring_principal": USER_ID,
    "rotation_interval": 90,
    "scheduled_deletion_date": "",
    "signature": "MEUCIQDx0u3XG0pQmSg4hQp1tWjvX1oO0e3K…",
    "signature_valid": "true",
    "signing_algorithm": "ECDSA_SHA_256",
    "source_encryption_algorithm": "SYMMETRIC_DEFAULT",
    "destination_encryption_algorithm": "SYMMETRIC_DEFAULT",
    "source_key_id": KEY_ID,
    "status": 1,
    "sys_enterprise_project_id": "0",
    "tag_key": "team",
    "target_key_id": OTHER_KEY_ID,
    "truncated": "false",
    "type": "prod",
    "update_time": MOMENT,
    "updated_at": "2026-03-01T12:00:00Z",
    "value": "payments",
    "values": ["payments"],
    "wrapping_algorithm": "RSAES_OAEP_SHA_256",
}
# Where a name means another thing, or has another form, in the operation at hand.
OF_OPERATION: dict[str, dict[str, Any]] = {
    "list-instances": {"action": "filter"},
    "encrypt-datakey": {"plain_text": DATA_KEY + DATA_KEY_DIGEST},
    "decrypt-datakey": {"cipher_text": "0200980068B0E1…"},
    "create-rsa-datakey-pair": {"key_spec": "RSA_2048"},
    "create-ec-datakey-pair": {"key_spec": "EC_P256"},
    "update-enterprise-project": {"enterprise_project_id": KEY_ID},
    "act-on-enterprise-project": {"enterprise_project_id": KEY_ID},
    "verify": {"signature": "MEUCIQDx0u3XG0pQmSg4hQp1tWjvX1oO0e3K"},
}


def request(operation: str, fields: Iterable[Field]) -> dict[str, Any]:
    """What must be given, and nothing more."""
    own = OF_OPERATION.get(operation, {})
    return {field.name: _example(field.name, field.schema, own) for field in fields if field.required}


def answer(operation: str, schema: Schema) -> Any:
    """A whole answer of this shape."""
    return _example("", schema, OF_OPERATION.get(operation, {}))


def _example(name: str, schema: Schema, own: dict[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        return {member: _example(member, each, own) for member, each in schema["properties"].items()}
    if kind == "array" and schema["items"].get("type") != "string":
        return [_example(name, schema["items"], own)]
    known = own.get(name, OF_NAME.get(name))
    if kind == "string" and isinstance(known, int):
        known = str(known)
    if _fits(known, schema):
        return known
    if kind == "array":
        return [_example("", schema["items"], own)]
    if kind == "boolean":
        return True
    return schema["enum"][0] if "enum" in schema else 1 if kind == "integer" else "…"


def _fits(value: Any, schema: Schema) -> bool:
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
    allowed = schema.get("type", [])
    named = [allowed] if isinstance(allowed, str) else allowed
    return any(type(value) is kinds[kind] for kind in named) and value in schema.get("enum", [value])

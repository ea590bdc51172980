"""The REST face of imports, and the clock's own operations on them (api.md 3.7)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from imports.services import material, parameters
from imports.services.parameters import Offer
from keys.api.schemas import ANY_KEY, ONE_KEY
from keys.locate import the_due_key, the_key, the_key_before_locking, the_locked_key
from keys.states import Use
from operations import errors
from operations.answers import INTEGER, TEXT, Schema, record
from operations.fields import Choice, Field, KeyId, Request, Text, Whole
from operations.limits import Rate
from operations.operation import Operation


@dataclass(frozen=True, kw_only=True)
class ExpirationTime(Whole):
    """In seconds. An empty text is refused: a script's unset variable must not make material that never expires."""

    name: str = "expiration_time"
    minimum: int = -(2**53)
    traced: bool = True
    hint: errors.Text = "A whole number of seconds since 1970. Leave the member out if the material never expires."
    about: str = "When symmetric material is to expire, in seconds; never where the member is left out. Not empty."

    def is_absent(self, value: object) -> bool:
        return value is None


@dataclass(frozen=True, kw_only=True)
class OfferId(Field):
    name: str = "offer_id"
    required: bool = True

    def read(self, value: Any) -> UUID:
        try:
            return UUID(str(value))
        except ValueError as cause:
            raise self.refuse() from cause

    @property
    def schema(self) -> Schema:
        return {**TEXT, "format": "uuid"}


def _parameters(offer: Offer) -> dict[str, Any]:
    return {
        "key_id": offer.row.key.key_id,
        "import_token": base64.b64encode(offer.token).decode("ascii"),
        "expiration_time": int(offer.row.expires_at.timestamp()),
        "public_key": base64.b64encode(bytes(offer.row.public_der)).decode("ascii"),
    }


GET_PARAMETERS_FOR_IMPORT = Operation(
    name="get-parameters-for-import",
    path="kms/get-parameters-for-import",
    action="kms:cmk:getMaterial",
    use=Use.OFFER_IMPORT,
    locate=the_locked_key,
    locate_to_prepare=the_key_before_locking,
    prepare=parameters.make_pair,
    run=parameters.offer,
    request=Request(
        (
            KeyId(),
            Choice(
                name="wrapping_algorithm",
                values=(parameters.DEFAULT_ALGORITHM, parameters.LEGACY_ALGORITHM),
                required=True,
                traced=True,
                about="RSAES_OAEP_SHA_256; the other one only where the operator allows it.",
            ),
        )
    ),
    respond=_parameters,
    answer=record(key_id=TEXT, import_token=TEXT, expiration_time=INTEGER, public_key=TEXT),
    trace="getParametersForImport",
    rate=Rate("get-parameters-for-import", calls=60),
    summary="A wrapping key and an import token, both valid for 24 hours.",
)

IMPORT_KEY_MATERIAL = Operation(
    name="import-key-material",
    path="kms/import-key-material",
    action="kms:cmk:importMaterial",
    use=Use.IMPORT_MATERIAL,
    locate=the_locked_key,
    locate_to_prepare=the_key_before_locking,
    prepare=material.unwrap,
    run=material.import_material,
    request=Request(
        (
            KeyId(),
            # Read as text here: whether they are Base64 is asked after the token was proved (SEC-024).
            Text(
                name="import_token",
                required=True,
                min_length=1,
                about="Base64, as get-parameters-for-import answered it. It serves for one import.",
            ),
            Text(
                name="encrypted_key_material",
                required=True,
                min_length=1,
                about="Base64 of 32 bytes, wrapped with the wrapping key: the material of a symmetric key, or the"
                " temporary key under which a private key is wrapped.",
            ),
            Text(
                name="encrypted_privatekey",
                about="For asymmetric keys: Base64 of the private key (PKCS#8, DER), wrapped under the temporary key"
                " by AES key wrap with padding (RFC 5649).",
            ),
            ExpirationTime(),
        )
    ),
    refuses=(
        errors.IMPORT_TOKEN_INVALID,
        errors.IMPORT_TOKEN_EXPIRED,
        errors.TOKEN_OF_ANOTHER_KEY,
        errors.UNWRAP_FAILED,
        errors.MATERIAL_LENGTH,
        errors.TEMPORARY_KEY_LENGTH,
        errors.PRIVATE_KEY_MISSING,
        errors.PRIVATE_KEY_INVALID,
        errors.MATERIAL_DIFFERS,
        errors.EXPIRATION_IN_THE_PAST,
    ),
    trace="importKeyMaterial",
    on_refusal=material.count_failed_unwrap,
    rate=Rate("import-key-material", calls=120),
    summary="Import wrapped key material into a key that waits for it.",
)

DELETE_IMPORTED_KEY_MATERIAL = Operation(
    name="delete-imported-key-material",
    path="kms/delete-imported-key-material",
    action="kms:cmk:deleteMaterial",
    use=Use.DELETE_MATERIAL,
    locate=the_locked_key,
    run=material.delete_material,
    request=ONE_KEY,
    trace="deleteImportedKeyMaterial",
    summary="Delete the material of an imported symmetric key; the key then waits for the same material again.",
)

# Ours alone: the original has no way to ask (docs/decisions/0009-the-check-value-is-an-operation.md).
GET_CHECK_VALUE = Operation(
    name="get-check-value",
    path="kms/get-check-value",
    # It tells two materials apart, so it is for those who could bring one (SEC-034).
    action="kms:cmk:importMaterial",
    use=Use.COMPARE_MATERIAL,
    locate=the_key,
    run=material.compare,
    request=ANY_KEY,
    respond=lambda known: {
        "key_id": known.key.key_id,
        "key_spec": known.key.spec_name,
        "check_value": known.check_value,
    },
    answer=record(key_id=TEXT, key_spec=TEXT, check_value=TEXT),
    trace="getCheckValue",
    writes=False,
    summary="The check value of a key's imported material, to compare a backup with; empty before the first import.",
)

# The wizard's own: closing it ends its offer at once.
REVOKE_IMPORT_OFFER = Operation(
    name="revoke-import-offer",
    action="kms:cmk:getMaterial",
    locate=the_locked_key,
    run=parameters.revoke,
    request=Request((KeyId(), OfferId())),
    trace="revokeImportToken",
    summary="End a wizard's wrapping key and import token.",
)

# The clock's own.
EXPIRE_WRAPPING_KEY = Operation(
    name="expire-wrapping-key",
    action=None,
    locate=the_due_key,
    run=parameters.expire,
    request=Request((KeyId(), OfferId())),
    trace="expireWrappingKey",
    summary="Erase the private half of a wrapping key that is older than 24 hours.",
)

EXPIRE_MATERIAL = Operation(
    name="expire-material",
    action=None,
    locate=the_due_key,
    run=material.expire_material,
    request=ONE_KEY,
    trace="expireKeyMaterial",
    summary="Erase imported material that is past its time.",
)

OPERATIONS = (
    GET_PARAMETERS_FOR_IMPORT,
    IMPORT_KEY_MATERIAL,
    DELETE_IMPORTED_KEY_MATERIAL,
    GET_CHECK_VALUE,
    REVOKE_IMPORT_OFFER,
    EXPIRE_WRAPPING_KEY,
    EXPIRE_MATERIAL,
)

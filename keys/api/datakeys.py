"""create-datakey with and without plaintext, encrypt-datakey and decrypt-datakey (api.md 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keys.api.schemas import CONTEXT, hexadecimal
from keys.locate import make_default_key, the_key
from keys.services import datakeys
from keys.services.datakeys import DataKey, OpenedDataKey
from keys.states import Use
from operations import errors
from operations.answers import TEXT, Schema, record
from operations.fields import Bits, Choice, Hex, KeyReference, Request, Whole
from operations.operation import Operation


@dataclass(frozen=True, kw_only=True)
class PlainDataKey(Hex):
    """A data key and its digest. A space may part them, as in the manual's own example."""

    def read(self, value: Any) -> bytes:
        return super().read(value.replace(" ", "", 1) if isinstance(value, str) else value)

    @property
    def schema(self) -> Schema:
        spaced = {"pattern": "^[0-9a-fA-F]* ?[0-9a-fA-F]*$", "maxLength": 2 * self.max_bytes + 1}
        return {**super().schema, **spaced}


_CREATION = Request(
    (
        KeyReference(),
        Bits(
            name="datakey_length",
            error=errors.DATA_KEY_LENGTH,
            uneven=errors.DATA_KEY_LENGTH_UNEVEN,
            traced=True,
            about="How long the data key is, in bits; 256 where neither length nor `key_spec` is given.",
        ),
        Choice(
            name="key_spec",
            values=tuple(datakeys.SPEC_BITS),
            error=errors.DATA_KEY_SPEC,
            traced=True,
            about="The length by name; `datakey_length` counts where both are given.",
        ),
        *CONTEXT,
    )
)


def _with_plaintext(result: DataKey) -> dict[str, str]:
    return {
        "key_id": result.key.key_id,
        "plain_text": hexadecimal(result.plain),
        "cipher_text": hexadecimal(result.cipher_text),
    }


def _without_plaintext(result: DataKey) -> dict[str, str]:
    return {"key_id": result.key.key_id, "cipher_text": hexadecimal(result.cipher_text)}


def _encrypted(result: DataKey) -> dict[str, str]:
    return {
        "key_id": result.key.key_id,
        "cipher_text": hexadecimal(result.cipher_text),
        "datakey_length": str(len(result.plain)),
    }


def _decrypted(result: OpenedDataKey) -> dict[str, str]:
    return {
        "data_key": hexadecimal(result.plain),
        "datakey_length": str(len(result.plain)),
        "datakey_dgst": hexadecimal(result.digest),
    }


CREATE_DATAKEY = Operation(
    name="create-datakey",
    path="kms/create-datakey",
    action="kms:dek:create",
    use=Use.DATA_KEY,
    locate=the_key,
    supply=make_default_key,
    run=datakeys.create_data_key,
    request=_CREATION,
    respond=_with_plaintext,
    answer=record(key_id=TEXT, plain_text=TEXT, cipher_text=TEXT),
    trace="createDataKey",
    writes=False,
    brief=True,
    grantable=True,
    summary="Make a data key; the answer has it in the clear and wrapped under the key.",
)

CREATE_DATAKEY_WITHOUT_PLAINTEXT = Operation(
    name="create-datakey-without-plaintext",
    path="kms/create-datakey-without-plaintext",
    action="kms:dek:create",
    use=Use.DATA_KEY,
    locate=the_key,
    supply=make_default_key,
    run=datakeys.create_data_key,
    request=_CREATION,
    respond=_without_plaintext,
    answer=record(key_id=TEXT, cipher_text=TEXT),
    trace="createDataKeyWithoutPlaintext",
    writes=False,
    brief=True,
    grantable=True,
    summary="Make a data key; the answer has it wrapped under the key only.",
)

ENCRYPT_DATAKEY = Operation(
    name="encrypt-datakey",
    path="kms/encrypt-datakey",
    action="kms:dek:crypto",
    use=Use.DATA_KEY,
    locate=the_key,
    supply=make_default_key,
    run=datakeys.encrypt_data_key,
    request=Request(
        (
            KeyReference(),
            PlainDataKey(
                name="plain_text",
                required=True,
                max_bytes=2048,
                error=errors.PLAIN_TEXT_INVALID,
                about="The data key followed by its SHA-256 digest, in hexadecimal.",
            ),
            Whole(
                name="datakey_plain_length",
                required=True,
                minimum=1,
                maximum=datakeys.MAX_BYTES,
                error=errors.DATA_KEY_PLAIN_LENGTH,
                traced=True,
                about="How long the data key is, in bytes.",
            ),
            *CONTEXT,
        )
    ),
    respond=_encrypted,
    answer=record(key_id=TEXT, cipher_text=TEXT, datakey_length=TEXT),
    refuses=(errors.DATA_KEY_PLAIN_MISMATCH, errors.DATA_KEY_DIGEST),
    trace="encryptDatakey",
    writes=False,
    brief=True,
    grantable=True,
    summary="Wrap a data key that the caller brings, together with its SHA-256 digest.",
)

DECRYPT_DATAKEY = Operation(
    name="decrypt-datakey",
    path="kms/decrypt-datakey",
    action="kms:dek:crypto",
    use=Use.DATA_KEY,
    locate=the_key,
    run=datakeys.decrypt_data_key,
    request=Request(
        (
            KeyReference(),
            Hex(
                name="cipher_text",
                required=True,
                max_bytes=4096,
                error=errors.CIPHER_TEXT_INVALID,
                about="What create-datakey or encrypt-datakey answered.",
            ),
            Whole(
                name="datakey_cipher_length",
                required=True,
                minimum=1,
                maximum=datakeys.MAX_BYTES,
                error=errors.DATA_KEY_CIPHER_LENGTH,
                traced=True,
                about="How long the data key is, in bytes.",
            ),
            *CONTEXT,
        )
    ),
    respond=_decrypted,
    answer=record(data_key=TEXT, datakey_length=TEXT, datakey_dgst=TEXT),
    refuses=(errors.DATA_KEY_CIPHER_MISMATCH,),
    trace="decryptDatakey",
    writes=False,
    brief=True,
    grantable=True,
    summary="Unwrap a data key.",
)

OPERATIONS = (CREATE_DATAKEY, CREATE_DATAKEY_WITHOUT_PLAINTEXT, ENCRYPT_DATAKEY, DECRYPT_DATAKEY)

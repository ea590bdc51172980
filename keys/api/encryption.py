"""encrypt-data and decrypt-data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from keys.api.schemas import CONTEXT
from keys.locate import make_default_key, the_key, the_key_of_the_ciphertext
from keys.services import encryption
from keys.services.encryption import Decrypted, Encrypted
from keys.states import Use
from kmscrypto.specs import EncryptionAlgorithm
from operations import errors
from operations.answers import TEXT, Schema, record
from operations.fields import Bad, Base64, Choice, Field, KeyReference, Request, encode_base64
from operations.operation import Operation


@dataclass(frozen=True, kw_only=True)
class Utf8(Field):
    """A JSON string whose UTF-8 bytes are meant; `max_bytes` counts bytes."""

    max_bytes: int

    def read(self, value: Any) -> bytes:
        try:
            raw = value.encode() if isinstance(value, str) else b""
        except UnicodeEncodeError as cause:
            raise self.refuse() from cause
        if not 1 <= len(raw) <= self.max_bytes:
            raise self.refuse()
        return raw

    @property
    def schema(self) -> Schema:
        return {**TEXT, "minLength": 1, "maxLength": self.max_bytes}


# What any name that no key knows is read as: traces hold no text of the caller's choice.
UNKNOWN_ALGORITHM = "unknown"


@dataclass(frozen=True, kw_only=True)
class AlgorithmName(Choice):
    """Any text: one that does not fit the key earns the code of the key's kind, not that of a bad parameter."""

    def read(self, value: Any) -> str:
        try:
            return super().read(value)
        except Bad:
            if isinstance(value, str):
                return UNKNOWN_ALGORITHM
            raise

    @property
    def schema(self) -> Schema:
        return {**TEXT, "examples": list(self.values)}


ALGORITHM = AlgorithmName(
    name="encryption_algorithm",
    values=tuple(EncryptionAlgorithm),
    traced=True,
    about="RSAES_OAEP_SHA_256 or RSAES_OAEP_SHA_1, required for RSA keys; SYMMETRIC_DEFAULT or nothing for AES keys.",
)


def _encrypted(result: Encrypted) -> dict[str, str]:
    return {"key_id": result.key.key_id, "cipher_text": encode_base64(result.cipher_text)}


def _decrypted(result: Decrypted) -> dict[str, str]:
    """`plain_text` is "" where the bytes are no text, as an RSA ciphertext made elsewhere may hold (api.md 3.2)."""
    try:
        text = result.plain_text.decode()
    except UnicodeDecodeError:
        text = ""
    return {
        "key_id": result.key.key_id,
        "plain_text": text,
        "plain_text_base64": encode_base64(result.plain_text),
    }


def _request_to_encrypt(max_bytes: int) -> Request:
    return Request(
        (
            KeyReference(),
            Utf8(
                name="plain_text",
                required=True,
                max_bytes=max_bytes,
                error=errors.PLAIN_TEXT_INVALID,
                about="A text of 1 to 4,096 bytes in UTF-8. An RSA key takes less.",
            ),
            ALGORITHM,
            *CONTEXT,
        )
    )


ENCRYPT_DATA = Operation(
    name="encrypt-data",
    path="kms/encrypt-data",
    action="kms:cmk:crypto",
    use=Use.ENCRYPT,
    locate=the_key,
    supply=make_default_key,
    run=encryption.encrypt_data,
    request=_request_to_encrypt(encryption.MAX_BYTES),
    respond=_encrypted,
    answer=record(key_id=TEXT, cipher_text=TEXT),
    refuses=(errors.SYMMETRIC_ALGORITHM, errors.RSA_ALGORITHM, errors.RSA_PLAIN_TEXT_TOO_LONG),
    trace="encryptData",
    writes=False,
    brief=True,
    grantable=True,
    summary="Encrypt up to 4,096 bytes with a key.",
)

# The same for the console, which encrypts the Base64 of what a person types: as many bytes, one third longer.
ENCRYPT_TEXT = replace(ENCRYPT_DATA, request=_request_to_encrypt(encryption.MAX_ENCODED_BYTES))

DECRYPT_DATA = Operation(
    name="decrypt-data",
    path="kms/decrypt-data",
    action="kms:cmk:crypto",
    use=Use.DECRYPT,
    locate=the_key_of_the_ciphertext,
    run=encryption.decrypt_data,
    request=Request(
        (
            Base64(
                name="cipher_text",
                required=True,
                min_bytes=1,
                max_bytes=encryption.MAX_CIPHERTEXT_BYTES,
                error=errors.CIPHER_TEXT_INVALID,
                about="What encrypt-data answered, or what was encrypted elsewhere with an RSA public key.",
            ),
            KeyReference(required=False, about="Needed for RSA keys only: any other ciphertext names its key."),
            ALGORITHM,
            *CONTEXT,
        )
    ),
    respond=_decrypted,
    answer=record(key_id=TEXT, plain_text=TEXT, plain_text_base64=TEXT),
    refuses=(errors.SYMMETRIC_ALGORITHM, errors.RSA_ALGORITHM),
    trace="decryptData",
    writes=False,
    brief=True,
    grantable=True,
    summary="Decrypt what encrypt-data made; the ciphertext names its key.",
)


OPERATIONS = (ENCRYPT_DATA, DECRYPT_DATA)

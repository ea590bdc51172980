"""re-encrypt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from keys.api.encryption import ALGORITHM
from keys.api.schemas import CONTEXT, hexadecimal
from keys.locate import find, make_default_key_named, the_key_of_the_ciphertext
from keys.models import Key
from keys.services import datakeys, encryption, reencryption
from keys.services.reencryption import ReEncrypted
from keys.states import Use
from operations import errors
from operations.answers import TEXT, record
from operations.caller import Caller
from operations.errors import KmsError
from operations.fields import Bad, Base64, Field, Hex, KeyReference, Request, Text, Whole, encode_base64
from operations.operation import Operation

MOST_CHARACTERS = 8192
# How a ciphertext is written: data in Base64, a data key in hexadecimal.
_DATA = Base64(
    name="cipher_text", min_bytes=1, max_bytes=encryption.MAX_CIPHERTEXT_BYTES, error=errors.CIPHER_TEXT_INVALID
)
_DATA_KEY = Hex(name="cipher_text", error=errors.CIPHER_TEXT_INVALID)


def _side(side: str) -> tuple[Field, ...]:
    """The members of one of the two keys. Contexts as objects are ours: the original has additional data only."""
    return tuple(
        replace(member, name=f"{side}_{member.name}", about=f"As for the {side} key by itself. {member.about}")
        for member in (ALGORITHM, *CONTEXT)
    )


def _destination(caller: Caller, request: dict[str, Any]) -> Key:
    """The destination is the target. The source, named or found in the ciphertext, goes along to `run`."""
    written = _DATA if request["datakey_cipher_length"] is None else _DATA_KEY
    try:
        request["cipher_text"] = written.read(request["cipher_text"])
    except Bad as refusal:
        raise KmsError(refusal.code, field="cipher_text") from refusal
    destination = find(caller, request.pop("destination_key_id"))
    within = {"key_id": request.pop("source_key_id"), "cipher_text": request["cipher_text"]}
    request["source"] = the_key_of_the_ciphertext(caller, within)
    return destination


def _answer(result: ReEncrypted) -> dict[str, str]:
    sealed = result.cipher_text
    return {
        "key_id": result.destination.key_id,
        "source_key_id": result.source.key_id,
        "source_encryption_algorithm": result.source_algorithm,
        "destination_encryption_algorithm": result.destination_algorithm,
        "cipher_text": hexadecimal(sealed) if result.is_data_key else encode_base64(sealed),
    }


RE_ENCRYPT: Operation = Operation(
    name="re-encrypt",
    path="kms/re-encrypt",
    action="kms:cmk:crypto",
    use=Use.ENCRYPT,
    locate=_destination,
    supply=lambda caller, request: make_default_key_named(caller, request["destination_key_id"]),
    run=lambda caller, destination, **members: reencryption.re_encrypt(
        caller, destination, operation=RE_ENCRYPT, **members
    ),
    request=Request(
        (
            Text(
                name="cipher_text",
                required=True,
                max_length=MOST_CHARACTERS,
                error=errors.CIPHER_TEXT_INVALID,
                about="Base64 of data, or hexadecimal of a data key.",
            ),
            KeyReference(name="destination_key_id", about="The key to encrypt with, by ID, alias or URN."),
            KeyReference(
                name="source_key_id",
                required=False,
                about="The key it is encrypted with; needed for RSA keys only, as any other ciphertext names its key.",
            ),
            Whole(
                name="datakey_cipher_length",
                minimum=1,
                maximum=datakeys.MAX_BYTES,
                error=errors.DATA_KEY_CIPHER_LENGTH,
                traced=True,
                about="Says that `cipher_text` is a data key, and how long that is, in bytes.",
            ),
            *_side("source"),
            *_side("destination"),
        )
    ),
    respond=_answer,
    answer=record(
        key_id=TEXT,
        source_key_id=TEXT,
        source_encryption_algorithm=TEXT,
        destination_encryption_algorithm=TEXT,
        cipher_text=TEXT,
    ),
    refuses=(
        errors.SYMMETRIC_ALGORITHM,
        errors.RSA_ALGORITHM,
        errors.RSA_PLAIN_TEXT_TOO_LONG,
        errors.DATA_KEY_CIPHER_MISMATCH,
        errors.ASYMMETRIC_UNSUPPORTED,
    ),
    trace="reEncrypt",
    writes=False,
    brief=True,
    summary="Decrypt with one key and encrypt with another, without showing what is inside.",
)

OPERATIONS = (RE_ENCRYPT,)

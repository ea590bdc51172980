"""Moving a ciphertext from one key to another; what is inside is never shown.

Two keys are touched, and both are asked by the same rules: the caller's right, the key's kind and its state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keys import ciphertexts
from keys.models import Key
from keys.services import datakeys, encryption
from keys.states import Use
from kmscrypto.envelope import Purpose
from operations.caller import Caller
from operations.operation import Operation


@dataclass(frozen=True, slots=True)
class ReEncrypted:
    source: Key
    destination: Key
    source_algorithm: str
    destination_algorithm: str
    cipher_text: bytes
    is_data_key: bool

    @property
    def trace_members(self) -> Mapping[str, str]:
        """The trace is about the destination; the source, often found only in the ciphertext, was used as well."""
        return {"source_key_id": self.source.key_id}


def re_encrypt(
    caller: Caller,
    destination: Key,
    *,
    operation: Operation,
    source: Key,
    cipher_text: bytes,
    datakey_cipher_length: int | None,
    source_encryption_algorithm: str | None,
    source_encryption_context: Mapping[str, str] | None,
    source_additional_authenticated_data: str | None,
    destination_encryption_algorithm: str | None,
    destination_encryption_context: Mapping[str, str] | None,
    destination_additional_authenticated_data: str | None,
) -> ReEncrypted:
    """The destination has been asked already. A `datakey_cipher_length` says that it is a data key.

    Raises what decrypting with the source and encrypting with the destination raise.
    """
    is_data_key = datakey_cipher_length is not None
    caller.authorise(operation, source)
    source.admit(Use.DATA_KEY if is_data_key else Use.DECRYPT)
    if is_data_key:
        destination.admit(Use.DATA_KEY)
    taken = encryption.algorithm_of(source, source_encryption_algorithm, field="source_encryption_algorithm")
    given = encryption.algorithm_of(
        destination, destination_encryption_algorithm, field="destination_encryption_algorithm"
    )
    if datakey_cipher_length is not None:
        data_key = datakeys.decrypt_data_key(
            caller,
            source,
            cipher_text=cipher_text,
            datakey_cipher_length=datakey_cipher_length,
            encryption_context=source_encryption_context,
            additional_authenticated_data=source_additional_authenticated_data,
        )
        sealed = ciphertexts.seal(
            destination,
            data_key.plain,
            purpose=Purpose.DATA_KEY,
            context=destination_encryption_context,
            additional=destination_additional_authenticated_data,
        )
    else:
        data = encryption.decrypt_data(
            caller,
            source,
            cipher_text=cipher_text,
            encryption_algorithm=taken,
            encryption_context=source_encryption_context,
            additional_authenticated_data=source_additional_authenticated_data,
        )
        sealed = encryption.encrypt_data(
            caller,
            destination,
            plain_text=data.plain_text,
            encryption_algorithm=given,
            encryption_context=destination_encryption_context,
            additional_authenticated_data=destination_additional_authenticated_data,
        ).cipher_text
    return ReEncrypted(source, destination, taken, given, sealed, is_data_key)

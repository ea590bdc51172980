"""Root keys that never leave a PKCS#11 token (an HSM, SoftHSM): it wraps and unwraps itself, by AES-GCM (SEC-001).

They bear the label KMS_PKCS11_KEY, the incoming one with `.new` behind it and retired ones with `.retired-ID`. A root
key's id is its CKA_ID, of eight bytes. A wrapped value is a version byte, the nonce, ciphertext and tag.
"""

from __future__ import annotations

import os
import secrets
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from django.conf import settings
from pkcs11 import Attribute, EncryptedDataInvalid, EncryptedDataLenRange, KeyType, Mechanism, PKCS11Error
from pkcs11.constants import MechanismFlag
from pkcs11.mechanisms import GCMParams

from vault import rootfile
from vault.errors import OpenFailed, RootKeyMissing, RootKeyUnsafe, VaultError
from vault.roots import Roots
from vault.token import Token, fault_of

VERSION = b"\x01"
NONCE_BYTES, TAG_BYTES = 12, 16
ID_BYTES, KEY_BITS = 8, 256


class TokenRoot:
    """One root key inside a token. Random 96-bit nonces: it wraps a few values for each project (NIST SP 800-38D)."""

    def __init__(self, token: Token, root_id: str) -> None:
        self._token, self._id = token, root_id

    def root_id(self) -> str:
        return self._id

    def wrap(self, plaintext: bytes, aad: bytes) -> bytes:
        return self._token.with_key(bytes.fromhex(self._id), lambda key: _wrap(key, plaintext, aad))

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        if wrapped[:1] != VERSION or len(wrapped) < len(VERSION) + NONCE_BYTES + TAG_BYTES:
            raise OpenFailed
        return self._token.with_key(bytes.fromhex(self._id), lambda key: _unwrap(key, wrapped, aad))


def _wrap(key: Any, plaintext: bytes, aad: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    sealed = key.encrypt(plaintext, mechanism=Mechanism.AES_GCM, mechanism_param=_parameters(nonce, aad))
    # The nonce is read only now: a token that insists on one of its own has put it there.
    wrapped = VERSION + nonce + bytes(sealed)
    # Whatever other habit a token has, it shows before anything depends on what was wrapped.
    if not secrets.compare_digest(_decrypt(key, wrapped, aad), plaintext):
        raise RootKeyMissing("The PKCS#11 token does not open what it has just wrapped, so it can hold no root key.")
    return wrapped


def _unwrap(key: Any, wrapped: bytes, aad: bytes) -> bytes:
    try:
        return _decrypt(key, wrapped, aad)
    except (EncryptedDataInvalid, EncryptedDataLenRange):
        raise OpenFailed from None
    except PKCS11Error:
        # Some tokens, SoftHSM among them, name a wrong tag by the same error as a fault of their own.
        _wrap(key, b"?", b"")
    try:  # there is no fault, but there may have been one
        return _decrypt(key, wrapped, aad)
    except PKCS11Error:
        raise OpenFailed from None


def _decrypt(key: Any, wrapped: bytes, aad: bytes) -> bytes:
    nonce, sealed = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
    return bytes(key.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=_parameters(nonce, aad)))


def _parameters(nonce: bytes, aad: bytes) -> GCMParams:
    return GCMParams(nonce, aad, tag_bits=8 * TAG_BYTES)


class TokenSource:
    """The root keys of one label in one token. We make them there and name them; nobody can take them out."""

    def __init__(self, token: Token, label: str) -> None:
        self._token, self._label = token, label
        self.place = f"{token.place}, labelled {label}"

    @property
    def incoming_place(self) -> str:
        return f"{self._token.place}, labelled {self._incoming_label}"

    @property
    def _incoming_label(self) -> str:
        return f"{self._label}.new"

    def read(self) -> Roots:
        found = self.look()
        if not found.by_id():
            raise RootKeyMissing(f"There is no root key in {self.place}.")
        return found

    def look(self) -> Roots:
        # In the order of `FileSource.look`, for the same reason.
        incoming = self._root(self._incoming_label)
        return Roots(self._root(self._label), incoming)

    def exclusively(self) -> AbstractContextManager[None]:
        return rootfile.exclusively(Path(settings.KMS_HOME))

    def create_incoming(self) -> None:
        attributes = {
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
        }
        with self._token.writing() as session:
            session.generate_key(
                KeyType.AES,
                KEY_BITS,
                id=os.urandom(ID_BYTES),
                label=self._incoming_label,
                store=True,
                capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
                template=attributes,
            )

    def settle(self) -> None:
        with self._token.writing() as session:
            _rename(session, self._incoming_label, self._label)

    def retire(self, *, keep: bool) -> str:
        found = self.look()
        if found.current is None or found.incoming is None:
            raise VaultError(f"The root keys in {self._token.place} were changed by somebody else meanwhile.")
        retired = f"{self._label}.retired-{found.current.root_id()}"
        try:
            with self._token.writing() as session:
                if keep:
                    _rename(session, self._label, retired)
                else:
                    _the_key(session, self._label).destroy()
                _rename(session, self._incoming_label, self._label)
        except PKCS11Error as error:
            raise VaultError(
                f"Nothing needs the old root key any more, but the token does not let the keys be renamed "
                f"({fault_of(error)}): take the label {self._label} from key {found.current.root_id()} and give it to "
                f"key {found.incoming.root_id()}."
            ) from None
        return f"The old root key is kept in the token, labelled {retired}." if keep else "The old root key is gone."

    def retired_place(self, root_id: str) -> str:
        label = f"{self._label}.retired-{root_id}"
        try:
            return f"{self._token.place}, labelled {label}" if self._token.labelled(label) else ""
        except RootKeyMissing:
            return ""

    def _root(self, label: str) -> TokenRoot | None:
        found = self._token.labelled(label)
        if not found:
            return None
        if len(found) > 1:
            raise RootKeyUnsafe(f"There are {len(found)} keys in {self._token.place} labelled {label}.")
        return TokenRoot(self._token, self._safe_id(found[0], label))

    def _safe_id(self, key: dict[Attribute, Any], label: str) -> str:
        if key[Attribute.SENSITIVE] is not True or key[Attribute.EXTRACTABLE] is not False:
            raise RootKeyUnsafe(f"The key {label} in {self._token.place} can be taken out; it must not be extractable.")
        if key[Attribute.KEY_TYPE] != KeyType.AES or 8 * key[Attribute.VALUE_LEN] != KEY_BITS:
            raise RootKeyUnsafe(f"The key {label} in {self._token.place} must be an AES key of {KEY_BITS} bits.")
        if len(key[Attribute.ID]) != ID_BYTES:
            raise RootKeyUnsafe(f"The key {label} in {self._token.place} must have a CKA_ID of {ID_BYTES} bytes.")
        return bytes(key[Attribute.ID]).hex()


def _rename(session: Any, label: str, new_label: str) -> None:
    _the_key(session, label)[Attribute.LABEL] = new_label


def _the_key(session: Any, label: str) -> Any:
    return session.get_key(label=label)

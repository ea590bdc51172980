"""Asymmetric key pairs for use outside of the service; the private half is also handed out encrypted under an AES key.

As data: decrypt-data opens it, for a private RSA key is longer than decrypt-datakey may answer with.
"""

from __future__ import annotations

from dataclasses import dataclass

from keys import ciphertexts
from keys.models import Key
from kmscrypto import material as mathematics
from kmscrypto.envelope import Purpose
from kmscrypto.specs import SPECS
from operations.caller import Caller

RSA_SPECS = ("RSA_2048", "RSA_3072", "RSA_4096")
# The original's names of the curves, and ours.
EC_SPECS = {"ECC_NIST_P256": "EC_P256", "ECC_NIST_P384": "EC_P384", "EC_P256": "EC_P256", "EC_P384": "EC_P384"}


@dataclass(frozen=True, slots=True, repr=False)
class DataKeyPair:
    """`public` is SubjectPublicKeyInfo and `private`, None unless wanted, PKCS#8, both DER."""

    key: Key
    spec_name: str
    public: bytes
    private: bytes | None
    private_cipher_text: bytes


def create_data_key_pair(
    caller: Caller,
    key: Key,
    *,
    key_spec: str,
    with_plain_text: bool,
    additional_authenticated_data: str | None,
) -> DataKeyPair:
    spec = SPECS[EC_SPECS.get(key_spec, key_spec)]
    private = mathematics.generate(spec)
    sealed = ciphertexts.seal(key, private, purpose=Purpose.DATA, additional=additional_authenticated_data)
    return DataKeyPair(
        key=key,
        spec_name=key_spec,
        public=mathematics.public_der(spec, private) or b"",
        private=private if with_plain_text else None,
        private_cipher_text=sealed,
    )

"""The proof after an import: the service holds the key that is here, and uses it rightly.

A signature of the service is verified, and a ciphertext of ours opened by it, with the *local* key. A symmetric key is
used both ways by the service, and recognised by its check value where the service tells it.
"""

from __future__ import annotations

import base64
import secrets

from kmscrypto import signing, wrapping
from kmscrypto.material import load_public
from kmscrypto.specs import EncryptionAlgorithm, Family, Usage
from kmsimport.faults import Exit, Fault
from kmsimport.formats import Material
from kmsimport.service import Refused, Service

PROBE_BYTES = 32


def prove(service: Service, key_id: str, material: Material, usage: str) -> str:
    """What was done, in words. Raises a Fault of NOT_PROVEN; those of the service itself pass through."""
    if material.spec.family is Family.AES:
        return _symmetric(service, key_id, material)
    public = material.public_der or b""
    if usage == Usage.ENCRYPT_DECRYPT:
        return _decryption(service, key_id, public)
    return _signature(service, key_id, material, public)


def _symmetric(service: Service, key_id: str, material: Material) -> str:
    probe = secrets.token_hex(PROBE_BYTES)
    if service.decrypt(key_id, service.encrypt(key_id, probe)) != probe:
        raise _failed("decrypt-data did not give back what encrypt-data was given")
    done = "encrypt-data, then decrypt-data: the same text"
    try:
        known = service.check_value(key_id)
    except Refused:
        # The original cannot tell, and no other call of it says which symmetric key it holds.
        return done
    if known != material.check_value:
        raise _failed(f"the service has material with check value {known}, the file {material.check_value}")
    return f"{done}; the same check value"


def _decryption(service: Service, key_id: str, public: bytes) -> str:
    algorithm, probe = EncryptionAlgorithm.RSAES_OAEP_SHA_256, secrets.token_hex(PROBE_BYTES)
    ciphertext = wrapping.wrap(public, algorithm, probe.encode())
    if service.decrypt(key_id, base64.b64encode(ciphertext).decode("ascii"), algorithm) != probe:
        raise _failed("decrypt-data did not open what was encrypted here with the public key")
    return f"encrypted here, decrypt-data with {algorithm}: the same text"


def _signature(service: Service, key_id: str, material: Material, public: bytes) -> str:
    algorithm, probe = material.spec.signing_algorithms[0], secrets.token_bytes(PROBE_BYTES)
    signature = service.sign(key_id, probe, algorithm)
    here = load_public(material.spec, public)
    if not signing.verify(material.spec, here, algorithm, probe, signature, is_digest=False):
        raise _failed("a signature of the service is not of the key in the file")
    return f"sign with {algorithm}: verified here"


def _failed(reason: str) -> Fault:
    return Fault(Exit.NOT_PROVEN, f"The round trip failed: {reason}.", hint="Disable the key, and find out why.")

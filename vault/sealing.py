"""Seal and open: how every other secret in the database is encrypted (SEC-002).

A sealed value is bound to everything about the row that holds it; copied to any other place it does not open.
"""

from __future__ import annotations

from dataclasses import dataclass

from kmscrypto import envelope
from kmscrypto.errors import CryptoError
from vault import hierarchy, wraps
from vault.errors import OpenFailed
from vault.hierarchy import OpenedKey, ServicePurpose


@dataclass(frozen=True)
class Binding:
    """The place that a sealed value belongs to.

    `kind` is the type of the object, `version` its own version (of key material, say), `parent` the key that it hangs
    on. With a `project` the value is sealed under that project's key, otherwise under the service key `iam`.
    """

    kind: str
    object_id: str
    purpose: str
    region: str = ""
    project: str = ""
    version: int = 0
    parent: str = ""

    def __post_init__(self) -> None:
        if not (self.kind and self.object_id and self.purpose):
            raise ValueError("a binding names a kind, an object and a purpose")
        if bool(self.region) != bool(self.project):
            raise ValueError("a binding names both region and project, or neither")

    def aad(self) -> bytes:
        return envelope.bind(
            "sealed", self.kind, self.region, self.project, self.object_id, str(self.version), self.purpose, self.parent
        )


def seal(binding: Binding, plaintext: bytes) -> bytes:
    """Raises Sealed."""
    key = _key(binding, version=None)
    if binding.project:
        wraps.count(key.id)
    return envelope.seal(
        key.material,
        plaintext,
        purpose=envelope.Purpose.AT_REST,
        key_id=key.id,
        version=key.version,
        binding=binding.aad(),
    )


def open(binding: Binding, blob: bytes) -> bytes:  # noqa: A001  (the word of the trade; used as sealing.open)
    """The plaintext. Raises OpenFailed if the blob was altered or belongs elsewhere, Sealed if nothing can open."""
    try:
        parsed = envelope.parse(bytes(blob))
    except CryptoError:
        raise OpenFailed from None
    # The header's key id and version are part of what the envelope derives its key from: a foreign header never opens.
    key = _key(binding, version=parsed.version)
    try:
        return envelope.open(key.material, parsed, purpose=envelope.Purpose.AT_REST, binding=binding.aad())
    except CryptoError:
        raise OpenFailed from None


def _key(binding: Binding, *, version: int | None) -> OpenedKey:
    if binding.project:
        return hierarchy.project_key(binding.region, binding.project, version=version)
    return hierarchy.opened_service_key(ServicePurpose.IAM)

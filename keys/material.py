"""The only door from keys to the vault: a sealed version on one side, usable key material on the other.

Opened material is kept in this process for at most a minute and a thousand keys (SEC-006). It is never trusted for
state: who asks for it has read the key's row in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from keys.models import Key, KeyVersion
from kmscrypto import fingerprint as digests
from kmscrypto import material as mathematics
from operations import clock, errors
from operations.errors import KmsError
from vault import hierarchy, sealing
from vault.cache import OpenedKeys
from vault.hierarchy import ServicePurpose
from vault.holdings import SealedColumn
from vault.sealing import Binding

CACHE_SECONDS = 60
CACHE_ENTRIES = 1000
CHECKPOINT_MILLISECONDS = 100


@dataclass(frozen=True, slots=True)
class Opened:
    """Usable material of one version: raw bytes for AES and HMAC, a parsed private key for RSA and EC."""

    version: int
    usable: Any = field(repr=False)


# By the key's ID, which is never used twice; the number of a row may be, where its transaction was rolled back.
_opened: OpenedKeys[tuple[str, int], Opened] = OpenedKeys(entries=CACHE_ENTRIES, seconds=CACHE_SECONDS)


def binding(key: Key, number: int) -> Binding:
    return Binding(
        kind="key-version",
        object_id=key.key_id,
        purpose="material",
        region=key.project.region_id,
        project=key.project_id,
        version=number,
    )


SEALED = SealedColumn(
    model=KeyVersion,
    field="material_sealed",
    project="key__project_id",
    related="key__project",
    binding=lambda version: binding(version.key, version.number),
)


def store(key: Key, material: bytes, *, wrapping_algorithm: str = "") -> KeyVersion:
    """Seals material as the key's current version, in place of any that was erased. Saves the version, not the key."""
    values: dict[str, Any] = {
        "material_sealed": sealing.seal(binding(key, key.current_version), material),
        "public_key": mathematics.public_der(key.spec, material),
        "check_value": digests.check_value(key.spec, material) if key.spec.importable else "",
        "wrapping_algorithm": wrapping_algorithm,
        "created_at": clock.now(),
        "erased_at": None,
    }
    version = KeyVersion(key=key, number=key.current_version, **values)
    # One statement, whether there is a row or not.
    KeyVersion.objects.bulk_create(
        [version], update_conflicts=True, unique_fields=("key", "number"), update_fields=tuple(values)
    )
    return version


def fingerprint(key: Key, material: bytes) -> bytes:
    """Recognises material after it is gone (SEC-034)."""
    public = mathematics.public_der(key.spec, material)
    return digests.fingerprint(
        hierarchy.service_key(ServicePurpose.FINGERPRINT),
        project=key.project_id,
        key_id=key.key_id,
        spec=key.spec_name,
        material_or_spki=public if public is not None else material,
    )


def open_version(key: Key, number: int | None = None) -> Opened:
    """The material of a version, by default the current one.

    Raises CIPHER_TEXT_INVALID for a version that is not; NOT_ENABLED where the current one went this very moment.
    """
    named = number is not None
    number = key.current_version if number is None else number
    cached = _opened.get((key.key_id, number))
    if cached is not None:
        return cached
    version = key.versions.filter(number=number).first()
    if version is None or version.material_sealed is None:
        # Told like any other fault of a ciphertext (SEC-013).
        raise KmsError(errors.CIPHER_TEXT_INVALID, field="cipher_text") if named else KmsError(errors.NOT_ENABLED)
    plain = sealing.open(binding(key, number), bytes(version.material_sealed))
    opened = Opened(number, mathematics.load(key.spec, plain))
    _opened.put((key.key_id, number), opened)
    return opened


def erase(key: Key) -> None:
    """Overwrites and removes the material of every version in this transaction; fingerprint and check value stay.

    Overwriting first matters where the database keeps freed pages, and SQLite keeps old pages in its journal besides
    (SEC-036). The public key goes with the private one.
    """
    versions = list(key.versions.exclude(material_sealed=None))
    for version in versions:
        KeyVersion.objects.filter(pk=version.pk).update(material_sealed=bytes(len(version.material_sealed or b"")))
        KeyVersion.objects.filter(pk=version.pk).update(material_sealed=None, public_key=None, erased_at=clock.now())
    places = [(key.key_id, version.number) for version in versions]
    # Again after the commit: until then another thread may still read, and keep, what the row had.
    _forget(places)
    transaction.on_commit(lambda: _forget(places))
    transaction.on_commit(_empty_the_journal)


def has_material(key: Key) -> bool:
    return key.versions.filter(number=key.current_version, material_sealed__isnull=False).exists()


def forget_opened() -> None:
    """Empties this process's cache."""
    _opened.clear()


def _empty_the_journal() -> None:
    """Moves SQLite's journal into the file, zeroes over what was erased. Where others are reading, the next one will.

    Waits for readers briefly: writers wait meanwhile.
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        (patience,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {CHECKPOINT_MILLISECONDS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")


def _forget(places: list[tuple[str, int]]) -> None:
    for place in places:
        _opened.drop(place)

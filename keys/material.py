"""The only door from keys to the vault: a sealed version on one side, usable key material on the other.

Opened material is kept in this process for at most a minute and a thousand keys (SEC-006). It is never trusted for
state: who asks for it has read the key's row in the same transaction.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from keys.models import Key, KeyVersion
from kmscrypto import fingerprint as digests
from kmscrypto import material as mathematics
from operations import clock, errors
from operations.errors import KmsError
from vault import hierarchy, sealing
from vault.hierarchy import ServicePurpose
from vault.sealing import Binding

CACHE_SECONDS = 60
CACHE_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Opened:
    """Usable material of one version: raw bytes for AES and HMAC, a parsed private key for RSA and EC."""

    version: int
    usable: Any


class _Cache:
    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[int, int], tuple[float, Opened]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, place: tuple[int, int]) -> Opened | None:
        entry = self._entries.get(place)
        if entry is None or entry[0] < time.monotonic():
            return None
        return entry[1]

    def put(self, place: tuple[int, int], opened: Opened) -> None:
        with self._lock:
            self._entries[place] = (time.monotonic() + CACHE_SECONDS, opened)
            self._entries.move_to_end(place)
            while len(self._entries) > CACHE_ENTRIES:
                self._entries.popitem(last=False)

    def drop(self, key_pk: int) -> None:
        with self._lock:
            for place in [place for place in self._entries if place[0] == key_pk]:
                del self._entries[place]


_cache = _Cache()


def binding(key: Key, number: int) -> Binding:
    return Binding(
        kind="key-version",
        object_id=key.key_id,
        purpose="material",
        region=key.project.region_id,
        project=key.project_id,
        version=number,
    )


def store(key: Key, material: bytes, *, wrapping_algorithm: str = "") -> KeyVersion:
    """Seals material as the key's current version and notes its fingerprint. Saves the version, not the key."""
    version, _created = KeyVersion.objects.update_or_create(
        key=key,
        number=key.current_version,
        defaults={
            "material_sealed": sealing.seal(binding(key, key.current_version), material),
            "public_key": mathematics.public_der(key.spec, material),
            "check_value": digests.check_value(key.spec, material),
            "wrapping_algorithm": wrapping_algorithm,
            "created_at": clock.now(),
            "erased_at": None,
        },
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
    """The material of a version, by default the current one. Raises CIPHER_TEXT_INVALID for a version that is not."""
    number = key.current_version if number is None else number
    cached = _cache.get((key.pk, number))
    if cached is not None:
        return cached
    version = key.versions.filter(number=number).first()
    if version is None or version.material_sealed is None:
        raise KmsError(errors.CIPHER_TEXT_INVALID)
    plain = sealing.open(binding(key, number), bytes(version.material_sealed))
    opened = Opened(number, mathematics.load(key.spec, plain))
    _cache.put((key.pk, number), opened)
    return opened


def erase(key: Key) -> None:
    """Overwrites and removes the material of every version in this transaction; fingerprint and check value stay.

    Overwriting first matters where the database keeps freed pages (SEC-036). The public key goes with the private one.
    """
    for version in key.versions.exclude(material_sealed=None):
        KeyVersion.objects.filter(pk=version.pk).update(material_sealed=bytes(len(version.material_sealed or b"")))
        KeyVersion.objects.filter(pk=version.pk).update(material_sealed=None, public_key=None, erased_at=clock.now())
    _cache.drop(key.pk)
    transaction.on_commit(lambda: _cache.drop(key.pk))


def has_material(key: Key) -> bool:
    return key.versions.filter(number=key.current_version, material_sealed__isnull=False).exists()


def forget_opened() -> None:
    """Empties this process's cache."""
    _cache._entries.clear()

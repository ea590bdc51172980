"""Fills the administrator's project with many keys, quickly: `python -m benchmarks.fill COUNT`."""

from __future__ import annotations

import secrets
import sys
from datetime import timedelta

import django

BATCH = 1000


def fill(count: int, *, expiring: bool = False) -> None:
    """Enabled keys with real material; if `expiring`, imported and gone in a year."""
    from keys import material
    from keys.models import Alias, Key, KeyVersion
    from keys.states import Origin, State
    from operations import clock
    from projects.models import Project
    from vault import sealing

    project = Project.objects.get()
    began = clock.now()
    before = Key.objects.count()
    for first in range(before, before + count, BATCH):
        keys = Key.objects.bulk_create(
            Key(
                project=project,
                alias=f"bench/{number:08}",
                spec_name="AES_256",
                usage="ENCRYPT_DECRYPT",
                origin=Origin.EXTERNAL if expiring else Origin.KMS,
                state=State.ENABLED,
                created_at=began + timedelta(microseconds=number),
                material_expires_at=began + timedelta(days=365, microseconds=number) if expiring else None,
            )
            for number in range(first, min(first + BATCH, before + count))
        )
        Alias.objects.bulk_create(
            Alias(project=project, key=key, name=key.alias, is_primary=True, created_at=began, updated_at=began)
            for key in keys
        )
        KeyVersion.objects.bulk_create(
            KeyVersion(
                key=key,
                number=1,
                material_sealed=sealing.seal(material.binding(key, 1), secrets.token_bytes(32)),
                created_at=began,
            )
            for key in keys
        )


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]), expiring="expiring" in sys.argv)

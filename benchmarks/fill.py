"""Fills the administrator's project with many keys, quickly: `python -m benchmarks.fill COUNT`."""

from __future__ import annotations

import secrets
import sys
from datetime import timedelta

import django

BATCH = 1000


def fill(count: int) -> None:
    from keys import material
    from keys.models import Key, KeyVersion
    from keys.states import Origin, State
    from operations import clock
    from projects.models import Project
    from vault import sealing

    project = Project.objects.get()
    began = clock.now()
    for first in range(0, count, BATCH):
        keys = Key.objects.bulk_create(
            Key(
                project=project,
                alias=f"bench/{first + number:08}",
                spec_name="AES_256",
                usage="ENCRYPT_DECRYPT",
                origin=Origin.KMS,
                state=State.ENABLED,
                created_at=began + timedelta(microseconds=first + number),
            )
            for number in range(min(BATCH, count - first))
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
    fill(int(sys.argv[1]))

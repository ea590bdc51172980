"""How long the sweep for expired material takes: `python -m benchmarks.sweep`, on the database that KMS_HOME names."""

from __future__ import annotations

import json
import statistics
import time
from datetime import timedelta

import django

NOTHING_DUE = 20


def sweep(due: tuple[int, ...]) -> dict[str, float]:
    """Milliseconds: with nothing due, the median; then with each number of keys due, whole."""
    from imports.tasks import expire_material
    from keys.models import Key
    from operations import clock

    def timed() -> float:
        began = time.perf_counter()
        expire_material()
        return (time.perf_counter() - began) * 1000

    measured = {"0": statistics.median(timed() for _round in range(NOTHING_DUE))}
    for number in due:
        past = clock.now() - timedelta(hours=1)
        rows = Key.objects.filter(material_expires_at__isnull=False).order_by("pk").values("pk")[:number]
        Key.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).update(material_expires_at=past)
        measured[str(number)] = timed()
    return measured


if __name__ == "__main__":
    django.setup()
    print(json.dumps(sweep((1_000, 10_000))))

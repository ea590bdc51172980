"""Opens every wrapped row, to prove that root key and database belong together and nothing in them was altered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from vault import hierarchy, keyring, project_rotation
from vault.errors import OpenFailed, Sealed
from vault.models import Canary, ProjectKey, ServiceKey, Wrapped


@dataclass(frozen=True)
class Findings:
    """How many rows of each kind opened, by root key id; a sentence for each fault, and for what is under way."""

    opened: Counter[tuple[str, str]]
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


def inspect() -> Findings:
    """Looks at the root key afresh. Changes nothing and leaves no key in a cache."""
    hierarchy.forget()
    if reason := hierarchy.seal_reason():
        return Findings(Counter(), (reason,))
    opened: Counter[tuple[str, str]] = Counter()
    faults = [f"The service key {purpose} is missing." for purpose in _missing_purposes()]
    kinds: dict[str, type[Wrapped]] = {"canary": Canary, "service keys": ServiceKey, "project keys": ProjectKey}
    for kind, model in kinds.items():
        for row in model._default_manager.order_by("pk").iterator():
            try:
                keyring.unwrap(row)
            except OpenFailed:
                faults.append(f"The {row} does not open under root key {row.root_id}.")
            except Sealed as sealed:
                faults.append(f"The {row} does not open: {sealed.reason}")
            else:
                opened[kind, row.root_id] += 1
    return Findings(opened, tuple(faults), tuple(_rotations()))


def _rotations() -> Iterator[str]:
    for key in project_rotation.due().order_by("pk"):
        yield f"The {key} has served its time: the next sweep replaces it."
    for key in project_rotation.replaced():
        yield f"The {key} was replaced; {project_rotation.references(key)} values are still under it."


def _missing_purposes() -> list[str]:
    present = set(ServiceKey.objects.filter(retired_at=None).values_list("purpose", flat=True))
    return [purpose for purpose in hierarchy.ServicePurpose if purpose not in present]

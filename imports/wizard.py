"""Where somebody stands in the import. Pure; its whole state is the page's address (docs/decisions/0002).

Two entrances onto one machine (console.md C): the four-step Import Key, which makes an empty key first, and the
three-step Import Key Material for a key that waits. Nothing here knows a request, a row or a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode
from uuid import UUID


class Step(StrEnum):
    CREATE = "Create Key"
    DOWNLOAD = "Download the Import Items"
    MATERIAL = "Import Key Material"
    TOKEN = "Import Key Token"  # noqa: S105 - the label of a step


class Path(StrEnum):
    """Whose wrapping key the material is wrapped with: one downloaded here, or one obtained through the API."""

    DOWNLOAD = "download"
    EXISTING = "existing"


# The step at which a field of the import stands. The token of a download has no field: only a new download mends it.
_STEP_OF_FIELD = {
    "encrypted_key_material": Step.MATERIAL,
    "encrypted_privatekey": Step.MATERIAL,
    "wrapping_algorithm": Step.DOWNLOAD,
}


@dataclass(frozen=True, slots=True)
class Wizard:
    """`offer` is the wrapping key that was downloaded; whether it still stands is for its row to say."""

    is_new: bool = False
    path: Path = Path.DOWNLOAD
    offer: UUID | None = None
    step: Step = Step.DOWNLOAD

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Wizard:
        """Reads `flow`, `path` and `offer`; whatever is not one of ours is as if it were not there."""
        wizard = cls(is_new=query.get("flow") == "new")
        if query.get("path") == Path.EXISTING:
            return wizard.with_existing_material()
        offer = _uuid(query.get("offer", ""))
        return wizard.downloaded(offer) if offer else wizard

    def query(self) -> str:
        """What `from_query` reads again: the address of this place, without its path."""
        pairs = [("flow", "new")] if self.is_new else []
        if self.path is Path.EXISTING:
            pairs.append(("path", self.path.value))
        elif self.offer is not None:
            pairs.append(("offer", str(self.offer)))
        return f"?{urlencode(pairs)}" if pairs else ""

    # --- moving

    def downloaded(self, offer: UUID) -> Wizard:
        return replace(self, path=Path.DOWNLOAD, offer=offer, step=Step.MATERIAL)

    def with_existing_material(self) -> Wizard:
        return replace(self, path=Path.EXISTING, offer=None, step=Step.MATERIAL)

    def back_to_download(self) -> Wizard:
        return replace(self, path=Path.DOWNLOAD, offer=None, step=Step.DOWNLOAD)

    def at(self, step: Step) -> Wizard:
        return replace(self, step=step)

    # --- what is shown

    @property
    def title(self) -> str:
        return "Import Key" if self.is_new else "Import Key Material"

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(Step) if self.is_new else tuple(Step)[1:]

    @property
    def is_existing(self) -> bool:
        return self.path is Path.EXISTING

    @property
    def has_items(self) -> bool:
        """Whether the import items are there, so that material can be given."""
        return self.is_existing or self.offer is not None

    def number(self, step: Step) -> int:
        """As the stepper counts it, from 1."""
        return self.steps.index(step) + 1

    def stepper(self, *, failed: bool = False) -> list[dict[str, object]]:
        """For components/stepper.html. `failed` marks the step that is open."""
        here = self.number(self.step)
        return [
            {"label": step.value, "state": _state(number, here, failed=failed), "current": number == here}
            for number, step in enumerate(self.steps, start=1)
        ]

    def step_of(self, field: str) -> Step:
        """Where a refusal of that field is mended; one that concerns no field stands at the last step."""
        if field == "import_token" and not self.is_existing:
            return Step.DOWNLOAD
        return _STEP_OF_FIELD.get(field, Step.TOKEN)


def _state(number: int, here: int, *, failed: bool) -> str:
    if number == here:
        return "failed" if failed else "current"
    return "done" if number < here else "todo"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

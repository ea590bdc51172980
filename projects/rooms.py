"""A project's place in the strong room, as the target of what the clock does with its key there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from operations import errors
from operations.caller import Caller
from operations.errors import KmsError
from vault.models import ProjectKey


@dataclass(frozen=True, slots=True)
class ProjectRoom:
    """`key` is the version that the operation names; None where it names none."""

    region_id: str
    project_id: str
    key: ProjectKey | None = None
    enterprise_project_id: str | None = None
    is_resource: bool = False

    @property
    def trace_identity(self) -> tuple[str, str, str]:
        return "project", self.project_id, ""

    def admit(self, use: Any) -> None:
        return None

    def grants_to(self, caller: Caller, operation: str) -> bool:
        return False


def the_room(caller: Caller, request: dict[str, Any]) -> ProjectRoom:
    return ProjectRoom(caller.region_id, caller.project_id)


def the_room_of_a_version(caller: Caller, request: dict[str, Any]) -> ProjectRoom:
    """Raises PARAMETER_INVALID where the project's key has no such version, or not any more."""
    key = ProjectKey.objects.filter(
        region=caller.region_id, project=caller.project_id, version=request.pop("version")
    ).first()
    if key is None:
        raise KmsError(errors.PARAMETER_INVALID, hint="The project's key has no such version.")
    return ProjectRoom(caller.region_id, caller.project_id, key)

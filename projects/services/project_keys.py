"""Replacing the keys that encrypt the keys of a project (SEC-004). How, the strong room knows; these are its steps."""

from __future__ import annotations

from operations import errors
from operations.caller import Caller
from operations.errors import KmsError
from projects.rooms import ProjectRoom
from vault import project_rotation


def rotate_project_key(caller: Caller, room: ProjectRoom) -> None:
    """A new version seals from now on. PARAMETER_INVALID if the current one has not served its time."""
    if project_rotation.rotate(room.region_id, room.project_id) is None:
        raise _not_due()


def rewrap_project_values(caller: Caller, room: ProjectRoom) -> int:
    """Seals some of what is under a replaced version anew; how many. PARAMETER_INVALID if there was nothing."""
    assert room.key is not None  # noqa: S101 - for the type checker; the operation names a version
    done = project_rotation.rewrap(room.key) if room.key.retired_at is not None else 0
    if not done:
        raise _not_due()
    return done


def erase_project_key(caller: Caller, room: ProjectRoom) -> None:
    """Destroys a replaced version under which nothing is. PARAMETER_INVALID if something is, or may be."""
    assert room.key is not None  # noqa: S101 - as above
    if not project_rotation.erase(room.key):
        raise _not_due()


def _not_due() -> KmsError:
    return KmsError(errors.PARAMETER_INVALID, hint="This project key is not due.")

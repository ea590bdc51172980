"""What the clock does with the keys of projects in the strong room (SEC-004): no path, and the system's alone."""

from __future__ import annotations

from operations.fields import Request, Whole
from operations.operation import Operation
from projects.rooms import the_room, the_room_of_a_version
from projects.services import project_keys

VERSION = Whole(name="version", required=True, minimum=1, maximum=2**31 - 1, traced=True)

ROTATE_PROJECT_KEY = Operation(
    name="rotate-project-key",
    action=None,
    locate=the_room,
    run=project_keys.rotate_project_key,
    trace="rotateProjectKey",
    summary="Give a project a new version of the key that encrypts its keys.",
)

REWRAP_PROJECT_VALUES = Operation(
    name="rewrap-project-values",
    action=None,
    locate=the_room_of_a_version,
    run=project_keys.rewrap_project_values,
    request=Request((VERSION,)),
    trace="rewrapProjectValues",
    summary="Seal some of what is under a replaced version of a project's key with the current one.",
)

ERASE_PROJECT_KEY = Operation(
    name="erase-project-key",
    action=None,
    locate=the_room_of_a_version,
    run=project_keys.erase_project_key,
    request=Request((VERSION,)),
    trace="eraseProjectKey",
    summary="Destroy a replaced version of a project's key under which nothing is sealed any more.",
)

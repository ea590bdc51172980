"""What this browser session has chosen to look at: a project, and one enterprise project or all of them."""

from __future__ import annotations

from django.http import HttpRequest

ALL = "all"

_PROJECT = "project"
_PROJECT_IS_NEW = "project_is_new"
_ENTERPRISE_PROJECT = "enterprise_project"


def project_id(request: HttpRequest) -> str:
    """The id as it was chosen; empty before a choice. Whether it is still the user's is asked by who signs users in."""
    chosen: str = request.session.get(_PROJECT, "")
    return chosen


def project_is_new(request: HttpRequest) -> bool:
    """True once after each choice: then it is remembered for the user's next session."""
    return bool(request.session.pop(_PROJECT_IS_NEW, False))


def enterprise_project_id(request: HttpRequest) -> str | None:
    """The wire id of the one enterprise project to show; None for all."""
    chosen: str | None = request.session.get(_ENTERPRISE_PROJECT)
    return chosen


def choose_project(request: HttpRequest, chosen: str) -> None:
    request.session[_PROJECT] = chosen
    request.session[_PROJECT_IS_NEW] = True


def choose_enterprise_project(request: HttpRequest, chosen: str) -> None:
    """A wire id, or ALL."""
    if chosen == ALL:
        request.session.pop(_ENTERPRISE_PROJECT, None)
    else:
        request.session[_ENTERPRISE_PROJECT] = chosen

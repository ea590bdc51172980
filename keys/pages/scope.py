"""Where the console stands: the enterprise projects of the account, and the one that is chosen at the top."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from operations.caller import Caller
from projects import selection
from projects.models import EnterpriseProject
from projects.queries import enterprise_projects_of


@dataclass(frozen=True, slots=True)
class Scope:
    """`names` by wire id; empty where the account does not use enterprise projects. `chosen` empty means all."""

    projects: tuple[EnterpriseProject, ...]
    chosen: str

    @property
    def is_enabled(self) -> bool:
        return bool(self.projects)

    def names(self) -> dict[str, str]:
        return {project.wire_id: project.name for project in self.projects}

    def covers(self, enterprise_project_id: str) -> bool:
        return self.chosen in ("", enterprise_project_id)

    def open_to(self, caller: Caller, action: str) -> list[tuple[str, str]]:
        """Enabled enterprise projects in which the caller may do this, as choices of a form."""
        return [(p.wire_id, p.name) for p in self.projects if p.enabled and caller.may(action, p.wire_id)]


def scope_of(request: HttpRequest, caller: Caller) -> Scope:
    """One query. A choice made while the account still used enterprise projects does not hide keys later."""
    projects = tuple(enterprise_projects_of(caller.account_id).filter(account__enterprise_enabled=True))
    chosen = selection.enterprise_project_id(request) or ""
    return Scope(projects, chosen if any(project.wire_id == chosen for project in projects) else "")

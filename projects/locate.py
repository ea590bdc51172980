"""What an operation on enterprise projects is about: the caller's account, or one enterprise project of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from operations import errors
from operations.caller import Caller
from operations.errors import KmsError
from projects import queries
from projects.models import EnterpriseProject

# No enterprise project has this id, so only what is allowed in every one of them is allowed here.
THE_WHOLE = ""


@dataclass(frozen=True, slots=True)
class InAccount:
    """`enterprise_project_id` None: it is enough to have the right somewhere; the query then shows what is there."""

    # The caller's own, where their rights hold; empty where those are the rights in the account.
    project_id: str
    enterprise_project_id: str | None = THE_WHOLE
    is_resource: bool = False

    @property
    def trace_identity(self) -> tuple[str, str, str]:
        return "enterpriseProject", "", ""

    def admit(self, use: Any) -> None:
        return None

    def grants_to(self, caller: Caller, operation: str) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class OneEnterpriseProject(InAccount):
    row: EnterpriseProject = field(kw_only=True)

    @property
    def trace_identity(self) -> tuple[str, str, str]:
        return self.row.trace_identity


def the_account(caller: Caller, request: dict[str, Any]) -> InAccount:
    return InAccount(caller.project_id)


def somewhere_in_the_account(caller: Caller, request: dict[str, Any]) -> InAccount:
    return InAccount(caller.project_id, None)


def the_enterprise_project(caller: Caller, request: dict[str, Any]) -> OneEnterpriseProject:
    """Raises EPS_NOT_FOUND, for another account's as for one that never was."""
    found = queries.enterprise_project(caller.account_id, request.pop("enterprise_project_id"))
    if found is None:
        raise KmsError(errors.EPS_NOT_FOUND)
    return OneEnterpriseProject(caller.project_id, found.wire_id, row=found)

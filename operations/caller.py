"""Who asks, from where, and what they may do: pure values, made by the faces and read by `perform`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from operations import errors

if TYPE_CHECKING:
    from operations.changes import Memory
    from operations.operation import Operation


class Kind(StrEnum):
    """How a trace names the way an operation came in."""

    API = "ApiCall"
    CONSOLE = "ConsoleAction"
    SYSTEM = "SystemAction"


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of a policy, already narrowed to the caller's project.

    `enterprise_project_id` None means every enterprise project. Actions may hold `*` wildcards.
    """

    allow: bool
    actions: tuple[str, ...]
    enterprise_project_id: str | None = None

    def speaks_of(self, action: str, enterprise_project_id: str) -> bool:
        if self.enterprise_project_id not in (None, enterprise_project_id):
            return False
        return any(fnmatchcase(action, pattern) for pattern in self.actions)


@dataclass(frozen=True, slots=True)
class Reach:
    """A set of enterprise projects: all but the named when `everywhere`, else only the named."""

    everywhere: bool
    named: frozenset[str]

    @property
    def is_whole(self) -> bool:
        return self.everywhere and not self.named


# More are not kept: callers may name any enterprise project.
_MAX_ANSWERS = 1000


@dataclass(frozen=True, slots=True)
class Rights:
    """What a caller may do in one project. Nothing is allowed by default; an explicit deny wins (SEC-050)."""

    statements: tuple[Statement, ...] = ()
    # Answers given before: rights are asked the same things again and again.
    _answers: dict[tuple[str, str], bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def allow(self, action: str, enterprise_project_id: str) -> bool:
        question = action, enterprise_project_id
        answer = self._answers.get(question)
        if answer is None:
            matching = [s for s in self.statements if s.speaks_of(action, enterprise_project_id)]
            answer = bool(matching) and all(s.allow for s in matching)
            if len(self._answers) < _MAX_ANSWERS:
                self._answers[question] = answer
        return answer

    def deny(self, action: str, enterprise_project_id: str | None) -> bool:
        """Is there an explicit Deny? None asks of what is in none of the enterprise projects these rights speak of."""
        where = _ANY_OTHER if enterprise_project_id is None else enterprise_project_id
        return any(s.speaks_of(action, where) for s in self.statements if not s.allow)

    def allow_anywhere(self, action: str) -> bool:
        """May the caller do this in at least one enterprise project? For lists and for buttons."""
        return any(self.allow(action, scope) for scope in self._scopes())

    def reach(self, action: str) -> Reach:
        """The enterprise projects in which the action is allowed, in a form a query can use."""
        scopes = self._scopes()
        everywhere = self.allow(action, _ANY_OTHER)
        named = frozenset(s for s in scopes if s != _ANY_OTHER and self.allow(action, s) is not everywhere)
        return Reach(everywhere, named)

    def _scopes(self) -> tuple[str, ...]:
        named = {s.enterprise_project_id for s in self.statements if s.enterprise_project_id is not None}
        return (_ANY_OTHER, *sorted(named))


# Stands for "an enterprise project that no statement names"; no real one has this id.
_ANY_OTHER = "\x00any-other"

EVERYTHING = Rights((Statement(True, ("*",)),))


@dataclass(frozen=True, slots=True)
class Caller:
    kind: Kind
    user_id: str
    user_name: str
    account_id: str
    account_name: str
    project_id: str
    project_name: str
    region_id: str
    rights: Rights = field(default_factory=Rights, repr=False)
    source_ip: str = ""
    agent: str = ""
    request_id: str = ""
    # What is remembered of the project's rows; None where each is read anew.
    memory: Memory | None = field(default=None, repr=False, compare=False)

    def authorise(self, operation: Operation, target: Authorisable) -> None:
        """Policies first, then grants. Raises NO_KEY_PERMISSION for a key, NO_PERMISSION for an action without one.

        What has no action is the clock's own, and nobody else's whatever they may do.
        """
        if operation.action is None:
            if self.kind is not Kind.SYSTEM:
                raise errors.KmsError(errors.NO_PERMISSION)
            return
        if not self.may_by_policy(operation.action, target) and not self._may_by_grant(operation, target):
            code = errors.NO_KEY_PERMISSION if target.is_resource else errors.NO_PERMISSION
            raise errors.KmsError(code, hint=f"{code.hint} ({operation.action})" if code.hint else operation.action)

    def may_by_policy(self, action: str, target: Authorisable) -> bool:
        """The caller's policies speak of their own project alone, whatever a grant shows of another (SEC-051)."""
        return target.project_id == self.project_id and self.may(action, target.enterprise_project_id)

    def _may_by_grant(self, operation: Operation, target: Authorisable) -> bool:
        """A Deny of the caller's own administrator beats a grant, and grants are used through the API alone: a console
        page shows more of a key than the one operation that was granted."""
        if operation.action is None or not operation.grantable or self.kind is not Kind.API:
            return False
        scope = target.enterprise_project_id if target.project_id == self.project_id else None
        return not self.rights.deny(operation.action, scope) and target.grants_to(self, operation.name)

    def may(self, action: str, enterprise_project_id: str | None = None) -> bool:
        """None asks: anywhere in the project? Faces show or hide controls by this too."""
        if enterprise_project_id is None:
            return self.rights.allow_anywhere(action)
        return self.rights.allow(action, enterprise_project_id)


class Authorisable(Protocol):
    @property
    def project_id(self) -> str: ...

    @property
    def enterprise_project_id(self) -> str | None: ...

    @property
    def is_resource(self) -> bool: ...

    def grants_to(self, caller: Caller, operation: str) -> bool:
        """Whether a grant on this very target opens the operation of that name to the caller. Asked only then."""


def system(*, account_id: str = "", project_id: str = "", region_id: str = "") -> Caller:
    """The clock as a caller: internal operations have no action to ask for, so it needs no rights."""
    return Caller(
        kind=Kind.SYSTEM,
        user_id="",
        user_name="system",
        account_id=account_id,
        account_name="",
        project_id=project_id,
        project_name="",
        region_id=region_id,
    )

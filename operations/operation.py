"""Operation: the declaration of one thing the service can do. A plain value; `perform` gives it life."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from operations.answers import EMPTY, Schema
from operations.caller import Authorisable, Caller
from operations.errors import Code, KmsError
from operations.fields import Request
from operations.limits import Rate


class Target(Authorisable, Protocol):
    """What an operation is about: a key, a project, an offer."""

    @property
    def trace_identity(self) -> tuple[str, str, str]:
        """Resource type, id and name as a trace shows them."""

    def admit(self, use: Any) -> None:
        """Raises KmsError where the target's kind or state does not allow this use."""


Locate = Callable[[Caller, dict[str, Any]], Target]


@dataclass(frozen=True, kw_only=True)
class Operation:
    name: str
    # Where the wire has it, below /v1.0/{project_id}/; None for what the wire does not have.
    path: str | None = None
    # False for what belongs to the account as a whole: its path is below /v1.0/ itself.
    in_project: bool = True
    method: str = "POST"
    status: int = 200
    # The permission it asks for; None for internal operations, which only the system performs.
    action: str | None
    # Row of the target's admission table; None admits in every state.
    use: Any = None
    locate: Locate
    # Where `locate` finds no key: makes the one that is made by its first use. False where the request names no such.
    supply: Callable[[Caller, Mapping[str, Any]], bool] | None = None
    # What is slow, such as making an RSA key: done before the transaction, for a target that takes the operation, with
    # the arguments of `run`, and given to `run` as `prepared`. What it found out may have changed until then.
    prepare: Callable[..., Any] | None = None
    # How `prepare` finds its target: without a lock, where `locate` takes one.
    locate_to_prepare: Locate | None = None
    run: Callable[..., Any]
    request: Request = field(default_factory=Request)
    # False for what changes no row: no transaction is opened, and its trace goes to the journal.
    writes: bool = True
    # Where nothing is written: whether its trace must be on disk before the answer. Not for plain reading (SEC-060).
    durable: bool = True
    # It writes no row, waits for nobody and takes well under a millisecond of computing: the web server may run it
    # between two others instead of giving it a thread.
    brief: bool = False
    # Turns what `run` returned into the answer's JSON: an object, but for one answer of the original's.
    respond: Callable[[Any], Mapping[str, Any] | list[Any]] = lambda _result: {}
    # What `respond` gives; EMPTY also stands for no body at all.
    answer: Schema = field(default_factory=lambda: EMPTY)
    # Codes of its own: those of `run`, beside what fields, permission, kind and state of the target earn.
    refuses: tuple[Code, ...] = ()
    # The name its trace bears; where the request's `action` decides it, `traces` has it by the action.
    trace: str
    traces: Mapping[str, str] = field(default_factory=dict)
    # What the trace says it is about where it is refused before its target is found.
    resource_type: str = "cmk"
    # Beside a failure's trace, in the same transaction: what must survive the refusal (SEC-026).
    on_refusal: Callable[[KmsError], None] | None = None
    rate: Rate | None = None
    # Whether a grant on a key may name it.
    grantable: bool = False
    summary: str = ""

    def read(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return self.request.read(data)

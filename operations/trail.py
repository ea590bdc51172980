"""Writing traces: from an allow-list of fields, in the transaction of the change they tell of (SEC-060, SEC-063)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from operations import clock, journal, sweeps, traces
from operations.caller import Caller, system
from operations.errors import KmsError
from operations.models import Rating, Trace
from operations.operation import Operation, Target


class Trail:
    """The trace of one performance, gathered step by step and written once."""

    def __init__(self, operation: Operation, caller: Caller) -> None:
        self._operation = operation
        self._caller = caller
        self._request: dict[str, Any] = {}
        self._identity = (operation.resource_type, "", "")
        self._name = operation.trace

    def note(self, request: Mapping[str, Any]) -> None:
        self._name = self._operation.traces.get(request.get("action", ""), self._name)
        traced = self._operation.request.traced
        self._request = {name: value for name, value in request.items() if name in traced and value is not None}

    def about(self, target: Target) -> None:
        self._identity = target.trace_identity

    def succeeded(self, result: object = None) -> None:
        """In the transaction of the change; where there is none, in the journal. Durable either way on return.

        Where the result is a resource itself, as of creating one, the trace is about that. `trace_members` of a result
        are what only running could find out.
        """
        self._identity = getattr(result, "trace_identity", self._identity)
        self._request |= getattr(result, "trace_members", {})
        self._leave(self._members(Rating.NORMAL, status=self._operation.status), durable=self._operation.durable)

    def failed(self, error: KmsError) -> None:
        """As `succeeded`, and durable even where that would not be. Raises OSError, DatabaseError where it cannot."""
        rating = Rating.INCIDENT if error.code.status >= 500 else Rating.WARNING
        code = error.code
        self._leave(self._members(rating, status=code.status, code=code.code, message=code.message), durable=True)

    def _leave(self, members: Mapping[str, Any], *, durable: bool) -> None:
        if self._operation.writes or not settings.KMS_TRACE_JOURNAL:
            traces.row(members).save(force_insert=True)
        else:
            journal.append(members, durable=durable)

    def _members(self, rating: Rating, *, status: int, code: str = "", message: str = "") -> dict[str, Any]:
        return traces.members(
            self._name,
            self._caller,
            rating=rating,
            status=status,
            code=code,
            message=message,
            resource=self._identity,
            request=self._request,
        )


def record_event(name: str, caller: Caller, **details: Any) -> Trace:
    """Adds one trace. `details`: rating, status, code, message, resource, request; never a secret.

    For what is no operation (signing in, tokens) call it directly."""
    trace = traces.row(traces.members(name, caller, **details))
    trace.save(force_insert=True)
    return trace


def purge() -> int:
    """Deletes the traces older than KMS_KEEP_TRACES, and leaves one that says so; returns how many. Without the
    setting, none."""
    if settings.KMS_KEEP_TRACES is None:
        return 0
    before = clock.now() - settings.KMS_KEEP_TRACES
    purged = sweeps.purge(Trace.objects.filter(time__lt=before))
    if purged:
        request = {"traces": purged, "before": before.isoformat(timespec="seconds")}
        record_event("purgeTraces", system(), resource=("trace", "", ""), request=request)
    return purged

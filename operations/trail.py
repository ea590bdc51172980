"""Writing traces: from an allow-list of fields, in the transaction of the change they tell of (SEC-060, SEC-063)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from operations import clock
from operations.caller import Caller
from operations.errors import KmsError
from operations.models import Rating, Trace
from operations.operation import Operation, Target


class Trail:
    """The trace of one performance, gathered step by step and written once."""

    def __init__(self, operation: Operation, caller: Caller) -> None:
        self._operation = operation
        self._caller = caller
        self._request: dict[str, Any] = {}
        self._identity = ("cmk", "", "")

    def note(self, request: Mapping[str, Any]) -> None:
        traced = self._operation.request.traced
        self._request = {name: value for name, value in request.items() if name in traced and value is not None}

    def about(self, target: Target) -> None:
        self._identity = target.trace_identity

    def succeeded(self) -> None:
        self._write(Rating.NORMAL, status=self._operation.status)

    def failed(self, error: KmsError) -> None:
        rating = Rating.INCIDENT if error.code.status >= 500 else Rating.WARNING
        self._write(rating, status=error.code.status, code=error.code.code, message=error.code.message)

    def _write(self, rating: Rating, *, status: int, code: str = "", message: str = "") -> None:
        record_event(
            self._operation.trace,
            self._caller,
            rating=rating,
            status=status,
            code=code,
            message=message,
            resource=self._identity,
            request=self._request,
        )


def record_event(
    name: str,
    caller: Caller,
    *,
    rating: Rating = Rating.NORMAL,
    status: int = 200,
    code: str = "",
    message: str = "",
    resource: tuple[str, str, str] = ("", "", ""),
    request: Mapping[str, Any] | None = None,
) -> Trace:
    """Adds one trace. For what is no operation (signing in, tokens) call it directly. Never give it a secret."""
    resource_type, resource_id, resource_name = resource
    return Trace.objects.create(
        time=clock.now(),
        name=name,
        kind=caller.kind,
        rating=rating,
        account_id=caller.account_id,
        project_id=caller.project_id,
        region_id=caller.region_id,
        user_id=caller.user_id,
        user_name=caller.user_name,
        source_ip=caller.source_ip,
        agent=caller.agent[:256],
        request_id=caller.request_id,
        resource_type=resource_type,
        resource_id=resource_id,
        resource_name=resource_name,
        request=dict(request or {}),
        response_code=status,
        code=code,
        message=message[:255],
    )

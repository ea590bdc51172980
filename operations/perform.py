"""The only gate. Every request, from a browser, an SDK or the clock, becomes one operation and is performed here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from django.db import DatabaseError, transaction

from operations import availability, errors, limits
from operations.caller import Caller
from operations.errors import KmsError
from operations.operation import Locate, Operation, Target
from operations.trail import Trail
from vault.errors import Sealed

log = logging.getLogger(__name__)


def perform(operation: Operation, caller: Caller, data: Mapping[str, Any]) -> Any:
    """Reads, locates, authorises, admits, runs and records one operation; returns what `run` returned.

    Change and trace are one transaction; what changes nothing leaves its trace in the journal. So does a refusal, but
    that of a change, which has a transaction of its own. A call whose trace cannot be written fails (SEC-060).
    Permission is asked before state is told, and an unknown target answers like a foreign one (SEC-051). What takes
    long is done before the transaction, for a target that was found and admitted without a lock; under the lock all of
    that is asked again. Raises KmsError and nothing else.
    """
    trail = Trail(operation, caller)
    try:
        request = operation.read(data)
        trail.note(request)
        request.pop("sequence", None)
        if operation.rate is not None:
            limits.admit(operation.rate, caller)
        if operation.prepare is not None:
            known = dict(request)
            target = _admitted(operation, operation.locate_to_prepare or operation.locate, caller, known, trail)
            request["prepared"] = operation.prepare(caller, target, **known)
        with transaction.atomic() if operation.writes else nullcontext():
            target = _admitted(operation, operation.locate, caller, request, trail)
            result = operation.run(caller, target, **request)
            trail.succeeded(result)
        if operation.writes and caller.memory is not None:
            caller.memory.part()
    except KmsError as error:
        if error.code is not errors.UNAVAILABLE:
            _refused(operation, trail, error)
        raise
    except Sealed as cause:
        # Sealed: nothing can be written with meaning, so no trace either; the answer says why (SEC-005).
        raise KmsError(errors.SEALED) from cause
    except Exception as bug:
        if missing := availability.unavailable(bug):
            # A trace would want the same database or disk; nothing was performed.
            raise missing from bug
        log.exception("operation failed", extra={"operation": operation.name, "request_id": caller.request_id})
        internal = KmsError(errors.INTERNAL)
        _refused(operation, trail, internal)
        raise internal from bug
    return result


def _admitted(operation: Operation, locate: Locate, caller: Caller, request: dict[str, Any], trail: Trail) -> Target:
    target = _located(operation, locate, caller, request)
    trail.about(target)
    caller.authorise(operation, target)
    target.admit(operation.use)
    return target


def _located(operation: Operation, locate: Locate, caller: Caller, request: dict[str, Any]) -> Target:
    if operation.supply is None:
        return locate(caller, request)
    asked = dict(request)
    try:
        return locate(caller, request)
    except KmsError as missing:
        if missing.code is not errors.KEY_NOT_FOUND or not operation.supply(caller, asked):
            raise
    request |= asked
    return locate(caller, request)


def refuse(operation: Operation, caller: Caller, error: KmsError) -> None:
    """Leaves the trace of a refusal that a face made itself, before there was anything to perform."""
    _refused(operation, Trail(operation, caller), error)


def _refused(operation: Operation, trail: Trail, error: KmsError) -> None:
    try:
        with transaction.atomic() if operation.writes else nullcontext():
            if operation.on_refusal is not None:
                operation.on_refusal(error)
            trail.failed(error)
    except (DatabaseError, OSError) as cause:
        if missing := availability.unavailable(cause):
            raise missing from cause
        log.exception("refusal not recorded", extra={"operation": operation.name, "code": error.code.code})
        raise KmsError(errors.INTERNAL) from cause

"""What the command tells: a line a step on standard error, and on standard output one result, for people or scripts."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import dataclass, field
from typing import Any

from kmsimport.faults import Exit, Fault

_WIDTH = 12


@dataclass
class Report:
    """`facts` become the JSON result. What enters here is public: names, sizes, times, check values."""

    as_json: bool
    quiet: bool
    facts: dict[str, Any] = field(default_factory=dict)

    def step(self, name: str, text: str, **facts: Any) -> None:
        self.facts |= facts
        if not self.quiet:
            self._say(f"{name:<{_WIDTH}} {text}")

    def warn(self, text: str) -> None:
        self.facts.setdefault("warnings", []).append(text)
        self._say(f"{'warning':<{_WIDTH}} {text}")

    def done(self, sentence: str) -> None:
        """Raises a Fault of INTERNAL where standard output takes nothing; what was done stays done."""
        try:
            print(json.dumps({"ok": True, **self.facts}) if self.as_json else sentence, flush=True)
        except OSError as cause:
            _silence()
            raise Fault(Exit.INTERNAL, f"The result cannot be written: {cause.strerror}. {sentence}") from None

    def failed(self, fault: Fault) -> None:
        self._say(f"kms-import: {fault.message}")
        if fault.hint:
            self._say(f"            {fault.hint}")
        if fault.request_id:
            self._say(f"            Request ID: {fault.request_id}")
        if not self.as_json:
            return
        error = {
            "exit_code": int(fault.exit_code),
            "kind": fault.exit_code.name.lower(),
            "message": fault.message,
            "hint": fault.hint,
            "code": fault.code,
            "request_id": fault.request_id,
            "reason": fault.reason,
        }
        try:
            print(json.dumps({"ok": False, "error": error, **self.facts}), flush=True)
        except OSError:
            _silence()

    def _say(self, line: str) -> None:
        # A closed standard error must neither stop an import half-way nor put its lines among the result.
        with contextlib.suppress(OSError):
            if sys.stderr is not None:
                print(line, file=sys.stderr, flush=True)


def _silence() -> None:
    """What could not be written would be tried again when the interpreter ends, and complained about."""
    with contextlib.suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

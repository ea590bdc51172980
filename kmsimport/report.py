"""What the command tells: a line a step on standard error, and on standard output one result, for people or scripts."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any

from kmsimport.faults import Fault

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
            print(f"{name:<{_WIDTH}} {text}", file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        self.facts.setdefault("warnings", []).append(text)
        print(f"{'warning':<{_WIDTH}} {text}", file=sys.stderr, flush=True)

    def done(self, sentence: str) -> None:
        print(json.dumps({"ok": True, **self.facts}) if self.as_json else sentence, flush=True)

    def failed(self, fault: Fault) -> None:
        print(f"kms-import: {fault.message}", file=sys.stderr)
        if fault.hint:
            print(f"            {fault.hint}", file=sys.stderr)
        if fault.request_id:
            print(f"            Request ID: {fault.request_id}", file=sys.stderr)
        if not self.as_json:
            return
        error = {
            "exit_code": int(fault.exit_code),
            "kind": fault.exit_code.name.lower(),
            "message": fault.message,
            "hint": fault.hint,
            "code": fault.code,
            "request_id": fault.request_id,
        }
        print(json.dumps({"ok": False, "error": error, **self.facts}), flush=True)

"""Logs as JSON lines on standard error (SEC-063, SEC-064).

A line holds what the product said and nothing a client sent: no body, no header, no query string. JSON escapes every
control character, so nobody can forge a line.
"""

import json
import logging
import time
from typing import Any

FIELDS = (
    "request_id", "operation", "key_id", "project_id", "code", "status", "duration_ms", "principal", "address", "task"
)  # fmt: skip
"""What a call may attach with `extra=`; everything else a record carries stays inside the process."""


class JsonLines(logging.Formatter):
    """One record, one line. A traceback names files and lines, and the exception's type without its text:
    the text may quote a value (SEC-065)."""

    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["where"] = _frames(record)
        # ASCII only: terminals also obey control characters beyond ASCII (C1, bidirectional overrides).
        return json.dumps(line, ensure_ascii=True, default=str)


class NotUnavailable(logging.Filter):
    """What is missing has its line from `operations.availability`; the framework would add one for each call."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", 0) != 503


def _message(record: logging.LogRecord) -> str:
    # Celery puts the text of a task's exception into its message; what the exception is stands in its own field anyway.
    if record.name == "celery.app.trace" and isinstance(record.args, dict) and "exc" in record.args:
        return f"Task {record.args.get('name')} failed"
    return record.getMessage()


def _frames(record: logging.LogRecord) -> list[str]:
    frames = []
    trace = record.exc_info[2] if record.exc_info else None
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames[-12:]


def configuration(level: str) -> dict[str, Any]:
    """The LOGGING setting: everything to standard error at `level`, Django's own handlers (mail, console) gone."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "kmsconsole.logs.JsonLines"}},
        "filters": {"not_unavailable": {"()": "kmsconsole.logs.NotUnavailable"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            # What is refused is in the traces; a line for each as well would let anybody fill the disk.
            "django.request": {"level": "ERROR", "filters": ["not_unavailable"]},
            # The same, and some of its messages quote what was sent, such as the name of a strange host.
            "django.security": {"level": "CRITICAL"},
            # A line for each job of each sweep tells an operator nothing.
            "celery.beat": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            # Its messages quote the statement and its parameters.
            "django.db.backends": {"level": "WARNING"},
        },
    }

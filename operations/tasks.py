"""The clock's face of the audit trail."""

from __future__ import annotations

from celery import shared_task

from operations import journal


@shared_task
def drain_journal() -> int:
    """Moves journaled traces into the trace table; returns how many."""
    return journal.drain()

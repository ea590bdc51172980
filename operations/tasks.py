"""Celery tasks for the audit trail."""

from __future__ import annotations

from celery import shared_task

from operations import journal, timekeeping, trail


@shared_task
def drain_journal() -> int:
    """Moves journaled traces into the trace table; returns how many."""
    return journal.drain()


@shared_task
@timekeeping.on_trusted_clock
def purge_traces() -> int:
    """Deletes traces that are older than KMS_KEEP_TRACES, if that is set; returns how many."""
    return trail.purge()

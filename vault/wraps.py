"""How often a project key has sealed, so that it is replaced in time (SEC-004), without a write for each seal.

A process takes a block of wraps with one update and uses it up in memory. What it does not use is lost, so the number
in the database is never too small.
"""

from __future__ import annotations

import os
from functools import partial
from threading import Lock
from uuid import UUID

from django.db import transaction
from django.db.models import F

from vault.models import ProjectKey

BLOCK = 1024

# By process: a forked one must not use what its parent took.
_left: dict[tuple[int, UUID], int] = {}
_lock = Lock()


def count(key_id: UUID) -> None:
    """Notes one wrap under the project key of that id."""
    if _use_one((os.getpid(), key_id)):
        return
    ProjectKey.objects.filter(pk=key_id).update(wraps=F("wraps") + BLOCK)
    # The rest of the block only once the update is certain to stay.
    transaction.on_commit(partial(_add, (os.getpid(), key_id), BLOCK - 1))


def forget() -> None:
    """Gives up what is left of every block."""
    with _lock:
        _left.clear()


def _use_one(holder: tuple[int, UUID]) -> bool:
    with _lock:
        if (left := _left.get(holder, 0)) > 0:
            _left[holder] = left - 1
        return left > 0


def _add(holder: tuple[int, UUID], number: int) -> None:
    with _lock:
        _left[holder] = _left.get(holder, 0) + number

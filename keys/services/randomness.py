"""Random bytes for callers, from the operating system."""

from __future__ import annotations

import secrets

from keys.locate import InProject
from operations.caller import Caller


def generate_random(caller: Caller, project: InProject, *, random_data_length: int) -> bytes:
    """`random_data_length` in bits."""
    return secrets.token_bytes(random_data_length // 8)

"""The hash of passwords: Argon2id as RFC 9106 (section 4) has it where memory is not plenty."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """64 MiB and three passes. Hashes made otherwise are renewed when their owners sign in."""

    memory_cost = 64 * 1024  # KiB
    time_cost = 3
    parallelism = 4

"""Threads for calls that take long by nature, apart from those for everything else.

Making an RSA key waits its turn and takes up to seconds; the hash of a password takes a tenth of one, and much memory.
Whoever asks for many at once holds up who asks for the same, and nobody else: no page, no sign-in, no health check.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    threads: int
    # Of what is posted.
    paths: re.Pattern[str]


# As many hashes at once as this has threads: what passwords cost in memory is bounded, however many people sign in.
PASSWORDS = Lane(
    "password", 2, re.compile(r"/v3/auth/tokens/?|/console/(login|password|credentials/access-keys/create)")
)
KEYS = Lane(
    "key",
    4,
    re.compile(
        r"/v1\.0/[^/]+/kms/(create-key|create-rsa-datakey-pair|get-parameters-for-import)"
        r"|/console/kms/(keys/create|import/[^/]+/download)"
    ),
)
OTHERS = Lane("call", 16, re.compile(".*", re.DOTALL))
LANES = (PASSWORDS, KEYS, OTHERS)


def lane_of(method: str, path: str) -> Lane:
    if method != "POST":
        return OTHERS
    return next(lane for lane in LANES if lane.paths.fullmatch(path))

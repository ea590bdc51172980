"""Threads for calls that take long by nature, apart from those for everything else.

Making an RSA key waits its turn and takes up to seconds; so does proving an imported one; the hash of a password takes
a tenth of a second, and much memory. Many of a kind at once hold up others of that kind, and nothing else: no page, no
sign-in, no health check. What waits for a thread is bounded, in number and in time: beyond that it is refused with 503.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _

from operations import errors

Result = TypeVar("Result")

_BUSY = _("The service is busy: too many requests of this kind are waiting. Try again in a few seconds.")


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    threads: int
    # Of what is posted.
    paths: re.Pattern[str]
    # How many requests wait for a thread, and for how many seconds.
    most_waiting: int = 64
    longest_seconds: float = 10


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
    longest_seconds=30,
)
IMPORTS = Lane(
    "import",
    4,
    re.compile(r"/v1\.0/[^/]+/kms/import-key-material|/console/kms/import/[^/]+/finish"),
    longest_seconds=30,
)
OTHERS = Lane("call", 16, re.compile(".*", re.DOTALL), most_waiting=512)
LANES = (PASSWORDS, KEYS, IMPORTS, OTHERS)


def lane_of(method: str, path: str) -> Lane:
    if method != "POST":
        return OTHERS
    return next(lane for lane in LANES if lane.paths.fullmatch(path))


class Threads:
    """The threads of a lane, for a thread with an event loop to give work to."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._pool = ThreadPoolExecutor(lane.threads, thread_name_prefix=lane.name)
        self._unfinished = 0

    async def run(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """What the call returns, in one of the threads. Raises UNAVAILABLE where it would wait, or waited, too long."""
        if self._unfinished >= self._lane.threads + self._lane.most_waiting:
            raise errors.unavailable(_BUSY)
        self._unfinished += 1
        work = self._pool.submit(call, *arguments)
        # What has begun cannot be cancelled any more.
        patience = asyncio.get_running_loop().call_later(self._lane.longest_seconds, work.cancel)
        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise errors.unavailable(_BUSY) from None
        finally:
            patience.cancel()
            self._unfinished -= 1

    def shutdown(self) -> None:
        self._pool.shutdown(cancel_futures=True)

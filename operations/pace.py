"""How fast one caller may call at all: a limit in memory, looked at before anything is read or reckoned (SEC-077).

The generic cell rate algorithm: of each caller only the time is kept at which it would have used up what it used. So a
burst of a second's worth passes at once, and a steady stream at the limit for ever. Each web process gives its share,
for the web server deals requests out evenly.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from django.conf import settings

from operations import errors
from operations.errors import KmsError

MAX_CALLERS = 50_000


@dataclass(slots=True)
class Pace:
    """At most `per_second` calls a second of each, and as many at once."""

    per_second: float
    _due: dict[str, float] = field(default_factory=dict)

    def wait(self, who: str, at: float) -> float:
        """Counts one call at this time, in seconds; 0 if it may go on, else how long to wait. That is not counted."""
        due = max(self._due.get(who, at), at)
        early = due - at - 1 + 1 / self.per_second
        if early > 1e-9:
            return early
        if who not in self._due and len(self._due) >= MAX_CALLERS:
            self._forget(at)
        self._due[who] = due + 1 / self.per_second
        return 0

    def _forget(self, at: float) -> None:
        """Drops callers who owe nothing; everybody, where that frees no room: too generous, not out of memory."""
        self._due = {who: due for who, due in self._due.copy().items() if due > at}
        if len(self._due) >= MAX_CALLERS:
            self._due.clear()


_paces: dict[float, Pace] = {}


def admit(who: str) -> None:
    """One call of a user, or from an address. Raises TOO_MANY_REQUESTS for one too many."""
    if not settings.KMS_RATE_LIMITS:
        return
    share = settings.KMS_CALLS_PER_SECOND / settings.KMS_WEB_WORKERS
    pace = _paces.get(share)
    if pace is None:
        pace = _paces.setdefault(share, Pace(share))
    wait = pace.wait(who, time.monotonic())
    if wait:
        raise KmsError(errors.TOO_MANY_REQUESTS, retry_after=math.ceil(wait))

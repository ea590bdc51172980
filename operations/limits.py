"""How often one user may do what costs much: counted in the database, so that every process counts together."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from operations import clock, errors, sweeps
from operations.caller import Caller, Kind
from operations.errors import KmsError
from operations.models import RateCount


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `calls` in each window of `seconds`, per user and name (SEC-077)."""

    name: str
    calls: int
    seconds: int = 60


def admit(rate: Rate, caller: Caller) -> None:
    """Counts one call. Raises TOO_MANY_REQUESTS, with the seconds left in the window, for one too many."""
    if not settings.KMS_RATE_LIMITS or caller.kind is Kind.SYSTEM:
        return
    at = clock.epoch_seconds()
    window = at - at % rate.seconds
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_COUNT_ONE, [f"{rate.name}:{caller.user_id}", window])
        (calls,) = cursor.fetchone()
    if calls > rate.calls:
        raise KmsError(errors.TOO_MANY_REQUESTS, retry_after=window + rate.seconds - at)


# In one statement, so that calls at the same time are all counted and none is told less than there were.
_COUNT_ONE = (
    f'INSERT INTO {RateCount._meta.db_table} AS c (bucket, "window", calls) VALUES (%s, %s, 1) '  # noqa: S608
    'ON CONFLICT (bucket, "window") DO UPDATE SET calls = c.calls + 1 RETURNING calls'
)


def forget_old() -> None:
    """Drops windows that ended more than an hour ago."""
    sweeps.purge(RateCount.objects.filter(window__lt=clock.epoch_seconds() - 3600))

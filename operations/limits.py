"""How often one user may do what costs much: counted in the database, so that every process counts together."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import F

from operations import clock, errors
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
    bucket = f"{rate.name}:{caller.user_id}"
    with transaction.atomic():
        count, _created = RateCount.objects.get_or_create(bucket=bucket, window=window)
        RateCount.objects.filter(pk=count.pk).update(calls=F("calls") + 1)
        count.refresh_from_db(fields=["calls"])
    if count.calls > rate.calls:
        raise KmsError(errors.TOO_MANY_REQUESTS, retry_after=window + rate.seconds - at)


def forget_old() -> None:
    """Drops windows that ended more than an hour ago."""
    RateCount.objects.filter(window__lt=clock.epoch_seconds() - 3600).delete()

"""Slowing down who guesses passwords, for the console and the API alike (SEC-041).

Failures are counted in the database for one account and name, and for one address; those of a browser that has signed
in as this user before, for that browser alone. After a few, each further failure doubles the time for which the subject
is not listened to; a quarter of an hour is the most, and nobody is locked out for good. Guesses in flight at once are
bounded by the web server's threads; one that ends after its subject was blocked is refused even if it was right, so
they gain nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from iam.models import SignInAttempts
from operations import clock, errors, sweeps
from operations.errors import KmsError

FORGOTTEN_AFTER = timedelta(minutes=15)
LONGEST_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class Subject:
    """What failures are counted for; the `free`th one brings the first delay."""

    key: str
    free: int
    forgiven_by_success: bool


def of_name(account: str, name: str) -> Subject:
    return Subject(_key("name", account, name), free=5, forgiven_by_success=True)


def of_browser(name: str) -> Subject:
    """`name`: of a known browser (`iam.known_browsers`)."""
    return Subject(_key("browser", name), free=5, forgiven_by_success=True)


def of_address(address: str) -> Subject:
    # An office shares one address, so it is allowed more. Success does not clear it: else whoever owns one user could
    # guess at all others for ever, signing in between.
    return Subject(_key("address", _network(address)), free=10, forgiven_by_success=False)


def _network(address: str) -> str:
    """Of IPv6 everybody has 2**64 addresses; they are one."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv4Address):
        return address
    return str(known.ipv4_mapped or ip_network((known, 64), strict=False))


def admit(subjects: Iterable[Subject]) -> None:
    """Raises TOO_MANY_REQUESTS, with the seconds left, while any of the subjects is blocked."""
    if not settings.KMS_RATE_LIMITS:
        return
    found = SignInAttempts.objects.filter(subject__in=[subject.key for subject in subjects])
    until = found.aggregate(until=Max("blocked_until"))["until"]
    left = (until - clock.now()).total_seconds() if until else 0
    if left > 0:
        raise KmsError(errors.TOO_MANY_REQUESTS, retry_after=int(left) + 1)


def failed(subjects: Iterable[Subject]) -> int:
    """Counts a failure for each subject; returns the seconds for which they will not be listened to."""
    if not settings.KMS_RATE_LIMITS:
        return 0
    now = clock.now()
    longest = 0
    with transaction.atomic():
        # In the order of the keys, so that two at once cannot wait for each other.
        for subject in sorted(subjects, key=lambda subject: subject.key):
            SignInAttempts.objects.get_or_create(
                subject=subject.key, defaults={"last_failed_at": now, "blocked_until": now}
            )
            row = SignInAttempts.objects.select_for_update().get(subject=subject.key)
            stale = now - max(row.last_failed_at, row.blocked_until) >= FORGOTTEN_AFTER
            row.failures = 1 if stale else row.failures + 1
            delay = _delay_seconds(row.failures - subject.free)
            row.last_failed_at, row.blocked_until = now, now + timedelta(seconds=delay)
            row.save()
            longest = max(longest, delay)
    return longest


def succeeded(subjects: Iterable[Subject]) -> None:
    forgiven = [subject.key for subject in subjects if subject.forgiven_by_success]
    SignInAttempts.objects.filter(subject__in=forgiven).delete()


def forget_old() -> None:
    """Drops counters that would start anew anyway."""
    before = clock.now() - FORGOTTEN_AFTER
    sweeps.purge(SignInAttempts.objects.filter(last_failed_at__lt=before, blocked_until__lt=before))


def _delay_seconds(beyond: int) -> int:
    """1, 2, 4 … for the 0th, 1st, 2nd … failure beyond the free ones."""
    return 0 if beyond < 0 else min(2 ** min(beyond, 16), LONGEST_SECONDS)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

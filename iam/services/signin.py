"""Signing in by password, for the console and for Keystone: one check, one cost, one answer (SEC-040, SEC-041)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction

from iam import throttle
from iam.models import User
from iam.services import passwords
from operations import clock, limits, timekeeping
from operations.caller import Caller, Kind
from operations.limits import Rate
from operations.models import Rating
from operations.trail import record_event

# Right passwords too: each costs a tenth of a second and much memory.
PASSWORD_RATE = Rate("check-password", calls=300)


class SignInRefused(Exception):
    """Unknown account, unknown user, wrong password, disabled user: all the same to the one who asks."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody says to be. A user is named by id, or by name in an account that is named by name or id."""

    password: str = field(repr=False)
    user_id: str = ""
    name: str = ""
    account: str = ""
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the request came from and what it is for, as its trace will tell."""

    kind: Kind
    address: str
    agent: str = ""
    request_id: str = ""
    trace: str = "login"
    # By user ID: under which name the browser is known to have signed in as that user.
    known_as: Mapping[str, str] = field(default_factory=dict)


def authenticate(claim: Claim, origin: Origin) -> User:
    """The user whose password this is. Raises SignInRefused; TOO_MANY_REQUESTS before anything is hashed.

    A failure leaves its trace here, a success where it has its effect: `succeeded`, in the same transaction. Attempts
    that are not listened to leave none: the one that caused the block tells how long it lasts, and a flood must not
    fill the trail. Unknown users cost one Argon2 hash as known ones do.
    """
    user = _find(claim)
    subjects = _subjects(claim, user, origin)
    throttle.admit(subjects)
    if user is not None:
        limits.admit(PASSWORD_RATE, caller_of(user, origin))
    if not passwords.is_right(user, claim.password) or user is None or not user.enabled:
        with transaction.atomic():
            seconds = throttle.failed(subjects)
            refused(user, origin, "The user name or password is incorrect.", blocked_seconds=seconds)
        raise SignInRefused
    throttle.admit(subjects)
    throttle.succeeded(subjects)
    return user


def succeeded(user: User, origin: Origin) -> None:
    """Notes when the user was here last, and adds the trace."""
    User.objects.filter(pk=user.pk).update(last_signed_in_at=clock.now())
    record_event(origin.trace, caller_of(user, origin), resource=("user", user.pk, user.name))
    timekeeping.note()


def refused(user: User | None, origin: Origin, reason: str, *, blocked_seconds: int = 0) -> None:
    record_event(
        origin.trace,
        caller_of(user, origin),
        rating=Rating.WARNING,
        status=401,
        message=reason,
        resource=("user", user.pk, user.name) if user else ("user", "", ""),
        request={"blocked_seconds": blocked_seconds} if blocked_seconds else {},
    )


def caller_of(user: User | None, origin: Origin) -> Caller:
    """Somebody without a project: for traces. A name that is nobody's is not written down; it may be a password."""
    return Caller(
        kind=origin.kind,
        user_id=user.pk if user else "",
        user_name=user.name if user else "",
        account_id=user.account_id if user else "",
        account_name=user.account.name if user else "",
        project_id="",
        project_name="",
        region_id="",
        source_ip=origin.address,
        agent=origin.agent,
        request_id=origin.request_id,
    )


def _find(claim: Claim) -> User | None:
    users = User.objects.select_related("account", "last_project")
    if claim.user_id:
        return users.filter(pk=claim.user_id).first()
    if claim.account_id:
        return users.filter(name=claim.name, account=claim.account_id).first()
    return users.filter(name=claim.name, account__name=claim.account).first()


def _subjects(claim: Claim, user: User | None, origin: Origin) -> list[throttle.Subject]:
    if user and (browser := origin.known_as.get(user.pk)):
        # Nobody else's guesses count here, nor do these count elsewhere.
        return [throttle.of_browser(browser)]
    # One user has one counter, however it is named.
    name = ("", user.pk) if user else (claim.account or claim.account_id, claim.name or claim.user_id)
    return [throttle.of_name(*name), throttle.of_address(origin.address)]

"""Known browsers: a signed cookie that recognises a browser from which a user has signed in before (SEC-041).

It signs nobody in. Failed sign-ins from a known browser are counted for that browser alone, so that a stranger who
guesses at a user's password, from however many addresses, cannot keep this user out of their own browser. A stolen
cookie gives a few more guesses, then the same delays.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from iam.models import User
from operations import clock

LIFETIME = timedelta(days=180)
MAX_USERS = 5
_SALT = "iam.known_browsers"


def cookie_name() -> str:
    return "__Host-kms-browser" if settings.SESSION_COOKIE_SECURE else "kms-browser"


def of(request: HttpRequest) -> Mapping[str, str]:
    """By user ID, the name under which this browser is known to have signed in as that user."""
    now = clock.epoch_seconds()
    return {user_id: name for user_id, (name, until) in _read(request).items() if until > now}


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Makes the browser known as this user's. It is remembered for some users, those of the latest sign-ins."""
    known = _read(request)
    name, _until = known.pop(user.pk, (secrets.token_urlsafe(16), 0))
    known[user.pk] = name, clock.epoch_seconds() + int(LIFETIME.total_seconds())
    latest = dict(list(known.items())[-MAX_USERS:])
    response.set_cookie(
        cookie_name(),
        signing.dumps(latest, salt=_SALT, compress=False),
        max_age=LIFETIME,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> dict[str, tuple[str, int]]:
    try:
        found = signing.loads(request.COOKIES.get(cookie_name(), ""), salt=_SALT)
    except signing.BadSignature:
        return {}
    return {user_id: (name, until) for user_id, (name, until) in found.items()}

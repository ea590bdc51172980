"""Console sessions: begun at sign-in, ended by time, by leaving, or by a change of the user's epoch (SEC-043).

A session is valid only if this module says so: the store's own expiry follows another clock and is merely tidying up.
"""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from iam.models import User
from operations import clock

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
# Noting each click would make every page a write.
SEEN_EVERY = timedelta(minutes=1)

_KEY = "iam"


def begin(request: HttpRequest, user: User) -> None:
    """Signs the user in under a new session id; nothing that was in the session before survives (session fixation)."""
    now = clock.epoch_seconds()
    request.session.flush()
    request.session[_KEY] = {"user": user.pk, "epoch": user.session_epoch, "issued_at": now, "seen_at": now}
    rotate_token(request)
    request._session_user = user  # type: ignore[attr-defined]


def user_of(request: HttpRequest) -> User | None:
    """The signed-in user with account and last project, or None. Two queries, once a request."""
    if not hasattr(request, "_session_user"):
        request._session_user = _read(request)  # type: ignore[attr-defined]
    return request._session_user  # type: ignore[attr-defined, no-any-return]


def end(request: HttpRequest) -> None:
    request.session.flush()
    request._session_user = None  # type: ignore[attr-defined]


def renew(request: HttpRequest, user: User) -> None:
    """After a change that ended all sessions of the user: this one goes on, under a new id and with its old limits."""
    state = request.session[_KEY]
    request.session.cycle_key()
    request.session[_KEY] = {**state, "epoch": user.session_epoch}
    rotate_token(request)


def _read(request: HttpRequest) -> User | None:
    state = request.session.get(_KEY)
    if state is None:
        return None
    now = clock.epoch_seconds()
    idle, age = now - state["seen_at"], now - state["issued_at"]
    if idle >= IDLE.total_seconds() or age >= ABSOLUTE.total_seconds():
        request.session.flush()
        return None
    user = User.objects.select_related("account", "last_project").filter(pk=state["user"]).first()
    if user is None or not user.enabled or user.session_epoch != state["epoch"]:
        request.session.flush()
        return None
    if idle >= SEEN_EVERY.total_seconds():
        request.session[_KEY] = {**state, "seen_at": now}
    return user

"""Console sessions: begun at sign-in, ended by time, by leaving, by their user from elsewhere, or by a change of the
user's epoch (SEC-043).

A session is valid only if this module says so: the store's own expiry is merely tidying up.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from iam.models import ConsoleSession, User
from iam.services.signin import Origin
from operations import clock, sweeps

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
# Noting each click would make every page a write.
SEEN_EVERY = timedelta(minutes=1)

_KEY = "iam"


def begin(request: HttpRequest, user: User, origin: Origin) -> None:
    """Signs the user in under a new session id; nothing that was in the session before survives (session fixation)."""
    end(request)
    request.session[_KEY] = opened(user, origin)
    rotate_token(request)
    request._session_user = user  # type: ignore[attr-defined]


def opened(user: User, origin: Origin) -> dict[str, Any]:
    """What the session of somebody who has just signed in carries. It is listed from now on."""
    now = clock.epoch_seconds()
    return _listed({"user": user.pk, "issued_at": now, "seen_at": now}, user, origin)


def user_of(request: HttpRequest) -> User | None:
    """The signed-in user with account and last project, or None. Two queries, once a request."""
    if not hasattr(request, "_session_user"):
        request._session_user = _read(request)  # type: ignore[attr-defined]
    return request._session_user  # type: ignore[attr-defined, no-any-return]


def note_activity(request: HttpRequest) -> None:
    """Somebody signed in has asked for something: the idle limit counts from now on."""
    if user_of(request) is None:
        return
    state, now = request.session[_KEY], clock.epoch_seconds()
    if now - state["seen_at"] >= SEEN_EVERY.total_seconds():
        request.session[_KEY] = {**state, "seen_at": now}
        ConsoleSession.objects.filter(pk=state["id"]).update(seen_at=_moment(now))


def id_of(request: HttpRequest) -> str:
    """By which this session is listed; it opens nothing. Empty for nobody."""
    state = request.session.get(_KEY) or {}
    return str(state.get("id", ""))


def end(request: HttpRequest) -> None:
    ConsoleSession.objects.filter(pk=id_of(request)).delete()
    request.session.flush()
    request._session_user = None  # type: ignore[attr-defined]


def renew(request: HttpRequest, user: User, origin: Origin) -> None:
    """After a change that ended all sessions of the user: this one goes on, under a new id and with its old limits."""
    state = request.session[_KEY]
    request.session.cycle_key()
    request.session[_KEY] = _listed(state, user, origin)
    rotate_token(request)


def living(user_id: str) -> QuerySet[ConsoleSession]:
    """The sessions with which the user could open a page now, the one seen last first."""
    return ConsoleSession.objects.filter(~_over(), user=user_id).order_by("-seen_at", "-signed_in_at", "pk")


def end_other(user_id: str, session_id: str) -> bool:
    """Ends a session by the id it is listed by. False if this user has no such session."""
    ended, _ = living(user_id).filter(pk=session_id).delete()
    return ended > 0


def forget_old() -> None:
    sweeps.purge(ConsoleSession.objects.filter(_over()))


def end_all() -> int:
    """Ends every console session of this installation, as after a backup was restored; returns how many."""
    Session.objects.all().delete()
    ended, _ = ConsoleSession.objects.all().delete()
    return ended


def _over() -> Q:
    now = clock.now()
    return Q(seen_at__lte=now - IDLE) | Q(signed_in_at__lte=now - ABSOLUTE)


def _listed(state: dict[str, Any], user: User, origin: Origin) -> dict[str, Any]:
    row = ConsoleSession.objects.create(
        user=user,
        address=origin.address,
        agent=origin.agent[:256],
        signed_in_at=_moment(state["issued_at"]),
        seen_at=_moment(state["seen_at"]),
    )
    return {**state, "id": row.pk, "epoch": user.session_epoch}


def _moment(epoch_seconds: int) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def _read(request: HttpRequest) -> User | None:
    state = request.session.get(_KEY)
    if state is None:
        return None
    now = clock.epoch_seconds()
    idle, age = now - state["seen_at"], now - state["issued_at"]
    if idle >= IDLE.total_seconds() or age >= ABSOLUTE.total_seconds():
        end(request)
        return None
    # Who is signed in and whether the session was ended from elsewhere, in one query.
    rows = ConsoleSession.objects.select_related("user__account", "user__last_project")
    row = rows.filter(pk=id_of(request), user=state["user"]).first()
    if row is None or not row.user.enabled or row.user.session_epoch != state["epoch"]:
        end(request)
        return None
    return row.user

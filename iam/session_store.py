"""Django's session store, by the product's clock, and with each session under a digest of what the cookie holds.

Whoever reads the database, or a backup of it, finds nothing to put into a cookie: as with tokens (SEC-044), a row
proves that somebody is signed in and signs nobody in.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session

from operations import clock

# What the table's primary key has room for: 160 bits, about as many as the cookie has.
_HEX_DIGITS = 40


def row_key(session_key: str) -> str:
    """The primary key of the row of a session."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:_HEX_DIGITS]


class SessionStore(DatabaseStore):
    """What SESSION_ENGINE names."""

    def exists(self, session_key: str) -> bool:
        return super().exists(row_key(session_key))

    def delete(self, session_key: str | None = None) -> None:
        gone = session_key or self.session_key
        if gone is not None:
            super().delete(row_key(gone))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = row_key(row.session_key)
        row.expire_date = clock.now() + timedelta(seconds=self.get_session_cookie_age())
        return row

    def _get_session_from_db(self) -> Session | None:
        # Also one whose time is over: `iam.sessions` says so, and then deletes it.
        row: Session | None = Session.objects.filter(session_key=row_key(self.session_key or "")).first()
        if row is None:
            self._session_key = None
        return row

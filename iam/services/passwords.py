"""Setting and checking passwords: Argon2id, 12 to 128 characters, no common ones (SEC-040)."""

from __future__ import annotations

import secrets

from django.contrib.auth import hashers
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.translation import gettext as _

from iam.models import User
from operations import clock

MAX_CHARACTERS = 128
_ONE_TIME_BYTES = 15


def one_time() -> str:
    """120 random bits, to be typed once."""
    return secrets.token_urlsafe(_ONE_TIME_BYTES)


def validate(password: str, user: User) -> None:
    """Raises ValidationError, with a sentence for each rule that is broken."""
    if len(password) > MAX_CHARACTERS:
        raise ValidationError(_("This password is too long. It must contain at most 128 characters."), code="too_long")
    validate_password(password, user)


def put(user: User, password: str, *, must_change: bool = False) -> None:
    """Gives the user a new password. All tokens and sessions issued before are dead from now on."""
    user.set_password(password)
    user.must_change_password = must_change
    user.password_changed_at = clock.now()
    user.password_epoch = F("password_epoch") + 1
    user.session_epoch = F("session_epoch") + 1
    names = ["password", "must_change_password", "password_changed_at", "password_epoch", "session_epoch"]
    user.save(update_fields=names)
    user.refresh_from_db(fields=["password_epoch", "session_epoch"])
    user.console_sessions.all().delete()


def end_all_sessions(user: User) -> None:
    """Every console session of the user ends with its next request; tokens live on."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    user.console_sessions.all().delete()


def is_right(user: User | None, password: str) -> bool:
    """One Argon2 hash whoever asks: an unknown user costs what a wrong password costs. A weaker hash is renewed."""
    # What no password can be is hashed as well: a shortcut would be seen from outside.
    candidate = password if len(password) <= MAX_CHARACTERS else ""
    if user is None or not user.has_usable_password():
        hashers.make_password(candidate)
        return False
    return user.check_password(candidate) and bool(password)

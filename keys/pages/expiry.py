"""How the pages speak of an end that comes near: in words, amber in its last week, red in its last day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from keys.models import Key

SOON = timedelta(days=7)
AT_ONCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Expiry:
    """`words` only where the end is near; `tone` is a class of the stylesheet."""

    at: datetime
    words: str
    tone: str


def expiry_of(key: Key, now: datetime) -> Expiry | None:
    """None for material that stays, and for material that is gone already."""
    at = key.material_expires_at
    if at is None or at <= now:
        return None
    rest = at - now
    if rest < AT_ONCE:
        return Expiry(at, in_words(rest), "badc")
    return Expiry(at, in_words(rest), "warnc") if rest < SOON else Expiry(at, "", "")


def in_words(rest: timedelta) -> str:
    """Rounded down, so that nobody is promised more time than there is."""
    if rest >= AT_ONCE:
        return ngettext("in %d day", "in %d days", rest.days) % rest.days
    hours, minutes = divmod(int(rest.total_seconds()) // 60, 60)
    if hours:
        return ngettext("in %d hour", "in %d hours", hours) % hours
    return ngettext("in %d minute", "in %d minutes", minutes) % minutes if minutes else _("in less than a minute")

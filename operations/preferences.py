"""What somebody has chosen about the look of their pages. Who keeps it is the matter of who signs people in.

A page below that floor asks for its own choices by name, and believes nothing it gets: an older release may have
written it.
"""

from __future__ import annotations

from typing import Any, Protocol

from django.http import HttpRequest


class Preferences(Protocol):
    """Of one person, in whatever browser. Values are what JSON can hold."""

    def get(self, name: str) -> Any:
        """None where nothing was chosen."""

    def keep(self, name: str, value: Any) -> None: ...


def preferences_of(request: HttpRequest) -> Preferences:
    """Of who is signed in; for pages, which nobody else sees."""
    preferences: Preferences = request.preferences  # type: ignore[attr-defined]
    return preferences

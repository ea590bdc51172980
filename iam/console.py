"""Who is signed in to the console: a middleware that gives every page `request.caller` (`operations.console.Page`) and
`request.preferences` (`operations.preferences`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from iam import sessions
from iam.authentication import console_caller
from iam.preferences import UserPreferences
from operations.console import go

OPEN_BEFORE_CHANGE = frozenset({"iam:login", "iam:logout", "iam:logout_everywhere", "iam:password"})


class SignedIn:
    """Sets both, None for nobody. Who must change a password gets no other page before that."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.caller = console_caller(request)  # type: ignore[attr-defined]
        user = sessions.user_of(request)
        request.preferences = UserPreferences(user) if user else None  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        if getattr(getattr(view, "view_class", None), "is_activity", True):
            sessions.note_activity(request)
        user = sessions.user_of(request)
        match = request.resolver_match
        if user is None or not user.must_change_password or (match and match.view_name in OPEN_BEFORE_CHANGE):
            return None
        query = f"?{urlencode({'next': request.get_full_path()})}" if request.method == "GET" else ""
        return go(request, reverse("iam:password") + query)

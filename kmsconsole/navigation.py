"""Top bar and side menu, as data (docs/develop/frontend.md says which page part reads what)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from iam import sessions
from kmsconsole import __version__
from operations import clock
from operations.caller import Caller
from projects import queries, selection


@dataclass(frozen=True)
class Entry:
    """A line of the side menu or of the user menu: where it leads, by URL name."""

    label: Any
    to: str
    icon: str


@dataclass(frozen=True)
class Group:
    heading: Any
    entries: tuple[Entry, ...]


SIDE_MENU = (
    Group(
        gettext_lazy("Key Management Service"),
        (
            Entry(gettext_lazy("Custom Keys"), "keys:list", "key"),
            Entry(gettext_lazy("Default Keys"), "keys:defaults", "lock"),
        ),
    ),
    Group(gettext_lazy("For Programs"), (Entry(gettext_lazy("API"), "api", "term"),)),
)
USER_MENU = (
    Entry(gettext_lazy("My Credentials"), "iam:credentials", "key"),
    Entry(gettext_lazy("Change Password"), "iam:password", "lock"),
)


def console(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what every page of the console shows around its content."""
    return {"console": Surroundings(request)}


class Surroundings:
    """Read only as far as a template asks: a page that shows no selector costs no query for it."""

    test_mode: bool
    version = __version__

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        # None for who is not signed in, and where an error was answered before anybody could be recognised.
        self._caller: Caller | None = getattr(request, "caller", None)
        self.test_mode = settings.KMS_TEST_MODE

    @cached_property
    def now(self) -> datetime:
        return clock.now()

    @cached_property
    def clock_offset(self) -> str:
        return _in_words(clock.offset()) if self.test_mode else ""

    @cached_property
    def user(self) -> dict[str, str] | None:
        if self._caller is None:
            return None
        name = self._caller.user_name
        return {"name": name, "account": self._caller.account_name, "initials": _initials(name)}

    @cached_property
    def scope(self) -> dict[str, str] | None:
        if self._caller is None:
            return None
        region, project = self._caller.region_id, self._caller.project_name
        label = region if project == region else f"{region} ({project})"
        return {"region": region, "project_name": project, "project_id": self._caller.project_id, "label": label}

    @cached_property
    def projects(self) -> list[dict[str, Any]]:
        if self._caller is None:
            return []
        return [
            {"id": project.pk, "label": project.label, "current": project.pk == self._caller.project_id}
            for project in queries.projects_of_account(self._caller.account_id)
        ]

    @cached_property
    def enterprise_enabled(self) -> bool:
        user = sessions.user_of(self._request) if self._caller else None
        return user is not None and user.account.enterprise_enabled

    @cached_property
    def enterprise_projects(self) -> list[dict[str, Any]]:
        if self._caller is None:
            return []
        chosen = selection.enterprise_project_id(self._request)
        known = queries.enterprise_projects_of(self._caller.account_id)
        rows = [(selection.ALL, _("All")), *((project.wire_id, project.name) for project in known)]
        return [
            {"id": wire_id, "name": name, "current": wire_id == (chosen or selection.ALL)} for wire_id, name in rows
        ]

    @cached_property
    def enterprise_current(self) -> dict[str, Any] | None:
        """None while all are shown."""
        return next((row for row in self.enterprise_projects if row["current"] and row["id"] != selection.ALL), None)

    @cached_property
    def nav(self) -> list[dict[str, Any]]:
        if self._caller is None:
            return []
        groups = [{"heading": group.heading, "items": _links(group.entries)} for group in SIDE_MENU]
        # A page below two entries belongs to the one whose address is the longer.
        items = [item for group in groups for item in group["items"]]
        above = [item["url"] for item in items if _is_below(self._request.path, item["url"])]
        for item in items:
            item["current"] = item["url"] == max(above, key=len, default=None)
        return [group for group in groups if group["items"]]

    @cached_property
    def user_menu(self) -> list[dict[str, Any]]:
        return _links(USER_MENU) if self._caller else []


def _links(entries: tuple[Entry, ...]) -> list[dict[str, Any]]:
    links = []
    for entry in entries:
        try:
            links.append({"label": entry.label, "url": reverse(entry.to), "icon": entry.icon})
        except NoReverseMatch:
            continue
    return links


def _is_below(path: str, url: str) -> bool:
    return path == url or path.startswith(url.rstrip("/") + "/")


def _initials(name: str) -> str:
    words = [word for word in name.replace(".", " ").replace("-", " ").replace("_", " ").split() if word]
    letters = [word[0] for word in words[:2]] if len(words) > 1 else list(name.strip()[:2])
    return "".join(letters).upper()


def _in_words(offset: timedelta) -> str:
    """`1 d 2 h 3 min`; empty for nothing."""
    seconds = int(abs(offset.total_seconds()))
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    text = " ".join(f"{number} {unit}" for number, unit in parts if number)
    return f"−{text}" if text and offset < timedelta() else text

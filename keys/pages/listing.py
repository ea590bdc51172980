"""Custom Keys and Default Keys: filters, order, pages and columns, all of it in the address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from keys import counting
from keys.api.listing import VIEW_KEYS
from keys.models import Key
from keys.pages import actions
from keys.pages.actions import Action
from keys.pages.expiry import Expiry, expiry_of
from keys.pages.scope import Scope, scope_of
from keys.paging import Cursor, KeyPage, Sort, page
from keys.search import Filters
from keys.services.tagging import MOST_TAGS
from keys.states import State
from kmscrypto.specs import SPECS
from operations import errors, timekeeping
from operations.caller import Caller
from operations.console import Page, go, page_of_htmx, swaps, wants_json, way_back
from operations.errors import KmsError, Text
from operations.perform import perform
from operations.preferences import preferences_of

SIZES = (10, 20, 50, 100)
DEFAULT_SIZE = 20


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    label: Text
    sortable: bool = True


# What can be shown and hidden; Alias/ID and Operation always stay.
COLUMNS = (
    Column("status", _("Status")),
    Column("created", _("Created")),
    Column("expiration", _("Expiration Time")),
    Column("algorithm", _("Key Algorithm and Usage")),
    Column("origin", _("Origin")),
    Column("enterprise_project", _("Enterprise Project"), sortable=False),
)
ALIAS = Column("alias", _("Alias/ID"))
# Times are looked at newest first, words from A.
_DOWNWARDS_FIRST = frozenset({"created"})
_HIDDEN = "hidden_key_columns"


@dataclass(frozen=True, slots=True)
class Row:
    key: Key
    status: str
    expiry: Expiry | None
    enterprise_project: str
    actions: list[Action]

    @property
    def allows(self) -> str:
        """Names of the bulk buttons that this row does not stand against."""
        return " ".join(action.name for action in self.actions if action.is_dialog and not action.denied)


class Statuses(dict[State, str]):
    """How each state is shown, rendered once for all rows in it."""

    def __missing__(self, state: State) -> str:
        shown = {"state": state.slug, "label": state.label}
        return self.setdefault(state, render_to_string("components/status.html", shown))


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: the order it stands in now and the address that sorts by it."""

    column: Column
    direction: str
    url: str
    hidden: bool


def no_permission(request: HttpRequest, caller: Caller, error: KmsError, **context: Any) -> HttpResponse:
    """Names the missing permission. Any other refusal is for `Page` to show."""
    if error.code is not errors.NO_PERMISSION:
        raise error
    missing = {"missing": VIEW_KEYS.action, "project": caller.project_name}
    return render(request, "keys/no_permission.html", {**context, **missing}, status=403)


class KeyList(Page):
    """The list of custom keys. Every part of it is in the address, so it can be bookmarked, sent and gone back to."""

    keys: QuerySet[Key]

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            self.keys = perform(VIEW_KEYS, self.caller, {})
        except KmsError as error:
            return no_permission(request, self.caller, error, **self.buttons())
        is_part = swaps(request, "keys")
        response = render(request, "keys/table.html" if is_part else "keys/list.html", self.context())
        if is_part and page_of_htmx(request) != self.here:
            response["HX-Push-Url"] = self.here  # a refreshed list is no new place in the history
        return response

    # --- what the address says

    @cached_property
    def scope(self) -> Scope:
        return scope_of(self.request, self.caller)

    @cached_property
    def filters(self) -> Filters:
        return Filters.read(self.request.GET)

    @cached_property
    def sort(self) -> Sort:
        return Sort.read(self.request.GET.get("sort", ""))

    @cached_property
    def size(self) -> int:
        wanted = self.request.GET.get("limit", "")
        return int(wanted) if wanted in map(str, SIZES) else DEFAULT_SIZE

    @cached_property
    def cursor(self) -> Cursor | None:
        for name, backwards in (("after", False), ("before", True)):
            if name in self.request.GET:
                return Cursor.read(self.request.GET[name], self.sort, backwards=backwards)
        return None

    def place(self) -> list[tuple[str, str]]:
        """Where in the list: only what differs from the default, so that addresses stay short."""
        for name in ("after", "before"):
            if name in self.request.GET and self.cursor is not None:
                return [(name, self.request.GET[name])]
        return []

    def order(self) -> list[tuple[str, str]]:
        return [("sort", str(self.sort))] if self.sort != Sort.read("") else []

    def limit(self) -> list[tuple[str, str]]:
        return [("limit", str(self.size))] if self.size != DEFAULT_SIZE else []

    def url(self, *parts: Iterable[tuple[str, str]]) -> str:
        query = urlencode([pair for part in parts for pair in part])
        return reverse("keys:list") + (f"?{query}" if query else "")

    @property
    def here(self) -> str:
        return self.url(self.filters.pairs(), self.order(), self.limit(), self.place())

    # --- what is shown

    def context(self) -> dict[str, Any]:
        found = self.found()
        return {
            **self.buttons(),
            "page": found,
            "rows": self.rows(found.keys),
            "heads": self.heads(),
            "hidden": self.hidden_columns,
            "columns": self.columns,
            "cells": {column.name: self.cell(column) for column in self.columns},
            "filters": self.filters,
            "chips": self.chips(),
            "tag_rows": self.tag_rows(),
            "most_tags": MOST_TAGS,
            "tags_left": MOST_TAGS - len(self.filters.tags),
            "states": list(State),
            "specs": list(SPECS),
            "scope": self.scope,
            "bulk": actions.bulk_actions(self.caller),
            "back": self.here,
            "sort": self.sort,
            **self.pager(found),
        }

    def buttons(self) -> dict[str, Any]:
        return {"create": actions.create_action(self.caller), "import": actions.import_action(self.caller)}

    def found(self) -> KeyPage:
        keys = self.keys.filter(is_default=False)
        if self.scope.chosen:
            keys = keys.filter(enterprise_project_id=self.scope.chosen)
        keys = self.filters.apply(keys)
        return page(keys, sort=self.sort, cursor=self.cursor, size=self.size, total=self.total(keys))

    def total(self, keys: QuerySet[Key]) -> int | None:
        # A change of a tag is no change of its key: what depends on tags is counted anew.
        if self.filters.tags:
            return None
        question = "custom", self.caller.rights.reach("kms:cmk:list"), self.scope.chosen, self.filters
        return counting.total(self.caller, keys, question=question)

    def rows(self, keys: Iterable[Key]) -> list[Row]:
        now, names, offers = timekeeping.latest(), self.scope.names(), actions.Offers(self.caller, self.here)
        status = Statuses()
        return [
            Row(
                key=key,
                status=status[key.state_now(now)],
                expiry=expiry_of(key, now),
                enterprise_project=names.get(key.enterprise_project_id, key.enterprise_project_id),
                actions=offers.of(key),
            )
            for key in keys
        ]

    @cached_property
    def columns(self) -> list[Column]:
        return [column for column in COLUMNS if self.scope.is_enabled or column.name != "enterprise_project"]

    @cached_property
    def hidden_columns(self) -> frozenset[str]:
        chosen = preferences_of(self.request).get(_HIDDEN)
        return frozenset(column.name for column in COLUMNS if isinstance(chosen, list) and column.name in chosen)

    def heads(self) -> list[Head]:
        return [self.head(column) for column in (ALIAS, *self.columns)]

    def head(self, column: Column) -> Head:
        current = self.sort if self.sort.name == column.name else None
        wanted = current.opposite if current else Sort(column.name, column.name in _DOWNWARDS_FIRST)
        direction = ("descending" if current.descending else "ascending") if current else ""
        url = self.url(self.filters.pairs(), [("sort", str(wanted))], self.limit()) if column.sortable else ""
        return Head(column, direction, url, column.name in self.hidden_columns)

    def cell(self, column: Column) -> str:
        """The attributes of a column's cells, which are the same in every row."""
        hidden = mark_safe(" hidden") if column.name in self.hidden_columns else ""
        return format_html('data-column="{}" data-label="{}"{}', column.name, column.label, hidden)

    def chips(self) -> list[dict[str, str]]:
        """One for each tag that is searched for, with the address of the list without it."""
        return [
            {
                "text": f"{name} = {value}" if value else name,
                "url": self.url(self.filters.without_tag(name).pairs(), self.order(), self.limit()),
            }
            for name, value in self.filters.tags
        ]

    def tag_rows(self) -> list[dict[str, str]]:
        rows = [{"key": name, "value": value} for name, value in self.filters.tags]
        return rows if len(rows) >= MOST_TAGS else [*rows, {"key": "", "value": ""}]

    def pager(self, found: KeyPage) -> dict[str, Any]:
        kept = [*self.filters.pairs(), *self.order()]
        return {
            "sizes": SIZES,
            "size": self.size,
            "kept": kept,
            "list_url": reverse("keys:list"),
            "reset_url": self.url(self.order(), self.limit()),
            "previous_url": self.url(kept, self.limit(), [("before", found.previous)]) if found.previous else "",
            "here": f"{found.first}–{found.last}" if found.keys else "",
            "next_url": self.url(kept, self.limit(), [("after", found.next)]) if found.next else "",
        }


class ChooseColumns(Page):
    """Remembers which columns are shown, for this person in every browser."""

    home = "keys:list"

    def post(self, request: HttpRequest) -> HttpResponse:
        shown = set(request.POST.getlist("column"))
        preferences_of(request).keep(_HIDDEN, [column.name for column in COLUMNS if column.name not in shown])
        if wants_json(request):
            return JsonResponse({"ok": True})
        return go(request, way_back(request, self.home_url()))


class DefaultKeys(Page):
    """Keys that other services made for themselves: to be seen, not to be changed (console.md B2)."""

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            keys = list(perform(VIEW_KEYS, self.caller, {}).filter(is_default=True).order_by("alias"))
        except KmsError as error:
            return no_permission(request, self.caller, error, is_default=True)
        now = timekeeping.latest()
        status = Statuses()
        rows = [Row(key, status[key.state_now(now)], None, "", []) for key in keys]
        return render(request, "keys/defaults.html", {"rows": rows})

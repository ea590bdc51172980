"""The Alias tab of a key: its primary name and the ones beside it, each usable as `alias/<name>` (console.md B6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from keys.api.aliases import CREATE_ALIAS, DELETE_ALIASES, LIST_ALIASES, urn_of
from keys.forms import CreateAliasForm, DeleteAliasForm
from keys.models import Alias, Key
from keys.pages.actions import Action
from keys.pages.detail import KeyPage
from keys.services.aliases import MOST_ALIASES
from keys.states import Use
from operations.console import Dialog, go, toast, way_back
from operations.perform import perform


@dataclass(frozen=True, slots=True)
class Row:
    alias: Alias
    urn: str
    # None for the primary alias, which is changed and never deleted.
    delete: Action | None


class Aliases(KeyPage):
    tab = "aliases"
    is_for_custom_keys = True
    template_name = "keys/aliases.html"

    def context(self) -> dict[str, Any]:
        missing = self.denial(LIST_ALIASES)
        aliases = [] if missing else self.aliases()
        extra = len(aliases) - 1
        return {
            **super().context(),
            "rows": [self.row(alias) for alias in aliases],
            "extra": extra,
            "most": MOST_ALIASES,
            "create": self.create_action(is_full=extra >= MOST_ALIASES),
            "missing": LIST_ALIASES.action if missing else "",
        }

    def aliases(self) -> list[Alias]:
        """Listing them is an operation like any other: permitted, traced."""
        return list(perform(LIST_ALIASES, self.caller, {"key_id": self.key.key_id}).aliases)

    def row(self, alias: Alias) -> Row:
        url = f"{reverse('keys:delete_alias', args=[self.key.key_id])}?{urlencode({'alias': alias.name})}"
        denied = self.denial(DELETE_ALIASES) or self.closed()
        delete = None if alias.is_primary else Action("delete", _("Delete"), url, denied, is_dialog=True)
        return Row(alias, urn_of(alias), delete)

    def create_action(self, *, is_full: bool) -> Action:
        denied = self.denial(CREATE_ALIAS) or self.closed()
        if not denied and is_full:
            denied = _("The key has the maximum number of aliases. Delete one that is no longer needed.")
        url = reverse("keys:create_alias", args=[self.key.key_id])
        return Action("create", _("Create Alias"), url, denied, is_dialog=True)

    def closed(self) -> str:
        return (
            ""
            if Use.EDIT in self.key.uses_open()
            else _("The aliases of a key that is pending deletion cannot be changed.")
        )


class AliasDialog(KeyPage, Dialog):
    tab = "aliases"
    is_for_custom_keys = True

    @cached_property
    def back(self) -> str:
        return way_back(self.request, reverse("keys:aliases", args=[self.key_id]))


class CreateAlias(AliasDialog):
    title = gettext_lazy("Create Alias")
    body = "keys/dialogs/edit.html"
    waits = "data-valid-form"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(request, form=self.form(self.find()))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(self.find(), request.POST)
        if not form.is_valid() or not form.perform(self.caller):
            return self.show(request, status=422, form=form)
        toast(request, _("Alias created successfully"))
        return go(request, self.back)

    def form(self, key: Key, data: Any = None) -> CreateAliasForm:
        return CreateAliasForm(data, initial={"request": {"key_id": key.key_id}})


class DeleteAlias(AliasDialog):
    title = gettext_lazy("Delete Alias")
    body = "keys/dialogs/delete_alias.html"
    is_dangerous = True

    def get(self, request: HttpRequest) -> HttpResponse:
        alias = request.GET.get("alias", "")
        if not self.find().aliases.filter(name=alias.replace("\x00", ""), is_primary=False).exists():
            toast(request, _("The alias does not exist."), level=messages.ERROR)
            return go(request, self.back)
        return self.show(request, form=self.form(alias), alias=alias)

    def post(self, request: HttpRequest) -> HttpResponse:
        self.find()
        alias = request.POST.get("alias", "")
        form = self.form(alias, request.POST)
        if form.is_valid() and form.perform(self.caller):
            toast(request, _("Alias deleted successfully"))
            return go(request, self.back)
        return self.show(request, status=422, form=form, alias=alias)

    def form(self, alias: str, data: Any = None) -> DeleteAliasForm:
        return DeleteAliasForm(data, initial={"request": {"key_id": self.key.key_id, "aliases": [alias]}})

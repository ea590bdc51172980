"""One key: its facts and the history of its material. Each tab is a page with an address of its own."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from keys import queries, states
from keys.api.lifecycle import UPDATE_KEY_ALIAS
from keys.api.listing import DESCRIBE_KEY
from keys.models import Key
from keys.pages import actions
from keys.pages.expiry import expiry_of
from keys.pages.history import history_of
from keys.pages.scope import Scope, scope_of
from keys.states import Use
from operations import errors, timekeeping
from operations.console import Crumb, Dialog, Page, go, toast
from operations.errors import KmsError
from operations.operation import Operation
from operations.perform import perform


class KeyPage(Page):
    """Base of every page about one key. A key that is missing, foreign or out of scope leads back to the list."""

    tab = ""
    template_name = ""
    # Nothing that a default key has: neither its tab nor its address (console.md B2).
    is_for_custom_keys = False
    key: Key

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.key_id = str(kwargs.pop("key_id", ""))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        self.find()
        return render(request, self.template_name, self.context())

    def find(self) -> Key:
        """Describing a key is an operation like any other: asked for, permitted, traced."""
        self.key = perform(DESCRIBE_KEY, self.caller, {"key_id": self.key_id})
        if not self.scope.covers(self.key.enterprise_project_id):
            raise KmsError(errors.KEY_NOT_FOUND)
        if self.is_for_custom_keys and self.key.is_default:
            raise KmsError(errors.DEFAULT_KEY)
        return self.key

    def refused(self, error: KmsError) -> HttpResponse:
        # An ID that cannot be one is no more a key than one that is not there.
        if error.code in (errors.KEY_NOT_FOUND, errors.KEY_ID_INVALID):
            toast(self.request, _("The key does not exist."), level=messages.ERROR)
            return go(self.request, reverse("keys:list"))
        if not hasattr(self, "key") or error.code.status >= 500:
            return super().refused(error)
        return self.refused_in_frame(str(error.code.message), error, error.code.status)

    def refused_in_frame(self, heading: str, error: KmsError, status: int) -> HttpResponse:
        """Keeps what stands around a page of the key, and so the ways to its other pages."""
        about = {"heading": heading, "error": error, "request_id": self.caller.request_id}
        return render(self.request, "keys/refused.html", {**KeyPage.context(self), **about}, status=status)

    @cached_property
    def scope(self) -> Scope:
        return scope_of(self.request, self.caller)

    def context(self) -> dict[str, Any]:
        key, now = self.key, timekeeping.latest()
        names = self.scope.names()
        return {
            "key": key,
            "state": key.state_now(now),
            "expiry": expiry_of(key, now),
            "has_expired": key.material_has_expired(now),
            "enterprise_project": names.get(key.enterprise_project_id, "") if names else "",
            "actions": actions.actions_for(key, self.caller, back=self.request.get_full_path()),
            "trail": self.trail(),
            "tabs": self.tabs(),
        }

    def trail(self) -> list[Crumb]:
        """The list, the key, its tab; and the dialog over it, where that is a page of its own."""
        if not hasattr(self, "key"):
            return [{"label": _("Custom Keys"), "url": reverse("keys:list")}, {"label": self.key_id, "url": ""}]
        name, view = (_("Default Keys"), "keys:defaults") if self.key.is_default else (_("Custom Keys"), "keys:list")
        trail: list[Crumb] = [
            {"label": name, "url": reverse(view)},
            {"label": self.key.alias, "url": reverse("keys:detail", args=[self.key.key_id])},
            *(Crumb(label=tab["label"], url=tab["url"]) for tab in self.tabs()[1:] if tab["current"]),
        ]
        if isinstance(self, Dialog):
            return [*trail, {"label": str(self.title), "url": ""}]
        return [*trail[:-1], {**trail[-1], "url": ""}]

    def tabs(self) -> list[dict[str, Any]]:
        tabs: list[tuple[str, str, str, int | None]] = [("detail", "keys:detail", _("Basic Information"), None)]
        if not self.key.is_default:
            tabs.append(("tool", "keys:tool", _("Tool"), None))
            if states.never(Use.ROTATE, self.key.nature) is None:
                tabs.append(("rotation", "keys:rotation", _("Rotation Policy"), None))
            tabs += [
                ("grants", "keys:grants", _("Grants"), self.grant_count),
                ("tags", "tags:list", _("Tags"), self.tag_count),
                ("aliases", "keys:aliases", _("Alias"), None),
            ]
        tabs.append(("material", "keys:material", _("Key Material"), None))
        return [
            {"label": label, "url": url, "current": name == self.tab, "count": count}
            for name, view, label, count in tabs
            if (url := actions.address(view, self.key.key_id))
        ]

    def denial(self, operation: Operation) -> str:
        """Why a control for this operation on this key is off; empty where it is not."""
        return actions.denial(self.caller, (str(operation.action),), self.key.enterprise_project_id)

    # How many there are is told to who may list them.

    @cached_property
    def tag_count(self) -> int | None:
        return self.key.tags.count() if self._may("kms:cmkTag:list") else None

    @cached_property
    def grant_count(self) -> int | None:
        return self.key.grants.count() if self._may("kms:grant:list") else None

    def _may(self, action: str) -> bool:
        return self.caller.may(action, self.key.enterprise_project_id)


class NoSuchPage(KeyPage):
    """Any other address below a key."""

    def get(self, request: HttpRequest, rest: str = "") -> HttpResponse:
        self.find()
        hint = _("A key has no page under this address; its pages are the tabs above.")
        return self.refused_in_frame(_("This page does not exist."), KmsError(errors.URL_INVALID, hint=hint), 404)


class BasicInformation(KeyPage):
    tab = "detail"
    template_name = "keys/detail.html"

    def context(self) -> dict[str, Any]:
        can_edit = Use.EDIT in self.key.uses_open()
        return {**super().context(), "can_edit": can_edit, "edit_denied": self.denial(UPDATE_KEY_ALIAS)}


class Material(KeyPage):
    """What a key is made of, without ever showing it: where it came from, until when it lasts, what happened to it."""

    tab = "material"
    template_name = "keys/material.html"

    def context(self) -> dict[str, Any]:
        key = self.key
        may_compare = self.caller.may(actions.IMPORT_MATERIAL, key.enterprise_project_id)
        versions = queries.newest_versions(key)
        current = next((version for version in versions if version.number == key.current_version), None)
        history = history_of(key) if key.is_external else []
        imports = [event for event in history if event.is_import]
        return {
            **super().context(),
            "versions": versions,
            "version": current,
            # A check value tells two materials apart, so it is for those who could bring one.
            "check_value": current.check_value if current and may_compare else "",
            "history": history,
            "imported": imports[0] if imports else None,
            "imports": len(imports),
        }

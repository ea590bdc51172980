"""The Grants tab of a key: who may do what with it beside those whom policies let (console.md B6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from keys.api.grants import CREATE_GRANT, LIST_GRANTS, REVOKE_GRANT
from keys.grant_forms import CreateGrantForm, RevokeGrantForm, granted_to, labels
from keys.models import Grant
from keys.pages.actions import Action
from keys.pages.detail import KeyPage
from keys.states import Use
from operations import errors
from operations.console import Dialog, go, toast, way_back
from operations.errors import KmsError, Text
from operations.perform import perform
from projects.models import QuotaKind
from projects.queries import quota_limit


@dataclass(frozen=True, slots=True)
class Row:
    """A grant as the table and its details show it."""

    grant: Grant
    url: str
    granted_to: str
    operations: list[Text]
    revoke: Action | None = None

    @property
    def title(self) -> str:
        return self.grant.name or _("Unnamed grant")


class Grants(KeyPage):
    tab = "grants"
    is_for_custom_keys = True
    template_name = "keys/grants.html"

    def context(self) -> dict[str, Any]:
        missing = self.denial(LIST_GRANTS)
        grants = [] if missing else self.grants()
        self.grant_count = None if missing else len(grants)
        most = quota_limit(self.key.project, QuotaKind.GRANTS_PER_KEY)
        context: dict[str, Any] = {
            "rows": [self.row(grant) for grant in grants],
            "most": most,
            "create": self.create_action(is_full=len(grants) >= most),
            "missing": LIST_GRANTS.action if missing else "",
        }
        return {**super().context(), **context}

    def grants(self) -> list[Grant]:
        """Listing them is an operation like any other: permitted, traced."""
        page = perform(LIST_GRANTS, self.caller, {"key_id": self.key.key_id})
        return list(page.grants)

    def row(self, grant: Grant) -> Row:
        address = [self.key.key_id, grant.grant_id]
        return Row(
            grant=grant,
            url=reverse("keys:grant", args=address),
            granted_to=granted_to(grant.grantee_kind),
            operations=labels(grant.operations),
            revoke=Action(
                "revoke",
                _("Revoke Grant"),
                reverse("keys:revoke_grant", args=address),
                self.denial(REVOKE_GRANT),
                is_dialog=True,
            ),
        )

    def create_action(self, *, is_full: bool) -> Action:
        denied = self.denial(CREATE_GRANT)
        if not denied and Use.GRANT not in self.key.uses_open():
            denied = _("Grants can be created for enabled keys only.")
        if not denied and is_full:
            denied = _("The key has the maximum number of grants. Revoke one that is no longer needed.")
        return Action(
            "create", _("Create Grant"), reverse("keys:create_grant", args=[self.key.key_id]), denied, is_dialog=True
        )


class GrantDialog(Grants, Dialog):
    """Base of the dialogs over the tab; a grant that is not there leads back to it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.grant_id = str(kwargs.pop("grant_id", ""))
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def back(self) -> str:
        return way_back(self.request, reverse("keys:grants", args=[self.key_id]))

    def grant(self) -> Grant:
        """Raises GRANT_ID_INVALID, as ending it would."""
        self.find()
        for grant in self.grants():
            if grant.grant_id == self.grant_id:
                return grant
        raise KmsError(errors.GRANT_ID_INVALID)

    def refused(self, error: KmsError) -> HttpResponse:
        if error.code is errors.GRANT_ID_INVALID:
            toast(self.request, _("The grant does not exist."), level=messages.ERROR)
            return go(self.request, self.back)
        return super().refused(error)


class GrantDetails(GrantDialog):
    title = gettext_lazy("Grant Details")
    body = "keys/dialogs/grant.html"
    only_shows = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(request, row=self.row(self.grant()))


class CreateGrant(GrantDialog):
    title = gettext_lazy("Create Grant")
    body = "keys/dialogs/create_grant.html"
    size = "drawer"
    waits: ClassVar[str] = "data-valid-form data-needs-any=#id_operations"

    def get(self, request: HttpRequest) -> HttpResponse:
        key = self.find()
        denied = self.create_action(is_full=False).denied
        if denied:
            toast(request, denied, level=messages.ERROR)
            return go(request, self.back)
        return self.show(request, form=CreateGrantForm(key=key))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CreateGrantForm(request.POST, key=self.find())
        if not form.is_valid() or not form.perform(self.caller):
            return self.show(request, status=422, form=form)
        toast(request, _("Grant created successfully"))
        return go(request, self.back)


class RevokeGrant(GrantDialog):
    title = gettext_lazy("Revoke Grant")
    body = "keys/dialogs/revoke_grant.html"
    waits = "data-confirm-ok"
    is_dangerous = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.ask(request, self.grant(), RevokeGrantForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        key = self.find()
        initial = {"request": {"key_id": key.key_id, "grant_id": self.grant_id}}
        form = RevokeGrantForm(request.POST, initial=initial)
        if form.is_valid() and form.perform(self.caller):
            toast(request, _("Grant %s revoked successfully") % self.grant_id)
            return go(request, self.back)
        return self.ask(request, self.grant(), form, status=422)

    def ask(self, request: HttpRequest, grant: Grant, form: RevokeGrantForm, *, status: int = 200) -> HttpResponse:
        return self.show(request, status=status, row=self.row(grant), form=form)

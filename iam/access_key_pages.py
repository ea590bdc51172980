"""My Credentials, Access Keys: one's own pairs, made and shown once, switched off and on, deleted (console.md A).

The secret key is in one answer and nowhere else: no address, session, log or trace has it, and the file is made by the
browser from that answer. Everybody manages their own pairs; nobody finds another's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from iam import known_browsers
from iam.forms import CreateAccessKeyForm, DeleteAccessKeyForm
from iam.models import AccessKey, User
from iam.pages import credential_tabs, wait_after_failures
from iam.services import access_keys, signin
from iam.services.access_keys import Created, TooManyAccessKeys, UnknownAccessKey
from operations import errors
from operations.console import Crumb, Dialog, Page, go, swaps, toast
from operations.errors import KmsError, Text
from vault.errors import Sealed

MOST = len(access_keys.SLOTS)
# What a spreadsheet would take for a formula (SEC-064).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class AccessKeys(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        rows = list(access_keys.listed(self.caller.user_id))
        context = {"access_keys": rows, "most": MOST, "is_full": len(rows) >= MOST}
        if swaps(request, "access-keys"):
            return render(request, "iam/access_keys_table.html", context)
        return render(request, "iam/access_keys.html", context | {"tabs": credential_tabs(request)})


class AccessKeyDialog(Dialog):
    home = "iam:access_keys"

    def trail(self) -> list[Crumb]:
        return [
            {"label": _("My Credentials"), "url": reverse("iam:credentials")},
            {"label": _("Access Keys"), "url": self.home_url()},
            {"label": str(self.title), "url": ""},
        ]


class Create(AccessKeyDialog):
    """Asks for the password, then tells the pair, once."""

    title = gettext_lazy("Create Access Key")
    body = "iam/create_access_key.html"
    waits = "data-valid-form"

    def get(self, request: HttpRequest) -> HttpResponse:
        if access_keys.listed(self.caller.user_id).count() >= MOST:
            toast(request, _full(), level=messages.ERROR)
            return go(request, self.back)
        return self.show(request, form=CreateAccessKeyForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CreateAccessKeyForm(request.POST)
        user = self.proved(form) if form.is_valid() else None
        created = self.created(user, form) if user else None
        if created is None:
            return self.show(request, status=422, form=form)
        told: dict[str, Any] = {"created": created, "file": csv_file(created)}
        return self.show(request, body="iam/access_key_created.html", is_over=True, **told)

    def proved(self, form: forms.Form) -> User | None:
        """The user, if this is the password; guesses count as those at the sign-in page do."""
        caller = self.caller
        origin = signin.Origin(
            caller.kind,
            caller.source_ip,
            caller.agent,
            caller.request_id,
            trace="createCredential",
            known_as=known_browsers.of(self.request),
        )
        try:
            claim = signin.Claim(user_id=caller.user_id, password=form.cleaned_data["password"])
            return signin.authenticate(claim, origin)
        except signin.SignInRefused:
            form.add_error("password", _("The password is incorrect."))
        except KmsError as error:
            form.add_error(None, wait_after_failures(error.retry_after))
        return None

    def created(self, user: User, form: forms.Form) -> Created | None:
        try:
            return access_keys.create(user, by=self.caller)
        except TooManyAccessKeys:
            form.add_error(None, _full())
        except Sealed as cause:
            raise KmsError(errors.SEALED) from cause
        return None


class ChangeDialog(AccessKeyDialog):
    """One act on one pair of the caller's own."""

    form_class: ClassVar[type[forms.Form]] = forms.Form
    change: ClassVar[Callable[..., None]]
    done: ClassVar[Text]

    def get(self, request: HttpRequest, ak: str) -> HttpResponse:
        return self.ask(request, ak, self.form_class())

    def post(self, request: HttpRequest, ak: str) -> HttpResponse:
        form = self.form_class(request.POST)
        if not form.is_valid():
            return self.ask(request, ak, form, status=422)
        try:
            type(self).change(self.own(ak), by=self.caller)
        except UnknownAccessKey:
            return self.nothing_there(request)
        toast(request, str(self.done))
        return go(request, self.back)

    def ask(self, request: HttpRequest, ak: str, form: forms.Form, *, status: int = 200) -> HttpResponse:
        try:
            return self.show(request, status=status, form=form, access_key=self.own(ak))
        except UnknownAccessKey:
            return self.nothing_there(request)

    def own(self, ak: str) -> AccessKey:
        """Another's pair is no more there than one that never was."""
        return access_keys.named(ak, user_id=self.caller.user_id)

    def nothing_there(self, request: HttpRequest) -> HttpResponse:
        toast(request, _("The access key does not exist."), level=messages.ERROR)
        return go(request, self.back)


class Enable(ChangeDialog):
    title = gettext_lazy("Enable Access Key")
    body = "iam/enable_access_key.html"
    change = staticmethod(access_keys.enable)
    done = gettext_lazy("Access key enabled successfully")


class Disable(ChangeDialog):
    title = gettext_lazy("Disable Access Key")
    body = "iam/disable_access_key.html"
    change = staticmethod(access_keys.disable)
    done = gettext_lazy("Access key disabled successfully")


class Delete(ChangeDialog):
    title = gettext_lazy("Delete Access Key")
    body = "iam/delete_access_key.html"
    waits = "data-confirm-ok"
    is_dangerous = True
    form_class = DeleteAccessKeyForm
    change = staticmethod(access_keys.delete)
    done = gettext_lazy("Access key deleted successfully")


def csv_file(created: Created) -> str:
    """`credentials.csv` as the cloud's console gives it: what reads that reads this."""
    name, written = created.access_key.user.name, io.StringIO()
    # HTML makes every line end a single feed, so the text has no other from the start.
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(["User Name", "Access Key Id", "Secret Access Key"])
    lines.writerow([f"'{name}" if name.startswith(_FORMULA) else name, created.access_key.ak, created.secret_key])
    return written.getvalue()


def _full() -> str:
    return _("You have two access keys already. Delete one first.")

"""The import wizard: four steps that make a key and bring its material, or three for a key that waits (console.md B).

Its state is the address and the offer's row, never the session (docs/decisions/0002). The steps Import Key Material and
Import Key Token are panels of one form, so that files stay where they were chosen: script talks JSON to these pages and
keeps the page; without script the same addresses answer with pages.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports import openssl, queries, tokens
from imports.api import GET_PARAMETERS_FOR_IMPORT, IMPORT_KEY_MATERIAL, REVOKE_IMPORT_OFFER
from imports.forms import DeleteMaterialForm, DownloadForm, EmptyKeyForm, Fault, ImportMaterialForm
from imports.models import LIFETIME, WrappingKey
from imports.services import parameters
from imports.wizard import Step, Wizard
from keys import locate
from keys.api.creation import CREATE_KEY
from keys.models import Key
from keys.pages.detail import KeyPage
from keys.pages.scope import Scope, scope_of
from keys.services.creation import suggest_alias
from keys.states import Use
from operations import clock, errors
from operations.console import Crumb, Dialog, Page, go, is_htmx, page_of_htmx, toast, wants_json, way_back
from operations.errors import FieldError, KmsError
from operations.perform import perform
from operations.rest import base_of
from vault.errors import Sealed

DEFAULT_ENTERPRISE_PROJECT = "0"


class ImportPage(Page):
    """Base of the wizard's pages: requests of a script are answered in JSON, refusals too."""

    @property
    def talks_json(self) -> bool:
        return wants_json(self.request)

    def refused(self, error: KmsError) -> HttpResponse:
        if not self.talks_json:
            return super().refused(error)
        bad = error.errors or (FieldError(error.field, error.code, error.hint),)
        told = [
            {"field": "", "code": each.code.code, "message": each.code.message, "hint": str(each.hint)} for each in bad
        ]
        return JsonResponse({"ok": False, "errors": told}, status=error.code.status)

    @cached_property
    def scope(self) -> Scope:
        return scope_of(self.request, self.caller)


class ImportKey(ImportPage):
    """Step 1 of four: an empty key, which waits for its material from then on."""

    def get(self, request: HttpRequest) -> HttpResponse:
        self.require_permissions()
        initial = {
            "key_alias": suggest_alias(self.caller.project_id),
            "enterprise_project_id": self.scope.chosen or DEFAULT_ENTERPRISE_PROJECT,
        }
        return self.show(EmptyKeyForm(initial=initial, enterprise_projects=self.enterprise_projects))

    def post(self, request: HttpRequest) -> HttpResponse:
        self.require_permissions()
        form = EmptyKeyForm(request.POST, enterprise_projects=self.enterprise_projects)
        if not form.is_valid() or not form.perform(self.caller):
            return self.show(form, status=422)
        key: Key = form.result
        steps = ImportMaterial(request=request, caller=self.caller, key_id=key.key_id, key=key, back=self.back)
        wizard = Wizard(is_new=True)
        return steps.show(wizard) if is_htmx(request) else go(request, steps.page_of(wizard, back=self.back))

    def require_permissions(self) -> None:
        """All that the four steps ask for: nobody should make an empty key that they cannot fill (console.md F)."""
        for operation in (CREATE_KEY, GET_PARAMETERS_FOR_IMPORT, IMPORT_KEY_MATERIAL):
            if not self.caller.may(str(operation.action)):
                hint = _("You do not have the permission %s.") % operation.action
                raise KmsError(errors.NO_PERMISSION, hint=hint)

    @cached_property
    def back(self) -> str:
        """The list as it was filtered when the wizard was opened over it."""
        over = page_of_htmx(self.request) if self.request.method == "GET" else ""
        return over or way_back(self.request, reverse("keys:list"))

    def trail(self) -> list[Crumb]:
        return _trail(Wizard(is_new=True))

    @cached_property
    def enterprise_projects(self) -> list[tuple[str, str]]:
        return self.scope.open_to(self.caller, str(CREATE_KEY.action))

    def show(self, form: EmptyKeyForm, *, status: int = 200) -> HttpResponse:
        wizard = Wizard(is_new=True, step=Step.CREATE)
        context = {
            "form": form,
            "wizard": wizard,
            "steps": wizard.stepper(failed=bool(form.errors)),
            "trail": self.trail(),
            "address": with_way_back(reverse("imports:wizard"), self.back),
            "back": self.back,
            "may_tag": self.caller.may("kms:cmkTag:create"),
        }
        template = "imports/create_dialog.html" if is_htmx(self.request) else "imports/create.html"
        return render(self.request, template, context, status=status)


class KeyImport(ImportPage):
    """Base of the pages about one key that waits for its material."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.key_id = str(kwargs.pop("key_id"))
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def key(self) -> Key:
        """Raises KEY_NOT_FOUND for one that is missing, foreign, or outside the chosen enterprise project."""
        if self.key_id.startswith(("alias/", "kms:")):
            raise KmsError(errors.KEY_NOT_FOUND)
        key = locate.find(self.caller, self.key_id)
        if not self.scope.covers(key.enterprise_project_id):
            raise KmsError(errors.KEY_NOT_FOUND)
        return key

    @cached_property
    def wizard(self) -> Wizard:
        if self.request.method == "GET":
            return Wizard.from_query(self.request.GET)
        posted = self.request.POST
        return Wizard.from_query(
            {
                "flow": posted.get("flow", ""),
                "path": posted.get("way", ""),
                "offer": posted.get("offer_id", ""),
            }
        )

    @cached_property
    def offer(self) -> WrappingKey | None:
        return queries.wizard_offer(self.caller, self.key, self.wizard.offer)

    @cached_property
    def live_offer(self) -> WrappingKey | None:
        """The same while it is valid."""
        return self.offer if self.offer is not None and self.offer.is_live() else None

    def refused(self, error: KmsError) -> HttpResponse:
        if error.code is errors.KEY_NOT_FOUND and not self.talks_json:
            toast(self.request, _("The key does not exist."), level=messages.ERROR)
            return go(self.request, reverse("keys:list"))
        return super().refused(error)

    def home_url(self) -> str:
        return reverse("imports:import_material", args=[self.key_id])

    def trail(self) -> list[Crumb]:
        return _trail(self.wizard)

    @cached_property
    def back(self) -> str:
        """Where the wizard was opened from."""
        return way_back(self.request, reverse("keys:list"))

    def url(self, name: str) -> str:
        return reverse(f"imports:{name}", args=[self.key.key_id])

    def page_of(self, wizard: Wizard, *, back: str = "") -> str:
        return with_way_back(self.url("import_material") + wizard.query(), back)

    def show(self, wizard: Wizard, faults: Sequence[Fault] = (), *, status: int = 200) -> HttpResponse:
        live = self.live_offer
        key = self.key
        context = {
            "key": key,
            "state": key.state_now(),
            "wizard": wizard,
            "steps": wizard.stepper(failed=bool(faults)),
            "number": {step.name.lower(): wizard.number(step) for step in wizard.steps},
            "at_download": wizard.step is Step.DOWNLOAD,
            "offer": live,
            "wrapping_key": base64.b64encode(bytes(live.public_der)).decode() if live else "",
            "wrapping_key_name": parameters.name_of(live) if live else "",
            "file_name": openssl.wrapping_key_file(key.key_id),
            "commands": openssl.commands(key.spec, openssl.wrapping_key_file(key.key_id)),
            "api_commands": openssl.api_commands(
                base_of(self.request), key.project_id, key.key_id, parameters.DEFAULT_ALGORITHM
            ),
            "api_response": openssl.example_response(key.key_id, int((clock.now() + LIFETIME).timestamp())),
            "api_wrap_commands": openssl.commands(key.spec, openssl.PUBLIC_KEY),
            "older_versions": openssl.older_versions(key.spec),
            "check_value": queries.check_value(key),
            "faults": faults,
            "field_faults": {fault.field: [fault.sentence] for fault in faults if fault.field},
            "download_form": DownloadForm(),
            "expires_utc": (clock.now() + LIFETIME).strftime("%Y-%m-%dT%H:%M"),
            "urls": {name: self.url(name) for name in ("download", "check", "finish", "revoke")},
            "previous": self.page_of(wizard.back_to_download()),
            "address": self.page_of(wizard.back_to_download(), back=self.back),
            "back": self.back,
            "is_drawer": is_htmx(self.request),
            "trail": _trail(wizard),
        }
        template = "imports/drawer.html" if is_htmx(self.request) else "imports/wizard.html"
        return render(self.request, template, context, status=status)


class ImportMaterial(KeyImport):
    """The steps after Create Key: a page, or a drawer beside the list or the key that it was opened from."""

    def get(self, request: HttpRequest) -> HttpResponse:
        key, wizard = self.key, self.wizard
        for operation in (GET_PARAMETERS_FOR_IMPORT, IMPORT_KEY_MATERIAL):
            self.caller.authorise(operation, key)
        key.admit(Use.OFFER_IMPORT)
        if wizard.offer is None or self.live_offer is not None:
            return self.show(wizard)
        return self.show(wizard.back_to_download(), self.why_ended())

    def why_ended(self) -> list[Fault]:
        """For a user who comes back to the page of a wrapping key that has ended since."""
        if self.offer is None:
            return []
        error = parameters.why_ended(self.offer)
        return [Fault(Step.DOWNLOAD, "", error.code.code, error.code.message, str(error.hint))]


class Download(KeyImport):
    """Download and Continue: makes the offer. Without script also the way to Existing Key Material."""

    def post(self, request: HttpRequest) -> HttpResponse:
        if self.wizard.is_existing:
            return go(request, self.page_of(self.wizard))
        form = DownloadForm(request.POST, initial={"request": {"key_id": self.key_id}})
        if not form.is_valid():
            raise KmsError(errors.PARAMETER_INVALID, field="wrapping_algorithm")
        row: WrappingKey = perform(form.operation, self.caller, {**form.initial_request(), **form.to_request()}).row
        if not self.talks_json:
            return go(request, self.page_of(self.wizard.downloaded(row.pk)))
        return JsonResponse(
            {
                "ok": True,
                "offer_id": str(row.pk),
                "file_name": openssl.wrapping_key_file(row.key.key_id),
                "wrapping_key": base64.b64encode(bytes(row.public_der)).decode(),
                "fingerprint": row.fingerprint,
                "wrapping_key_name": parameters.name_of(row),
                "expires_at": row.expires_at.isoformat(),
            }
        )


class SaveWrappingKey(KeyImport):
    """The wrapping key of an offer that stands, once more or without script. It is public; the token is not given."""

    def get(self, request: HttpRequest, offer_id: Any) -> HttpResponse:
        offer = queries.wizard_offer(self.caller, self.key, offer_id)
        if offer is None or not offer.is_live():
            raise parameters.why_ended(offer)
        response = HttpResponse(bytes(offer.public_der), content_type="application/octet-stream")
        response["Content-Disposition"] = f'attachment; filename="{openssl.wrapping_key_file(self.key.key_id)}"'
        return response


class MaterialPage(KeyImport):
    """Base of the pages that look at what was chosen."""

    def form(self, *, token: str = "") -> ImportMaterialForm:
        form = ImportMaterialForm(self.request.POST, self.request.FILES, key=self.key, wizard=self.wizard, token=token)
        form.is_valid()  # every field takes what comes: the operation judges
        return form

    def answer_refusal(self, form: ImportMaterialForm) -> HttpResponse:
        step = form.failed_step
        if not self.talks_json:
            return self.show(self.wizard.at(step), form.faults, status=422)
        told = [fault.as_json() for fault in form.faults]
        return JsonResponse({"ok": False, "step": self.wizard.number(step), "errors": told}, status=422)


class Check(MaterialPage):
    """Next of Import Key Material: is what was chosen plausible, and does the offer still stand? Performs nothing."""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form()
        if not self.wizard.is_existing and self.live_offer is None:
            form.refuse(parameters.why_ended(self.offer))
            return self.answer_refusal(form)
        return JsonResponse({"ok": True}) if form.check() else self.answer_refusal(form)


class Finish(MaterialPage):
    """OK: mints the token from the offer and performs the import, as a program would, in the same order of checks."""

    def post(self, request: HttpRequest) -> HttpResponse:
        # One that has ended gets its token too: refusing it is for the operation, which leaves a trace.
        token = self.token_of(self.offer) if self.offer is not None else ""
        form = self.form(token=token)
        if not self.wizard.is_existing and not token:
            form.refuse(parameters.why_ended(None))
        if form.faults or not form.perform(self.caller):
            return self.answer_refusal(form)
        toast(request, _("Key imported successfully"))
        toast(request, _("Check value %s") % queries.check_value(form.result), level=messages.INFO)
        if self.talks_json:
            return JsonResponse({"ok": True, "redirect": self.back})
        return go(request, self.back)

    def token_of(self, offer: WrappingKey) -> str:
        try:
            return base64.b64encode(tokens.issue(offer)).decode("ascii")
        except Sealed as cause:
            raise KmsError(errors.SEALED) from cause


class Revoke(KeyImport):
    """Closing the wizard ends its wrapping key. A browser sends this by a beacon and waits for no response."""

    def post(self, request: HttpRequest) -> HttpResponse:
        if self.wizard.offer is not None and self.live_offer is not None:
            perform(REVOKE_IMPORT_OFFER, self.caller, {"key_id": self.key_id, "offer_id": str(self.live_offer.pk)})
        return go(request, self.back) if "leave" in request.POST else HttpResponse(status=204)


class DeleteMaterial(KeyPage, Dialog):
    title = gettext_lazy("Delete Key Material")
    body = "imports/delete_material.html"
    home = "keys:list"
    waits = "data-confirm-ok"
    is_dangerous = True

    def get(self, request: HttpRequest) -> HttpResponse:
        self.find().admit(Use.DELETE_MATERIAL)
        return self.show(request, keys=[self.key], form=self.form())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid() or not form.perform(self.caller):
            return self.show(request, keys=[self.find()], form=form, status=422)
        toast(request, _("Key material deleted successfully"))
        return go(request, self.back)

    def form(self, data: Any = None) -> DeleteMaterialForm:
        return DeleteMaterialForm(data, initial={"request": {"key_id": self.key_id}})


def with_way_back(url: str, back: str) -> str:
    """The address with `next`, so that a reloaded page still knows where it was opened."""
    if back in ("", reverse("keys:list")):
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'next': back})}"


def _trail(wizard: Wizard) -> list[Crumb]:
    return [{"label": _("Custom Keys"), "url": reverse("keys:list")}, {"label": wizard.title, "url": ""}]

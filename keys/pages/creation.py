"""Create Key: a drawer over the list, or a page; and the live answer whether an alias is still free."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from keys import queries
from keys.api.aliases import CREATE_ALIAS
from keys.api.creation import CREATE_KEY
from keys.api.lifecycle import UPDATE_KEY_ALIAS
from keys.forms import CreateKeyForm
from keys.models import Key
from keys.pages import actions
from keys.pages.scope import Scope, scope_of
from keys.services.creation import suggest_alias
from operations import errors
from operations.console import Crumb, Page, full_sentence, go, is_htmx, toast, way_back
from operations.errors import KmsError
from projects.models import DEFAULT_WIRE_ID


class CreateKey(Page):
    home = "keys:list"

    def get(self, request: HttpRequest) -> HttpResponse:
        if not self.caller.may(str(CREATE_KEY.action)):
            context = {"missing": CREATE_KEY.action, "project": self.caller.project_name}
            return render(request, "keys/no_permission.html", context, status=403)
        return self.show(request, self.form(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(request)
        if not form.is_valid() or not form.perform(self.caller):
            return self.show(request, form, status=422)
        toast(request, _("Key created successfully"))
        key: Key = form.result
        # An empty key is of no use before its material is there, so the import begins at once (console.md B3).
        wizard = actions.address("imports:import_material", key.key_id) if key.is_external else ""
        may_import = not actions.denial(self.caller, (actions.GET_MATERIAL, actions.IMPORT_MATERIAL))
        return go(request, wizard if wizard and may_import else self.back)

    @cached_property
    def scope(self) -> Scope:
        return scope_of(self.request, self.caller)

    @cached_property
    def back(self) -> str:
        return way_back(self.request, self.home_url())

    def form(self, request: HttpRequest) -> CreateKeyForm:
        projects = self.scope.open_to(self.caller, str(CREATE_KEY.action))
        if request.method == "POST":
            return CreateKeyForm(request.POST, enterprise_projects=projects)
        initial = {
            "key_alias": suggest_alias(self.caller.project_id),
            "enterprise_project_id": self.scope.chosen or DEFAULT_WIRE_ID,
        }
        return CreateKeyForm(initial=initial, enterprise_projects=projects)

    def show(self, request: HttpRequest, form: CreateKeyForm, *, status: int = 200) -> HttpResponse:
        template = "keys/create_drawer.html" if is_htmx(request) else "keys/create.html"
        tagging = actions.denial(self.caller, ("kms:cmkTag:create",))
        context = {"form": form, "back": self.back, "tags_denied": tagging, "trail": self.trail()}
        return render(request, template, context, status=status)

    def trail(self) -> list[Crumb]:
        return [{"label": _("Custom Keys"), "url": self.home_url()}, {"label": _("Create Key"), "url": ""}]


class CheckAlias(Page):
    """Why an alias is refused, empty where it is free. For who could take it only: others learn nothing."""

    def get(self, request: HttpRequest) -> HttpResponse:
        may_ask = any(self.caller.may(str(each.action)) for each in (CREATE_KEY, CREATE_ALIAS, UPDATE_KEY_ALIAS))
        alias, own = request.GET.get("alias", ""), request.GET.get("except", "")
        is_taken = may_ask and queries.alias_is_taken(self.caller.project_id, alias, except_for=own)
        return JsonResponse({"fault": full_sentence(KmsError(errors.ALIAS_DUPLICATE)) if is_taken else ""})

"""The two selectors of the top bar. Each stores a choice in the session and goes back to where it was made."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from operations.console import Page, go, way_back
from projects import queries, selection

# Of an address, what belongs to the scope that is left: a place between two keys, and one of its enterprise projects.
_OF_THE_OLD_SCOPE = frozenset({"after", "before", "enterprise_project"})


def _again(request: HttpRequest) -> str:
    """Where the choice was made, from its beginning."""
    path, _, query = way_back(request, settings.LOGIN_REDIRECT_URL).partition("?")
    kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in _OF_THE_OLD_SCOPE]
    return f"{path}?{urlencode(kept)}" if kept else path


class SelectProject(Page):
    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen = request.POST.get("project_id", "")
        if chosen not in {project.pk for project in queries.projects_of_account(self.caller.account_id)}:
            raise Http404
        selection.choose_project(request, chosen)
        return go(request, _again(request))


class SelectEnterpriseProject(Page):
    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen = request.POST.get("enterprise_project_id", "")
        known = {project.wire_id for project in queries.enterprise_projects_of(self.caller.account_id)}
        if chosen not in known | {selection.ALL}:
            raise Http404
        selection.choose_enterprise_project(request, chosen)
        return go(request, _again(request))

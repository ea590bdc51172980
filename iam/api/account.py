"""Operations on what belongs to an account as a whole, above any project: enterprise projects (api.md 6.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.settings import api_settings

from iam.rights import rights_in_account
from operations import errors
from operations.caller import Caller
from operations.errors import KmsError
from operations.rest import OperationView, error_response


class AccountAuthentication(BaseAuthentication):
    """By whatever the API takes. The caller is then one of no project, with what holds in the whole account.

    A right that somebody has in one project says nothing about what every project shares.
    """

    def authenticate(self, request: Request) -> tuple[Caller, Any] | None:
        means = cast(list[type[BaseAuthentication]], api_settings.DEFAULT_AUTHENTICATION_CLASSES)
        for each in means:
            found = each().authenticate(request)
            if found is not None:
                caller, standing = found
                rights = rights_in_account(standing.user)
                return replace(caller, project_id="", project_name="", region_id="", rights=rights), standing
        return None


class AccountView(OperationView):
    """Refusals bear the codes of the enterprise project service, also for what it has in common with the others."""

    authentication_classes = (AccountAuthentication,)
    below = "v1.0/"

    def _check_project(self, caller: Caller, parts: dict[str, Any]) -> None:
        return None

    def told(self, error: KmsError) -> KmsError:
        code = errors.in_eps_terms(error.code)
        message = error.message if code is error.code else ""
        return KmsError(code, errors=error.errors, retry_after=error.retry_after, message=message)


def unknown_path(request: HttpRequest) -> HttpResponse:
    """For what is not served below the paths of enterprise projects."""
    return error_response(KmsError(errors.EPS_NOT_FOUND))

"""The API for people: every operation with its fields, answer and refusals, and a line to paste. No script needed."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from kmsconsole.description import CONTEXT, chapter
from operations import examples, openapi
from operations.console import Page
from operations.operation import Operation
from operations.rest import base_of
from operations.tables import members, row


class ApiPage(Page):
    http_method_names = ("get",)
    operations: ClassVar[tuple[Operation, ...]] = ()


class ApiIndex(ApiPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        chapters: dict[str, list[Operation]] = {}
        for operation in openapi.served(self.operations):
            chapters.setdefault(chapter(operation), []).append(operation)
        context = {
            "chapters": [(name, [(each, openapi.url_of(each)) for each in found]) for name, found in chapters.items()],
            "base": base_of(self.request),
            "sign_in": _sign_in(
                base_of(self.request), self.caller.user_name, self.caller.account_name, self.caller.project_name
            ),
        }
        return render(request, "api/index.html", context)


class ApiOperation(ApiPage):
    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        operation = next((each for each in openapi.served(self.operations) if each.name == name), None)
        if operation is None:
            raise Http404
        filled = examples.request(operation.name, operation.request.fields)
        answer = examples.answer(operation.name, operation.answer) if operation.status != 204 else None
        context = {
            "operation": operation,
            "trail": [{"label": _("API"), "url": reverse("api")}, {"label": operation.name}],
            "chapter": chapter(operation),
            "url": openapi.url_of(operation),
            "path_rows": [row(field) for field in openapi.path_fields(operation)],
            "rows": [row(field) for field in openapi.own_fields(operation)],
            "where": _("Query") if operation.method == "GET" else _("Body"),
            "answer_rows": members(operation.answer) if operation.status != 204 else [],
            "answer": _written(answer) if answer is not None else "",
            "curl": _curl(operation, filled, base=base_of(self.request), project_id=self.caller.project_id),
            "codes": openapi.codes_of(operation, CONTEXT),
        }
        return render(request, "api/operation.html", context)


def _curl(operation: Operation, filled: dict[str, Any], *, base: str, project_id: str) -> str:
    parts = {field.name: filled[field.name] for field in openapi.path_fields(operation)}
    left = {name: value for name, value in filled.items() if name not in parts}
    url = base + openapi.url_of(operation).format(project_id=project_id, **parts)
    lines = [f'curl -sS -X {operation.method} "{url}', '  -H "X-Auth-Token: $TOKEN"']
    if operation.method == "GET":
        lines[0] += f"?{urlencode(left)}" if left else ""
    else:
        lines += ['  -H "Content-Type: application/json"', f"  -d '{_written(left)}'"]
    lines[0] += '"'
    return " \\\n".join(lines)


def _sign_in(base: str, user: str, account: str, project: str) -> str:
    password = {"user": {"name": user, "password": "…", "domain": {"name": account}}}
    scope = {"project": {"name": project, "domain": {"name": account}}}
    body = {"auth": {"identity": {"methods": ["password"], "password": password}, "scope": scope}}
    text = json.dumps(body, ensure_ascii=False).replace(', "scope"', ',\n       "scope"')
    return f"curl -sS -D - -o /dev/null \"{base}/v3/auth/tokens\" \\\n  -d '{text}'"


def _written(value: Any) -> str:
    """On one line where it fits."""
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= 88 else json.dumps(value, indent=2, ensure_ascii=False)

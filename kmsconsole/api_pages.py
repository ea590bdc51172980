"""The API for people: every operation with its fields, answer and refusals, and a line to paste. No script needed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from kmsconsole.description import CONTEXT, chapter
from operations import examples, openapi
from operations.answers import Schema
from operations.console import Page
from operations.fields import Field
from operations.operation import Operation


@dataclass(frozen=True, slots=True)
class Row:
    """One member of a request or of an answer, as a table shows it."""

    name: str
    kind: str
    # Runs of text; every other one is code.
    about: tuple[str, ...] = ()
    required: bool = False
    choices: tuple[str, ...] = ()
    limits: str = ""
    pattern: str = ""
    code: str = ""


class ApiPage(Page):
    http_method_names = ("get",)
    operations: ClassVar[tuple[Operation, ...]] = ()

    def base(self) -> str:
        return settings.KMS_PUBLIC_URL or self.request.build_absolute_uri("/").rstrip("/")


class ApiIndex(ApiPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        chapters: dict[str, list[Operation]] = {}
        for operation in openapi.served(self.operations):
            chapters.setdefault(chapter(operation), []).append(operation)
        context = {
            "chapters": [(name, [(each, openapi.url_of(each)) for each in found]) for name, found in chapters.items()],
            "base": self.base(),
            "sign_in": _sign_in(self.base(), self.caller.user_name, self.caller.account_name, self.caller.project_name),
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
            "path_rows": [_row(field) for field in openapi.path_fields(operation)],
            "rows": [_row(field) for field in openapi.own_fields(operation)],
            "where": _("Query") if operation.method == "GET" else _("Body"),
            "answer_rows": list(_members(operation.answer)) if operation.status != 204 else [],
            "answer": _written(answer) if answer is not None else "",
            "curl": _curl(operation, filled, base=self.base(), project_id=self.caller.project_id),
            "codes": openapi.codes_of(operation, CONTEXT),
        }
        return render(request, "api/operation.html", context)


def _row(field: Field) -> Row:
    schema = field.schema
    return Row(
        name=field.name,
        kind=_kind(schema),
        about=tuple(field.about.split("`")),
        required=field.required,
        choices=tuple(value for value in schema.get("enum", ()) if isinstance(value, str)),
        limits=_limits(schema),
        pattern=schema.get("pattern", "") if "integer" not in schema.get("type", ()) else "",
        code=field.error.code,
    )


def _kind(schema: Schema) -> str:
    kind = schema.get("type", "")
    words = [kind] if isinstance(kind, str) else kind
    text = _(" or ").join(words)
    if schema.get("contentEncoding") == "base64":
        return _("Base64 string")
    return f"{text} of {_kind(schema['items'])}" if kind == "array" else text


def _limits(schema: Schema) -> str:
    if "minimum" in schema and schema["maximum"] < 2**31:
        return f"{schema['minimum']:,} – {schema['maximum']:,}"
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if most is not None:
        return _("%(least)s – %(most)s characters") % {"least": f"{least:,}", "most": f"{most:,}"}
    return _("at most %(most)s") % {"most": schema["maxItems"]} if "maxItems" in schema else ""


def _members(schema: Schema, above: str = "") -> list[Row]:
    """Every member of an answer at any depth, `keys[].key_id` style."""
    if schema.get("type") == "array":
        return _members(schema["items"], f"{above}[]")
    rows: list[Row] = []
    for name, each in schema.get("properties", {}).items():
        path = f"{above}.{name}" if above else name
        rows.append(Row(path, _kind(each)))
        rows += _members(each, path) if each.get("type") in ("object", "array") else []
    return rows


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

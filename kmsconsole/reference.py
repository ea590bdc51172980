"""The pages of docs/reference, written from the declarations themselves; a test says whether they are fresh."""

import json
import re
from collections.abc import Iterable

from django.conf import settings

from kmsconsole.clients import BY_HAND, HUAWEI_OUT_OF_SCOPE, HUAWEI_WORKS, IN_THE_TESTS, Client
from kmsconsole.urls import OPERATIONS
from operations.errors import CATALOGUE, NOT_APPLICABLE
from operations.fields import Field
from operations.openapi import url_of
from operations.operation import Operation
from operations.tables import members, row

_NOTE = "<!-- Written by `make docs` from the code: change the declaration, not this page. -->"


def pages() -> dict[str, str]:
    """File name and text of each page."""
    return {"operations.md": _operations(), "errors.md": _errors(), "clients.md": _clients()}


def _operations() -> str:
    served = [operation for operation in OPERATIONS if operation.path]
    return "\n".join(
        [
            "# Operations",
            "",
            _NOTE,
            "",
            "With `X-Auth-Token` or [signed](../use/api.md#huawei-cloud-sdk). Requests",
            "and answers are JSON objects.",
            *(line for operation in served for line in _operation(operation)),
            "",
        ]
    )


def _operation(operation: Operation) -> Iterable[str]:
    yield from ("", f"## {operation.name}", "", operation.summary, "")
    yield f"`{operation.method} {url_of(operation)}` · answers {operation.status} · permission `{operation.action}`"
    yield from ("", "| Field | Required | Type | Meaning | Bad value |", "|---|---|---|---|---|")
    yield from map(_field, operation.request.fields)
    answered = ", ".join(f"`{each.name}` {each.kind}" for each in members(operation.answer))
    if operation.status != 204:
        yield from ("", f"Answer: {answered or 'an empty object'}.")


def _field(field: Field) -> str:
    shown = row(field)
    kind = ", ".join(filter(None, (shown.kind, shown.limits)))
    choices = ", ".join(f"`{value}`" for value in shown.choices)
    meaning = " ".join(filter(None, (_cell(field.about), f"One of {choices}." if choices else "")))
    return f"| `{field.name}` | {'yes' if field.required else 'no'} | {kind} | {meaning} | {field.error.code} |"


def _errors() -> str:
    rows = (
        f"| `{code.code}` | {code.status} | {_cell(code.message)} | {_cell(str(code.hint))} |"
        for code in sorted(CATALOGUE.values(), key=lambda code: code.code)
    )
    return "\n".join(
        [
            "# Errors",
            "",
            _NOTE,
            "",
            'An error answers `{"error": {"error_code": …, "error_msg": …}}`. The gateway\'s (`APIGW.…`) are flat,',
            "with a `request_id`; those of enterprise projects (`EPS.…`) are both at once.",
            "",
            "Where members of the request are at fault, `error` also has `error_fields`: a list of",
            '`{"field": …, "reason": …}`, with every such member. The code is that of the first. The original has no',
            "`error_fields`; its clients ignore it.",
            "",
            "| Code | Status | Message | What to do |",
            "|---|---|---|---|",
            *rows,
            "",
            "## Never answered",
            "",
            "Published by the original, and why it does not come up here.",
            "",
            "| Codes | Why |",
            "|---|---|",
            *(f"| {', '.join(f'`{code}`' for code in codes)} | {_cell(why)} |" for why, codes in _by_reason().items()),
            "",
        ]
    )


def _by_reason() -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for code, reason in sorted(NOT_APPLICABLE.items()):
        reasons.setdefault(reason, []).append(code)
    return reasons


def _clients() -> str:
    """The clients that were run, and the SDK's methods: those that work and those that do not."""
    lines = ["# Clients", "", _NOTE, "", "Unmodified, against the running service. In the tests:", ""]
    lines += _run(IN_THE_TESTS)
    lines += ["", "By hand, built from their sources:", "", *_run(BY_HAND), ""]
    lines += [
        "# The cloud's own SDK",
        "",
        "`huaweicloudsdkkms` works unmodified, with an access key or with a token: [how](../use/api.md). The tests",
        "call every method that works over HTTP, and compare this page with the SDK's own list of methods.",
        "",
    ]
    for group, methods in HUAWEI_WORKS.items():
        lines += [f"## {group}", "", "| Method | Calls | Here |", "|---|---|---|"]
        lines += [f"| `{method}` | `{path}` | works |" for method, path in methods.items()]
        lines.append("")
    lines += ["## Out of scope", "", "Each answers `400`, `KMS.0201`.", "", "| Methods | Why |", "|---|---|"]
    for reason, names in HUAWEI_OUT_OF_SCOPE.items():
        lines.append(f"| {', '.join(f'`{name}`' for name in names)} | {reason} |")
    return "\n".join([*lines, ""])


def _run(clients: Iterable[Client]) -> Iterable[str]:
    yield from ("| Client | Version | What was run | Result |", "|---|---|---|---|")
    for client in clients:
        versions = ", ".join(f"`{name}` {_pinned(name)}" for name in client.packages) or client.version
        yield f"| {client.name} | {versions} | {client.run} | {client.result} |"


def _pinned(package: str) -> str:
    """The version that the tests install."""
    if package.startswith("@"):
        lock = json.loads((settings.BASE_DIR / "tests/wire/node/package-lock.json").read_text())
        return str(lock["packages"][f"node_modules/{package}"]["version"])
    pins = (settings.BASE_DIR / "requirements-dev.txt").read_text()
    found = re.search(rf"^{re.escape(package)}==([^\s\\]+)", pins, re.MULTILINE)
    if found is None:
        raise LookupError(f"{package} is not in requirements-dev.txt.")
    return found[1]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")

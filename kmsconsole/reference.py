"""The pages of docs/reference, written from the declarations themselves; a test says whether they are fresh."""

from collections.abc import Iterable

from kmsconsole.urls import OPERATIONS
from operations.errors import CATALOGUE
from operations.fields import Field
from operations.operation import Operation

_NOTE = "<!-- Written by `make docs` from the code: change the declaration, not this page. -->"


def pages() -> dict[str, str]:
    """File name and text of each page."""
    return {"operations.md": _operations(), "errors.md": _errors()}


def _operations() -> str:
    served = [operation for operation in OPERATIONS if operation.path]
    return "\n".join(
        [
            "# Operations",
            "",
            _NOTE,
            "",
            "Below `/v1.0/{project_id}/`, with `X-Auth-Token` or [signed](../use/api.md#huawei-cloud-sdk). Requests",
            "and answers are JSON objects.",
            *(line for operation in served for line in _operation(operation)),
            "",
        ]
    )


def _operation(operation: Operation) -> Iterable[str]:
    yield from ("", f"## {operation.name}", "", operation.summary, "")
    yield f"`{operation.method} {operation.path}` · answers {operation.status} · permission `{operation.action}`"
    if operation.request.fields:
        yield from ("", "| Field | Required | Bad value |", "|---|---|---|")
        yield from map(_field, operation.request.fields)


def _field(field: Field) -> str:
    return f"| `{field.name}` | {'yes' if field.required else 'no'} | {field.error.code} |"


def _errors() -> str:
    rows = (
        f"| `{code.code}` | {code.status} | {_cell(code.message)} | {_cell(str(code.hint))} |"
        for code in sorted(CATALOGUE.values(), key=lambda code: code.code)
    )
    head = ("# Errors", "", _NOTE, "", 'An error answers `{"error": {"error_code": …, "error_msg": …}}`.', "")
    return "\n".join([*head, "| Code | Status | Message | What to do |", "|---|---|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")

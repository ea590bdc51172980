"""The API description: a tuple of operations as an OpenAPI 3.1 document. Pure.

Nothing is written twice: requests come from the fields that read them, answers from what `respond` is held to, errors
from fields, permission and the tables of states.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from operations import errors
from operations.answers import TEXT, Schema, listing, record
from operations.errors import Code
from operations.fields import Field
from operations.operation import Operation

VERSION = "v1.0"

# What is told before an operation is looked at, whichever it is.
OF_EVERY_REQUEST = (
    errors.TOKEN_MISSING,
    errors.TOKEN_INVALID,
    errors.TOKEN_EXPIRED_AUTH,
    errors.SIGNATURE_INVALID,
    errors.TOO_MANY_REQUESTS,
    errors.INTERNAL,
    errors.UNAVAILABLE,
)
OF_EVERY_BODY = (errors.JSON_INVALID, errors.BODY_TOO_LONG)

# An extension, where members of the request are at fault.
_ERROR_FIELDS: Schema = listing(record(field=TEXT, reason=TEXT))
_PART = re.compile(r"<(?:\w+:)?(\w+)>")
_REQUEST_ID: Schema = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
_PROJECT_ID: Schema = {
    "name": "project_id",
    "in": "path",
    "required": True,
    "description": "The project of the token or of the key pair's owner.",
    "schema": {**TEXT, "pattern": "^[0-9a-f]{32}$"},
}
_SECURITY: Schema = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Auth-Token",
        "description": "What `POST /v3/auth/tokens` gives in `X-Subject-Token`; it lives for 24 hours.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`SDK-HMAC-SHA256 Access=<AK>, SignedHeaders=…, Signature=…`: the request signed with a secret "
        "key, at the time in `X-Sdk-Date`. The cloud's SDKs do it.",
    },
}
_INTRODUCTION = """\
Requests and answers are JSON objects in UTF-8. Members that an operation does not know are ignored; `null` counts as
absent, and so does an empty text in place of a number or a choice. Choices are compared without regard to case. A
request holds at most 64 KiB and 32 levels. Texts hold no NUL character. Every answer bears `X-Request-Id`.

Where members of a request are at fault, the error lists each with its reason in `error_fields`. The original has no
such member, and its clients ignore it.

Tokens come from the identity API below `/v3`, the part of Keystone v3 that clients of the cloud use."""


@dataclass(frozen=True, slots=True)
class Context:
    """What this floor cannot know: how kinds and states of keys refuse a use, and where an operation is filed."""

    refusals: Callable[[Any], Iterable[Code]]
    chapter: Callable[[Operation], str]
    version: str


def served(operations: Iterable[Operation]) -> list[Operation]:
    return [operation for operation in operations if operation.path is not None]


def document(operations: Iterable[Operation], context: Context) -> Schema:
    """The whole description. Operations without a path are not of the wire and are left out."""
    paths: dict[str, Schema] = {}
    for operation in served(operations):
        paths.setdefault(url_of(operation), {})[operation.method.lower()] = _operation(operation, context)
    chapters = dict.fromkeys(context.chapter(operation) for operation in served(operations))
    return {
        "openapi": "3.1.0",
        "info": {"title": "KMS Console", "version": context.version, "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in _SECURITY],
        "tags": [{"name": chapter} for chapter in chapters],
        "paths": paths,
        "components": {
            "securitySchemes": _SECURITY,
            "responses": {
                _shared_name(status, in_project): _refusal(codes)
                for in_project in (True, False)
                for status, codes in _by_status(_of_every_request(in_project)).items()
            },
            "headers": {
                "X-Request-Id": {
                    "description": "By which the request is found in traces and logs.",
                    "required": True,
                    "schema": {**TEXT, "pattern": "^[0-9a-f]{32}$"},
                }
            },
        },
    }


def url_of(operation: Operation) -> str:
    """The path as the description writes it: `/v1.0/{project_id}/kms/encrypt-data`."""
    below = f"/{VERSION}/{{project_id}}/" if operation.in_project else f"/{VERSION}/"
    return below + _PART.sub(r"{\1}", operation.path or "")


def path_fields(operation: Operation) -> list[Field]:
    parts = _PART.findall(operation.path or "")
    return [field for field in operation.request.fields if field.name in parts]


def own_fields(operation: Operation) -> list[Field]:
    """Those of the body or of the query."""
    parts = _PART.findall(operation.path or "")
    return [field for field in operation.request.fields if field.name not in parts]


def member(field: Field) -> Schema:
    """What a field takes, with its meaning and what stands for it when it is absent."""
    described: Schema = {"description": field.about} if field.about else {}
    default: Schema = {"default": field.default} if isinstance(field.default, str | int) else {}
    return {**field.schema, **described, **default}


def body_schema(fields: Sequence[Field]) -> Schema:
    required = [field.name for field in fields if field.required]
    schema: Schema = {"type": "object", "properties": {field.name: member(field) for field in fields}}
    return {**schema, "required": required} if required else schema


def codes_of(operation: Operation, context: Context) -> list[Code]:
    """Every code by which the operation is documented to refuse, in the order of the catalogue."""
    found = {code for field in operation.request.fields for code in field.codes} | {*OF_EVERY_REQUEST}
    found |= {errors.NO_KEY_PERMISSION, errors.NO_PERMISSION, *operation.refuses}
    if operation.in_project:
        found.add(errors.WRONG_PROJECT)
    if operation.method != "GET":
        found |= {*OF_EVERY_BODY}
    if operation.use is not None:
        found |= {*context.refusals(operation.use)}
    if not operation.in_project:
        found = {errors.in_eps_terms(code) for code in found}
    return [code for code in errors.CATALOGUE.values() if code in found]


def _operation(operation: Operation, context: Context) -> Schema:
    fields = own_fields(operation)
    parameters = [_PROJECT_ID] if operation.in_project else []
    parameters += [_parameter(field, "path") for field in path_fields(operation)]
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Permission: `{operation.action}`. Trace: {_traces(operation)}.",
        "tags": [context.chapter(operation)],
    }
    if operation.method == "GET":
        parameters += [_parameter(field, "query") for field in fields]
    else:
        content = {"application/json": {"schema": body_schema(fields)}}
        is_needed = any(field.required for field in fields)
        described["requestBody"] = {"required": is_needed, "content": content}
    if parameters:
        described["parameters"] = parameters
    return {**described, "responses": _responses(operation, context)}


def _traces(operation: Operation) -> str:
    return " or ".join(f"`{name}`" for name in dict.fromkeys([operation.trace, *operation.traces.values()]))


def _parameter(field: Field, where: str) -> Schema:
    schema = field.schema
    described: Schema = {"description": field.about} if field.about else {}
    is_needed = where == "path" or field.required
    return {"name": field.name, "in": where, "required": is_needed, **described, "schema": schema}


def _responses(operation: Operation, context: Context) -> Schema:
    success: Schema = {"description": "Done.", "headers": _REQUEST_ID}
    if operation.status != 204:
        success["content"] = {"application/json": {"schema": operation.answer}}
    responses = {str(operation.status): success}
    common = _by_status(_of_every_request(operation.in_project))
    for status, codes in sorted(_by_status(codes_of(operation, context)).items()):
        name = _shared_name(status, operation.in_project)
        shared = codes == common.get(status)
        responses[str(status)] = {"$ref": f"#/components/responses/{name}"} if shared else _refusal(codes)
    return responses


def _of_every_request(in_project: bool) -> list[Code]:
    found = {code if in_project else errors.in_eps_terms(code) for code in OF_EVERY_REQUEST}
    return [code for code in errors.CATALOGUE.values() if code in found]


def _by_status(codes: Iterable[Code]) -> dict[int, list[Code]]:
    grouped: dict[int, list[Code]] = {}
    for code in codes:
        grouped.setdefault(code.status, []).append(code)
    return grouped


def _shared_name(status: int, in_project: bool) -> str:
    return f"{'project' if in_project else 'account'}-{status}"


def _refusal(codes: Sequence[Code]) -> Schema:
    """One status: its codes in words, and the shape that bears one of them."""
    by_service = groupby(sorted(codes, key=_service), _service)
    shapes = [_shape(service, [code.code for code in group]) for service, group in by_service]
    schema = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
    lines = "\n".join(f"- `{code.code}` {code.message}" for code in codes)
    return {"description": lines, "headers": _REQUEST_ID, "content": {"application/json": {"schema": schema}}}


def _service(code: Code) -> str:
    return code.code.partition(".")[0]


def _shape(service: str, codes: Sequence[str]) -> Schema:
    """The body that bears one of these codes, as `operations.rest.error_body` writes it."""
    pair = {"error_code": {**TEXT, "enum": codes}, "error_msg": TEXT}
    if service == "APIGW":
        return record(**pair, request_id=TEXT)
    nested = {**record(**pair), "properties": {**pair, "error_fields": _ERROR_FIELDS}}
    return record(error=nested, **pair) if service == "EPS" else record(error=nested)

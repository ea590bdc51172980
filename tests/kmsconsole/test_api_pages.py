"""The API for people: every operation has its page, and what the page shows is what the service takes."""

from __future__ import annotations

import json
import re
import shlex
from html import unescape

import jsonschema_rs
import pytest

from kmsconsole.urls import OPERATIONS
from operations import examples, openapi
from operations.fields import Bad
from tests import factories
from tests.operations.stage import strong_room

__all__ = ["strong_room"]

SERVED = openapi.served(OPERATIONS)


def named(operations):
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.name)


@pytest.fixture
def read(client, strong_room):
    factories.sign_in(client, factories.bob())

    def page(path=""):
        response = client.get(f"/console/api{path}")
        assert response.status_code == 200
        return unescape(response.content.decode())

    return page


def test_the_first_page_leads_to_every_operation(read):
    page = read()

    assert re.findall(r'href="/console/api/([\w-]+)"', page) == [each.name for each in by_chapter()]
    assert "/v1.0/openapi.json" in page


def by_chapter():
    from kmsconsole.description import chapter

    order = list(dict.fromkeys(map(chapter, SERVED)))
    return sorted(SERVED, key=lambda operation: order.index(chapter(operation)))


@named(SERVED)
def test_the_page_of_an_operation_names_all_its_fields_and_codes(read, operation):
    page = read(f"/{operation.name}")

    assert operation.summary in page
    assert all(f">{field.name}<" in page for field in operation.request.fields)
    assert all(f">{code}<" in page for code in re.findall(r"KMS\.\d{4}|EPS\.\d{4}", " ".join(codes(operation))))


def codes(operation):
    from kmsconsole.description import CONTEXT

    return [code.code for code in openapi.codes_of(operation, CONTEXT)]


@named(SERVED)
def test_the_line_to_paste_is_the_request_it_describes(read, operation):
    page = read(f"/{operation.name}")

    (text,) = re.findall(r'<pre id="curl"[^>]*>(.*?)</pre>', page, re.DOTALL)
    words = shlex.split(text)

    assert words[:4] == ["curl", "-sS", "-X", operation.method]
    assert words[4].startswith("http://testserver/v1.0/")
    assert "X-Auth-Token: $TOKEN" in words
    if operation.method != "GET":
        body = json.loads(words[words.index("-d") + 1])
        assert body == {
            field.name: value
            for field in openapi.own_fields(operation)
            if (value := examples.request(operation.name, operation.request.fields).get(field.name)) is not None
        }


@named(SERVED)
def test_example_requests_are_taken_and_example_answers_are_of_the_declared_shape(operation):
    filled = examples.request(operation.name, operation.request.fields)
    for field in operation.request.fields:
        if field.name in filled and "…" not in str(filled[field.name]):
            try:
                field.read(filled[field.name])
            except Bad as refusal:
                pytest.fail(f"{field.name}: {refusal.code.code}")
    if operation.status != 204:
        shown = examples.answer(operation.name, operation.answer)
        jsonschema_rs.validate(operation.answer, shown)
        assert "…" not in re.findall(r'"[^"]*": "(…)"', json.dumps(shown, ensure_ascii=False))


def test_an_unknown_operation_has_no_page_and_nobody_reads_it_without_signing_in(client, strong_room):
    assert client.get("/console/api").status_code == 302
    factories.sign_in(client, factories.bob())
    assert client.get("/console/api/delete-key").status_code == 404

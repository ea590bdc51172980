"""The API description says what the program does: its requests, its answers, its refusals."""

from __future__ import annotations

import re

import jsonschema_rs
import pytest
import schemathesis

from keys.api.encryption import ENCRYPT_DATA
from keys.api.lifecycle import ENABLE_KEY
from kmsconsole.description import CHAPTERS, CONTEXT
from kmsconsole.urls import OPERATIONS
from operations import errors, openapi
from operations.fields import Bad, Choice, Context, KeyId, Whole
from tests import factories
from tests.operations.wire import send
from tests.security.requests import RIGHT

SERVED = openapi.served(OPERATIONS)
DOCUMENT = openapi.document(OPERATIONS, CONTEXT)
FIELDS = {f"{operation.name} {field.name}": field for operation in SERVED for field in operation.request.fields}


def named(operations):
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.name)


def described(operation):
    return DOCUMENT["paths"][openapi.url_of(operation)][operation.method.lower()]


# --- the document -------------------------------------------------------------------------------------------------


def test_it_is_served_to_anybody_and_not_again_to_who_has_it(client):
    response = client.get("/v1.0/openapi.json")

    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json() == DOCUMENT
    again = client.get("/v1.0/openapi.json", headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.post("/v1.0/openapi.json").status_code == 405


def test_it_names_every_operation_of_the_wire_once_and_none_of_the_clocks():
    found = [each["operationId"] for methods in DOCUMENT["paths"].values() for each in methods.values()]

    assert sorted(found) == sorted(operation.name for operation in SERVED)


def test_a_reader_of_openapi_understands_all_of_it():
    schema = schemathesis.openapi.from_dict(DOCUMENT)

    assert [found.err() for found in schema.get_all_operations() if not hasattr(found, "ok")] == []
    assert sum(1 for _ in schema.get_all_operations()) == len(SERVED)


@named(SERVED)
def test_every_schema_in_it_is_one(operation):
    for field in operation.request.fields:
        jsonschema_rs.meta.validate(openapi.member(field))
    jsonschema_rs.meta.validate(operation.answer)


def test_every_operation_is_filed_by_hand():
    assert {operation.run.__module__ for operation in SERVED} <= CHAPTERS.keys()


def test_whatever_a_path_names_is_a_parameter_of_it():
    for url, methods in DOCUMENT["paths"].items():
        for each in methods.values():
            parts = {part["name"] for part in each.get("parameters", ()) if part["in"] == "path"}
            assert parts == set(re.findall(r"{(\w+)}", url))


# --- requests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_every_field_says_what_it_takes_and_means(field):
    assert field.schema
    assert field.about.endswith(".")


VALUES = [
    "", "a", "A", "a b", "ü", "0", "1", "7", "-1", "1096", "99999999999999999999999", "0x10", "AAAA", "AAA=", "ff",
    "0d0466b0-e727-4d9c-b35d-f84bb474a37f", "alias/x", "kms:eu-de:0:alias:x", "x" * 36, "x" * 255, "x" * 256,
    "x" * 4097, "a/default", "RSA_2048", "rsa_2048", "external", "RAW", "all", "ALL",
    0, 1, -1, 7, 64, 1000, 1001, 10**18, 1.5, True, False, [], ["a"], {}, {"a": "b"}, {"a": 1}, {"a": None},
    [{"key": "a", "value": "b"}], [{"key": "a"}], [{"key": ""}], [{"value": "b"}], [{"key": "a*"}],
    [{"key": "a", "value": 1}], [{"key": str(number)} for number in range(21)],
]  # fmt: skip


def takes(field, value):
    try:
        field.read(value)
    except Bad:
        return False
    return True


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_what_a_field_takes_its_schema_allows(field):
    validator = jsonschema_rs.validator_for(field.schema)
    values = [*VALUES, *getattr(field, "values", ())]
    if isinstance(field, Choice):  # case is the one liberty no schema can express
        values = [value for value in values if value in field.values or str(value).upper() not in field.values]

    forbidden = [value for value in values if takes(field, value) and not validator.is_valid(value)]

    assert forbidden == []


@pytest.mark.parametrize(
    "field",
    [field for field in FIELDS.values() if isinstance(field, Choice | Whole | KeyId | Context)],
    ids=[name for name, field in FIELDS.items() if isinstance(field, Choice | Whole | KeyId | Context)],
)
def test_what_the_schema_allows_such_a_field_takes(field):
    validator = jsonschema_rs.validator_for(field.schema)

    refused = [value for value in VALUES if validator.is_valid(value) and not takes(field, value)]

    # Bounds of a number that is written as a text are beyond a schema.
    assert [value for value in refused if not (isinstance(field, Whole) and isinstance(value, str))] == []


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_a_field_refuses_with_the_codes_it_is_documented_with(field):
    earned = set()
    for value in [*VALUES, "\x00", "\ud800"]:
        try:
            field.read(value)
        except Bad as refusal:
            earned.add(refusal.code)

    assert earned <= field.codes


# --- answers and refusals -----------------------------------------------------------------------------------------


@named(SERVED)
def test_a_real_answer_is_what_the_description_promises(operation, alice, client):
    fields = RIGHT[operation.name](alice)

    factories.allow(factories.alice(), "Security Administrator")

    response = send(client, operation, alice.project_id, fields, factories.headers(factories.alice()))

    assert response.status_code == operation.status, response.content
    promised = described(operation)["responses"][str(operation.status)]
    if operation.status == 204:
        assert response.content == b""
        assert "content" not in promised
    else:
        jsonschema_rs.validate(promised["content"]["application/json"]["schema"], response.json())


def test_refusals_by_kind_and_state_are_read_from_the_tables():
    assert {errors.KEY_DISABLED, errors.HMAC_UNSUPPORTED} <= set(openapi.codes_of(ENCRYPT_DATA, CONTEXT))
    assert {errors.NOT_DISABLED, errors.DEFAULT_KEY} <= set(openapi.codes_of(ENABLE_KEY, CONTEXT))
    assert errors.NOT_DISABLED not in openapi.codes_of(ENCRYPT_DATA, CONTEXT)


def test_every_operation_documents_what_happens_without_a_token_and_without_permission():
    for operation in SERVED:
        statuses = described(operation)["responses"].keys()
        assert {"401", "403", "500", "503"} <= statuses

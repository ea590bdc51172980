"""What holds for every operation of the wire alike (api.md, sections 0 and 1), made from the declarations."""

from __future__ import annotations

import json
from urllib.parse import unquote, urlencode

import pytest

from kmsconsole.urls import OPERATIONS
from operations import errors, openapi
from operations.errors import KmsError
from operations.models import Trace
from tests import factories
from tests.iam.signing import by_sdk, pair_of
from tests.operations.wire import code_of, send, url_of
from tests.security.requests import RIGHT

SERVED = openapi.served(OPERATIONS)
PATHS = list({operation.path: operation for operation in SERVED}.values())
SEQUENCE = "919c82d4-8046-4722-9094-35c3c6524cff"
# What clients send though no operation takes it, and what nobody sends.
NOBODYS = {"realm": "eu-de", "key_type": 1, "key_policy": {"a": ["b"]}, "pin_type": "CipherText", "nobody knows": None}


def named(operations):
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.name)


@pytest.fixture
def owner(strong_room):
    """Alice, for whom the policies allow everything that any operation asks for."""
    alice = factories.alice()
    factories.allow(alice, "Security Administrator")
    return alice


@named(SERVED)
def test_members_nobody_knows_are_ignored_and_a_sequence_is_found_in_the_trace_alone(operation, owner, alice, client):
    fields = {**RIGHT[operation.name](alice), **NOBODYS, "sequence": SEQUENCE}

    response = send(client, operation, alice.project_id, fields, factories.headers(owner))

    assert response.status_code == operation.status, response.content
    assert SEQUENCE not in response.content.decode()
    trace = Trace.objects.filter(name=operation.trace).order_by("time", "id").last()
    assert trace.request["sequence"] == SEQUENCE
    assert not NOBODYS.keys() & trace.request.keys()


@named(SERVED)
def test_a_malformed_sequence_is_refused(operation):
    with pytest.raises(KmsError) as caught:
        operation.read({"sequence": "short"})

    assert ("sequence", errors.SEQUENCE_INVALID) in [(error.field, error.code) for error in caught.value.errors]


SHAPES = [
    "encrypt-data", "list-aliases", "delete-aliases", "list-tags", "delete-tag", "update-enterprise-project",
    "list-enterprise-projects",
]  # fmt: skip


@named([operation for operation in SERVED if operation.name in SHAPES])
def test_a_request_signed_by_the_sdk_is_answered_like_one_with_a_token(operation, owner, alice, client, the_clock):
    """Each shape once: query or body, parts in the path or none, in a project or in none, every method."""
    url, left = url_of(operation, alice.project_id, RIGHT[operation.name](alice))
    query, body = (list(left.items()), b"") if operation.method == "GET" else ([], json.dumps(left).encode())
    project = {"X-Project-Id": alice.project_id} if operation.in_project else {}
    headers = {"Host": "testserver", "Content-Type": "application/json", **project}
    signed = by_sdk(
        pair_of(owner), operation.method, unquote(url), at=the_clock.at, query=query, headers=headers, body=body,
        host="testserver",
    )  # fmt: skip

    sent = f"{url}?{urlencode(query)}" if query else url
    response = client.generic(
        operation.method, sent, body, content_type="application/json", headers=signed.header_params
    )

    assert response.status_code == operation.status, response.content


def test_another_method_is_told_so_on_every_path(owner, alice, client):
    parts = {"key_id": "0d0466b0-e727-4d9c-b35d-f84bb474a37f", "tag_key": "team", "enterprise_project_id": "0"}
    headers = factories.headers(owner)

    for operation in PATHS:
        url, _left = url_of(operation, alice.project_id, {**parts, "resource_instances": "resource_instances"})
        response = client.patch(url, "{}", content_type="application/json", headers=headers)
        expected = "KMS.0215" if operation.in_project else "EPS.0002"
        assert (response.status_code, code_of(response)) == (405, expected), url


@pytest.mark.parametrize("ending", ["\n", " \r\n", ""])
@pytest.mark.parametrize("content_type", ["application/json;charset=utf-8", "text/plain", ""])
def test_neither_the_end_of_a_body_nor_its_type_matters(owner, alice, client, ending, content_type):
    url = f"/v1.0/{alice.project_id}/kms/list-keys"

    response = client.post(url, '{"limit": 1}' + ending, content_type=content_type, headers=factories.headers(owner))

    assert response.status_code == 200

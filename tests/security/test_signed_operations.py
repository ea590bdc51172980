"""Every operation, signed by an access key: open to its owner as to a token, and to nobody else's."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from kmsconsole.urls import OPERATIONS
from operations.models import Trace
from tests import factories
from tests.iam.signing import by_sdk, own_memory, pair_of, send
from tests.operations.wire import code_of, url_of
from tests.security.requests import RIGHT

__all__ = ["own_memory", "send"]

SERVED = [operation for operation in OPERATIONS if operation.path]
OF_PROJECTS = [operation for operation in SERVED if operation.in_project]
HEADERS = {"Content-Type": "application/json", "Host": "localhost:8000"}


def named(operations):
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.name)


@dataclass
class Signing:
    """Sends an operation's request into alice's project; `added` changes the body behind the signer's back."""

    send: object
    project_id: str
    at: object

    def __call__(self, operation, pair, request, *, added=b""):
        url, left = url_of(operation, self.project_id, request)
        reads = operation.method == "GET"
        query = [(name, str(value)) for name, value in left.items()] if reads else []
        body = b"" if reads else json.dumps(left).encode()
        done = by_sdk(pair, operation.method, url, at=self.at, query=query, headers=HEADERS, body=body)
        return self.send(operation.method, done.uri, done.header_params, body + added)


@pytest.fixture
def signed(send, the_clock, alice):
    return Signing(send, alice.project_id, the_clock.at)


def traces_of(name):
    return list(Trace.objects.filter(user_name=name).values_list("name", "code"))


@named(SERVED)
def test_an_operation_is_open_to_who_signs_it_and_closed_to_who_changes_it(signed, operation, alice):
    owner = factories.alice()
    factories.allow(owner, "Security Administrator")
    request, pair = RIGHT[operation.name](alice), pair_of(owner)
    Trace.objects.all().delete()

    changed = signed(operation, pair, request, added=b" ")
    assert (changed.status_code, code_of(changed)) == (401, "APIGW.0301")
    assert traces_of("alice") == []

    answer = signed(operation, pair, request)
    assert answer.status_code == operation.status, answer.content
    assert traces_of("alice") == [(operation.trace, "")]


@named(OF_PROJECTS)
def test_an_operation_in_a_project_is_closed_to_other_accounts(signed, operation, alice, mallory):
    request = RIGHT[operation.name](alice)
    Trace.objects.all().delete()

    answer = signed(operation, pair_of(factories.mallory()), request)

    assert (answer.status_code, code_of(answer)) == (403, "KMS.0321")
    assert traces_of("mallory") == [(operation.trace, "KMS.0321")]

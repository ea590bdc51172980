"""Every operation, signed by an access key: open to its owner as to a token, and to nobody else's."""

from __future__ import annotations

import json
import re

import pytest

from kmsconsole.urls import OPERATIONS
from operations.models import Trace
from tests import factories
from tests.iam.signing import by_sdk, own_memory, pair_of, send
from tests.security.requests import RIGHT

__all__ = ["own_memory", "send"]

SERVED = [operation for operation in OPERATIONS if operation.path]
HEADERS = {"Content-Type": "application/json", "Host": "localhost:8000"}


@pytest.fixture
def signed(send, the_clock, alice):
    """Sends an operation's right request as the user of this pair; `tamper` changes the body behind his back."""

    def signed(operation, pair, request, *, tamper=False):
        left = dict(request)
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda part: str(left.pop(part[1])), operation.path)
        target = f"/v1.0/{alice.project_id}/{path}"
        query = [(name, str(value)) for name, value in left.items()] if operation.method == "GET" else []
        body = b"" if operation.method == "GET" else json.dumps(left).encode()
        done = by_sdk(pair, operation.method, target, at=the_clock.at, query=query, headers=HEADERS, body=body)
        return send(operation.method, done.uri, done.header_params, body + b" " if tamper else body)

    return signed


@pytest.mark.parametrize("operation", SERVED, ids=lambda operation: operation.name)
def test_an_operation_is_open_to_who_signs_it_and_to_nobody_else(signed, operation, alice, mallory):
    request = RIGHT[operation.name](alice)
    own, foreign = pair_of(factories.alice()), pair_of(factories.mallory())
    Trace.objects.all().delete()

    stranger = signed(operation, foreign, request)
    assert (stranger.status_code, stranger.json()["error"]["error_code"]) == (403, "KMS.0321")
    tampered = signed(operation, own, request, tamper=True)
    assert (tampered.status_code, tampered.json()["error_code"]) == (401, "APIGW.0301")
    traces = Trace.objects.values_list("name", "user_name", "code")
    assert list(traces) == [(operation.trace, "mallory", "KMS.0321")]

    answer = signed(operation, own, request)
    assert answer.status_code == operation.status, answer.content
    assert list(traces.filter(user_name="alice")) == [(operation.trace, "alice", "")]

"""Schemathesis over the API description: whatever is sent, the answer is one that the description promises.

Each operation gets requests that follow its schema, requests that break it, and sound requests in which single members
were replaced: those get past the first checks. The seed is fixed.
"""

from __future__ import annotations

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as trial
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from kmsconsole.urls import OPERATIONS
from operations import openapi
from tests import factories
from tests.operations.wire import url_of
from tests.security.requests import RIGHT

DESCRIBED = schemathesis.openapi.from_wsgi("/v1.0/openapi.json", get_wsgi_application())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SERVED = openapi.served(OPERATIONS)
EXAMPLES = 5

seeded = trial(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _one_connection():
    """The test's transaction outlives each request, as with Django's own client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def described(operation):
    return DESCRIBED[openapi.url_of(operation)][operation.method]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", SERVED, ids=lambda operation: operation.name)
def test_every_answer_is_one_of_those_that_are_described(operation, mode, alice, the_clock):
    factories.allow(factories.alice(), "Security Administrator")
    token = factories.headers(factories.alice())
    right = RIGHT[operation.name](alice)
    parts = {"project_id": alice.project_id} if operation.in_project else {}
    parts |= {field.name: right[field.name] for field in openapi.path_fields(operation)}
    _url, members = url_of(operation, alice.project_id, right)
    made_up = described(operation).as_strategy(generation_mode=mode, path_parameters=parts)

    @seeded
    @given(case=made_up, replaced=st.sets(st.sampled_from(sorted(members))) if members else st.just(set()))
    def run(case, replaced):
        if replaced and isinstance(case.body, dict):
            case.body = {**members, **{name: case.body[name] for name in replaced if name in case.body}}
        response = case.call(headers=token)
        case.validate_response(response, checks=CHECKS)

    run()

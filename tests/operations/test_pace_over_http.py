"""The limit stands before the gate: a refused call reads no credential and leaves no trace."""

from __future__ import annotations

import pytest
from django.test import Client

from operations import pace
from operations.models import Trace
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_calls_a_second(settings):
    settings.KMS_RATE_LIMITS, settings.KMS_CALLS_PER_SECOND, settings.KMS_WEB_WORKERS = True, 2, 1
    pace._paces.clear()
    yield
    pace._paces.clear()


def call(token, project, **extra):
    return Client().post(
        f"/v1.0/{project.pk}/kms/list-keys", "{}", "application/json", headers={"X-Auth-Token": token}, **extra
    )


def test_a_user_who_calls_too_often_is_refused_from_every_address(strong_room):
    token, project = factories.token(factories.alice()), factories.project()
    statuses = [call(token, project, REMOTE_ADDR=f"192.0.2.{n}").status_code for n in range(4)]

    assert statuses == [200, 200, 429, 429]
    assert Trace.objects.filter(code="APIGW.0308").count() == 0


def test_the_identity_api_counts_too(strong_room):
    headers = {"X-Auth-Token": factories.token(factories.alice())}
    answers = [Client().get("/v3/projects", headers=headers, REMOTE_ADDR=f"192.0.2.{n}") for n in range(3)]
    strangers = [
        Client().post("/v3/auth/tokens", "{}", "application/json", REMOTE_ADDR="203.0.113.1") for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.status_code for answer in strangers] == [400, 400, 429]


def test_an_address_that_calls_too_often_is_refused_before_its_token_is_read(strong_room):
    answers = [call("no such token", factories.project()) for _n in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[2].json()["error_code"] == "APIGW.0308"
    assert int(answers[2]["Retry-After"]) == 1

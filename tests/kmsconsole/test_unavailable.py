"""What people and programs are shown while the database does not answer."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.test import Client

from operations import availability
from operations.availability import Condition

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_database():
    def refuse(execute, sql, params, many, context):
        raise OperationalError("connection refused by 192.0.2.1")

    with connection.execute_wrapper(refuse):
        yield
    availability.end(Condition.NO_DATABASE)


@pytest.fixture
def client() -> Client:
    client = Client(raise_request_exception=False)
    client.cookies["kms-session"] = "of-nobody"
    return client


@pytest.mark.parametrize("path", ["/console/kms/keys", "/console/login", "/console/kms/keys/create", "/console/api"])
def test_a_page_says_so_in_plain_words(client, path, caplog):
    response = client.get(path)

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    page = response.content.decode()
    assert "The console is not available at the moment." in page
    assert "The database does not answer." in page
    assert response["X-Request-Id"] in page
    assert "192.0.2.1" not in page
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/v1.0/0/kms/list-keys", "KMS.0104"),
        ("GET", "/v1.0/enterprise-projects", "EPS.0000"),
        ("GET", "/v3/projects", "KMS.0104"),
    ],
)
def test_a_program_gets_the_documented_code(client, method, path, code, caplog):
    response = client.generic(method, path, headers={"X-Auth-Token": "x" * 64})

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert response.json()["error"]["error_code"] == code
    assert "192.0.2.1" not in response.content.decode()
    assert not [record for record in caplog.records if record.exc_info]

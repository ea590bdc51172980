"""The address itself answers people and programs, each in their way."""

import pytest
from django.test import Client


def test_a_browser_is_led_to_the_console(client):
    response = client.get("/", headers={"Accept": "text/html,application/xhtml+xml"})

    assert (response.status_code, response["Location"]) == (302, "/console/kms/keys")


def test_a_program_is_told_the_versions(client):
    (version,) = client.get("/", headers={"Accept": "*/*"}).json()["versions"]

    assert (version["id"], version["status"]) == ("v1.0", "CURRENT")
    assert version["links"][0]["href"].endswith("/v1.0/")


@pytest.mark.parametrize("path", ["/v1.0", "/v1.0/"])
def test_one_version_describes_itself(client, path):
    assert client.get(path).json()["version"]["id"] == "v1.0"


@pytest.mark.parametrize("path", ["/", "/v1.0"])
def test_the_link_to_itself_is_the_address_that_the_operator_said(client, settings, path):
    settings.KMS_PUBLIC_URL = "https://kms.example.com"

    assert '"href": "https://kms.example.com/v1.0/"' in client.get(path).content.decode()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/v1.0", "/v1.0/openapi.json", "/healthz", "/readyz"])
def test_what_is_only_read_refuses_other_methods_as_operations_do(path, method):
    response = Client(enforce_csrf_checks=True).generic(method, path)

    assert (response.status_code, response["Content-Type"]) == (405, "application/json")
    assert response.json()["error"]["error_code"] == "KMS.0215"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "//v1.0/any/kms/list-keys",
        "//v2/any",
        "/v1.0//kms/list-keys",
        "/v2.0",
        "/v1/any/kms/list-keys",
        "/v3.0/OS-USER/users",
    ],
)
def test_a_slash_too_many_and_another_version_are_unknown_paths_for_a_client(client, path):
    response = client.post("/", PATH_INFO=path)

    assert (response.status_code, response["Content-Type"]) == (400, "application/json")
    assert response.json()["error"]["error_code"] == "KMS.0201"

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
        "/V1.0/any/kms/list-keys",
        "/V1.0",
        "/kms/v1.0/any/kms/list-keys",
        "/api/kms/V2/any",
        "/kms//v1.0",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_wrong_version_or_prefix_is_an_unknown_path_for_a_client(client, method, path):
    response = getattr(client, method)("/", PATH_INFO=path, HTTP_ACCEPT="text/html,*/*")

    assert (response.status_code, response["Content-Type"]) == (400, "application/json")
    assert response.json()["error"]["error_code"] == "KMS.0201"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/console/v1.0", "/console/kms/v1/keys", "/kms/version/1.0", "/v"])
def test_another_unknown_path_is_a_page(client, path):
    assert client.get(path)["Content-Type"].startswith("text/html")

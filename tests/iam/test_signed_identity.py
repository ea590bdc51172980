"""The reads of the identity API that clients make signed: before they know a project, and with hints unsigned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import factories
from tests.iam.signing import alice, by_go, by_sdk, own_memory, pair, send
from tests.operations.stage import strong_room, the_clock

__all__ = ["alice", "own_memory", "pair", "send", "strong_room", "the_clock"]

pytestmark = pytest.mark.django_db

AGENT = {"User-Agent": "huaweicloud-usdk-python/3.0", "Host": "localhost:8000"}


@pytest.fixture
def get(send, pair, the_clock):
    """A signed GET; `hints` are added after signing."""

    def get(target, *, by=None, dialect="sdk", hints=None):
        path, _, query = target.partition("?")
        pairs = [tuple(part.split("=")) for part in query.split("&") if part]
        if dialect == "sdk":
            headers = by_sdk(by or pair, "GET", path, at=the_clock.at, query=pairs, headers=AGENT).header_params
        else:
            headers = by_go(by or pair, "GET", target, at=the_clock.at, headers=AGENT, host="localhost:8000")
        return send("GET", target, {**headers, **(hints or {})})

    return get


def test_the_project_of_a_region_is_found_by_its_name(get):
    """What the SDK asks when it was given no project."""
    factories.project("eu-de_second")

    (found,) = get("/v3/projects?name=eu-de").json()["projects"]

    assert (found["id"], found["name"]) == (factories.project().pk, "eu-de")


@pytest.mark.parametrize("dialect", ["sdk", "go"])
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v3/auth/domains?name=acme", "domains"),
        ("/v3/auth/domains", "domains"),
        ("/v3/auth/projects", "projects"),
        ("/v3/projects", "projects"),
        ("/v3/regions", "regions"),
    ],
)
def test_what_is_one_s_own_is_listed(get, dialect, path, name):
    response = get(path, dialect=dialect)

    assert response.status_code == 200
    assert len(response.json()[name]) == 1


@pytest.mark.parametrize("path", ["/v3/auth/domains?name=mallory-and-sons", "/v3/projects?name=eu-nl"])
def test_another_s_name_finds_nothing(get, path):
    factories.mallory()

    assert next(iter(get(path).json().values())) == []


def services(response):
    return {entry["type"]: entry["endpoints"][0]["url"] for entry in response.json()["catalog"]}


@pytest.mark.parametrize("dialect", ["sdk", "go"])
def test_the_catalog_leads_to_the_project_of_the_hint(get, dialect):
    project = factories.project("eu-de_second").pk

    found = services(get("/v3/auth/catalog", dialect=dialect, hints={"X-Project-Id": project}))

    assert found["kms"] == "http://localhost:8000/v1.0"
    assert found["kmsv1"] == f"http://localhost:8000/v1.0/{project}"


@pytest.mark.parametrize("hint", [None, "f" * 32, "foreign"])
def test_without_a_project_of_one_s_own_it_leads_to_what_belongs_to_the_account(get, hint):
    factories.mallory()
    foreign = factories.project(account_name="mallory-and-sons").pk
    hints = {"X-Project-Id": foreign if hint == "foreign" else hint} if hint else {}

    assert services(get("/v3/auth/catalog", hints=hints)).keys() == {"identity", "eps"}


def test_a_domain_hint_changes_nothing(get):
    factories.mallory()
    other = factories.account("mallory-and-sons").pk

    (found,) = get("/v3/auth/domains", hints={"X-Domain-Id": other}).json()["domains"]

    assert found["name"] == "acme"


def test_oneself_by_id(get, alice):
    assert get(f"/v3/users/{alice.pk}").json()["user"]["name"] == "alice"
    assert get(f"/v3/users/{factories.bob().pk}").status_code == 404


def test_rights_of_the_whole_account_count_where_no_project_is_named(get, alice):
    factories.allow(alice, "Security Administrator")

    assert get(f"/v3/users/{factories.bob().pk}").json()["user"]["name"] == "bob"


def test_rights_in_one_project_are_none_in_the_account(get, alice):
    factories.allow(alice, "Security Administrator", in_project=factories.project())

    assert get(f"/v3/users/{factories.bob().pk}").status_code == 404


def test_a_wrong_signature_is_refused_in_keystone_s_shape(get, pair):
    response = get("/v3/projects", by=replace(pair, sk="x" * 40))

    assert response.status_code == 401
    assert response.json()["error"]["code"] == 401
    assert response.json()["error"]["error_code"] == "IAM.0001"

"""The identity API as the cloud's clients use it (api.md 6)."""

import json
from datetime import datetime, timedelta

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iam.api import views
from iam.models import Token
from iam.services import tokens
from operations.limits import Rate
from operations.models import Trace
from tests import factories
from tests.clock import FrozenClock
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

JSON = "application/json"


def body(name="alice", password=PASSWORD, domain="acme", **scope):
    """As keystoneauth and gophertelekomcloud send it."""
    user = {"name": name, "password": password, "domain": {"name": domain}}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    return {"auth": {**auth, "scope": scope} if scope else auth}


def to_project(**members):
    return body(project=members or {"id": factories.project().pk})


def post(client, data, **headers):
    return client.post("/v3/auth/tokens", json.dumps(data), content_type=JSON, headers=headers)


def get(client, path, user=None, **headers):
    headers = {**(factories.headers(user) if user else {}), **headers}
    return client.get(path, headers=headers)


def test_a_password_earns_a_token_that_opens_the_key_service(client, cast):
    response = post(client, to_project())

    assert response.status_code == 201
    secret = response["X-Subject-Token"]
    listed = client.post(
        f"/v1.0/{factories.project().pk}/kms/list-keys", {}, content_type=JSON, headers={"X-Auth-Token": secret}
    )
    assert listed.status_code == 200


def test_the_token_document(client, cast, frozen):
    token = post(client, to_project()).json()["token"]

    acme = {"id": cast.alice.account_id, "name": "acme"}
    assert token["methods"] == ["password"]
    assert token["user"] == {"id": cast.alice.pk, "name": "alice", "domain": acme}
    assert token["project"] == {"id": factories.project().pk, "name": "eu-de", "domain": acme}
    assert [role["name"] for role in token["roles"]] == ["KMS Administrator"]
    assert token["issued_at"] == "2026-11-24T12:00:00.000000Z"
    assert token["expires_at"] == "2026-11-25T12:00:00.000000Z"


def test_the_catalog_leads_every_client_to_the_project(client, cast):
    catalog = post(client, to_project()).json()["token"]["catalog"]

    urls = {service["type"]: service["endpoints"][0]["url"] for service in catalog}
    assert urls == {
        "identity": "http://testserver/v3",
        "kms": "http://testserver/v1.0",
        "kmsv1": f"http://testserver/v1.0/{factories.project().pk}",
        "eps": "http://testserver/v1.0",
    }
    for service in catalog:
        endpoint = service["endpoints"][0]
        assert endpoint["interface"] == "public"
        assert endpoint["region"] == endpoint["region_id"] == "eu-de"
        assert all((service["id"], service["name"], endpoint["id"]))


def test_the_catalog_names_the_public_address_where_an_operator_has_set_one(client, cast, settings):
    settings.KMS_PUBLIC_URL = "https://kms.example.org"

    catalog = post(client, to_project()).json()["token"]["catalog"]

    assert {service["endpoints"][0]["url"].split("/v")[0] for service in catalog} == {"https://kms.example.org"}


def test_the_catalog_is_left_out_on_request(client, cast):
    data = json.dumps(to_project())

    response = client.post("/v3/auth/tokens?nocatalog", data, content_type=JSON)

    assert "catalog" not in response.json()["token"]


@pytest.mark.parametrize(
    "name_the_user",
    [
        lambda alice: {"name": "alice", "domain": {"name": "acme"}},
        lambda alice: {"name": "alice", "domain": {"id": alice.account_id}},
        lambda alice: {"id": alice.pk},
    ],
    ids=["name in a named domain", "name in a domain by id", "id"],
)
def test_a_user_can_be_named_in_three_ways(client, cast, name_the_user):
    user = {**name_the_user(cast.alice), "password": PASSWORD}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}

    assert post(client, {"auth": auth}).status_code == 201


@pytest.mark.parametrize("scope", ["id", "name and domain", "name alone"])
def test_a_project_can_be_named_in_three_ways(client, cast, scope):
    project = factories.project()
    members = {
        "id": {"id": project.pk},
        "name and domain": {"name": "eu-de", "domain": {"name": "acme"}},
        "name alone": {"name": "eu-de"},
    }[scope]

    token = post(client, to_project(**members)).json()["token"]

    assert token["project"]["id"] == project.pk


def test_a_domain_scope_is_answered_with_the_domain_and_no_project(client, cast):
    data = body()
    data["auth"]["scope"] = {"domain": {"name": "acme"}}

    token = post(client, data).json()["token"]

    assert token["domain"] == {"id": cast.alice.account_id, "name": "acme"}
    assert "project" not in token
    assert [service["type"] for service in token["catalog"]] == ["identity", "eps"]


def test_no_scope_is_an_unscoped_token(client, cast):
    token = post(client, body()).json()["token"]

    assert "project" not in token
    assert "domain" not in token


REFUSED = {
    "wrong password": lambda: body(password="wrong harbour altogether"),
    "no password": lambda: body(password=""),
    "password too long": lambda: body(password="x" * 1000),
    "unknown user": lambda: body(name="nobody"),
    "unknown account": lambda: body(domain="nowhere"),
    "unknown project": lambda: to_project(id="0" * 32),
    "another account's project": lambda: to_project(id=factories.project(account_name="mallory-and-sons").pk),
    "another account's domain": lambda: to_project(name="eu-de", domain={"name": "mallory-and-sons"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_whatever_is_wrong_with_a_claim_is_answered_alike_at_the_same_cost(client, cast, hashes, case):
    response = post(client, REFUSED[case]())

    assert response.status_code == 401
    assert response.json() == {
        "error": {
            "code": 401,
            "title": "Unauthorized",
            "message": "The request you have made requires authentication.",
            "error_code": "IAM.0001",
            "error_msg": "The request you have made requires authentication.",
        }
    }
    assert "X-Subject-Token" not in response
    assert len(hashes) == 1
    assert Token.objects.count() == 0


def test_success_costs_one_hash_too(client, cast, hashes):
    post(client, to_project())

    assert len(hashes) == 1


def test_a_disabled_user_earns_no_token(client, cast, hashes):
    cast.alice.enabled = False
    cast.alice.save()

    assert post(client, to_project()).status_code == 401
    assert len(hashes) == 1


def test_a_one_time_password_earns_no_token(client, cast):
    cast.alice.must_change_password = True
    cast.alice.save()

    response = post(client, to_project())

    assert response.status_code == 401
    assert "change it" in response.json()["error"]["message"]
    assert Token.objects.count() == 0


def test_a_token_can_be_exchanged_for_one_with_another_scope_but_not_for_more_time(client, cast, frozen):
    first = post(client, body())
    frozen.advance(hours=5)

    identity = {"methods": ["token"], "token": {"id": first["X-Subject-Token"]}}
    second = post(client, {"auth": {"identity": identity, "scope": {"project": {"id": factories.project().pk}}}})

    assert second.status_code == 201
    token = second.json()["token"]
    assert token["project"]["name"] == "eu-de"
    assert token["methods"] == ["password", "token"]
    assert token["expires_at"] == first.json()["token"]["expires_at"]


def test_a_dead_token_cannot_be_exchanged(client, cast, frozen):
    secret = factories.token(cast.alice)
    frozen.advance(hours=24)

    response = post(client, {"auth": {"identity": {"methods": ["token"], "token": {"id": secret}}}})

    assert response.status_code == 401


def test_a_token_shows_itself(client, cast):
    secret = factories.token(cast.alice)
    headers = {"X-Auth-Token": secret, "X-Subject-Token": secret}

    shown = client.get("/v3/auth/tokens", headers=headers)
    head = client.head("/v3/auth/tokens", headers=headers)

    assert shown.status_code == head.status_code == 200
    assert shown.json()["token"]["user"]["name"] == "alice"
    assert shown["X-Subject-Token"] == secret
    assert head.content == b""


def test_a_revoked_token_ends_at_once(client, cast):
    secret = factories.token(cast.alice)
    headers = {"X-Auth-Token": secret, "X-Subject-Token": secret}

    assert client.delete("/v3/auth/tokens", headers=headers).status_code == 204

    assert client.get("/v3/auth/tokens", headers=headers).status_code == 401


def test_nobody_sees_or_revokes_anothers_token(client, cast):
    headers = {"X-Auth-Token": factories.token(cast.mallory), "X-Subject-Token": factories.token(cast.alice)}

    assert client.get("/v3/auth/tokens", headers=headers).status_code == 404
    assert client.delete("/v3/auth/tokens", headers=headers).status_code == 404
    tokens.find(headers["X-Subject-Token"])


def test_the_version_document_needs_no_token(client, db):
    for path in ("/v3", "/v3/"):
        version = client.get(path).json()["version"]

        assert version["id"] == "v3.6"
        assert version["links"] == [{"rel": "self", "href": "http://testserver/v3/"}]


def test_the_catalog_alone(client, cast):
    answer = get(client, "/v3/auth/catalog", cast.alice).json()

    assert {service["type"] for service in answer["catalog"]} == {"identity", "kms", "kmsv1", "eps"}
    assert answer["links"]["next"] is None


def test_the_domain_is_where_its_own_link_leads_and_no_other_is(client, cast):
    (domain,) = get(client, "/v3/domains", cast.alice).json()["domains"]

    assert get(client, domain["links"]["self"].removeprefix("http://testserver"), cast.alice).json() == {
        "domain": domain
    }
    assert get(client, f"/v3/domains/{cast.mallory.account_id}", cast.alice).status_code == 404


def test_tokens_are_not_made_without_end(client, cast, settings, monkeypatch):
    settings.KMS_RATE_LIMITS = True
    monkeypatch.setattr(views, "TOKEN_RATE", Rate("create-token", calls=3))
    with FrozenClock():
        secret = post(client, to_project())["X-Subject-Token"]
        identity = {"methods": ["token"], "token": {"id": secret}}
        answers = [post(client, {"auth": {"identity": identity}}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert int(answers[-1]["Retry-After"]) > 0


@pytest.mark.parametrize("path", ["/v3/projects", "/v3/auth/projects", "/v3/users/{user}/projects"])
def test_the_projects_of_ones_account(client, cast, path):
    factories.project("eu-de_staging")

    answer = get(client, path.format(user=cast.alice.pk), cast.alice).json()

    assert [project["name"] for project in answer["projects"]] == ["eu-de", "eu-de_staging"]
    assert answer["projects"][0] == {
        "id": factories.project().pk,
        "name": "eu-de",
        "domain_id": cast.alice.account_id,
        "parent_id": cast.alice.account_id,
        "is_domain": False,
        "enabled": True,
        "description": "",
        "links": {"self": f"http://testserver/v3/projects/{factories.project().pk}"},
    }
    assert answer["links"] == {"self": answer["links"]["self"], "next": None, "previous": None}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?name=eu-de_staging", ["eu-de_staging"]),
        ("?enabled=true&is_domain=false", ["eu-de", "eu-de_staging"]),
        ("?enabled=false", []),
        ("?domain_id={account}", ["eu-de", "eu-de_staging"]),
        ("?parent_id={account}&name=eu-de", ["eu-de"]),
        ("?domain_id=another", []),
        ("?name=", ["eu-de", "eu-de_staging"]),
        ("?unknown=1", ["eu-de", "eu-de_staging"]),
    ],
)
def test_projects_are_filtered_as_keystone_does(client, cast, query, names):
    factories.project("eu-de_staging")

    answer = get(client, "/v3/projects" + query.format(account=cast.alice.account_id), cast.alice).json()

    assert [project["name"] for project in answer["projects"]] == names


def test_a_client_that_follows_next_gets_each_project_once(client, cast):
    for number in range(4):
        factories.project(f"eu-de_{number}")
    seen, path = [], "/v3/projects?per_page=2&enabled=true"

    while path:
        answer = get(client, path, cast.alice).json()
        seen += [project["name"] for project in answer["projects"]]
        path = (answer["links"]["next"] or "").removeprefix("http://testserver")

    assert seen == ["eu-de", "eu-de_0", "eu-de_1", "eu-de_2", "eu-de_3"]
    assert answer["links"]["previous"].endswith("page=2")
    assert get(client, "/v3/projects?page=9&per_page=2", cast.alice).json()["projects"] == []


@pytest.mark.parametrize(
    "query", ["page=0", "per_page=x", "per_page=5001", "page=-1", "page=%D9%A3", "page=1&per_page=0"]
)
def test_a_page_has_a_number_and_a_size(client, cast, query):
    assert get(client, f"/v3/projects?{query}", cast.alice).status_code == 400


def test_a_region_has_exactly_one_project_of_its_name(client, cast):
    factories.project("eu-de_staging")

    answer = get(client, "/v3/projects?name=eu-de", cast.alice).json()

    assert [project["name"] for project in answer["projects"]] == ["eu-de"]


def test_an_odd_name_finds_no_project(client, cast):
    assert get(client, "/v3/projects?name=%00%ff", cast.alice).json()["projects"] == []


def test_one_project_by_id(client, cast):
    mine, foreign = factories.project(), factories.project(account_name="mallory-and-sons")

    assert get(client, f"/v3/projects/{mine.pk}", cast.alice).json()["project"]["name"] == "eu-de"
    assert get(client, f"/v3/projects/{foreign.pk}", cast.alice).status_code == 404


@pytest.mark.parametrize("path", ["/v3/auth/domains", "/v3/domains"])
def test_ones_own_domain_and_no_other(client, cast, path):
    names = lambda query: [d["name"] for d in get(client, path + query, cast.alice).json()["domains"]]  # noqa: E731

    assert names("") == names("?name=acme") == ["acme"]
    assert names("?name=mallory-and-sons") == []


def test_regions(client, cast):
    answer = get(client, "/v3/regions", cast.alice).json()

    assert answer["regions"] == [
        {
            "id": "eu-de",
            "type": "public",
            "description": "",
            "parent_region_id": None,
            "locales": {"en-us": "eu-de"},
            "links": {"self": "http://testserver/v3/regions/eu-de"},
        }
    ]
    assert get(client, "/v3/regions/eu-de", cast.alice).json() == {"region": answer["regions"][0]}
    assert get(client, "/v3/regions/eu-nowhere", cast.alice).status_code == 404


def test_a_user_sees_oneself_but_neither_colleagues_nor_strangers(client, cast):
    assert get(client, f"/v3/users/{cast.alice.pk}", cast.alice).json()["user"]["name"] == "alice"
    assert get(client, f"/v3/users/{cast.bob.pk}", cast.alice).status_code == 404
    assert get(client, f"/v3/users/{cast.mallory.pk}", cast.alice).status_code == 404


def test_who_administers_identities_sees_colleagues_but_no_strangers(client, cast):
    admin = factories.user("admin", policies=("Security Administrator",))

    assert get(client, f"/v3/users/{cast.bob.pk}", admin).json()["user"]["name"] == "bob"
    assert get(client, f"/v3/users/{cast.mallory.pk}", admin).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/v3/auth/tokens", "/v3/auth/catalog", "/v3/projects", "/v3/auth/domains", "/v3/regions", "/v3/users/1"],
)
def test_reading_needs_a_token(client, db, path):
    response = client.get(path)

    assert response.status_code == 401
    assert response.json()["error"]["error_code"] == "IAM.0001"
    assert response["WWW-Authenticate"] == "Keystone"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/v3", "/v3/regions", "/v3/auth/tokens"])
def test_other_methods_and_paths_are_refused_in_keystones_shape(client, cast, method, path):
    wrong_method = client.generic(method, path, headers=factories.headers(cast.alice))
    wrong_path = client.get("/v3/services")

    assert (wrong_method.status_code, wrong_method.json()["error"]["title"]) == (405, "Method Not Allowed")
    assert (wrong_path.status_code, wrong_path.json()["error"]["title"]) == (404, "Not Found")


MALFORMED = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "auth is a text": b'{"auth": "x"}',
    "no methods": b'{"auth": {"identity": {}}}',
    "methods is a text": b'{"auth": {"identity": {"methods": "password"}}}',
    "an unknown method": b'{"auth": {"identity": {"methods": ["totp"]}}}',
    "a method that is a list": b'{"auth": {"identity": {"methods": [["password"]]}}}',
    "two scopes": b'{"auth": {"identity": {"methods": ["token"], "token": {"id": "x"}},'
    b' "scope": {"project": {"id": "x"}, "domain": {"id": "y"}}}}',
    "half of a pair": b'{"auth": {"identity": {"methods": ["password"], "password": {"user":'
    b' {"id": "\\ud800", "password": "x"}}}}}',
    "a NUL": b'{"auth": {"identity": {"methods": ["password"], "password": {"user":'
    b' {"id": "\\u0000", "password": "x"}}}}}',
    "a password that is a number": b'{"auth": {"identity": {"methods": ["password"], "password": {"user":'
    b' {"id": "x", "password": 1}}}}}',
    "a user without a domain": b'{"auth": {"identity": {"methods": ["password"], "password": {"user":'
    b' {"name": "alice", "password": "x"}}}}}',
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_body_is_told_so(client, cast, hashes, case):
    response = client.post("/v3/auth/tokens", MALFORMED[case], content_type=JSON)

    assert response.status_code == 400
    assert response.json()["error"]["title"] == "Bad Request"
    assert hashes == []


def test_a_body_that_is_too_long_is_not_read(client, db):
    response = client.post("/v3/auth/tokens", b" " * 70_000, content_type=JSON)

    assert response.status_code == 413


_leaf = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
_names = st.sampled_from(
    ["auth", "identity", "methods", "password", "token", "user", "id", "name", "domain", "scope", "project"]
)
_values = st.recursive(
    _leaf | st.sampled_from(["password", "token"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=15,
)
_password = st.fixed_dictionaries({"methods": st.just(["password"]), "password": _values})
_token = st.fixed_dictionaries({"methods": st.just(["token"]), "token": _values})
_bodies = _values | st.fixed_dictionaries(
    {"auth": st.fixed_dictionaries({"identity": _values | _password | _token}, optional={"scope": _values})}
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=_bodies)
def test_no_body_whatever_is_an_internal_error(db, data):
    response = Client(raise_request_exception=False).post("/v3/auth/tokens", json.dumps(data), content_type=JSON)

    assert response.status_code in (400, 401, 429)
    assert response.json()["error"]["code"] == response.status_code


def test_issue_and_refusal_leave_traces_without_secrets(client, cast):
    secret = post(client, to_project())["X-Subject-Token"]
    post(client, body(password="wrong harbour altogether"))
    post(client, body(name="typed-a-password-here"))

    traces = list(Trace.objects.order_by("time"))
    assert [(t.name, t.rating, t.user_name, t.response_code) for t in traces] == [
        ("createToken", "normal", "alice", 200),
        ("createToken", "warning", "alice", 401),
        ("createToken", "warning", "", 401),
    ]
    written = json.dumps([{f.attname: str(getattr(t, f.attname)) for f in Trace._meta.fields} for t in traces])
    for hidden in (secret, PASSWORD, "wrong harbour", "typed-a-password-here"):
        assert hidden not in written


def test_no_cookie_is_set_and_none_is_asked_for(cast):
    response = post(Client(enforce_csrf_checks=True), to_project())

    assert response.status_code == 201
    assert not response.cookies


def test_a_token_expires_24_hours_after_its_issue(client, cast):
    token = post(client, to_project()).json()["token"]

    issued, expires = (datetime.fromisoformat(token[name]) for name in ("issued_at", "expires_at"))
    assert expires - issued == timedelta(hours=24)


def test_issuing_costs_a_bounded_number_of_queries(client, cast, django_assert_max_num_queries):
    for number in range(5):
        factories.project(f"eu-de_{number}")

    with django_assert_max_num_queries(20):
        post(client, to_project())

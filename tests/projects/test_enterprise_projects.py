"""Enterprise projects over the wire: shapes, statuses, filters, refusals (api.md 6.5)."""

from __future__ import annotations

import json

import pytest

from keys.api.creation import CREATE_KEY
from operations import errors
from operations.models import Trace
from operations.perform import perform
from tests import factories
from tests.operations.stage import a_key, alice, refused, strong_room, the_clock

__all__ = ["alice", "strong_room", "the_clock"]

URL = "/v1.0/enterprise-projects"


@pytest.fixture
def eps(client, strong_room, the_clock):
    """Calls as carol, who administers the account's identities: `eps(method, path, body)`."""
    carol = factories.user("carol", policies=("Security Administrator",))
    return caller_of(client, carol)


def caller_of(client, user, **scope):
    headers = factories.headers(user, **scope)

    def call(method, path="", body=None):
        content = json.dumps(body) if body is not None else ""
        return client.generic(method, URL + path, content, content_type="application/json", headers=headers)

    return call


def created(eps, name="payments", **fields):
    response = eps("POST", body={"name": name, **fields})
    assert response.status_code == 201, response.content
    return response.json()["enterprise_project"]


def code(response):
    body = response.json()
    assert body["error"].keys() - {"error_fields"} == {"error_code", "error_msg"} == body.keys() - {"error"}
    assert (body["error"]["error_code"], body["error"]["error_msg"]) == (body["error_code"], body["error_msg"])
    return response.status_code, body["error_code"]


def test_one_is_created_shown_and_listed_after_the_default_one(eps):
    made = created(eps, description="of the shop", type="poc")

    assert made == {
        "id": made["id"], "name": "payments", "description": "of the shop", "status": 1, "type": "poc",
        "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z", "delete_flag": False,
    }  # fmt: skip
    assert eps("GET", f"/{made['id']}").json() == {"enterprise_project": made}
    listed = eps("GET").json()
    assert listed["total_count"] == 2
    assert [(each["id"], each["name"]) for each in listed["enterprise_projects"]] == [
        ("0", "default"),
        (made["id"], "payments"),
    ]
    assert eps("GET", "/0").json()["enterprise_project"]["name"] == "default"


def test_name_and_description_change_and_so_does_the_time(eps, the_clock):
    made = created(eps, description="of the shop")
    the_clock.advance(hours=1)

    changed = eps("PUT", f"/{made['id']}", {"name": "billing"})

    assert changed.status_code == 200
    assert changed.json()["enterprise_project"] == {**made, "name": "billing", "updated_at": "2026-03-01T13:00:00Z"}
    assert eps("PUT", f"/{made['id']}", {"name": "billing", "description": ""}).json()["enterprise_project"][
        "description"
    ] == ""  # fmt: skip


def test_a_disabled_one_takes_no_new_keys_and_keeps_those_it_has(eps, alice):
    made = created(eps)
    key = a_key(alice, enterprise_project_id=made["id"])

    disabled = eps("POST", f"/{made['id']}/action", {"action": "disable"})

    assert (disabled.status_code, disabled.content) == (204, b"")
    assert eps("GET", f"/{made['id']}").json()["enterprise_project"]["status"] == 2
    fields = {"key_alias": "one-more", "enterprise_project_id": made["id"]}
    with refused(errors.PARAMETER_INVALID, field="enterprise_project_id", hint="disabled"):
        perform(CREATE_KEY, alice, fields)
    key.refresh_from_db()
    assert key.enterprise_project_id == made["id"]

    assert eps("POST", f"/{made['id']}/action", {"action": "enable"}).status_code == 204
    perform(CREATE_KEY, alice, fields)


def test_disabling_twice_is_no_error(eps):
    made = created(eps)

    for _ in range(2):
        assert eps("POST", f"/{made['id']}/action", {"action": "disable"}).status_code == 204


@pytest.mark.parametrize(
    "name",
    ["", " ", "x" * 256, "default", "Default", "my-default", "DEFAULTS", "a\nb", "a b", "ä", "a.b", "a\n", 7, ["a"]],
)
def test_a_name_has_1_to_255_plain_characters_and_never_says_default(eps, name):
    expected = "EPS.0002" if name == "" else "EPS.0007"

    assert code(eps("POST", body={"name": name})) == (400, expected)


@pytest.mark.parametrize("name", ["A", "0", "_-", "Pay_ments-2", "defaul-t", "x" * 255])
def test_other_names_are_taken(eps, name):
    assert created(eps, name)["name"] == name


def test_one_for_trial_use_becomes_commercial_and_not_the_other_way(eps):
    made = created(eps, type="poc")
    put = lambda kind: eps("PUT", f"/{made['id']}", {"name": "payments", "type": kind})  # noqa: E731

    assert put("poc").json()["enterprise_project"]["type"] == "poc"
    assert put("prod").json()["enterprise_project"]["type"] == "prod"
    assert code(put("poc")) == (400, "EPS.0002")
    assert code(put("other")) == (400, "EPS.0002")
    assert put(None).json()["enterprise_project"]["type"] == "prod"


def test_an_account_has_a_hundred_beside_the_default_one(eps):
    for number in range(99):
        factories.enterprise_project(f"team-{number}", enabled=number > 0)
    created(eps, "the-last")

    assert code(eps("POST", body={"name": "one-more"})) == (400, "EPS.0009")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("DELETE", "/0", (405, "EPS.0002")),
        ("PATCH", "", (405, "EPS.0002")),
        ("POST", "/0/resources/filter", (404, "EPS.0005")),
        ("POST", "/0/resources-migrate", (404, "EPS.0005")),
        ("GET", "/0/", (404, "EPS.0005")),
    ],
)
def test_what_is_not_served_has_codes_of_this_service_too(eps, method, path, expected):
    assert code(eps(method, path, {})) == expected


@pytest.mark.parametrize(
    "ours", [code for code in errors.CATALOGUE.values() if code.code.startswith("KMS.")], ids=lambda code: code.code
)
def test_every_code_of_the_key_service_has_one_of_the_same_status(ours):
    theirs = errors.in_eps_terms(ours)

    assert (theirs.code[:4], theirs.status) == ("EPS.", ours.status)


def test_a_name_is_given_once_in_an_account(eps, client):
    made, other = created(eps, "one"), created(eps, "two")

    assert code(eps("POST", body={"name": "one"})) == (409, "EPS.0010")
    assert code(eps("PUT", f"/{other['id']}", {"name": "one"})) == (409, "EPS.0010")
    assert eps("PUT", f"/{made['id']}", {"name": "one"}).status_code == 200
    stranger = factories.user("dan", account_name="mallory-and-sons", policies=("Security Administrator",))
    assert created(caller_of(client, stranger), "one")["name"] == "one"


def test_other_bad_requests_have_codes_of_their_own(eps):
    made = created(eps)
    eps("POST", f"/{made['id']}/action", {"action": "disable"})

    assert code(eps("POST", body={"name": "x", "description": "y" * 513})) == (400, "EPS.0008")
    assert code(eps("POST", body={"name": "x", "type": "other"})) == (400, "EPS.0002")
    assert code(eps("POST", body={})) == (400, "EPS.0002")
    assert code(eps("PUT", "/0", {"name": "x"})) == (400, "EPS.0012")
    assert code(eps("POST", f"/{made['id']}/action", {"action": "delete"})) == (400, "EPS.0013")
    assert code(eps("PUT", f"/{made['id']}", {"name": "x"})) == (400, "EPS.0014")
    assert code(eps("POST", "/0/action", {"action": "disable"})) == (400, "EPS.0015")
    assert code(eps("GET", "/unknown")) == (404, "EPS.0005")
    assert code(eps("GET", "?limit=0")) == (400, "EPS.0017")
    assert code(eps("GET", "?limit=1001")) == (400, "EPS.0017")
    assert code(eps("GET", "?offset=-1")) == (400, "EPS.0018")


def test_what_is_no_json_is_a_bad_request(eps, client):
    carol = factories.user("carol")

    response = client.post(URL, b"{", content_type="application/json", headers=factories.headers(carol))

    assert code(response) == (400, "EPS.0002")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?name=PAY", ["payments"]),
        ("?status=2", ["trial"]),
        ("?status=1&type=prod", ["default", "payments", "billing"]),
        ("?type=poc", ["trial"]),
        ("?id=0", ["default"]),
        ("?id=unknown", []),
        ("?limit=2", ["default", "trial"]),
        ("?limit=2&offset=2", ["payments", "billing"]),
        ("?offset=9", []),
        ("?sort_key=name&sort_dir=asc", ["default", "billing", "payments", "trial"]),
        ("?sort_key=created_at&sort_dir=asc", ["default", "billing", "payments", "trial"]),
        ("?limit=&offset=", ["default", "trial", "payments", "billing"]),
    ],
)
def test_the_list_is_filtered_sorted_and_paged(eps, the_clock, query, names):
    for name, kind in (("billing", "prod"), ("payments", "prod"), ("trial", "poc")):
        the_clock.advance(minutes=1)
        made = created(eps, name, type=kind)
    eps("POST", f"/{made['id']}/action", {"action": "disable"})

    answer = eps("GET", query).json()

    assert [each["name"] for each in answer["enterprise_projects"]] == names
    if "limit" in query or "offset" in query:
        assert answer["total_count"] == 4


def test_a_list_costs_the_same_however_long_it_is(eps, django_assert_max_num_queries):
    for number in range(20):
        created(eps, f"number-{number}")

    with django_assert_max_num_queries(6):
        assert eps("GET").json()["total_count"] == 21


def test_another_account_sees_and_changes_nothing_of_it(eps, client):
    made = created(eps)
    stranger = factories.user("dan", account_name="mallory-and-sons", policies=("Security Administrator",))
    foreign = caller_of(client, stranger)

    assert [each["name"] for each in foreign("GET").json()["enterprise_projects"]] == ["default"]
    for call in (
        foreign("GET", f"/{made['id']}"),
        foreign("PUT", f"/{made['id']}", {"name": "mine"}),
        foreign("POST", f"/{made['id']}/action", {"action": "disable"}),
    ):
        assert code(call) == (404, "EPS.0005")


def test_who_administers_keys_does_not_administer_enterprise_projects(eps, client):
    made = created(eps)
    owner = caller_of(client, factories.alice())

    for call in (
        owner("GET"),
        owner("POST", body={"name": "x"}),
        owner("GET", f"/{made['id']}"),
        owner("PUT", f"/{made['id']}", {"name": "x"}),
        owner("POST", f"/{made['id']}/action", {"action": "disable"}),
    ):
        assert code(call) == (403, "EPS.0004")


def test_disabling_takes_a_permission_of_its_own(eps, client):
    made = created(eps)
    erin = factories.user("erin")
    factories.allow(erin, factories.policy("enabling", ("Allow", "eps:enterpriseProjects:enable")))

    assert code(caller_of(client, erin)("POST", f"/{made['id']}/action", {"action": "disable"})) == (403, "EPS.0004")
    assert caller_of(client, erin)("POST", f"/{made['id']}/action", {"action": "enable"}).status_code == 204


def test_a_right_in_one_project_is_none_over_the_account(client, strong_room):
    frank = factories.user("frank")
    here = factories.project()
    factories.allow(frank, "Security Administrator", in_project=here)

    assert code(caller_of(client, frank, project=here)("POST", body={"name": "mine"})) == (403, "EPS.0004")


def test_a_token_of_the_account_is_as_good_as_one_of_a_project(eps, client):
    from iam.services import tokens

    token = tokens.issue(factories.user("carol"), project=None, domain_scoped=True).secret

    assert client.get(URL, headers={"X-Auth-Token": token}).json()["total_count"] == 1


@pytest.mark.parametrize("headers", [{}, {"X-Auth-Token": "wrong"}])
def test_nobody_is_told_so(client, strong_room, headers):
    assert code(client.get(URL, headers=headers)) == (401, "EPS.0003")


def test_every_call_leaves_a_trace_of_the_account_and_of_no_project(eps):
    made = created(eps)

    trace = Trace.objects.get(name="createEnterpriseProject")

    assert (trace.account_id, trace.project_id) == (factories.account().pk, "")
    assert (trace.resource_type, trace.resource_id, trace.resource_name) == (
        "enterpriseProject",
        made["id"],
        "payments",
    )
    eps("PUT", "/0", {"name": "x"})
    refusal = Trace.objects.get(name="modifyEnterpriseProject")
    assert (refusal.rating, refusal.code, refusal.resource_id) == ("warning", "EPS.0012", "0")
    for action in ("disable", "enable"):
        eps("POST", f"/{made['id']}/action", {"action": action})
        trace = Trace.objects.get(name=f"{action}EnterpriseProject")
        assert (trace.resource_id, trace.request["action"]) == (made["id"], action)


def test_a_refusal_before_anything_is_found_is_about_enterprise_projects_too(eps, client):
    caller_of(client, factories.alice())("POST", body={"name": "a b"})

    trace = Trace.objects.get(name="createEnterpriseProject")
    assert (trace.code, trace.resource_type, trace.resource_id) == ("EPS.0007", "enterpriseProject", "")

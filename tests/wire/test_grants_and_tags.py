"""Grants and tags over HTTP, as strictly typed clients read them (api.md 3.5 and 3.8)."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.wire.conftest import assert_error
from tests.wire.test_exactness import KEY_DETAILS, assert_shape

pytestmark = pytest.mark.system

GRANT = {
    "key_id": str, "grant_id": str, "grantee_principal": str, "grantee_principal_type": str, "operations": [str],
    "issuing_principal": str, "creation_date": str, "name": str, "retiring_principal": str,
}  # fmt: skip
GRANTS = {"grants": [GRANT], "next_marker": str, "truncated": str, "total": int}
TAG = {"key": str, "value": str}


def user_id(wire):
    return wire.token_answer.json()["token"]["user"]["id"]


def grant(wire, key_id, **fields):
    body = {"key_id": key_id, "grantee_principal": user_id(wire), "operations": ["describe-key"], **fields}
    return wire.answer("create-grant", body)["grant_id"]


# --- grants -------------------------------------------------------------------------------------------------------


def test_a_grant_from_its_beginning_to_its_end(wire):
    """With the bodies that clients of the cloud send (api.md 8)."""
    key_id = wire.new_key()
    body = {
        "grantee_principal": user_id(wire),
        "key_id": key_id,
        "name": "my_grant",
        "operations": ["describe-key", "create-grant", "retire-grant"],
    }

    made = wire.answer("create-grant", body)
    listed = wire.answer("list-grants", {"key_id": key_id})
    revoked = wire.answer("revoke-grant", {"grant_id": made["grant_id"], "key_id": key_id})

    assert_shape(made, {"grant_id": str})
    assert len(made["grant_id"]) == 64
    assert_shape(listed, GRANTS)
    told = listed["grants"][0]
    assert {name: told[name] for name in body} == body
    assert (told["issuing_principal"], told["retiring_principal"]) == (user_id(wire), "")
    assert len(told["creation_date"]) == 13
    assert (listed["next_marker"], listed["truncated"], listed["total"]) == ("", "false", 1)
    assert revoked == {}
    assert wire.answer("list-grants", {"key_id": key_id})["total"] == 0


def test_pages_of_grants(wire):
    key_id = wire.new_key()
    grants = [grant(wire, key_id, retiring_principal=user_id(wire)) for _ in range(3)]

    first = wire.answer("list-grants", {"key_id": key_id, "limit": "2"})
    second = wire.answer("list-grants", {"key_id": key_id, "limit": "2", "marker": first["next_marker"]})
    retirable = wire.answer("list-retirable-grants", {"limit": "2", "marker": ""})

    assert [each["grant_id"] for each in first["grants"] + second["grants"]] == grants[::-1]
    assert (first["truncated"], second["truncated"], second["next_marker"]) == ("true", "false", "")
    assert_shape(retirable, GRANTS)
    assert [each["grant_id"] for each in retirable["grants"]] == grants[:0:-1]


def test_a_grant_is_retired_once(wire):
    key_id = wire.new_key()
    body = {"key_id": key_id, "grant_id": grant(wire, key_id, retiring_principal=user_id(wire))}

    assert wire.answer("retire-grant", body) == {}
    assert_error(wire("retire-grant", body), 400, "KMS.2501")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"operations": ["create-grant"]}, "KMS.2401"),
        ({"operations": ["disable-key"]}, "KMS.0308"),
        ({"operations": []}, "KMS.0308"),
        ({"grantee_principal": "-"}, "KMS.2402"),
        ({"name": "ä"}, "KMS.0308"),
    ],
)
def test_bad_grants(wire, fields, code):
    body = {"key_id": wire.new_key(), "grantee_principal": "a" * 32, "operations": ["describe-key"], **fields}

    assert_error(wire("create-grant", body), 400, code)


# --- tags ---------------------------------------------------------------------------------------------------------


def test_tags_of_a_key(wire):
    key_id = wire.new_key()

    one = wire(f"{key_id}/tags", {"tag": {"key": "DEV", "value": "DEV1"}})
    more = wire(f"{key_id}/tags/action", {"action": "create", "tags": [{"key": "key1", "value": "value1"}]})
    listed = wire(f"{key_id}/tags", method="GET")
    gone = wire(f"{key_id}/tags/DEV", method="DELETE", headers={"Content-Length": "0"})

    for answer in (one, more, gone):
        assert (answer.status_code, answer.content) == (204, b"")
    assert listed.status_code == 200
    assert_shape(listed.json(), {"tags": [TAG], "sys_tags": [], "existTagsNum": int})
    assert listed.json()["tags"] == [{"key": "DEV", "value": "DEV1"}, {"key": "key1", "value": "value1"}]
    assert wire(f"{key_id}/tags", method="GET").json()["existTagsNum"] == 1


@pytest.mark.parametrize(
    "name", ["a b:ü", "cost/centre", "/a/", "a//b", "100%", "a%2Fb", "what?", "#1", "a+b", "action"]
)
def test_any_tag_key_is_deleted_by_its_percent_encoded_form(wire, name):
    key_id = wire.new_key()
    wire(f"{key_id}/tags", {"tag": {"key": name, "value": "v"}})

    assert wire(f"{key_id}/tags/{quote(name, safe='')}", method="DELETE").status_code == 204
    assert wire(f"{key_id}/tags", method="GET").json()["tags"] == []
    assert_error(wire(f"{key_id}/tags/{quote(name, safe='')}", method="DELETE"), 404, "KMS.0416")


def test_keys_are_found_by_their_tags(wire):
    key_id, other = wire.new_key(), wire.new_key()
    for each, stage in ((key_id, "prod"), (other, "test")):
        wire(f"{each}/tags", {"tag": {"key": "found-by", "value": stage}})
    body = {
        "limit": "10", "offset": "0", "action": "filter", "tags": [{"key": "found-by", "values": ["prod", "b"]}],
    }  # fmt: skip

    found = wire.answer("resource_instances/action", body)
    counted = wire.answer("resource_instances/action", {**body, "action": "count"})
    tags = wire("tags", method="GET").json()

    resource = {"resource_id": str, "resource_name": str, "resource_detail": KEY_DETAILS, "tags": [TAG]}
    assert_shape(found, {"resources": [resource], "total_count": int})
    assert [each["resource_id"] for each in found["resources"]] == [key_id]
    assert counted == {"total_count": 1}
    assert_shape(tags, {"tags": [{"key": str, "values": [str]}]})
    assert {"key": "found-by", "values": ["prod", "test"]} in tags["tags"]


def test_other_resources_have_no_tags_here(wire):
    assert_error(wire("volumes/action", {"action": "count"}), 400, "KMS.0408")

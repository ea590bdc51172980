"""Tags over a project: its tag keys with their values, and keys by their tags (api.md 3.8)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as trial
from hypothesis import strategies as st

from keys.models import Key, Tag
from operations import errors
from operations.caller import Rights, Statement
from operations.perform import perform
from tags.api import LIST_INSTANCES, LIST_PROJECT_TAGS
from tests import factories
from tests.operations.stage import a_key, describe, refused, schedule_deletion


def tagged(caller, alias, **tags):
    return a_key(caller, alias=alias, tags=[{"key": name, "value": value} for name, value in tags.items()])


def ask(caller, **fields):
    request = {"resource_instances": "resource_instances", "action": "filter", **fields}
    return LIST_INSTANCES.respond(perform(LIST_INSTANCES, caller, request))


def found(caller, **fields):
    return [resource["resource_name"] for resource in ask(caller, **fields)["resources"]]


def wanted(**tags):
    return [{"key": name, "values": values} for name, values in tags.items()]


def named(alias):
    return [{"key": "resource_name", "value": alias}]


@pytest.fixture
def keys(alice):
    return [
        tagged(alice, "both", team="payments", stage="prod"),
        tagged(alice, "test", team="payments", stage="test"),
        tagged(alice, "other-team", team="search", stage="prod"),
        tagged(alice, "valueless", team=""),
        tagged(alice, "bare"),
    ]


# --- tags of the project ------------------------------------------------------------------------------------------


def test_the_tags_of_a_project_are_its_tag_keys_with_their_values(alice, keys):
    answer = LIST_PROJECT_TAGS.respond(perform(LIST_PROJECT_TAGS, alice, {}))

    assert answer == {
        "tags": [
            {"key": "stage", "values": ["prod", "test"]},
            {"key": "team", "values": ["", "payments", "search"]},
        ]
    }


def test_they_are_those_of_keys_that_may_be_seen(alice, keys, mallory, the_clock):
    tagged(mallory, "foreign", secret="of mallory")
    elsewhere = factories.enterprise_project("elsewhere").wire_id
    a_key(alice, tags=[{"key": "hidden", "value": "v"}], enterprise_project_id=elsewhere)
    here = factories.user("here")
    factories.allow(here, "KMS CMKReadOnlyAccess", in_enterprise_project=factories.enterprise_project("default"))
    gone = tagged(alice, "gone", gone="v")
    schedule_deletion(alice, gone)
    the_clock.advance(days=8)

    def names(caller):
        answer = LIST_PROJECT_TAGS.respond(perform(LIST_PROJECT_TAGS, caller, {}))
        return [tag["key"] for tag in answer["tags"]]

    assert names(mallory) == ["secret"]
    assert names(factories.caller(here)) == ["stage", "team"]
    assert names(alice) == ["hidden", "stage", "team"]


@pytest.mark.parametrize("operation", [LIST_PROJECT_TAGS, LIST_INSTANCES], ids=lambda operation: operation.name)
def test_to_list_keys_everywhere_is_not_to_see_tags_everywhere(alice, keys, operation):
    """Each asks for its own right, and looks where that reaches."""
    elsewhere = factories.enterprise_project("elsewhere").wire_id
    a_key(alice, alias="hidden", tags=[{"key": "hidden", "value": "v"}], enterprise_project_id=elsewhere)
    here = Statement(True, (operation.action,), "0")
    reader = replace(alice, rights=Rights((Statement(True, ("kms:cmk:list",)), here)))

    answer = perform(operation, reader, {"resource_instances": "resource_instances", "action": "filter"})

    assert "hidden" not in json.dumps(operation.respond(answer))


# --- keys by their tags -------------------------------------------------------------------------------------------


def test_without_a_filter_every_custom_key_is_found_newest_first(alice, keys):
    default = tagged(alice, "evs-default")
    Key.objects.filter(pk=default.pk).update(is_default=True)

    assert found(alice) == ["bare", "valueless", "other-team", "test", "both"]
    assert found(alice, tags=[], matches=[]) == found(alice)


@pytest.mark.parametrize(
    ("tags", "aliases"),
    [
        (wanted(team=["payments"]), ["test", "both"]),
        (wanted(team=["payments", "search"]), ["other-team", "test", "both"]),
        (wanted(team=["payments"], stage=["prod"]), ["both"]),
        (wanted(team=["payments", "search"], stage=["prod"]), ["other-team", "both"]),
        (wanted(team=[]), ["valueless", "other-team", "test", "both"]),
        ([{"key": "team"}], ["valueless", "other-team", "test", "both"]),
        ([{"key": "team", "values": None}], ["valueless", "other-team", "test", "both"]),
        (wanted(team=[""]), ["valueless"]),
        (wanted(team=[], stage=["test"]), ["test"]),
        (wanted(team=["PAYMENTS"]), []),
        (wanted(nothing=[]), []),
    ],
)
def test_keys_bear_all_of_the_tags_each_with_one_of_its_values(alice, keys, tags, aliases):
    assert found(alice, tags=tags) == aliases
    assert ask(alice, action="count", tags=tags) == {"total_count": len(aliases)}


def test_a_resource_is_the_key_with_its_details_and_tags(alice, keys):
    answer = ask(alice, tags=wanted(team=["payments"], stage=["prod"]))

    assert answer == {
        "resources": [
            {
                "resource_id": keys[0].key_id,
                "resource_name": "both",
                "resource_detail": describe(alice, keys[0]),
                "tags": [{"key": "team", "value": "payments"}, {"key": "stage", "value": "prod"}],
            }
        ],
        "total_count": 1,
    }


@pytest.mark.parametrize(
    ("alias", "aliases"),
    [("te", ["other-team", "test"]), ("TE", ["other-team", "test"]), ("%", []), ("_", [])],
)
def test_a_match_is_a_part_of_the_alias(alice, keys, alias, aliases):
    assert found(alice, matches=named(alias)) == aliases


def test_tags_and_matches_hold_together(alice, keys):
    assert found(alice, tags=wanted(stage=["prod"]), matches=named("team")) == ["other-team"]


def test_instances_page_by_limit_and_offset(alice, keys):
    everything = found(alice)

    assert found(alice, limit="2", offset="0") == everything[:2]
    assert found(alice, limit=2, offset=2) == everything[2:4]
    assert found(alice, limit="", offset="") == everything
    assert found(alice, offset=5) == []
    assert ask(alice, limit=1, offset=1)["total_count"] == 5


def test_ten_are_shown_where_no_limit_is_given(alice):
    for number in range(11):
        a_key(alice, alias=f"key-{number}")

    assert len(found(alice)) == 10
    assert ask(alice)["total_count"] == 11


def test_only_keys_that_may_be_seen_are_found(alice, keys, mallory):
    elsewhere = factories.enterprise_project("elsewhere").wire_id
    a_key(alice, alias="hidden", tags=[{"key": "team", "value": "payments"}], enterprise_project_id=elsewhere)
    here = factories.user("here")
    factories.allow(here, "KMS CMKReadOnlyAccess", in_enterprise_project=factories.enterprise_project("default"))
    reader = factories.caller(here)

    assert found(mallory) == []
    assert found(reader, tags=wanted(team=["payments"])) == ["test", "both"]
    assert ask(reader, action="count") == {"total_count": 5}
    assert found(alice, tags=wanted(team=["payments"])) == ["hidden", "test", "both"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"action": "list"}, errors.TAG_ACTION_INVALID),
        ({"action": None}, errors.PARAMETER_MISSING),
        ({"resource_instances": "volumes"}, errors.RESOURCE_TYPE_INVALID),
        ({"limit": 0}, errors.LIMIT_INVALID),
        ({"limit": 1001}, errors.LIMIT_INVALID),
        ({"limit": "x"}, errors.LIMIT_INVALID),
        ({"offset": -1}, errors.OFFSET_INVALID),
        ({"offset": "x"}, errors.OFFSET_INVALID),
        ({"tags": "team"}, errors.TAGS_INVALID),
        ({"tags": ["team"]}, errors.TAGS_INVALID),
        ({"tags": [{}]}, errors.TAGS_INVALID),
        ({"tags": [{"key": 7}]}, errors.TAGS_INVALID),
        ({"tags": [{"key": "a", "values": "v"}]}, errors.TAGS_INVALID),
        ({"tags": [{"key": "a", "values": [7]}]}, errors.TAGS_INVALID),
        ({"tags": [{"key": ""}]}, errors.TAG_KEY_TOO_LONG),
        ({"tags": [{"key": "k" * 129}]}, errors.TAG_KEY_TOO_LONG),
        ({"tags": [{"key": "a*"}]}, errors.TAG_KEY_INVALID),
        ({"tags": [{"key": "a", "values": ["v" * 256]}]}, errors.TAG_VALUE_TOO_LONG),
        ({"tags": [{"key": "a", "values": ["<"]}]}, errors.TAG_VALUE_INVALID),
        ({"tags": [{"key": "a"}, {"key": "a"}]}, errors.TAG_LIST_INVALID),
        ({"tags": [{"key": str(number)} for number in range(21)]}, errors.TAG_LIST_SIZE),
        ({"tags": [{"key": "a", "values": [str(n) for n in range(21)]}]}, errors.TOO_MANY_TAG_VALUES),
        ({"matches": "x"}, errors.MATCHES_INVALID),
        ({"matches": ["x"]}, errors.MATCHES_INVALID),
        ({"matches": [*named("a"), *named("b")]}, errors.MATCHES_INVALID),
        ({"matches": [{"key": "alias", "value": "a"}]}, errors.MATCH_KEY_INVALID),
        ({"matches": [{"value": "a"}]}, errors.MATCH_KEY_INVALID),
        ({"matches": [{"key": "resource_name"}]}, errors.MATCH_VALUE_INVALID),
        ({"matches": named("")}, errors.MATCH_VALUE_INVALID),
        ({"matches": named("a" * 256)}, errors.MATCH_VALUE_INVALID),
        ({"matches": named("a\x00")}, errors.MATCH_VALUE_INVALID),
    ],
)
def test_a_bad_question_is_told_what_is_bad(alice, fields, code):
    with refused(code, field=next(iter(fields))):
        ask(alice, **fields)


def test_the_address_names_the_only_kind_of_resource(alice, client):
    headers = factories.headers(factories.alice())

    def post(kind):
        url = f"/v1.0/{alice.project_id}/kms/{kind}/action"
        response = client.post(url, {"action": "count"}, content_type="application/json", headers=headers)
        return response.status_code, response.json()

    assert post("resource_instances") == (200, {"total_count": 0})
    status, body = post("volumes")
    assert (status, body["error"]["error_code"]) == (400, "KMS.0408")


# --- costs --------------------------------------------------------------------------------------------------------


def test_a_page_takes_the_same_queries_however_many_keys_and_tags(alice, keys):
    counts = []
    for more in (0, 30):
        for number in range(more):
            tagged(alice, f"more-{number}", team="payments", number=str(number))
        with CaptureQueriesContext(connection) as queries:
            ask(alice, tags=wanted(team=["payments"]), limit=100)
            perform(LIST_PROJECT_TAGS, alice, {})
        counts.append(len(queries))

    assert counts[0] == counts[1]


# --- anything at all ----------------------------------------------------------------------------------------------

SMALL = st.sampled_from(["a", "b", "c"])
BEARING = st.dictionaries(SMALL, st.sampled_from(["", "1", "2"]))
QUESTION = st.dictionaries(SMALL, st.lists(st.sampled_from(["", "1", "2", "3"]), max_size=3))


@trial(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(BEARING, max_size=5), QUESTION)
def test_any_question_finds_what_sets_would_find(alice, bearing, question):
    Key.objects.all().delete()
    rows = {f"key-{number}": tags for number, tags in enumerate(bearing)}
    for alias, tags in rows.items():
        key = a_key(alice, alias=alias, origin="external")
        Tag.objects.bulk_create(Tag(key=key, name=name, value=value) for name, value in tags.items())

    expected = [
        alias
        for alias, tags in rows.items()
        if all(name in tags and (not values or tags[name] in values) for name, values in question.items())
    ]

    assert sorted(found(alice, tags=wanted(**question))) == sorted(expected)

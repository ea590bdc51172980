"""The tags of one key: setting, replacing, taking away, alone and in batches (api.md 3.8)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trial
from hypothesis import strategies as st

from keys.models import Key, Tag
from operations import errors
from operations.perform import perform
from tags.api import CREATE_TAG, DELETE_TAG, EDIT_TAGS, LIST_TAGS
from tests import factories
from tests.operations.stage import a_key, an_empty_key, disable, refused, schedule_deletion


def give(caller, key, name, value=""):
    perform(CREATE_TAG, caller, {"key_id": key.key_id, "tag": {"key": name, "value": value}})


def edit(caller, key, action, *tags):
    pairs = [{"key": tag[0], "value": tag[1]} if isinstance(tag, tuple) else {"key": tag} for tag in tags]
    perform(EDIT_TAGS, caller, {"key_id": key.key_id, "action": action, "tags": pairs})


def take(caller, key, name):
    perform(DELETE_TAG, caller, {"key_id": key.key_id, "tag_key": name})


def listed(caller, key):
    return LIST_TAGS.respond(perform(LIST_TAGS, caller, {"key_id": key.key_id}))


def tags_of(key):
    return dict(key.tags.values_list("name", "value"))


def full(key, count=20):
    Tag.objects.bulk_create(Tag(key=key, name=f"tag-{number}", value="v") for number in range(count))


# --- one tag ------------------------------------------------------------------------------------------------------


def test_a_tag_is_given_and_listed(alice):
    key = a_key(alice)

    give(alice, key, "team", "payments")
    give(alice, key, "empty")

    assert listed(alice, key) == {
        "tags": [{"key": "team", "value": "payments"}, {"key": "empty", "value": ""}],
        "sys_tags": [],
        "existTagsNum": 2,
    }


def test_a_tag_that_is_there_gets_the_new_value_in_its_old_place(alice):
    key = a_key(alice, tags=[{"key": "team", "value": "payments"}, {"key": "stage", "value": "test"}])

    give(alice, key, "team", "billing")

    assert [tag["value"] for tag in listed(alice, key)["tags"]] == ["billing", "test"]


def test_a_value_may_be_left_out(alice):
    key = a_key(alice)

    perform(CREATE_TAG, alice, {"key_id": key.key_id, "tag": {"key": "team"}})
    perform(CREATE_TAG, alice, {"key_id": key.key_id, "tag": {"key": "stage", "value": None}})

    assert tags_of(key) == {"team": "", "stage": ""}


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        (None, errors.PARAMETER_MISSING),
        ({}, errors.PARAMETER_MISSING),
        ({"value": "v"}, errors.PARAMETER_MISSING),
        ("team", errors.TAG_LIST_INVALID),
        ([{"key": "team"}], errors.TAG_LIST_INVALID),
        ({"key": 7}, errors.TAG_LIST_INVALID),
        ({"key": "team", "value": 7}, errors.TAG_LIST_INVALID),
        ({"key": ""}, errors.TAG_KEY_TOO_LONG),
        ({"key": "k" * 129}, errors.TAG_KEY_TOO_LONG),
        ({"key": "team", "value": "v" * 256}, errors.TAG_VALUE_TOO_LONG),
        ({"key": "a=b"}, errors.TAG_KEY_INVALID),
        ({"key": " team"}, errors.TAG_KEY_INVALID),
        ({"key": "te\x01am"}, errors.TAG_KEY_INVALID),
        ({"key": "te\x9bam"}, errors.TAG_KEY_INVALID),
        ({"key": "team", "value": "a*b"}, errors.TAG_VALUE_INVALID),
        ({"key": "team", "value": "a\nb"}, errors.TAG_VALUE_INVALID),
    ],
)
def test_a_bad_tag_is_told_what_is_bad(alice, tag, code):
    key = a_key(alice)

    with refused(code, field="tag"):
        perform(CREATE_TAG, alice, {"key_id": key.key_id, "tag": tag})

    assert tags_of(key) == {}


def test_a_tag_is_taken_away_by_its_key(alice):
    key = a_key(alice, tags=[{"key": "team", "value": "payments"}, {"key": "stage", "value": "test"}])

    take(alice, key, "team")

    assert tags_of(key) == {"stage": "test"}
    with refused(errors.TAG_NOT_FOUND):
        take(alice, key, "team")


def test_capitals_make_another_tag(alice):
    key = a_key(alice)
    give(alice, key, "team", "a")
    give(alice, key, "Team", "b")

    take(alice, key, "team")

    assert tags_of(key) == {"Team": "b"}


# --- twenty -------------------------------------------------------------------------------------------------------


def test_a_key_bears_twenty_tags(alice):
    key = a_key(alice)
    full(key, 19)

    give(alice, key, "the-last")
    with refused(errors.TOO_MANY_TAGS):
        give(alice, key, "one-more")
    give(alice, key, "the-last", "another value")

    assert key.tags.count() == 20


def test_a_batch_goes_over_the_twenty_as_a_whole_or_not_at_all(alice):
    key = a_key(alice)
    full(key, 19)

    with refused(errors.TOO_MANY_TAGS):
        edit(alice, key, "create", ("tag-1", "changed"), ("new-1", ""), ("new-2", ""))

    assert key.tags.count() == 19
    assert tags_of(key)["tag-1"] == "v"


# --- batches ------------------------------------------------------------------------------------------------------


def test_a_batch_sets_new_tags_and_new_values(alice):
    key = a_key(alice, tags=[{"key": "team", "value": "payments"}])

    edit(alice, key, "create", ("team", "billing"), ("stage", "test"), "empty")

    assert tags_of(key) == {"team": "billing", "stage": "test", "empty": ""}


def test_a_batch_takes_tags_away_by_key_or_by_key_and_value(alice):
    key = a_key(alice, tags=[{"key": name, "value": "v"} for name in ("a", "b", "c", "d")])

    edit(alice, key, "delete", "a", ("b", "v"), ("c", ""))

    assert tags_of(key) == {"d": "v"}


@pytest.mark.parametrize("missing", ["unknown", ("b", "another value")])
def test_a_batch_counts_a_tag_that_is_not_there_as_deleted(alice, missing):
    key = a_key(alice, tags=[{"key": "a", "value": "v"}, {"key": "b", "value": "v"}])

    edit(alice, key, "delete", "a", missing)

    assert tags_of(key) == {"b": "v"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"action": "replace"}, errors.TAG_ACTION_INVALID),
        ({"action": ""}, errors.PARAMETER_MISSING),
        ({"action": None}, errors.PARAMETER_MISSING),
        ({"tags": None}, errors.PARAMETER_MISSING),
        ({"tags": []}, errors.TAG_LIST_EMPTY),
        ({"tags": "team"}, errors.TAG_LIST_INVALID),
        ({"tags": {"key": "team"}}, errors.TAG_LIST_INVALID),
        ({"tags": [{"key": str(number)} for number in range(21)]}, errors.TAG_LIST_SIZE),
        ({"tags": [{"key": "a"}, {"key": "a", "value": "b"}]}, errors.TAG_LIST_INVALID),
        ({"tags": [{"key": "a"}, {"key": "b*"}]}, errors.TAG_KEY_INVALID),
        ({"tags": [{"key": "a"}, "b"]}, errors.TAG_LIST_INVALID),
    ],
)
def test_a_bad_batch_is_told_what_is_bad(alice, fields, code):
    key = a_key(alice)
    right = {"key_id": key.key_id, "action": "create", "tags": [{"key": "team", "value": "payments"}]}

    with refused(code, field=next(iter(fields))):
        perform(EDIT_TAGS, alice, {**right, **fields})

    assert tags_of(key) == {}


# --- states and kinds ---------------------------------------------------------------------------------------------


def change_tags(caller, key):
    give(caller, key, "team", "payments")
    edit(caller, key, "create", ("stage", "test"))
    take(caller, key, "team")
    edit(caller, key, "delete", "stage")


def test_tags_change_while_a_key_is_enabled_disabled_or_empty(alice):
    enabled, disabled, empty = a_key(alice), a_key(alice), an_empty_key(alice)
    disable(alice, disabled)

    for key in (enabled, disabled, empty):
        change_tags(alice, key)
        assert listed(alice, key)["existTagsNum"] == 0


def test_a_key_pending_deletion_shows_its_tags_and_keeps_them(alice):
    key = a_key(alice, tags=[{"key": "team", "value": "payments"}])
    schedule_deletion(alice, key)

    for change in (
        lambda: give(alice, key, "stage"),
        lambda: edit(alice, key, "delete", "team"),
        lambda: take(alice, key, "team"),
    ):
        with refused(errors.KEY_PENDING_DELETION):
            change()
    assert listed(alice, key)["existTagsNum"] == 1


def test_a_default_key_has_no_tags(alice):
    key = a_key(alice)
    Key.objects.filter(pk=key.pk).update(is_default=True)

    for change in (lambda: give(alice, key, "stage"), lambda: take(alice, key, "team")):
        with refused(errors.DEFAULT_KEY):
            change()
    assert listed(alice, key) == {"tags": [], "sys_tags": [], "existTagsNum": 0}


# --- over HTTP ----------------------------------------------------------------------------------------------------


@pytest.fixture
def http(alice, client):
    headers = factories.headers(factories.alice())

    def call(method, path, body=None):
        url = f"/v1.0/{alice.project_id}/kms/{path}"
        response = client.generic(method, url, body or "", content_type="application/json", headers=headers)
        if response.status_code < 400:
            return response.status_code, response.content
        return response.status_code, response.json()["error"]["error_code"]

    return call


def test_a_change_of_tags_answers_204_without_a_body(alice, http):
    key = a_key(alice)

    assert http("POST", f"{key.key_id}/tags", '{"tag":{"key":"DEV","value":"DEV1"}}') == (204, b"")
    assert http("POST", f"{key.key_id}/tags/action", '{"action":"create","tags":[{"key":"a"}]}') == (204, b"")
    assert http("DELETE", f"{key.key_id}/tags/DEV") == (204, b"")
    assert tags_of(key) == {"a": ""}


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("a b:ü", "a%20b%3A%C3%BC"),
        ("cost/centre", "cost%2Fcentre"),
        ("cost/centre", "cost/centre"),
        ("a/b/", "a%2Fb%2F"),
        ("100%", "100%25"),
        ("a%2Fb", "a%252Fb"),
        ("what?", "what%3F"),
        ("#1", "%231"),
        ("a+b", "a+b"),
        ("action", "action"),
        ("tags", "tags"),
        ("a;b", "a;b"),
    ],
)
def test_a_tag_key_stands_in_the_address_percent_encoded(alice, http, name, encoded):
    key = a_key(alice, tags=[{"key": name, "value": "v"}, {"key": "other", "value": "v"}])

    assert http("DELETE", f"{key.key_id}/tags/{encoded}") == (204, b"")
    assert tags_of(key) == {"other": "v"}
    assert http("DELETE", f"{key.key_id}/tags/{encoded}") == (404, "KMS.0416")


def test_addresses_of_tags_tell_what_is_wrong_with_them(alice, http):
    key = a_key(alice)

    assert http("DELETE", "not-a-key/tags/a") == (400, "KMS.0205")
    assert http("GET", "not-a-key/tags") == (400, "KMS.0205")
    assert http("DELETE", "0d0466b0-e727-4d9c-b35d-f84bb474a37f/tags/a") == (404, "KMS.0207")
    assert http("DELETE", f"{key.key_id}/tags/{'x' * 300}") == (404, "KMS.0416")
    assert http("PUT", f"{key.key_id}/tags") == (405, "KMS.0215")
    assert http("POST", f"{key.key_id}/tags/team", "{}") == (405, "KMS.0215")
    assert http("GET", f"{key.key_id}/tags/action") == (405, "KMS.0215")
    assert http("GET", f"{key.key_id}/tags/") == (400, "KMS.0201")


def test_what_the_address_says_of_the_key_the_body_cannot_unsay(alice, http):
    key, other = a_key(alice), a_key(alice)

    http("POST", f"{key.key_id}/tags", f'{{"key_id":"{other.key_id}","tag":{{"key":"a"}}}}')

    assert (tags_of(key), tags_of(other)) == ({"a": ""}, {})


# --- anything at all ----------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "A", "b", "b/c", "ä", "🔑", "action"])
VALUES = st.sampled_from(["", "v", "w", "ü/"])
STEPS = st.one_of(
    st.tuples(st.just("give"), NAMES, VALUES),
    st.tuples(st.just("take"), NAMES, st.just("")),
    st.tuples(st.sampled_from(["create", "delete"]), st.dictionaries(NAMES, VALUES, min_size=1), st.just("")),
)


@trial(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=12))
def test_any_walk_leaves_what_a_dictionary_would_hold(alice, steps):
    key = a_key(alice)
    model: dict[str, str] = {}

    for act, what, value in steps:
        tags = what if isinstance(what, dict) else {what: value}
        removes = act in ("take", "delete")
        is_sound = act != "take" or what in model
        step = {
            "give": lambda what=what, value=value: give(alice, key, what, value),
            "take": lambda what=what: take(alice, key, what),
        }.get(act, lambda act=act, tags=tags: edit(alice, key, act, *tags.items()))
        if is_sound:
            step()
            kept = {k: v for k, v in model.items() if tags.get(k) not in ("", v)}
            model = kept if removes else {**model, **tags}
        else:
            with refused(errors.TAG_NOT_FOUND):
                step()
        assert tags_of(key) == model

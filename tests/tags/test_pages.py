"""The Tags tab: what stands there, and adding, editing and deleting one tag (console.md B6)."""

from __future__ import annotations

import pytest

from keys.models import Tag
from operations.models import Trace
from tests import factories
from tests.keys.console import address, read, signed_in, squeeze, toasts
from tests.operations import stage

pytestmark = pytest.mark.usefixtures("the_clock")


@pytest.fixture
def browser(alice):
    return signed_in(factories.alice())


@pytest.fixture
def key(alice):
    return stage.a_key(alice, tags=[{"key": "env", "value": "prod"}, {"key": "temporary", "value": ""}])


def tab(browser, key):
    return read(browser.get(address("tags:list", key.key_id)))


def post(browser, what, of, **fields):
    return browser.post(address(f"tags:{what}", of.key_id), fields, follow=True)


def tags_of(key):
    return dict(key.tags.values_list("name", "value"))


# --- the tab ------------------------------------------------------------------------------------------------------


def test_tags_are_listed_with_their_values_and_what_can_be_done(browser, key):
    page = tab(browser, key)

    assert page.texts("th", scope="col") == ["Key", "Value", "Operation"]
    assert page.texts("th", scope="row") == ["env", "temporary"]
    assert page.texts("td") == ["prod", "Edit Delete", "Empty value", "Edit Delete"]
    assert "You can add 18 more tags." in page.text
    assert "Tags 2" in page.texts("a")
    assert page.all("a", aria_label="Edit env")
    assert page.all("a", aria_label="Delete temporary")


def test_a_key_without_tags_says_so(browser, alice):
    page = tab(browser, stage.a_key(alice))

    assert {"Tags", "No tags."} <= set(page.texts("h2"))
    assert "You can add 20 more tags." in page.text


def test_who_may_only_read_sees_what_is_missing(alice, key):
    page = tab(signed_in(factories.bob()), key)

    off = {squeeze(e["text"].split(":")[0]): e["attrs"]["title"] for e in page.all("span", aria_disabled="true")}
    assert {label: title for label, title in off.items() if "cmkTag" in title} == {
        "Add Tag": "You do not have the permission kms:cmkTag:create.",
        "Edit": "You do not have the permission kms:cmkTag:create.",
        "Delete": "You do not have the permission kms:cmkTag:delete.",
    }


def test_who_may_not_list_tags_sees_none(alice, key):
    carol = factories.user("carol")
    factories.allow(carol, factories.policy("only keys", ("Allow", "kms:cmk:get")))

    page = tab(signed_in(carol), key)

    assert "kms:cmkTag:list" in page.text
    assert "env" not in page.texts("th", scope="row")
    assert "Tags" in page.texts("a")


def test_before_its_deletion_a_key_shows_its_tags_and_keeps_them(alice, browser, key):
    stage.schedule_deletion(alice, key)

    page = tab(browser, key)

    assert page.texts("th", scope="col") == ["Key", "Value"]
    assert "2 of 20 tags" in page.text
    assert not page.all("a", aria_label="Edit env")
    answer = post(browser, "add", key, key="team", value="")
    assert "KMS.0210" in read(answer).text
    assert tags_of(key) == {"env": "prod", "temporary": ""}


def test_a_full_key_takes_no_more(alice, browser):
    key = stage.a_key(alice)
    Tag.objects.bulk_create(Tag(key=key, name=f"t{number}") for number in range(20))

    page = tab(browser, key)

    assert "You can add 0 more tags." in page.text
    assert page.all("span", class_="btn primary small end", aria_disabled="true")
    answer = post(browser, "add", key, key="team")
    assert "KMS.0409 Too many tags." in read(answer).text


def test_looking_at_tags_leaves_a_trace(browser, key):
    tab(browser, key)

    assert Trace.objects.get(name="listTags").kind == "ConsoleAction"


# --- dialogs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "title"), [("add", "Add Tag"), ("edit", "Edit Tag"), ("delete", "Delete Tag")])
def test_a_dialog_is_a_page_and_for_htmx_a_dialog(browser, key, what, title):
    url = address(f"tags:{what}", key.key_id, tag="env")

    page, part = read(browser.get(url)), read(signed_in(factories.alice(), htmx="dialog-host").get(url))

    assert page.texts("h1") == [title]
    assert part.texts("h2") == [title]
    assert "<html" not in part.source
    for shown in (page, part):
        assert "OK" in shown.texts("button")
        assert what == "add" or (shown.fields()["tag"] == ["env"] and "env" in shown.source)


def test_a_tag_is_added(browser, key):
    answer = post(browser, "add", key, key="team", value="payments")

    assert answer.redirect_chain == [(address("tags:list", key.key_id), 302)]
    assert toasts(answer) == ["Tag added successfully"]
    assert tags_of(key) == {"env": "prod", "temporary": "", "team": "payments"}


def test_its_value_is_changed(browser, key):
    shown = read(browser.get(address("tags:edit", key.key_id, tag="env")))
    answer = post(browser, "edit", key, tag="env", value="test")

    assert shown.all("input", name="value")[0]["attrs"]["value"] == "prod"
    assert toasts(answer) == ["Tag changed successfully"]
    assert tags_of(key) == {"env": "test", "temporary": ""}


def test_a_value_may_become_empty(browser, key):
    post(browser, "edit", key, tag="env", value="")

    assert tags_of(key)["env"] == ""


def test_a_tag_is_deleted_after_a_question(browser, key):
    asked = read(browser.get(address("tags:delete", key.key_id, tag="env")))
    answer = post(browser, "delete", key, tag="env")

    assert asked.texts("th", scope="row") == ["env"]
    assert toasts(answer) == ["Tag deleted successfully"]
    assert tags_of(key) == {"temporary": ""}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"key": ""}, "Enter a tag key."),
        ({"key": "env"}, "The tag key already exists."),
        ({"key": " team"}, "A tag key cannot begin or end with a space."),
        ({"key": "a/b"}, "Only letters, digits, underscores (_), hyphens (-), and at signs (@) are allowed."),
        ({"key": "team", "value": "a b"}, "Only letters, digits, underscores (_), hyphens (-), and at signs (@)"),
        ({"key": "k" * 129}, "1 to 128 characters."),
        ({"key": "team", "value": "v" * 256}, "At most 255 characters."),
    ],
)
def test_a_bad_tag_is_refused_where_it_is_bad(browser, key, fields, message):
    answer = post(browser, "add", key, **fields)

    page = read(answer)
    assert answer.status_code == 422
    at = "value" if "value" in fields else "key"
    assert [text for text in page.texts("div", class_="err", id=f"id_{at}_error") if message in text], page.text
    assert len(page.all("div", class_="err")) == 1
    assert page.all("input", name="key")[0]["attrs"].get("value", "") == fields["key"]
    assert tags_of(key) == {"env": "prod", "temporary": ""}


@pytest.mark.parametrize("what", ["edit", "delete"])
def test_a_tag_that_is_gone_leads_back_to_the_tab(browser, key, what):
    asked = browser.get(address(f"tags:{what}", key.key_id, tag="gone"), follow=True)
    done = post(browser, what, key, tag="gone", value="x")

    for answer in (asked, done):
        assert answer.redirect_chain == [(address("tags:list", key.key_id), 302)]
        assert toasts(answer) == ["The tag does not exist."]
    assert tags_of(key) == {"env": "prod", "temporary": ""}


@pytest.mark.parametrize("what", ["add", "edit", "delete"])
def test_who_may_only_read_is_refused(alice, key, what):
    answer = post(signed_in(factories.bob()), what, key, key="team", tag="env", value="x")

    assert answer.status_code == 422
    assert "KMS.0306" in read(answer).text
    assert tags_of(key) == {"env": "prod", "temporary": ""}


@pytest.mark.parametrize("what", ["list", "add", "edit", "delete"])
def test_a_foreign_key_leads_back_to_the_list(alice, mallory, what):
    foreign = stage.a_key(mallory, tags=[{"key": "env", "value": "prod"}])

    answer = signed_in(factories.alice()).get(address(f"tags:{what}", foreign.key_id, tag="env"), follow=True)

    assert answer.redirect_chain == [(address("list"), 302)]
    assert toasts(answer) == ["The key does not exist."]

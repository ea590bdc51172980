"""One key: Basic Information, Key Material, and what all tabs have in common (console.md B6)."""

import re

import pytest

from imports.api import IMPORT_KEY_MATERIAL
from keys import queries
from keys.api.rotation import ROTATE_ON_DEMAND
from keys.models import Key, Tag
from operations import clock, errors
from operations.models import Trace
from operations.perform import perform
from tests import factories
from tests.keys.console import address, read, signed_in, squeeze, toasts
from tests.operations import stage

TABS = ("detail", "tool", "grants", "tags:list", "material")

MATERIAL, OTHER_MATERIAL = bytes(range(32)), bytes(range(1, 33))
HISTORY = {
    "Empty key created",
    "Import items downloaded",
    "Key material imported",
    "Same key material imported again",
    "Key material deleted",
    "Key material expired and deleted",
}

pytestmark = pytest.mark.usefixtures("the_clock")


def see(user, view, key):
    return read(signed_in(user).get(address(view, key.key_id)))


def facts(page):
    names, values = page.texts("dt"), page.texts("dd")
    return dict(zip(names, values, strict=True))


# --- who may see it


@pytest.mark.parametrize("view", [*TABS, "public_key", "edit_alias", "edit_description"])
def test_a_key_that_is_foreign_missing_or_no_key_at_all_leads_back_to_the_list(alice, mallory, view):
    stage.a_key(alice)
    foreign = stage.a_key(mallory)
    browser = signed_in(factories.alice())

    answers = [
        browser.get(address(view, key_id), follow=True)
        for key_id in (foreign.key_id, "00000000-0000-4000-8000-000000000000", "no-key")
    ]

    for answer in answers:
        assert answer.redirect_chain == [(address("list"), 302)]
        assert toasts(answer) == ["The key does not exist."]


def test_a_key_outside_the_chosen_enterprise_project_leads_back_to_the_list(alice):
    payments = factories.enterprise_project("payments")
    key = stage.a_key(alice)
    browser = signed_in(factories.alice())
    browser.post("/console/enterprise-project", {"enterprise_project_id": payments.wire_id})

    answer = browser.get(address("detail", key.key_id))

    assert (answer.status_code, answer.url) == (302, address("list"))


@pytest.mark.parametrize("view", TABS)
def test_who_may_not_describe_keys_is_told_which_permission_is_missing(alice, view):
    key = stage.a_key(alice)
    carol = factories.user("carol", policies=("CTS Auditor",))

    answer = signed_in(carol).get(address(view, key.key_id))

    assert answer.status_code == 403
    assert "KMS.0306" in read(answer).text
    assert "kms:cmk:get" in read(answer).text
    assert key.alias not in answer.content.decode()


@pytest.mark.parametrize("view", TABS)
def test_who_may_read_sees_every_tab(alice, view):
    key = stage.a_key(alice)

    assert read(signed_in(factories.bob()).get(address(view, key.key_id))).texts("h1") == [key.alias]


# --- Basic Information


def test_the_facts_of_a_key(alice):
    key = stage.an_imported_key(alice, key_description="Vault", expiration_time=clock.epoch_seconds() + 30 * 86400)

    page = see(factories.alice(), "detail", key)

    assert facts(page) == {
        "Alias": key.alias,
        "ID": key.key_id,
        "Status": "Enabled",
        "Key Algorithm": "AES_256",
        "Usage": "ENCRYPT_DECRYPT",
        "Origin": "External",
        "Created": "2026-03-01 12:00:00 GMT+00:00",
        "Expiration Time": "2026-03-31 12:00:00 GMT+00:00",
        "Enterprise Project": "default",
        "Description": "Vault",
    }
    assert page.all("button", data_copy=key.key_id)
    tabs = [link for link in page.all("a") if "nav" in link["within"] and key.key_id in link["attrs"].get("href", "")]
    assert [squeeze(link["text"]) for link in tabs] == [
        "Basic Information", "Tool", "Grants 0", "Tags 0", "Alias", "Key Material",
    ]  # fmt: skip


def test_a_key_of_kms_has_no_expiration_time(alice):
    assert "Expiration Time" not in facts(see(factories.alice(), "detail", stage.a_key(alice)))


def test_alias_and_description_have_pencils_except_before_deletion(alice):
    key = stage.a_key(alice)

    before = see(factories.alice(), "detail", key)
    stage.schedule_deletion(alice, key)
    after = see(factories.alice(), "detail", key)

    assert before.all("a", aria_label="Change alias")
    assert before.all("a", aria_label="Change description")
    assert not after.all("a", aria_label="Change alias")
    assert facts(after)["Scheduled Deletion"] == "2026-03-08 12:00:00 GMT+00:00"
    assert "The key cannot be used." in after.text


def test_who_may_only_read_has_pencils_that_say_what_is_missing(alice):
    key = stage.a_key(alice)

    page = see(factories.bob(), "detail", key)

    pencil = page.all("span", class_="iconbtn", aria_disabled="true")
    assert [e["attrs"]["title"] for e in pencil] == ["You do not have the permission kms:cmk:update."] * 2


@pytest.mark.parametrize(
    ("seconds_left", "words"),
    [
        (8 * 86400, None),
        (6 * 86400, "Key material expires in 6 days."),
        (3600, "Key material expires in 1 hour."),
        (0, "Key material has expired."),
    ],
)
def test_a_strip_tells_of_material_that_ends_soon_or_has_ended(alice, the_clock, seconds_left, words):
    key = stage.an_imported_key(alice, expiration_time=the_clock.seconds() + 8 * 86400)
    the_clock.advance(seconds=8 * 86400 - seconds_left)

    strips = see(factories.alice(), "detail", key).texts("strong")

    assert [text for text in strips if text.startswith("Key material")] == ([words] if words else [])


def test_a_default_key_offers_nothing(alice):
    key = stage.a_key(alice)
    Key.objects.filter(pk=key.pk).update(alias="obs/default", is_default=True)

    page = see(factories.alice(), "detail", key)

    assert not page.all("a", aria_label="Change alias")
    assert not [text for text in page.texts("a") if text in ("Disable", "Delete", "Tool")]


@pytest.mark.parametrize(
    "view",
    ["tool", "grants", "create_grant", "tags:list", "tags:add", "aliases", "create_alias", "edit_alias", "rotation"],
)
def test_what_a_default_key_does_not_have_has_no_address_either(alice, view):
    key = stage.a_key(alice)
    Key.objects.filter(pk=key.pk).update(alias="obs/default", is_default=True)

    answer = signed_in(factories.alice()).get(address(view, key.key_id))

    assert answer.status_code == 400
    page = read(answer)
    assert "Cannot perform this operation on Default Master Keys." in page.texts("h2")
    assert page.texts("h1") == ["obs/default"]
    assert page.link("Basic Information") == page.link("Back to the key") == address("detail", key.key_id)


def test_the_trail_of_a_default_key_leads_to_default_keys(alice):
    key = stage.a_key(alice)
    Key.objects.filter(pk=key.pk).update(alias="obs/default", is_default=True)

    page = see(factories.alice(), "detail", key)

    assert trail(page)[0] == ("Default Keys", address("defaults"))


def trail(page):
    """The breadcrumb: words and addresses."""
    source = page.source.partition('aria-label="Breadcrumb"')[2].partition("</nav>")[0]
    links = re.findall(r'<li title="[^"]*"(?: aria-current="page")?>(?:<a href="([^"]*)">|<span>)([^<]*)<', source)
    return [(words, url) for url, words in links]


@pytest.mark.parametrize(
    ("view", "ends"),
    [
        ("detail", []),
        ("grants", ["Grants"]),
        ("create_grant", ["Grants", "Create Grant"]),
        ("tags:add", ["Tags", "Add Tag"]),
        ("create_alias", ["Alias", "Create Alias"]),
        ("enable_rotation", ["Rotation Policy", "Enable Rotation Policy"]),
        ("edit_alias", ["Change Alias"]),
    ],
)
def test_the_trail_says_which_page_of_which_key_this_is(alice, view, ends):
    key = stage.a_key(alice, alias="orders")

    crumbs = trail(see(factories.alice(), view, key))

    assert [words for words, _url in crumbs] == ["Custom Keys", "orders", *ends]
    assert [bool(url) for _words, url in crumbs] == [True] * (len(crumbs) - 1) + [False]
    assert crumbs[0][1] == address("list")


def test_a_refusal_inside_a_key_keeps_the_key_around_it(alice):
    """An asymmetric key has no rotation; no key has a page called nonsense."""
    key = stage.a_key(alice, "EC_P256", alias="signer")
    browser = signed_in(factories.alice())

    refused = browser.get(address("rotation", key.key_id))
    nowhere = browser.get(f"/console/kms/keys/{key.key_id}/nonsense/further")

    assert (refused.status_code, nowhere.status_code) == (400, 404)
    for answer in (refused, nowhere):
        page = read(answer)
        assert page.texts("h1") == ["signer"]
        assert page.link("Tool") == address("tool", key.key_id)
        assert page.link("Back to the key") == address("detail", key.key_id)
    assert browser.get("/console/kms/keys/00000000-0000-0000-0000-000000000000/nonsense")["Location"] == address("list")


def test_looking_at_a_key_leaves_no_change(alice):
    key = stage.a_key(alice)
    before = Key.objects.values().get(pk=key.pk)

    for view in TABS:
        see(factories.alice(), view, key)

    assert Key.objects.values().get(pk=key.pk) == before


# --- changing alias and description


def test_an_alias_is_changed(alice):
    key = stage.a_key(alice, alias="old")
    browser = signed_in(factories.alice())

    answer = browser.post(address("edit_alias", key.key_id), {"key_alias": "new"}, follow=True)

    assert answer.redirect_chain == [(address("detail", key.key_id), 302)]
    assert toasts(answer) == ["Alias changed successfully"]
    assert Key.objects.get().alias == "new"


def test_a_description_is_changed_and_can_be_taken_away(alice):
    key = stage.a_key(alice, key_description="before")
    browser = signed_in(factories.alice())

    answer = browser.post(address("edit_description", key.key_id), {"key_description": ""}, follow=True)

    assert toasts(answer) == ["Description changed successfully"]
    assert Key.objects.get().description == ""


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Enter an alias."),
        ("a b", "Only digits, letters"),
        ("taken", "KMS.1104 Duplicate key aliases."),
        ("x/default", "The alias cannot end with /default."),
    ],
)
def test_a_wrong_alias_comes_back_with_what_is_wrong(alice, typed, message):
    stage.a_key(alice, alias="taken")
    key = stage.a_key(alice, alias="mine")

    answer = signed_in(factories.alice(), htmx="dialog-host").post(
        address("edit_alias", key.key_id), {"key_alias": typed}
    )

    assert answer.status_code == 422
    assert message in read(answer).texts("div", class_="err")[0]
    assert read(answer).texts("h2") == ["Change Alias"]


def test_who_may_only_read_changes_no_alias(alice):
    key = stage.a_key(alice, alias="mine")

    answer = signed_in(factories.bob()).post(address("edit_alias", key.key_id), {"key_alias": "new"})

    assert answer.status_code == 422
    assert "kms:cmk:update" in read(answer).text
    assert Key.objects.get().alias == "mine"


@pytest.mark.parametrize(
    "hostile", ['"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "javascript:alert(1)", "<!--", "' onclick='"]
)
def test_hostile_tags_and_descriptions_are_text(alice, hostile):
    key = stage.a_key(alice)
    Key.objects.filter(pk=key.pk).update(description=hostile)
    Tag.objects.create(key=key, name=hostile, value=hostile)

    tags, detail = see(factories.alice(), "tags:list", key), see(factories.alice(), "detail", key)

    assert tags.texts("th", scope="row") == [hostile]
    assert facts(detail)["Description"] == hostile
    assert "<img src=x" not in tags.source + detail.source
    assert "49" not in tags.texts("td")


# --- Key Material


def test_the_history_of_imported_material(alice, the_clock):
    def bring(plaintext, **changes):
        the_clock.advance(seconds=30)
        offer = stage.an_offer(alice, key)
        the_clock.advance(seconds=30)
        perform(IMPORT_KEY_MATERIAL, alice, stage.a_request(key, offer, plaintext=plaintext, **changes))

    key = stage.an_empty_key(alice)
    bring(MATERIAL, expiration_time=the_clock.seconds() + 3600)
    the_clock.advance(minutes=1)
    stage.delete_material(alice, key)
    with stage.refused(errors.MATERIAL_DIFFERS):
        bring(OTHER_MATERIAL)
    bring(MATERIAL)

    page = see(factories.alice(), "material", key)

    events = [text for text in page.texts("p") if text in HISTORY]
    assert events == [
        "Same key material imported again",
        "Import items downloaded",
        "Import items downloaded",
        "Key material deleted",
        "Key material imported",
        "Import items downloaded",
        "Empty key created",
    ]
    shown = facts(page)
    assert shown["Imported"] == "2026-03-01 12:04:00 GMT+00:00 by alice"
    assert shown["Wrapping Algorithm"] == "RSAES_OAEP_SHA_256"
    assert shown["Key material expiration mode"] == "Key material will never expire"
    assert shown["Imports"] == "2, the same material each time"


def test_the_check_value_is_for_those_who_may_import(alice):
    key = stage.an_imported_key(alice)
    check_value = key.versions.get().check_value
    assert check_value

    assert facts(see(factories.alice(), "material", key))["Check value"] == check_value
    assert check_value not in see(factories.bob(), "material", key).source


def test_an_empty_key_says_that_it_holds_nothing(alice):
    page = see(factories.alice(), "material", stage.an_empty_key(alice))

    assert "The key holds no material now." in page.text
    assert "Import Key Material" in page.texts("a")


def test_material_that_will_expire_says_when(alice, the_clock):
    key = stage.an_imported_key(alice, expiration_time=the_clock.seconds() + 3600)

    shown = facts(see(factories.alice(), "material", key))

    assert shown["Key material expiration mode"] == "Key material will expire"
    assert shown["Expiration Time"] == "2026-03-01 13:00:00 GMT+00:00"


def test_deleted_material_says_that_only_the_same_can_come_back(alice):
    key = stage.an_imported_key(alice)
    stage.delete_material(alice, key)

    page = see(factories.alice(), "material", key)

    assert "Only the same material can be imported again." in page.text
    assert "Deleted" in facts(page)


def test_a_key_of_kms_shows_its_versions(alice):
    page = see(factories.alice(), "material", stage.a_key(alice))

    assert page.texts("th", scope="row") == ["1"]
    assert "Current" in page.texts("span", class_="badge ok")


def test_a_rotated_key_shows_the_newest_of_its_versions(alice, monkeypatch):
    key = stage.a_key(alice)
    for _ in range(3):
        perform(ROTATE_ON_DEMAND, alice, {"key_id": key.key_id})

    page = see(factories.alice(), "material", key)
    assert page.texts("th", scope="row") == ["4", "3", "2", "1"]
    assert page.texts("span", class_="badge") == ["Decrypt only"] * 3

    monkeypatch.setattr(queries, "MOST_VERSIONS", 2)
    page = see(factories.alice(), "material", key)
    assert page.texts("th", scope="row") == ["4", "3"]
    assert "The newest 2 of 4 versions." in page.text


def test_another_keys_history_is_not_shown(alice, mallory):
    mine, other = stage.an_empty_key(alice), stage.an_imported_key(alice)
    Trace.objects.filter(resource_id=other.key_id).update(project_id=mallory.project_id)

    assert [text for text in see(factories.alice(), "material", mine).texts("p") if text in HISTORY] == [
        "Empty key created"
    ]
    assert [text for text in see(factories.alice(), "material", other).texts("p") if text in HISTORY] == [
        "Empty key created"
    ]


@pytest.mark.parametrize("view", TABS)
def test_a_page_about_a_key_costs_few_queries(alice, view, django_assert_max_num_queries):
    key = stage.an_imported_key(alice, tags=[{"key": f"t{n}", "value": "v"} for n in range(20)])
    browser = signed_in(factories.alice())

    with django_assert_max_num_queries(15):
        browser.get(address(view, key.key_id))

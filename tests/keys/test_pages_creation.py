"""Create Key (console.md B3)."""

import json
import re

import pytest
from django.urls import NoReverseMatch, reverse

from keys.models import Key, Tag
from operations.models import Trace
from tests import factories
from tests.keys.console import address, read, signed_in, squeeze, toasts
from tests.operations import stage

CREATE = address("create")
ALIAS_RULE = "Only digits, letters, underscores (_), hyphens (-), colons (:), and slashes (/) are allowed."
TAG_RULE = "Only letters, digits, underscores (_), hyphens (-), and at signs (@) are allowed."

pytestmark = pytest.mark.usefixtures("the_clock")


@pytest.fixture
def browser(alice):
    return signed_in(factories.alice())


def typed(**changes):
    """A form filled in as the page shows it at first."""
    fields = {
        "key_alias": "orders",
        "key_spec": "AES_256",
        "key_usage": "ENCRYPT_DECRYPT",
        "origin": "kms",
        "enterprise_project_id": "0",
        "key_description": "",
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def faults(answer):
    """The messages at the fields."""
    return [text for tag in ("div", "p") for text in read(answer).texts(tag, class_="err")]


# --- what is offered


def test_the_form_comes_filled_in(browser):
    page = read(browser.get(CREATE))

    alias = page.all("input", name="key_alias")[0]["attrs"]
    assert re.fullmatch(r"KMS-[0-9a-f]{4}", alias["value"])
    assert alias["maxlength"] == "255"
    assert "checked" in page.all("input", name="origin", value="kms")[0]["attrs"]
    labels = page.texts("label") + page.texts("legend")
    for label in (
        "Alias *",
        "Key Algorithm",
        "Usage",
        "Origin",
        "Enterprise Project",
        "Description (Optional)",
        "Tag (Optional)",
    ):
        assert label in labels
    assert page.texts("summary") == ["Advanced settings"]
    assert "You can add 20 more tags." in page.text
    assert page.texts("output") == ["0/255"]
    assert page.all("textarea", name="key_description")[0]["attrs"]["placeholder"] == "Enter a description"


def test_ok_waits_for_an_alias_that_can_be_taken(browser):
    pattern = read(browser.get(CREATE)).all("input", name="key_alias")[0]["attrs"]["pattern"]

    assert [bool(re.fullmatch(pattern, alias)) for alias in ("a", "obs/defaults", "obs/default", "a b")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_each_algorithm_says_its_usages_default_first_and_whether_it_can_be_imported(browser):
    page = read(browser.get(CREATE))

    options = {e["text"]: e["attrs"] for e in page.all("option") if "data-usages" in e["attrs"]}
    assert list(options) == [
        "AES_256", "HMAC_256", "HMAC_384", "HMAC_512", "RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384",
    ]  # fmt: skip
    assert json.loads(options["RSA_2048"]["data-usages"]) == ["SIGN_VERIFY", "ENCRYPT_DECRYPT"]
    assert json.loads(options["EC_P256"]["data-usages"]) == ["SIGN_VERIFY"]
    assert [name for name, attrs in options.items() if "data-no-import" in attrs] == [
        "HMAC_256",
        "HMAC_384",
        "HMAC_512",
    ]


def test_external_asks_to_be_understood_and_says_what(browser):
    page = read(browser.get(CREATE))

    assert "I understand the security and durability of using an imported key." in page.texts("span")
    assert "Keep a copy of the material in a safe place of your own." in page.text


def test_only_enabled_enterprise_projects_in_which_one_may_create_are_offered(alice):
    payments = factories.enterprise_project("payments")
    factories.enterprise_project("closed", enabled=False)
    factories.enterprise_project("edge")
    carol = factories.user("carol")
    factories.allow(carol, "KMS Administrator", in_enterprise_project=payments)

    def offered(user):
        page = read(signed_in(user).get(CREATE))
        return [
            e["text"] for e in page.all("option") if e["within"][-1] == "select" and "data-usages" not in e["attrs"]
        ]

    names = {"default", "payments", "edge", "closed"}
    assert [name for name in offered(factories.alice()) if name in names] == ["default", "edge", "payments"]
    assert [name for name in offered(carol) if name in names] == ["payments"]


def test_an_account_without_enterprise_projects_is_not_asked_for_one(browser):
    account = factories.account()
    account.enterprise_enabled = False
    account.save()

    page = read(browser.get(CREATE))
    browser.post(CREATE, typed(enterprise_project_id=None))

    assert page.all("select", name="enterprise_project_id") == []
    assert Key.objects.get().enterprise_project_id == "0"


def test_who_may_not_create_keys_is_told_so(alice):
    answer = signed_in(factories.bob()).get(CREATE)

    assert answer.status_code == 403
    assert "kms:cmk:create" in read(answer).text


def test_who_may_not_tag_is_told_so_instead_of_asked(alice):
    carol = factories.user("carol")
    factories.allow(carol, factories.policy("makes keys", ("Allow", "kms:cmk:*")))

    page = read(signed_in(carol).get(CREATE))

    assert "kms:cmkTag:create" in page.text
    assert page.all("input", name="tag_key") == []


def test_htmx_gets_a_drawer(alice):
    answer = signed_in(factories.alice(), htmx="dialog-host").get(CREATE)

    assert read(answer).all("dialog")[0]["attrs"]["class"].split() == ["dialog", "drawer"]
    assert "<html" not in answer.content.decode()


# --- what is made


def test_a_key_is_made_and_the_list_says_so(browser):
    answer = browser.post(
        CREATE, typed(key_description="Vault", tag_key=["env", ""], tag_value=["prod", ""]), follow=True
    )

    assert answer.redirect_chain == [(address("list"), 302)]
    assert toasts(answer) == ["Key created successfully"]
    key = Key.objects.get()
    assert (key.alias, key.description, key.state_now().label, key.origin) == ("orders", "Vault", "Enabled", "kms")
    assert [(tag.name, tag.value) for tag in key.tags.all()] == [("env", "prod")]
    assert Trace.objects.filter(name="createKey", kind="ConsoleAction", user_name="alice").count() == 1


def test_the_drawer_returns_to_the_list_it_was_opened_from(alice):
    back = f"{address('list')}?status=enabled"

    answer = signed_in(factories.alice(), htmx="dialog-host").post(CREATE, typed(next=back))

    assert answer.headers["HX-Redirect"] == back


@pytest.mark.parametrize(
    ("spec", "usage", "expected"),
    [
        ("RSA_2048", "SIGN_VERIFY", "SIGN_VERIFY"),
        ("RSA_2048", "ENCRYPT_DECRYPT", "ENCRYPT_DECRYPT"),
        ("RSA_2048", "", "SIGN_VERIFY"),
        ("EC_P384", "", "SIGN_VERIFY"),
        ("HMAC_512", "GENERATE_VERIFY_MAC", "GENERATE_VERIFY_MAC"),
    ],
)
def test_the_usage_follows_the_algorithm(browser, spec, usage, expected):
    browser.post(CREATE, typed(key_spec=spec, key_usage=usage))

    assert Key.objects.get().usage == expected


def test_an_external_key_is_empty_and_its_import_begins_at_once(browser):
    answer = browser.post(CREATE, typed(origin="external", acknowledged="on"))

    key = Key.objects.get()
    assert key.state_now().label == "Pending import"
    try:
        assert answer.url == reverse("imports:import_material", args=[key.key_id])
    except NoReverseMatch:
        assert answer.url == address("list")


# --- what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key_alias": ""}, "Enter an alias."),
        ({"key_alias": "has space"}, ALIAS_RULE),
        ({"key_alias": " orders"}, ALIAS_RULE),
        ({"key_alias": "<b>"}, ALIAS_RULE),
        ({"key_alias": "mine/default"}, "The alias cannot end with /default."),
        ({"key_alias": "taken"}, "KMS.1104 Duplicate key aliases. Another key of this project has this alias."),
        ({"key_description": "d" * 256}, "At most 255 characters."),
        ({"key_usage": "GENERATE_VERIFY_MAC"}, "AES_256: ENCRYPT_DECRYPT."),
        ({"origin": "external"}, "Confirm that you understand what using an imported key means."),
        ({"origin": "external", "acknowledged": "on", "key_spec": "HMAC_256", "key_usage": ""}, "KMS.0341"),
        ({"tag_key": ["a", "a"], "tag_value": ["1", "2"]}, "The tag key already exists."),
        ({"tag_key": [f"t{n}" for n in range(21)], "tag_value": [""] * 21}, "A key can have at most 20 tags."),
        ({"tag_key": [" a"], "tag_value": [""]}, "A tag key cannot begin or end with a space."),
        ({"tag_key": ["a.b"], "tag_value": [""]}, TAG_RULE),
        ({"tag_key": ["a"], "tag_value": ["<script>"]}, TAG_RULE),
        ({"tag_key": [""], "tag_value": ["lost"]}, "Enter a tag key."),
        ({"tag_key": ["k" * 129], "tag_value": [""]}, "1 to 128 characters."),
        ({"tag_key": ["a"], "tag_value": ["v" * 256]}, "At most 255 characters."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(alice, browser, changes, message):
    stage.a_key(alice, alias="taken")

    answer = browser.post(CREATE, typed(key_spec=changes.pop("key_spec", "AES_256"), **changes))

    assert answer.status_code == 422
    assert any(message in fault for fault in faults(answer)), faults(answer)
    assert Key.objects.count() == 1
    assert Tag.objects.count() == 0
    if "key_alias" in changes:
        assert read(answer).all("input", name="key_alias")[0]["attrs"].get("value", "") == changes["key_alias"]


def test_everything_that_is_wrong_is_said_at_once(browser):
    answer = browser.post(CREATE, typed(key_alias="", key_description="d" * 256, origin="external"))

    assert faults(answer) == [
        "Enter an alias.",
        "Confirm that you understand what using an imported key means.",
        "At most 255 characters.",
    ]


def test_a_full_project_says_so(browser, settings):
    settings.KMS_QUOTA_KEYS = 0

    answer = browser.post(CREATE, typed())

    assert "KMS.1105 Too many keys." in squeeze(read(answer).text)


def test_a_closed_enterprise_project_takes_no_key_by_a_forged_form(browser):
    closed = factories.enterprise_project("closed", enabled=False)

    answer = browser.post(CREATE, typed(enterprise_project_id=closed.wire_id))

    assert answer.status_code == 422
    assert Key.objects.count() == 0


def test_who_may_not_create_keys_makes_none_by_a_forged_form(alice):
    answer = signed_in(factories.bob()).post(CREATE, typed())

    assert answer.status_code == 422
    assert "kms:cmk:create" in read(answer).text
    assert Key.objects.count() == 0


def test_a_hostile_description_is_text(browser):
    hostile = "</textarea><script>alert(1)</script>"

    answer = browser.post(CREATE, typed(key_alias="", key_description=hostile))

    assert "<script>alert" not in answer.content.decode()
    assert read(answer).all("textarea", name="key_description")[0]["text"].strip() == hostile


# --- the live answer


def test_a_taken_alias_is_said_while_it_is_typed(alice, browser):
    key = stage.a_key(alice, alias="taken")
    check = address("check_alias")

    def fault(**asked):
        return browser.get(check, asked).json()["fault"]

    assert fault(alias="taken").startswith("KMS.1104 Duplicate key aliases.")
    assert fault(alias="free") == ""
    assert fault(alias="taken", **{"except": key.key_id}) == ""
    assert fault(alias="\x00") == ""


@pytest.mark.parametrize(("view", "asks"), [("edit_alias", "?except="), ("create_alias", "check-alias")])
def test_every_field_for_an_alias_knows_where_to_ask(alice, browser, view, asks):
    key = stage.a_key(alice)

    page = read(browser.get(address(view, key.key_id)))

    [check] = [e["attrs"]["data-alias-check"] for e in page.all("span") if "data-alias-check" in e["attrs"]]
    assert asks in check
    assert (key.key_id in check) == (view == "edit_alias")


def test_the_hint_of_the_origin_follows_the_choice(browser):
    spans = {e["attrs"].get("data-when"): squeeze(e["text"]) for e in read(browser.get(CREATE)).all("span")}

    assert spans["origin=kms"] == "KMS generates the key material."
    assert spans["origin=external"].startswith("You bring the key material")


def test_who_could_not_take_an_alias_learns_nothing_about_it(alice, mallory):
    stage.a_key(alice, alias="taken")

    for user in (factories.bob(), factories.mallory()):
        assert signed_in(user).get(address("check_alias"), {"alias": "taken"}).json() == {"fault": ""}

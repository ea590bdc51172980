"""The Grants tab: what stands there, Create Grant, Grant Details and Revoke Grant (console.md B6)."""

from __future__ import annotations

import pytest

from keys.models import Grant, Key
from operations.models import Trace
from tests import factories
from tests.keys.console import address, read, signed_in, squeeze, toasts
from tests.operations import stage
from tests.operations.stage import GRANTEE, a_grant

pytestmark = pytest.mark.usefixtures("the_clock")

NINE = [
    "Create Data Key Without Plaintext", "Create Data Key", "Encrypt Data Key", "Decrypt Data Key", "Describe Key",
    "Create Grant", "Retire Grant", "Encrypt Data", "Decrypt Data",
]  # fmt: skip
GIVEN = {
    "grantee_principal_type": "user",
    "grantee_principal": GRANTEE,
    "name": "card-vault",
    "operations": ["encrypt-data", "decrypt-data"],
}


@pytest.fixture
def browser(alice):
    return signed_in(factories.alice())


@pytest.fixture
def key(alice):
    return stage.a_key(alice)


def tab(browser, key):
    return read(browser.get(address("grants", key.key_id)))


def create(browser, key, **fields):
    return browser.post(address("create_grant", key.key_id), {**GIVEN, **fields}, follow=True)


def revoke(browser, grant, confirm="DELETE"):
    url = address("revoke_grant", grant.key.key_id, grant.grant_id)
    return browser.post(url, {"confirm": confirm}, follow=True)


def create_button(page):
    """Its address, or why it is off."""
    (button,) = [e for e in page.elements if e["attrs"].get("class") == "btn primary small end"]
    return button["attrs"].get("href") or button["attrs"]["title"]


# --- the tab ------------------------------------------------------------------------------------------------------


def test_grants_are_listed_newest_first(alice, browser, key, the_clock):
    first = a_grant(alice, key, "encrypt-data", "decrypt-data", name="card-vault")
    the_clock.advance(minutes=1)
    a_grant(alice, key, "describe-key", grantee_principal_type="domain")

    page = tab(browser, key)

    assert page.texts("th", scope="col") == [
        "Grant Name / ID", "Granted To", "Grantee ID", "Granted Operations", "Created", "Operation",
    ]  # fmt: skip
    assert page.texts("a", class_="name") == ["Unnamed grant", "card-vault"]
    assert page.texts("td", data_label="Granted To") == ["Account", "User"]
    assert page.texts("td", data_label="Granted Operations") == ["Describe Key", "Encrypt DataDecrypt Data"]
    assert page.all("button", data_copy=first.grant_id)
    assert page.all("button", data_copy=GRANTEE)
    assert "2 of 100" in page.text
    assert "Grants 2" in page.texts("a")


def test_a_key_without_grants_says_so(browser, key):
    page = tab(browser, key)

    assert {"Grants", "No grants."} <= set(page.texts("h2"))
    assert create_button(page) == address("create_grant", key.key_id)


@pytest.mark.parametrize("prepare", [stage.disable, stage.schedule_deletion])
def test_only_an_enabled_key_takes_grants_but_all_can_be_revoked(alice, browser, key, prepare):
    grant = a_grant(alice, key, name="old")
    prepare(alice, key)

    page = tab(browser, key)

    assert create_button(page) == "Grants can be created for enabled keys only."
    assert page.all("a", aria_label="Revoke Grant old")
    answer = browser.get(address("create_grant", key.key_id), follow=True)
    assert answer.redirect_chain == [(address("grants", key.key_id), 302)]
    revoke(browser, grant)
    assert not key.grants.exists()


def test_a_full_key_takes_no_more(alice, browser, key):
    fields = {"grantee": GRANTEE, "grantee_kind": "user", "issued_by": "x", "operations": ["describe-key"]}
    Grant.objects.bulk_create(Grant(key=key, created_at=key.created_at, **fields) for _ in range(100))

    assert create_button(tab(browser, key)).startswith("The key has the maximum number of grants.")
    assert "KMS.2404 Too many CMK grants." in read(create(browser, key)).text


def test_who_may_only_read_sees_what_is_missing(alice, key):
    a_grant(alice, key, name="card-vault")

    page = tab(signed_in(factories.bob()), key)

    off = {squeeze(e["text"].split(":")[0]): e["attrs"]["title"] for e in page.all("span", aria_disabled="true")}
    assert off["Create Grant"] == "You do not have the permission kms:grant:create."
    assert off["Revoke Grant"] == "You do not have the permission kms:grant:revoke."


def test_who_may_not_list_grants_sees_none(alice, key):
    a_grant(alice, key, name="card-vault")
    carol = factories.user("carol")
    factories.allow(carol, factories.policy("only keys", ("Allow", "kms:cmk:get")))

    page = tab(signed_in(carol), key)

    assert "kms:grant:list" in page.text
    assert "card-vault" not in page.source
    assert "Grants" in page.texts("a")


def test_a_default_key_has_no_such_tab(browser, key):
    Key.objects.filter(pk=key.pk).update(is_default=True)

    assert not [text for text in read(browser.get(address("detail", key.key_id))).texts("a") if "Grants" in text]
    assert "KMS.0211" in read(create(browser, key)).text


def test_a_grantee_uses_the_api_and_no_page(alice, key):
    nobody = factories.user("nobody")
    a_grant(alice, key, "describe-key", grantee=factories.caller(nobody))

    answer = signed_in(nobody).get(address("detail", key.key_id))

    assert answer.status_code == 403
    assert "kms:cmk:get" in read(answer).text


def test_looking_at_grants_leaves_a_trace(browser, key):
    tab(browser, key)

    assert Trace.objects.get(name="listGrants").kind == "ConsoleAction"


# --- Create Grant -------------------------------------------------------------------------------------------------


def test_create_grant_is_a_page_and_for_htmx_a_drawer(browser, key):
    url = address("create_grant", key.key_id)

    page, part = read(browser.get(url)), read(signed_in(factories.alice(), htmx="dialog-host").get(url))

    assert page.texts("h1") == ["Create Grant"]
    assert part.all("dialog")[0]["attrs"]["class"] == "dialog drawer"
    for shown in (page, part):
        assert [e["attrs"]["value"] for e in shown.all("input", name="grantee_principal_type")] == ["user", "domain"]
        boxes = shown.all("input", name="operations")
        assert [e["attrs"].get("checked") for e in boxes] == [None] * 9
        assert [squeeze(e["text"]) for e in shown.all("label", class_="check")] == NINE
        (ok,) = [e for e in shown.all("button") if squeeze(e["text"]) == "OK"]
        assert ok["attrs"]["data-needs-any"] == "#id_operations"


@pytest.mark.parametrize(
    ("spec", "own"),
    [
        ("EC_P256", {"Sign", "Verify", "Get Public Key"}),
        ("HMAC_256", {"Generate MAC", "Verify MAC"}),
    ],
)
def test_what_is_offered_fits_the_kind_of_key(alice, browser, spec, own):
    page = read(browser.get(address("create_grant", stage.a_key(alice, spec).key_id)))

    offered = {squeeze(e["text"]) for e in page.all("label", class_="check")}
    assert offered == own | {"Describe Key", "Create Grant", "Retire Grant"}


def test_a_grant_is_created(alice, browser, key):
    answer = create(browser, key)

    assert answer.redirect_chain == [(address("grants", key.key_id), 302)]
    assert toasts(answer) == ["Grant created successfully"]
    grant = key.grants.get()
    assert (grant.name, grant.grantee, grant.grantee_kind) == ("card-vault", GRANTEE, "user")
    assert (grant.operations, grant.issued_by) == (["encrypt-data", "decrypt-data"], alice.user_id)
    assert Trace.objects.get(name="createGrant").kind == "ConsoleAction"


def test_a_grant_for_an_account(browser, key):
    create(browser, key, grantee_principal_type="domain", name="")

    grant = key.grants.get()
    assert (grant.grantee_kind, grant.name) == ("domain", "")


@pytest.mark.parametrize(
    ("fields", "at", "message"),
    [
        ({"grantee_principal": ""}, "grantee_principal", "Enter an ID."),
        ({"grantee_principal": "8f0b5c1e-4a9d"}, "grantee_principal", "Invalid user ID."),
        ({"grantee_principal": "a" * 65}, "grantee_principal", "Invalid user ID."),
        ({"name": "card vault"}, "name", "Only digits, letters, underscores (_), hyphens (-), colons (:)"),
        ({"operations": []}, "operations", "Choose at least one operation."),
        ({"operations": ["disable-key"]}, "operations", "disable-key"),
        (
            {"operations": ["create-grant"]},
            "operations",
            "KMS.2401 Specify an operation in addition to create-grant.",
        ),
    ],
)
def test_a_bad_grant_is_refused_where_it_is_bad(browser, key, fields, at, message):
    answer = create(browser, key, **fields)

    page = read(answer)
    assert answer.status_code == 422
    assert [text for text in page.texts("div", class_="err", id=f"id_{at}_error") if message in text], page.text
    assert len(page.all("div", class_="err")) == 1
    assert not key.grants.exists()


def test_who_may_only_read_creates_nothing(alice, key):
    browser = signed_in(factories.bob())

    asked = browser.get(address("create_grant", key.key_id), follow=True)
    answer = create(browser, key)

    assert toasts(asked) == ["You do not have the permission kms:grant:create."]
    assert "KMS.0306" in read(answer).text
    assert not key.grants.exists()


# --- Grant Details and Revoke Grant -------------------------------------------------------------------------------


def test_the_details_of_a_grant(alice, browser, key):
    grant = a_grant(alice, key, "encrypt-data", "retire-grant", name="card-vault", retiring_principal="b" * 32)

    page = read(browser.get(address("grant", key.key_id, grant.grant_id)))

    assert page.texts("h1") == ["Grant Details"]
    assert dict(zip(page.texts("dt"), page.texts("dd"), strict=True)) == {
        "Grant Name": "card-vault",
        "Grant ID": grant.grant_id,
        "Granted To": "User",
        "Grantee ID": GRANTEE,
        "Granted Operations": "Retire GrantEncrypt Data",
        "Retiring Principal": "b" * 32,
        "Granted By": alice.user_id,
        "Created": "2026-03-01 12:00:00 GMT+00:00",
    }
    assert "OK" not in page.texts("button")


def test_a_grant_is_revoked_after_a_word(alice, browser, key):
    grant, other = a_grant(alice, key, name="card-vault"), a_grant(alice, key)

    asked = read(browser.get(address("revoke_grant", key.key_id, grant.grant_id)))
    answer = revoke(browser, grant)

    assert asked.texts("h1") == ["Revoke Grant"]
    assert 'To confirm deletion, enter "DELETE" below.' in asked.texts("label")
    assert answer.redirect_chain == [(address("grants", key.key_id), 302)]
    assert toasts(answer) == [f"Grant {grant.grant_id} revoked successfully"]
    assert list(key.grants.all()) == [other]


@pytest.mark.parametrize("typed", ["", "delete", "DELETE "])
def test_another_word_revokes_nothing(alice, browser, key, typed):
    answer = revoke(browser, a_grant(alice, key), confirm=typed)

    assert answer.status_code == 422
    assert 'Enter "DELETE" in capitals.' in read(answer).text
    assert key.grants.count() == 1


def test_who_may_only_read_revokes_nothing(alice, key):
    answer = revoke(signed_in(factories.bob()), a_grant(alice, key))

    assert "KMS.0306" in read(answer).text
    assert key.grants.count() == 1


@pytest.mark.parametrize("view", ["grant", "revoke_grant"])
def test_a_grant_that_is_gone_or_of_another_key_leads_back_to_the_tab(alice, browser, key, view):
    other = a_grant(alice, stage.a_key(alice))

    for grant_id in (other.grant_id, "f" * 64, "no-grant"):
        answer = browser.get(address(view, key.key_id, grant_id), follow=True)
        assert answer.redirect_chain == [(address("grants", key.key_id), 302)]
        assert toasts(answer) == ["The grant does not exist."]


def test_to_revoke_a_grant_of_another_key_is_refused(alice, browser, key):
    other = a_grant(alice, stage.a_key(alice))

    answer = browser.post(address("revoke_grant", key.key_id, other.grant_id), {"confirm": "DELETE"}, follow=True)

    assert toasts(answer) == ["The grant does not exist."]
    assert Grant.objects.count() == 1

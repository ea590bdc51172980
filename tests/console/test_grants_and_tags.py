"""The Grants and the Tags tab in a browser: a grant created and revoked, a tag added, changed and deleted."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.console.test_key_pages import a_name, dialog, expect_toast, inspect, keys, make, settled

__all__ = ["keys"]

GRANTEE = "0d0466b00d0466b00d0466b00d0466b0"


def row(page, text):
    return page.get_by_role("row").filter(has_text=text)


def test_a_grant_is_created_looked_at_and_revoked(keys, rest):
    key_id = make(rest, a_name("grant"))
    page = keys(f"/{key_id}/grants")
    expect(page.get_by_role("heading", name="No grants.")).to_be_visible()

    page.get_by_role("link", name="Create Grant").click()
    drawer = dialog(page, "Create Grant")
    ok = drawer.get_by_role("button", name="OK")
    drawer.get_by_label("User ID").fill(GRANTEE)
    drawer.get_by_label("Grant Name").fill("card-vault")
    expect(ok).to_be_disabled()
    drawer.get_by_label("Select all").check()
    expect(drawer.get_by_role("checkbox", checked=True)).to_have_count(10)
    expect(ok).to_be_enabled()
    drawer.get_by_label("Select all").uncheck()
    expect(ok).to_be_disabled()
    drawer.get_by_label("Encrypt Data", exact=True).check()
    expect(drawer.get_by_label("Select all")).to_have_js_property("indeterminate", True)
    ok.click()

    expect_toast(page, "Grant created successfully")
    expect(row(page, "card-vault")).to_contain_text("Encrypt Data")
    page.get_by_role("link", name="card-vault", exact=True).click()
    expect(dialog(page, "Grant Details")).to_contain_text(GRANTEE)
    dialog(page, "Grant Details").get_by_role("button", name="Close").last.click()
    expect(dialog(page, "Grant Details")).to_have_count(0)
    settled(page)

    page.get_by_role("link", name="Revoke Grant card-vault").click()
    revoke = dialog(page, "Revoke Grant")
    expect(revoke.get_by_role("button", name="OK")).to_be_disabled()
    revoke.get_by_label('enter "DELETE"').fill("DELETE")
    grant_id = rest.call("list-grants", key_id=key_id)["grants"][0]["grant_id"]
    revoke.get_by_role("button", name="OK").click()

    expect_toast(page, f"Grant {grant_id} revoked successfully")
    expect(page.get_by_role("heading", name="No grants.")).to_be_visible()


def test_a_refused_grant_stays_with_what_was_typed(keys, rest, expected_errors):
    expected_errors.append("422")
    page = keys(f"/{make(rest, a_name('grant'))}/grants")

    page.get_by_role("link", name="Create Grant").click()
    drawer = dialog(page, "Create Grant")
    drawer.get_by_text("Account", exact=True).click()
    account = drawer.get_by_role("textbox", name="Account ID")
    expect(account).to_be_visible()
    expect(drawer.get_by_role("textbox", name="User ID")).to_have_count(0)
    account.fill("8f0b5c1e-4a9d")
    drawer.get_by_label("Create Grant", exact=True).check()
    drawer.get_by_role("button", name="OK").click()

    expect(drawer.get_by_text("Invalid user ID. Use 1 to 64 letters and digits")).to_be_visible()
    expect(account).to_have_value("8f0b5c1e-4a9d")
    expect(drawer.get_by_label("Create Grant", exact=True)).to_be_checked()
    settled(page)
    account.fill(GRANTEE)
    drawer.get_by_role("button", name="OK").click()
    expect(drawer.get_by_text("KMS.2401 Specify an operation in addition to create-grant.")).to_be_visible()


def test_a_tag_is_added_changed_and_deleted(keys, rest):
    page = keys(f"/{make(rest, a_name('tag'))}/tags")

    page.get_by_role("link", name="Add Tag").click()
    add = dialog(page, "Add Tag")
    expect(add.get_by_role("button", name="OK")).to_be_disabled()
    add.get_by_label("Tag key").fill("env")
    add.get_by_label("Tag value").fill("prod")
    add.get_by_role("button", name="OK").click()
    expect_toast(page, "Tag added successfully")
    expect(page.get_by_text("You can add 19 more tags.")).to_be_visible()

    page.get_by_role("link", name="Edit env").click()
    dialog(page, "Edit Tag").get_by_label("Tag value").fill("test")
    page.keyboard.press("Enter")
    expect_toast(page, "Tag changed successfully")
    expect(row(page, "env")).to_contain_text("test")

    page.get_by_role("link", name="Delete env").click()
    dialog(page, "Delete Tag").get_by_role("button", name="OK").click()
    expect_toast(page, "Tag deleted successfully")
    expect(page.get_by_role("heading", name="No tags.")).to_be_visible()


def test_axe_finds_nothing_on_the_tabs_and_their_dialogs(keys, rest):
    key_id = make(rest, a_name("axe"), tags=[{"key": "env", "value": "prod"}])
    inspect(keys(f"/{key_id}/grants"), "no grants")
    grant = {"grantee_principal": GRANTEE, "operations": ["encrypt-data", "describe-key"], "name": "card-vault"}
    rest.call("create-grant", key_id=key_id, **grant)

    for tab, openers in {
        "grants": ("Create Grant", "card-vault", "Revoke Grant card-vault"),
        "tags": ("Add Tag", "Edit env", "Delete env"),
    }.items():
        page = keys(f"/{key_id}/{tab}")
        inspect(page, tab)
        for opener in openers:
            page.get_by_role("link", name=opener, exact=True).click()
            expect(page.get_by_role("dialog")).to_be_visible()
            inspect(page, opener)
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_have_count(0)
            settled(page)

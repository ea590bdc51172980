"""Closing the wizard, going back, coming again, and two tabs: an offer lives no longer than its page."""

from __future__ import annotations

import secrets
import time

import pytest
from playwright.sync_api import Page, expect

from tests.console import importing
from tests.console.rest import oaep

MATERIAL = "encrypted_key_material"
QUESTION = "The import token will become invalid if you close the wizard."


def wrapped_for(page: Page, key_id: str, folder) -> bytes:
    return oaep((folder / f"wrappingKey_{key_id}").read_bytes(), secrets.token_bytes(32))


def close(page: Page, how: str) -> None:
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("link", name=how).click()


@pytest.mark.parametrize("how", ["Cancel", "Escape"])
def test_closing_asks_then_ends_the_token_and_the_key_can_be_filled_again(
    page, console_server, rest, tmp_path, expected_errors, how
):
    expected_errors.append("422")
    key_id = rest.empty_key(importing.an_alias("closing"))
    importing.at_material(page, console_server, key_id, tmp_path)
    old = wrapped_for(page, key_id, tmp_path)

    close(page, how)
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text(QUESTION)
    question.get_by_role("button", name="Cancel").click()
    expect(importing.heading(page, "Import Key Material")).to_be_visible()

    close(page, how)
    with page.expect_request("**/revoke"):
        question.get_by_role("button", name="OK", exact=True).click()
    expect(page.get_by_role("heading", name="Custom Keys")).to_be_visible()
    expect(importing.row(page, key_id)).to_contain_text("Pending import")

    importing.at_material(page, console_server, key_id, tmp_path)
    importing.choose(page, MATERIAL, old)
    importing.next_step(page)
    importing.press_ok(page)
    importing.expect_refused(page, "Import Key Material", "KMS.0311")
    importing.choose(page, MATERIAL, wrapped_for(page, key_id, tmp_path))
    importing.next_step(page)
    importing.press_ok(page)
    importing.expect_imported(page, key_id)


@pytest.mark.parametrize("how", ["menu", "breadcrumb", "log out", "back"])
def test_leaving_the_page_asks_in_the_products_words(page, console_server, rest, tmp_path, how):
    key_id = rest.empty_key(importing.an_alias("leaving"))
    page.goto(f"{console_server.url}/console/kms/keys")
    importing.at_material(page, console_server, key_id, tmp_path)
    page.on("dialog", lambda dialog: pytest.fail(f"the browser asked: {dialog.type}"))
    leave = {
        "menu": lambda: page.get_by_role("link", name="Default Keys").click(),
        "breadcrumb": lambda: page.locator(".crumbs").get_by_role("link", name="Custom Keys").click(),
        "log out": lambda: (
            page.locator("[popovertarget=menu-user]").click(),
            page.get_by_role("button", name="Log Out").click(),
        ),
        "back": page.go_back,
    }[how]
    question = page.get_by_role("alertdialog")
    leave()
    expect(question).to_contain_text(QUESTION)
    question.get_by_role("button", name="Cancel").click()
    expect(importing.heading(page, "Import Key Material")).to_be_visible()
    if how == "log out":
        return  # the other tests need the session

    leave()
    with page.expect_request("**/revoke"):
        question.get_by_role("button", name="OK", exact=True).click()

    expect(page.get_by_role("heading", name="Default Keys" if how == "menu" else "Custom Keys")).to_be_visible()


def test_a_reloaded_page_says_which_wrapping_key_is_dead_and_why(page, console_server, rest, tmp_path):
    key_id = rest.empty_key(importing.an_alias("reloaded"))
    importing.at_material(page, console_server, key_id, tmp_path)
    address = page.url
    fingerprint = page.locator("[data-fill=fingerprint]").text_content()
    page.on("dialog", lambda dialog: dialog.accept())

    page.reload()

    alert = page.locator("[data-errors] [role=alert]")
    expect(alert).to_contain_text(f"(SHA-256 {fingerprint}) ended when its page was reloaded or left.")
    expect(importing.heading(page, "Download the Import Items")).to_be_visible()
    assert address.partition("?")[2].startswith("offer=")
    assert revoked_soon(console_server, key_id)
    page.goto(address)  # whoever comes to the old address later learns it from the service
    expect(page.get_by_role("alert")).to_contain_text(
        f"(SHA-256 {fingerprint}) ended when its wizard was closed, left or"
    )


def test_closing_before_the_download_asks_nothing(page, console_server, rest):
    key_id = rest.empty_key(importing.an_alias("early"))
    importing.resume_import(page, console_server, key_id)

    page.get_by_role("link", name="Cancel").click()

    expect(page.get_by_role("heading", name="Custom Keys")).to_be_visible()


@pytest.mark.parametrize("opened", [importing.resume_import, importing.open_drawer])
def test_real_navigation_asks_the_browsers_way_and_ends_the_token(page, console_server, rest, tmp_path, opened):
    key_id = rest.empty_key(importing.an_alias("navigating"))
    opened(page, console_server, key_id)
    importing.download(page, tmp_path)
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))

    page.goto(f"{console_server.url}/console/kms/keys")

    assert asked == ["beforeunload"]
    assert revoked_soon(console_server, key_id) == 1


def revoked_soon(console, key_id: str) -> int:
    deadline = time.monotonic() + 30
    while revoked(console, key_id) == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    return revoked(console, key_id)


def revoked(console, key_id: str) -> int:
    """How many offers of the key were ended by closing, as the audit trail tells."""
    code = (
        "from operations.models import Trace; "
        f"print(Trace.objects.filter(name='revokeImportToken', resource_id='{key_id}').count())"
    )
    return int(console.manage("shell", "-v", "0", "-c", code).split()[-1])


def test_previous_keeps_the_file_and_a_second_download_replaces_the_first(
    page, console_server, rest, tmp_path, expected_errors
):
    expected_errors.append("422")
    key_id = rest.empty_key(importing.an_alias("again"))
    importing.at_material(page, console_server, key_id, tmp_path)
    importing.choose(page, MATERIAL, wrapped_for(page, key_id, tmp_path), file_name="first.bin")

    page.get_by_role("button", name="Previous").click()
    importing.download(page, tmp_path)
    expect(page.locator("[data-material-title]").first).to_have_text("first.bin")
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_refused(page, "Import Key Material", "KMS.0311")
    importing.choose(page, MATERIAL, wrapped_for(page, key_id, tmp_path))
    importing.next_step(page)
    importing.press_ok(page)
    importing.expect_imported(page, key_id)


def test_two_tabs_on_two_keys_do_not_disturb_each_other(page, console_server, rest, tmp_path):
    keys = {tab: rest.empty_key(importing.an_alias("tabs")) for tab in (page, page.context.new_page())}
    for tab, key_id in keys.items():
        importing.at_material(tab, console_server, key_id, tmp_path)
    for tab, key_id in keys.items():
        importing.choose(tab, MATERIAL, wrapped_for(tab, key_id, tmp_path))
        importing.next_step(tab)
    for tab, key_id in reversed(keys.items()):
        importing.press_ok(tab)
        importing.expect_imported(tab, key_id)


def test_two_tabs_on_one_key_the_later_download_counts(page, console_server, rest, tmp_path, expected_errors):
    expected_errors.append("422")
    key_id = rest.empty_key(importing.an_alias("tabs"))
    second = page.context.new_page()
    importing.at_material(page, console_server, key_id, tmp_path)
    first_file = wrapped_for(page, key_id, tmp_path)
    importing.at_material(second, console_server, key_id, tmp_path)

    importing.choose(page, MATERIAL, first_file, file_name="first.bin")
    page.get_by_role("button", name="Next", exact=True).click()
    importing.expect_refused(
        page, "Download the Import Items", "KMS.2601", "Token expired.", "was replaced by a newer one for the same key"
    )

    importing.choose(second, MATERIAL, wrapped_for(second, key_id, tmp_path))
    importing.next_step(second)
    importing.press_ok(second)
    importing.expect_imported(second, key_id)
    # The first tab keeps its file, and learns that there is nothing left to do.
    expect(page.locator("[data-material-title]").first).to_have_text("first.bin")
    expected_errors.append("400")
    page.get_by_role("button", name="Download and Continue").click()
    expect(page.locator("[data-errors] [role=alert]")).to_contain_text(
        "KMS.0310 The key is not in Pending import state. The key is in state Enabled."
    )


def test_a_key_that_does_not_wait_has_no_wizard(page, console_server, rest, expected_errors):
    expected_errors.append("400")
    key_id = rest.empty_key(importing.an_alias("full"))
    rest.import_material(key_id, secrets.token_bytes(32))

    page.goto(f"{console_server.url}/console/kms/import/{key_id}")

    expect(page.get_by_role("heading", level=1)).to_have_text("The key is not in Pending import state.")
    expect(page.get_by_text("The key is in state Enabled.")).to_be_visible()


def test_a_key_that_does_not_exist_leads_back_to_the_list(page, console_server):
    page.goto(f"{console_server.url}/console/kms/import/00000000-0000-0000-0000-000000000000")

    expect(page.get_by_role("heading", name="Custom Keys")).to_be_visible()
    expect(page.locator("#toasts")).to_contain_text("The key does not exist.")

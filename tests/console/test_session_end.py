"""The session ends while a page stands open, as when one logs out in another tab: nothing typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import sign_in
from tests.console.test_key_pages import a_name, dialog, expect_toast, make

KEYS = "/console/kms/keys"


@pytest.fixture
def page(watched, console_server, expected_errors) -> Page:
    """A page with a session of its own, which it may lose."""
    expected_errors.append("401")
    page = watched(console_server).new_page()
    sign_in(page, console_server)
    return page


def log_out_elsewhere(page: Page) -> None:
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="Account menu").click()
    other.get_by_role("button", name="Log Out").click()
    other.wait_for_url("**/console/login*")
    other.close()


def log_in_and_come_back(page: Page, console) -> None:
    ended = page.get_by_role("alertdialog", name="Your session has ended")
    expect(ended).to_be_visible()
    with page.context.expect_page() as opened:
        ended.get_by_role("link", name="Log In").click()
    other = opened.value
    other.locator("[name=account]").fill(console.account)
    other.locator("[name=name]").fill(console.user)
    other.locator("[name=password]").fill(console.password)
    other.get_by_role("button", name="Log In").click()
    expect(other.get_by_role("heading", name="You are logged in")).to_be_visible()
    other.close()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(ended).to_be_hidden()


def test_a_drawer_keeps_what_was_typed_and_creates_the_key_after_a_new_sign_in(page, console_server):
    alias = a_name("session")
    page.get_by_role("link", name="Create Key").first.click()
    drawer = dialog(page, "Create Key")
    drawer.get_by_label("Alias").fill(alias)
    drawer.get_by_text("Advanced settings").click()
    drawer.get_by_label("Description").fill("typed with care")
    log_out_elsewhere(page)

    drawer.get_by_role("button", name="OK").click()
    log_in_and_come_back(page, console_server)

    expect(drawer.get_by_label("Alias")).to_have_value(alias)
    expect(drawer.get_by_label("Description")).to_have_value("typed with care")
    drawer.get_by_role("button", name="OK").click()
    expect_toast(page, "Key created successfully")


def test_a_page_with_a_form_of_its_own_does_the_same(page, console_server):
    alias = a_name("session")
    page.goto(f"{console_server.url}{KEYS}/create")
    page.get_by_label("Alias").fill(alias)
    log_out_elsewhere(page)

    page.get_by_role("button", name="OK").click()
    log_in_and_come_back(page, console_server)

    page.get_by_role("button", name="OK").click()
    expect_toast(page, "Key created successfully")


def test_a_filter_and_the_online_tool_tell_it_alike(page, console_server, rest):
    key_id = make(rest, a_name("session"))
    log_out_elsewhere(page)
    page.locator("#f-status").select_option("Disabled")
    log_in_and_come_back(page, console_server)
    expect(page.locator("#f-status")).to_have_value("")

    page.goto(f"{console_server.url}{KEYS}/{key_id}/tool")
    page.get_by_label("Plaintext").fill("a long letter")
    log_out_elsewhere(page)
    page.get_by_role("button", name="Execute").click()
    log_in_and_come_back(page, console_server)
    page.get_by_role("button", name="Execute").click()
    page.get_by_role("button", name="Decrypt this").click()
    expect(page.get_by_role("radio", name="Decrypt", exact=True)).to_be_checked()
    expect(page.get_by_label("Ciphertext")).not_to_have_value("")
    expect(page.get_by_role("button", name="Execute")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#output")).to_have_value("a long letter")

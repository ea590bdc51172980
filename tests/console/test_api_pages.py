"""The API's own pages in a browser: both themes, phone width, keyboard, copying, and without script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console.test_wizard_access import inspect


@pytest.mark.parametrize("path", ["", "/create-key"])
def test_axe_finds_nothing(page, console_server, path):
    page.goto(f"{console_server.url}/console/api{path}")
    inspect(page, f"API{path}")


def test_from_the_menu_to_an_operation_by_keyboard_and_its_line_to_the_clipboard(page, console_server):
    page.goto(f"{console_server.url}/console/kms/keys")
    page.get_by_role("link", name="API", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1, name="API")).to_be_visible()

    page.get_by_role("link", name="encrypt-data", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1, name="encrypt-data")).to_be_visible()
    expect(page.get_by_role("link", name="API", exact=True).first).to_have_attribute("aria-current", "page")

    page.get_by_role("button", name="Copy the curl command").press("Enter")
    expect(page.locator("#announce")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f'curl -sS -X POST "{console_server.url}/v1.0/')
    assert '"plain_text": "hello"' in copied


def test_it_reads_the_same_without_script(watched, console_server, admin_state):
    page = watched(console_server, storage_state=admin_state, java_script_enabled=False).new_page()
    page.goto(f"{console_server.url}/console/api/encrypt-data")

    expect(page.get_by_role("region", name="With curl")).to_contain_text("/kms/encrypt-data")
    expect(page.get_by_role("row").filter(has_text="KMS.0209")).to_be_visible()
    expect(page.get_by_role("button", name="Copy the curl command")).to_be_hidden()

"""On a phone, what the top bar has no room for is in the menu."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console import importing
from tests.console.conftest import NARROW
from tests.frontend.accessibility import violations


@pytest.fixture
def menu(page, console_server):
    page.set_viewport_size(NARROW)
    page.goto(f"{console_server.url}/console/kms/keys")
    page.get_by_role("button", name="Open navigation").click()
    return page.get_by_role("navigation", name="Service")


def test_keys_are_searched_from_the_menu(page, menu, rest):
    alias = importing.an_alias("narrow")
    rest.empty_key(alias)

    menu.get_by_label("Search keys and IDs").fill(alias)
    page.keyboard.press("Enter")

    expect(importing.row(page, alias)).to_be_visible()
    assert f"q={alias}" in page.url


def test_the_enterprise_project_is_chosen_from_the_menu(page, menu):
    assert violations(page) == []
    menu.get_by_role("button", name="Enterprise project: All").click()
    choices = page.locator("#menu-enterprise")
    expect(choices).to_be_visible()
    box = choices.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW["width"]
    assert violations(page) == []

    choices.get_by_role("button", name="default").click()
    page.get_by_role("button", name="Open navigation").click()

    expect(menu.get_by_role("button", name="Enterprise project: default")).to_be_visible()
    menu.get_by_role("button", name="Enterprise project: default").click()
    choices.get_by_role("button", name="All").click()


def test_a_wide_window_has_both_once(page, console_server):
    page.goto(f"{console_server.url}/console/kms/keys")

    expect(page.get_by_label("Search keys and IDs")).to_have_count(2)
    expect(page.get_by_label("Search keys and IDs").and_(page.locator(":visible"))).to_have_count(1)
    expect(page.get_by_role("button", name="Enterprise project: All")).to_have_count(1)

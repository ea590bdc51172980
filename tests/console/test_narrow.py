"""On a phone, what the top bar has no room for is in the menu."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console import importing
from tests.console.conftest import NARROW, WIDE
from tests.frontend.accessibility import SETTLED, violations


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
    page.get_by_role("button", name="Open navigation").click()

    # The next test starts from this choice.
    expect(menu.get_by_role("button", name="Enterprise project: All")).to_be_visible()


def test_a_wide_window_has_both_once(page, console_server):
    page.goto(f"{console_server.url}/console/kms/keys")

    expect(page.get_by_label("Search keys and IDs")).to_have_count(2)
    expect(page.get_by_label("Search keys and IDs").and_(page.locator(":visible"))).to_have_count(1)
    expect(page.get_by_role("button", name="Enterprise project: All")).to_have_count(1)


LONG = "x" * 200


def test_long_names_and_usages_are_read_whole_on_a_phone(page, console_server, rest):
    alias = importing.an_alias(f"long-{LONG}")
    key_id = rest.call("create-key", key_alias=alias)["key_info"]["key_id"]
    page.set_viewport_size(NARROW)

    page.goto(f"{console_server.url}/console/kms/keys?q={key_id}")
    row = importing.row(page, alias)
    usage = row.get_by_text("ENCRYPT_DECRYPT")
    assert usage.evaluate("part => part.getClientRects().length") == 1  # on one line
    name = row.get_by_role("link", name=alias, exact=True)
    assert name.bounding_box()["x"] + name.bounding_box()["width"] <= row.get_by_role("checkbox").bounding_box()["x"]

    row.get_by_role("link", name="Delete", exact=False).last.click()
    dialog = page.get_by_role("dialog", name="Delete Key")
    expect(dialog).to_be_visible()
    assert dialog.locator(".body").evaluate("body => body.scrollWidth <= body.clientWidth")
    page.goto(f"{console_server.url}/console/kms/keys/delete?key={key_id}")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_long_names_hide_no_column_and_a_urn_is_read_whole(page, console_server, rest):
    alias = importing.an_alias(f"long-{LONG}")
    key_id = rest.call("create-key", key_alias=alias)["key_info"]["key_id"]

    page.goto(f"{console_server.url}/console/kms/keys?q={key_id}")
    table = page.locator("#keys .scroll")
    assert table.evaluate("box => box.scrollWidth <= box.clientWidth")
    origin = importing.row(page, alias).get_by_role("cell", name="Key Management Service").bounding_box()
    operation = importing.row(page, alias).locator(".ops").bounding_box()
    assert origin["x"] + origin["width"] <= operation["x"] + 1

    page.goto(f"{console_server.url}/console/kms/keys/{key_id}/aliases")
    urn = page.locator("td .idline > span")
    expect(urn).to_have_text(f"kms:eu-de:{rest.details(key_id)['domain_id']}:alias:{alias}")
    assert urn.evaluate("part => part.scrollWidth <= part.clientWidth")
    assert page.locator(".scroll").evaluate("box => box.scrollWidth <= box.clientWidth")


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_a_toast_covers_neither_import_key_nor_create_key(page, console_server, size):
    page.set_viewport_size(size)
    page.goto(f"{console_server.url}/console/kms/keys/00000000-0000-0000-0000-000000000000")
    toast = page.get_by_role("alert").filter(has_text="The key does not exist.")
    expect(toast).to_be_visible()
    page.evaluate(SETTLED)

    box = toast.bounding_box()
    for label in ("Import Key", "Create Key"):
        button = page.get_by_role("link", name=label, exact=True).first.bounding_box()
        is_beside = box["x"] + box["width"] <= button["x"] or button["x"] + button["width"] <= box["x"]
        is_above = box["y"] + box["height"] <= button["y"]
        assert is_beside or is_above, label

"""The pages of keys in a browser: filters that keep the address, dialogs over the list, the online tool, and all of it
without script."""

from __future__ import annotations

import re
from itertools import count
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import NARROW
from tests.console.test_wizard_access import inspect

_numbers = count(1)


def a_name(story: str) -> str:
    """Unused in the shared product: `story/7`."""
    return f"{story}/{next(_numbers)}"


@pytest.fixture
def keys(page: Page, console_server):
    """Opens the key list, or another page below it."""

    def open_page(path: str = "") -> Page:
        page.goto(f"{console_server.url}/console/kms/keys{path}")
        return page

    return open_page


def make(rest, alias: str, **fields) -> str:
    return rest.call("create-key", key_alias=alias, **fields)["key_info"]["key_id"]


def row(page: Page, alias: str):
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=alias, exact=True))


def dialog(page: Page, name: str):
    return page.get_by_role("dialog", name=name)


def settled(page: Page) -> None:
    """htmx attends to what it has swapped in some milliseconds later: sooner than a hand, later than a test."""
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)


def expect_toast(page: Page, text: str) -> None:
    expect(page.locator("#toasts").get_by_text(text, exact=True)).to_be_visible()


def test_filters_order_and_pages_change_the_address_and_history_brings_them_back(keys, rest):
    story = a_name("walk")
    for n in range(12):
        make(rest, f"{story}/{n:02}")
    page = keys()

    page.get_by_placeholder("Enter a key alias.").fill(story)
    expect(page).to_have_url(re.compile(r"[?]q=walk"))
    expect(page.get_by_text("12 keys")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Alias/ID").click()
    expect(page.get_by_role("columnheader", name="Alias/ID")).to_have_attribute("aria-sort", "ascending")
    expect(page).to_have_url(re.compile(r"sort=alias"))
    settled(page)
    page.get_by_label("Rows per page").select_option("10")
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_text("11–12")).to_be_visible()
    settled(page)
    expect(page.locator("a.name")).to_have_text([f"{story}/10", f"{story}/11"])
    second = page.url
    page.get_by_role("button", name="Refresh").click()
    settled(page)
    expect(page.locator("a.name")).to_have_text([f"{story}/10", f"{story}/11"])
    assert page.url == second
    page.locator("#f-status").select_option("Disabled")
    expect(page.get_by_role("heading", name="No matching keys.")).to_be_visible()

    page.go_back()
    expect(page).to_have_url(second)
    expect(page.locator("a.name")).to_have_text([f"{story}/10", f"{story}/11"])
    expect(page.get_by_placeholder("Enter a key alias.")).to_have_value(story)
    page.reload()
    expect(page.locator("a.name")).to_have_text([f"{story}/10", f"{story}/11"])


def test_the_field_keeps_the_focus_while_the_list_changes_under_it(keys, rest):
    alias = a_name("focus")
    make(rest, alias)
    page = keys()

    page.keyboard.press("/")
    page.get_by_placeholder("Enter a key alias.").press_sequentially(alias, delay=20)

    expect(page.locator("a.name")).to_have_text([alias])
    expect(page.get_by_placeholder("Enter a key alias.")).to_be_focused()
    expect(page.get_by_placeholder("Enter a key alias.")).to_have_value(alias)


def test_a_search_by_tag_leaves_a_chip_that_takes_it_away(keys, rest):
    alias = a_name("tag")
    make(rest, alias, tags=[{"key": "owner", "value": alias.replace("/", "-")}])
    page = keys()

    page.get_by_role("button", name="Search by Tag").click()
    page.get_by_label("Tag key 1").fill("owner")
    page.get_by_label("Tag value 1").fill(alias.replace("/", "-"))
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("a.name")).to_have_text([alias])
    page.get_by_role("link", name=f"Remove filter owner = {alias.replace('/', '-')}").click()

    expect(page).to_have_url(re.compile(r"/keys$"))


def test_a_column_that_is_unticked_goes_at_once_and_stays_away(keys, rest):
    make(rest, a_name("column"))
    page = keys()
    origin = page.get_by_role("columnheader", name="Origin")

    page.get_by_role("button", name="Choose columns").click()
    with page.expect_response(re.compile("/keys/columns$")):
        page.get_by_role("checkbox", name="Origin").uncheck()
    expect(origin).to_be_hidden()
    page.reload()
    expect(origin).to_be_hidden()

    page.get_by_role("button", name="Choose columns").click()
    with page.expect_response(re.compile("/keys/columns$")):
        page.get_by_role("checkbox", name="Origin").check()
    expect(origin).to_be_visible()


def test_a_key_is_created_in_a_drawer_that_checks_while_one_types(keys, rest):
    taken, alias = a_name("taken"), a_name("new")
    make(rest, taken)
    page = keys()
    page.get_by_role("link", name="Create Key").click()
    drawer = dialog(page, "Create Key")
    ok = drawer.get_by_role("button", name="OK")
    expect(drawer.get_by_label("Alias")).to_have_value(re.compile(r"^KMS-[0-9a-f]{4}$"))
    expect(drawer.get_by_label("Alias")).to_be_focused()

    drawer.get_by_label("Alias").fill("no good")
    expect(drawer.get_by_text("Only digits, letters, underscores")).to_be_visible()
    expect(ok).to_be_disabled()
    drawer.get_by_label("Alias").fill(taken)
    expect(drawer.get_by_text("KMS.1104 Duplicate key aliases.")).to_be_visible()
    drawer.get_by_label("Alias").fill(alias)
    expect(drawer.get_by_text("KMS.1104")).to_be_hidden()

    drawer.get_by_label("Key Algorithm").select_option("RSA_2048")
    expect(drawer.get_by_label("Usage")).to_have_value("SIGN_VERIFY")
    expect(drawer.get_by_label("Usage")).to_be_enabled()
    drawer.get_by_text("External", exact=True).click()
    expect(ok).to_be_disabled()
    drawer.get_by_label("I understand the").check()
    expect(ok).to_be_enabled()
    drawer.get_by_label("Key Algorithm").select_option("HMAC_256")
    expect(drawer.get_by_label("Usage")).to_be_disabled()
    expect(drawer.get_by_role("radio", name="External")).to_be_disabled()
    expect(drawer.get_by_label("I understand the")).to_be_hidden()

    drawer.get_by_text("Advanced settings").click()
    drawer.get_by_label("Description").fill("webhooks ⚓")
    expect(drawer.get_by_text("10/255")).to_be_visible()
    drawer.get_by_role("button", name="Add Tag").click()
    drawer.get_by_label("Tag key 1").fill("env")
    expect(drawer.get_by_text("You can add 19 more tags.")).to_be_visible()
    ok.click()

    expect_toast(page, "Key created successfully")
    expect(row(page, alias)).to_contain_text("HMAC_256")


def test_an_external_key_goes_on_to_its_import(keys):
    page = keys()
    page.get_by_role("link", name="Create Key").click()
    drawer = dialog(page, "Create Key")
    drawer.get_by_label("Alias").fill(a_name("external"))
    drawer.get_by_text("External", exact=True).click()
    drawer.get_by_label("I understand the").check()
    drawer.get_by_role("button", name="OK").click()

    expect(page.get_by_role("heading", name="Import Key Material", level=1)).to_be_visible()


def test_a_refused_drawer_stays_with_what_was_typed(keys, rest, expected_errors):
    expected_errors.append("422")
    taken = a_name("taken")
    make(rest, taken)
    page = keys()
    page.get_by_role("link", name="Create Key").click()
    drawer = dialog(page, "Create Key")

    drawer.get_by_label("Alias").fill(taken)
    drawer.get_by_role("button", name="OK").click()

    expect(drawer.get_by_text("KMS.1104 Duplicate key aliases. Another key")).to_be_visible()
    expect(drawer.get_by_label("Alias")).to_have_value(taken)
    expect(drawer.get_by_label("Alias")).to_be_focused()


def test_bulk_buttons_are_off_unless_every_ticked_key_allows(keys, rest):
    story = a_name("bulk")
    on, off = f"{story}/on", f"{story}/off"
    make(rest, on)
    rest.call("disable-key", key_id=make(rest, off))
    page = keys(f"?q={story}")
    bar = page.get_by_role("toolbar", name="Selected keys")
    expect(bar).to_be_hidden()

    row(page, on).get_by_role("checkbox").check()
    expect(bar.get_by_role("button", name="Disable")).to_be_enabled()
    expect(bar.get_by_role("button", name="Enable")).to_be_disabled()
    row(page, off).get_by_role("checkbox").check()
    expect(bar.get_by_text("2 selected")).to_be_visible()
    expect(bar.get_by_role("button", name="Disable")).to_be_disabled()
    expect(bar.get_by_role("button", name="Disable")).to_have_attribute("title", f"Not possible for {off}.")
    bar.get_by_role("button", name="Delete", exact=True).click()

    expect(dialog(page, "Delete Key").get_by_role("row")).to_have_count(3)


def test_the_bulk_buttons_stay_in_sight_however_far_down_the_chosen_row_is(keys, rest):
    story = a_name("far")
    for n in range(25):
        make(rest, f"{story}/{n:02}")
    page = keys(f"?q={quote(story, safe='')}&limit=100")

    last = page.get_by_role("row").last
    last.get_by_role("checkbox").check()
    last.scroll_into_view_if_needed()

    assert page.evaluate("scrollY") > 0
    expect(page.get_by_role("toolbar", name="Selected keys").get_by_role("button", name="Disable")).to_be_in_viewport()


def test_on_a_phone_no_text_of_a_key_leaves_its_card(keys, rest):
    story = a_name("phone")
    make(rest, f"{story}/mac", key_spec="HMAC_256", key_usage="GENERATE_VERIFY_MAC")
    make(rest, f"{story}/aes")
    page = keys(f"?q={quote(story, safe='')}")
    page.set_viewport_size(NARROW)

    too_wide = "cells => cells.filter(c => c.innerText && c.scrollWidth > c.clientWidth + 1).map(c => c.innerText)"
    assert page.locator("table.stack td").evaluate_all(too_wide) == []


def test_on_a_phone_what_failed_fits_its_page(keys, rest, expected_errors):
    expected_errors.append("422")
    key_id = make(rest, a_name("failing"))
    page = keys(f"/disable?key={key_id}")
    page.set_viewport_size(NARROW)
    rest.call("disable-key", key_id=key_id)

    page.get_by_label("I understand the impact of disabling keys").check()
    page.get_by_role("button", name="OK").click()

    expect(page.get_by_text("1 of 1 failed.")).to_be_visible()
    table, strip = page.get_by_role("table").bounding_box(), page.locator("main").get_by_role("alert").bounding_box()
    assert table["x"] + table["width"] <= strip["x"] + strip["width"] + 1


def test_a_key_is_disabled_after_a_tick_and_deleted_after_a_word(keys, rest):
    alias = a_name("life")
    make(rest, alias)
    page = keys(f"?q={quote(alias, safe='')}&status=")
    row(page, alias).get_by_role("link", name=f"Disable {alias}").click()
    disable = dialog(page, "Disable Key")
    expect(disable.get_by_role("button", name="OK")).to_be_disabled()
    disable.get_by_label("I understand the impact of disabling keys").check()
    disable.get_by_role("button", name="OK").click()
    expect_toast(page, "Key disabled successfully")
    expect(page).to_have_url(re.compile(f"/keys[?]q={quote(alias, safe='')}$"))

    row(page, alias).get_by_role("link", name=f"Delete {alias}").click()
    delete = dialog(page, "Delete Key")
    delete.get_by_label("To confirm deletion").fill("delete")
    expect(delete.get_by_role("button", name="OK")).to_be_disabled()
    page.keyboard.press("Enter")
    expect(delete).to_be_visible()
    delete.get_by_label("To confirm deletion").fill("DELETE")
    page.keyboard.press("Enter")
    expect_toast(page, "Key deletion scheduled")
    expect(row(page, alias)).to_contain_text("Pending deletion")

    row(page, alias).get_by_role("link", name=f"Cancel Deletion {alias}").click()
    dialog(page, "Cancel Deletion").get_by_role("button", name="OK").click()
    expect(row(page, alias)).to_contain_text("Disabled")


@pytest.mark.parametrize("leave", ["Escape", "Cancel", "Close"])
def test_leaving_a_dialog_changes_nothing_and_gives_the_focus_back(keys, rest, leave):
    alias = a_name("leave")
    make(rest, alias)
    page = keys(f"?q={alias}")
    link = row(page, alias).get_by_role("link", name=f"Disable {alias}")
    link.focus()
    page.keyboard.press("Enter")
    disable = dialog(page, "Disable Key")
    disable.get_by_label("I understand the impact of disabling keys").check()

    if leave == "Escape":
        page.keyboard.press("Escape")
    else:
        disable.get_by_role("button", name=leave).click()

    expect(disable).to_be_hidden()
    expect(link).to_be_focused()
    expect(row(page, alias)).to_contain_text("Enabled")


def test_what_failed_of_many_is_listed_and_the_list_behind_is_fresh(keys, rest, expected_errors):
    expected_errors.append("422")
    story = a_name("part")
    first, second = f"{story}/first", f"{story}/second"
    make(rest, first)
    second_id = make(rest, second)
    page = keys(f"?q={story}")
    for alias in (first, second):
        row(page, alias).get_by_role("checkbox").check()
    page.get_by_role("toolbar").get_by_role("button", name="Disable").click()
    rest.call("disable-key", key_id=second_id)

    disable = dialog(page, "Disable Key")
    disable.get_by_label("I understand the impact of disabling keys").check()
    disable.get_by_role("button", name="OK").click()

    expect(disable.get_by_text("1 of 2 failed.")).to_be_visible()
    expect(disable.get_by_text("KMS.1301 The key is not enabled.")).to_be_visible()
    disable.get_by_role("link", name="Close").click()
    expect_toast(page, "Key disabled successfully")
    expect(row(page, first)).to_contain_text("Disabled")


def test_alias_and_description_are_changed_on_the_page_of_the_key(keys, rest):
    alias, better = a_name("old"), a_name("better")
    page = keys(f"/{make(rest, alias)}")

    page.get_by_role("link", name="Change alias").click()
    dialog(page, "Change Alias").get_by_label("Alias").fill(better)
    page.keyboard.press("Enter")
    expect_toast(page, "Alias changed successfully")
    page.get_by_role("link", name="Change description").click()
    dialog(page, "Change Description").get_by_label("Description").fill("<b>bold</b>")
    dialog(page, "Change Description").get_by_role("button", name="OK").click()
    expect_toast(page, "Description changed successfully")

    expect(page.get_by_role("heading", name=better, level=1)).to_be_visible()
    expect(page.get_by_text("<b>bold</b>")).to_be_visible()


def test_rotation_is_switched_on_changed_and_off_by_keyboard(keys, rest):
    key_id = make(rest, a_name("rotate"))
    page = keys(f"/{key_id}/rotation")
    switch = page.get_by_role("switch", name="Key Rotation")
    expect(switch).not_to_be_checked()

    switch.press("Space")
    period = dialog(page, "Enable Rotation Policy").get_by_label("Rotation Period (Day)")
    expect(period).to_have_value("365")
    period.fill("29")
    expect(dialog(page, "Enable Rotation Policy").get_by_role("button", name="OK")).to_be_disabled()
    period.fill("30")
    page.keyboard.press("Enter")
    expect_toast(page, "Key rotation enabled successfully")
    expect(switch).to_be_checked()

    page.get_by_role("link", name="Change rotation period").click()
    dialog(page, "Change Rotation Period").get_by_label("Rotation Period (Day)").fill("90")
    page.keyboard.press("Enter")
    expect_toast(page, "Rotation period changed successfully")
    rest.call("rotate-on-demand", key_id=key_id)
    page.reload()
    expect(page.get_by_role("row", name="1").get_by_text("Decrypt only")).to_be_visible()
    inspect(page, "rotation")

    switch.click()
    inspect(page, "disable rotation")
    dialog(page, "Disable Rotation Policy").get_by_role("button", name="OK").click()
    expect_toast(page, "Key rotation disabled successfully")
    expect(switch).not_to_be_checked()


def test_without_script_the_switch_leads_to_a_page(watched, console_server, admin_state, rest):
    page = watched(console_server, storage_state=admin_state, java_script_enabled=False).new_page()
    page.goto(f"{console_server.url}/console/kms/keys/{make(rest, a_name('rotate'))}/rotation")

    page.get_by_role("switch", name="Key Rotation").click()
    page.get_by_label("Rotation Period (Day)").fill("60")
    page.get_by_role("button", name="OK").click()

    expect(page.get_by_role("switch", name="Key Rotation")).to_be_checked()
    expect(page.get_by_text("60", exact=True)).to_be_visible()


def test_the_tool_encrypts_copies_and_decrypts(keys, rest):
    page = keys(f"/{make(rest, a_name('tool'))}/tool")
    execute = page.get_by_role("button", name="Execute")
    expect(execute).to_be_disabled()

    page.get_by_label("Plaintext").fill("hallo ⚓")
    expect(page.get_by_text("9/4,096")).to_be_visible()
    execute.click()
    expect(page.get_by_label("Ciphertext")).not_to_have_value("")
    cipher_text = page.get_by_label("Ciphertext").input_value()
    page.get_by_role("button", name="Copy to Clipboard").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == cipher_text

    page.get_by_text("Decrypt", exact=True).click()
    page.get_by_label("Ciphertext").fill(cipher_text)
    execute.click()
    expect(page.get_by_label("Plaintext")).to_have_value("hallo ⚓")
    assert "hallo" not in page.url
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_label("Ciphertext")).to_have_value("")


def test_a_signing_key_signs_verifies_and_gives_its_public_key_as_a_file(keys, rest):
    page = keys(f"/{make(rest, a_name('sign'), key_spec='EC_P256')}/tool")

    page.get_by_label("Message").fill("pay 10 €")
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_label("Signature")).not_to_have_value("")
    signature = page.get_by_label("Signature").input_value()
    page.get_by_text("Verify", exact=True).click()
    page.get_by_label("Message").fill("pay 11 €")
    page.get_by_label("Signature").fill(signature)
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("The signature is not valid.")).to_be_visible()
    page.get_by_label("Message").fill("pay 10 €")
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("The signature is valid.")).to_be_visible()

    page.get_by_text("Public Key", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_text() == page.get_by_label("Public key (PEM)").input_value()


def test_without_script_a_key_is_found_created_disabled_and_used(watched, console_server, admin_state):
    page = watched(console_server, storage_state=admin_state, java_script_enabled=False).new_page()
    alias = a_name("plain")
    page.goto(f"{console_server.url}/console/kms/keys/create")

    page.get_by_label("Alias").fill(alias)
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_text("Key created successfully")).to_be_visible()
    page.get_by_placeholder("Enter a key alias.").fill(alias)
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("a.name")).to_have_text([alias])
    page.get_by_role("link", name="Created").click()
    expect(page.locator("a.name")).to_have_text([alias])

    page.get_by_role("link", name=alias, exact=True).click()
    page.get_by_role("link", name="Tool", exact=True).click()
    page.get_by_label("Plaintext").fill("hello")
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_label("Ciphertext")).not_to_have_value("")

    page.get_by_role("link", name="Custom Keys").first.click()
    row(page, alias).get_by_role("checkbox").check()
    page.get_by_role("button", name="Disable", exact=True).click()
    expect(page.get_by_role("heading", name="Disable Key")).to_be_visible()
    page.get_by_label("I understand the impact of disabling keys").check()
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_text("Key disabled successfully")).to_be_visible()
    expect(row(page, alias)).to_contain_text("Disabled")


def test_axe_finds_nothing_on_the_pages_of_keys(keys, rest):
    alias = a_name("axe")
    key_id = make(rest, alias, tags=[{"key": "env", "value": "prod"}, {"key": "owner", "value": ""}])
    signing = make(rest, a_name("axe"), key_spec="EC_P384")
    rest.call("schedule-key-deletion", key_id=make(rest, a_name("axe")), pending_days="7")

    for path in ("?q=axe&tag=env%3Dprod", "?q=nothing-has-this-name", "/default", f"/{key_id}", f"/{key_id}/tool"):
        inspect(keys(path), path)
    rest.call("aliases", key_id=key_id, alias=a_name("extra"))
    for path in (
        f"/{key_id}/aliases",
        f"/{key_id}/aliases/create",
        f"/{key_id}/tags",
        f"/{key_id}/material",
        f"/{signing}/tool?mode=verify",
        f"/delete?key={key_id}",
    ):
        inspect(keys(path), path)

    page = keys("?q=axe")
    row(page, alias).get_by_role("checkbox").check()
    inspect(page, "selected")
    row(page, alias).get_by_role("link", name=f"Delete {alias}").click()
    expect(dialog(page, "Delete Key")).to_be_visible()
    inspect(page, "delete")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Create Key").click()
    dialog(page, "Create Key").get_by_text("External", exact=True).click()
    dialog(page, "Create Key").get_by_text("Advanced settings").click()
    dialog(page, "Create Key").get_by_role("button", name="Add Tag").click()
    inspect(page, "create")

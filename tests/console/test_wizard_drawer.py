"""Import Key Material as a drawer beside the list or the key: everything that the page does, it does."""

from __future__ import annotations

import base64
import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.console import importing
from tests.console.rest import oaep
from tests.frontend.accessibility import violations

MATERIAL = "encrypted_key_material"
QUESTION = "The import token will become invalid if you close the wizard."


@pytest.fixture
def drawer(page):
    return page.get_by_role("dialog", name="Import Key Material")


def open_from_key(page: Page, console, key_id: str) -> None:
    page.goto(f"{console.url}/console/kms/keys/{key_id}")
    page.get_by_role("main").get_by_role("link", name="Import Key Material").first.click()
    expect(importing.heading(page, "Download the Import Items")).to_be_visible()


def wrapped_for(key_id: str, folder) -> bytes:
    return oaep((folder / f"wrappingKey_{key_id}").read_bytes(), secrets.token_bytes(32))


def close(page: Page, drawer, how: str) -> None:
    if how == "Escape":
        page.keyboard.press("Escape")
    elif how == "Back":
        page.go_back()
    else:
        drawer.get_by_role("button", name=how).click()


def test_an_aes_key_is_imported_without_leaving_the_list(page, console_server, rest, drawer, tmp_path):
    key_id = rest.empty_key(importing.an_alias("drawer"))
    address = f"{console_server.url}/console/kms/keys?q={key_id}"
    importing.open_drawer(page, console_server, key_id)
    assert page.url.startswith(f"{console_server.url}/console/kms/import/{key_id}?")
    importing.download(page, tmp_path)
    importing.run_commands(page, tmp_path)
    importing.choose_all(page, tmp_path)
    importing.next_step(page)

    importing.press_ok(page)

    importing.expect_imported(page, key_id)
    expect(drawer).to_be_hidden()
    assert page.url == address, "back where the drawer was opened: the same list, the same search"


def test_a_private_key_is_imported_from_the_key_s_own_page(page, console_server, rest, tmp_path):
    key_id = rest.empty_key(importing.an_alias("drawer-ec"), spec="EC_P256")
    open_from_key(page, console_server, key_id)
    importing.download(page, tmp_path)
    importing.run_commands(page, tmp_path)
    importing.choose_all(page, tmp_path)
    importing.next_step(page)

    importing.press_ok(page)

    expect(page.locator("#toasts").get_by_text("Key imported successfully", exact=True)).to_be_visible()
    expect(page).to_have_url(f"{console_server.url}/console/kms/keys/{key_id}")
    expect(page.locator(".page-head").get_by_text("Enabled", exact=True)).to_be_visible()


@pytest.mark.parametrize("how", ["Cancel", "Close", "Escape", "Back"])
def test_closing_asks_each_time_then_ends_the_token(page, console_server, rest, drawer, tmp_path, how):
    key_id = rest.empty_key(importing.an_alias("drawer-closing"))
    importing.open_drawer(page, console_server, key_id)
    listed = f"{console_server.url}/console/kms/keys?q={key_id}"
    importing.download(page, tmp_path)

    question = page.get_by_role("alertdialog")
    for _ in range(2):
        close(page, drawer, how)
        expect(question).to_contain_text(QUESTION)
        page.keyboard.press("Escape")
        expect(question).to_be_hidden()
        expect(importing.heading(page, "Import Key Material")).to_be_visible()

    close(page, drawer, how)
    with page.expect_request("**/revoke"):
        question.get_by_role("button", name="OK", exact=True).click()
    expect(drawer).to_be_hidden()
    expect(importing.row(page, key_id)).to_contain_text("Pending import")
    expect(importing.row(page, key_id).get_by_role("link", name="Import Key Material")).to_be_focused()
    expect(page).to_have_url(listed)


def test_closing_before_the_download_asks_nothing(page, console_server, rest, drawer):
    key_id = rest.empty_key(importing.an_alias("drawer-early"))
    importing.open_drawer(page, console_server, key_id)

    page.go_back()

    expect(drawer).to_be_hidden()
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    page.go_forward()
    expect(page.get_by_role("heading", name="Import Key Material", level=1)).to_be_visible()


def test_after_closing_it_opens_again_and_imports(page, console_server, rest, drawer, tmp_path):
    key_id = rest.empty_key(importing.an_alias("drawer-again"))
    importing.open_drawer(page, console_server, key_id)
    importing.download(page, tmp_path)
    close(page, drawer, "Cancel")
    page.get_by_role("alertdialog").get_by_role("button", name="OK", exact=True).click()
    expect(drawer).to_be_hidden()

    importing.row(page, key_id).get_by_role("link", name="Import Key Material").click()
    importing.download(page, tmp_path)
    importing.choose(page, MATERIAL, wrapped_for(key_id, tmp_path))
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_imported(page, key_id)


def test_a_refusal_keeps_the_drawer_its_files_and_its_token(page, console_server, rest, tmp_path, expected_errors):
    expected_errors.append("422")
    key_id = rest.empty_key(importing.an_alias("drawer-refused"))
    importing.open_drawer(page, console_server, key_id)
    importing.download(page, tmp_path)
    importing.choose(page, MATERIAL, secrets.token_bytes(256), file_name="wrong.bin")
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_refused(page, "Import Key Material", "KMS.0311")
    expect(importing.field(page, MATERIAL)).to_contain_text("wrong.bin")

    importing.choose(page, MATERIAL, wrapped_for(key_id, tmp_path))
    importing.next_step(page)
    importing.press_ok(page)
    importing.expect_imported(page, key_id)


def test_a_program_s_material_and_token_are_taken(page, console_server, rest, tmp_path):
    key_id = rest.empty_key(importing.an_alias("drawer-existing"))
    offer = rest.offer(key_id)
    importing.open_drawer(page, console_server, key_id)
    page.get_by_role("button", name="Existing Key Material").click()
    importing.choose(page, MATERIAL, oaep(base64.b64decode(offer["public_key"]), secrets.token_bytes(32)))
    importing.next_step(page)
    importing.paste(page, "import_token", offer["import_token"])
    importing.press_ok(page)

    importing.expect_imported(page, key_id)


@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_accessible_at_each_step(page, console_server, rest, tmp_path, width):
    page.set_viewport_size({"width": width, "height": 844})
    key_id = rest.empty_key(importing.an_alias("drawer-axe"))
    importing.open_drawer(page, console_server, key_id)
    assert violations(page) == []
    importing.download(page, tmp_path)
    assert violations(page) == []
    importing.choose(page, MATERIAL, wrapped_for(key_id, tmp_path))
    importing.next_step(page)
    assert violations(page) == []


def test_material_is_deleted_from_the_list_which_stays_as_it_was(page, console_server, rest):
    key_id = rest.empty_key(importing.an_alias("drawer-delete"))
    rest.import_material(key_id, secrets.token_bytes(32))
    page.goto(f"{console_server.url}/console/kms/keys?q={key_id}")
    address = page.url

    importing.row(page, key_id).get_by_role("link", name="Delete Key Material").click()
    dialog = page.get_by_role("dialog", name="Delete Key Material")
    dialog.get_by_role("textbox").fill("DELETE")
    dialog.get_by_role("button", name="OK").click()

    expect(page.locator("#toasts").get_by_text("Key material deleted successfully")).to_be_visible()
    expect(importing.row(page, key_id)).to_contain_text("Pending import")
    assert page.url == address

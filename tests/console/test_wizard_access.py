"""The wizard for everybody: by keyboard alone, without script, in both themes and on a phone, and as axe sees it."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.console import importing
from tests.console.conftest import NARROW, WIDE
from tests.console.rest import b64, oaep
from tests.frontend.accessibility import SETTLED, violations

MATERIAL = "encrypted_key_material"
# What makes the page itself scroll sideways; what scrolls inside its own box does not.
TOO_WIDE = """() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
  [...document.querySelectorAll("main *")]
    .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map((element) => element.outerHTML.slice(0, 120))"""


def contrast(page: Page) -> list[str]:
    """The one rule whose answer depends on the theme."""
    page.evaluate(SETTLED)
    found = Axe().run(page, options={"runOnly": {"type": "rule", "values": ["color-contrast"]}})
    return [node["html"] for rule in found.response["violations"] for node in rule["nodes"]]


def inspect(page: Page, where: str) -> None:
    """Light and dark, wide and narrow: axe finds nothing, and nothing hangs over the edge.

    Colours change without motion, so that none is looked at on its way.
    """
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        assert violations(page) == [], f"{where}, {size['width']} px, light"
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        assert contrast(page) == [], f"{where}, {size['width']} px, dark"
        wide = page.evaluate(TOO_WIDE)
        assert wide == [], f"{where}, {size['width']} px: over the edge"
    page.set_viewport_size(WIDE)


def test_axe_finds_nothing_on_any_step_of_a_symmetric_import(page, console_server, tmp_path, expected_errors):
    expected_errors.append("422")
    page.goto(f"{console_server.url}/console/kms/import")
    inspect(page, "step 1")
    page.get_by_role("link", name="security and durability").click()
    notes = page.get_by_role("dialog", name="Security and durability")
    expect(notes).to_be_visible()
    inspect(page, "notes")
    notes.get_by_role("button", name="OK").click()
    page.get_by_label("Alias").fill("not allowed")
    expect(page.locator(".field .err")).to_be_visible()
    inspect(page, "step 1 with a fault")

    key_id = importing.start_import(page, console_server)
    page.get_by_text("Obtain the wrapping key and import token through the API").click()
    inspect(page, "step 2")
    importing.download(page, tmp_path)
    inspect(page, "step 3, empty")
    importing.choose(page, MATERIAL, secrets.token_bytes(32))
    importing.expect_fault(page, MATERIAL, "This looks like the plaintext")
    inspect(page, "step 3, wrong file")
    page.get_by_text("Wrap in this browser", exact=True).click()
    inspect(page, "step 3, in this browser")
    page.get_by_text("I have wrapped files", exact=True).click()
    importing.choose(page, MATERIAL, secrets.token_bytes(256))
    importing.next_step(page)
    page.get_by_label("Key material will expire").check()
    inspect(page, "step 4")
    importing.press_ok(page)
    importing.expect_refused(page, "Import Key Material", "KMS.0311")
    inspect(page, "step 3, refused")
    page.get_by_role("link", name="Cancel").click()
    inspect(page, "closing")
    page.get_by_role("alertdialog").get_by_role("button", name="OK", exact=True).click()
    expect(importing.row(page, key_id)).to_be_visible()


def test_axe_finds_nothing_on_an_asymmetric_and_an_existing_import(page, console_server, rest, tmp_path):
    importing.at_material(page, console_server, rest.empty_key(importing.an_alias("axe"), "EC_P256"), tmp_path)
    inspect(page, "asymmetric, step 2")
    importing.run_commands(page, tmp_path)
    page.get_by_text("Wrap in this browser", exact=True).click()
    page.locator("#wrap_file").set_input_files(tmp_path / "ec_private_key.pem")
    expect(page.locator("[data-wrap-results] tbody tr")).to_have_count(2)
    inspect(page, "asymmetric, wrapped in this browser")
    importing.next_step(page)
    inspect(page, "asymmetric, step 3")
    importing.press_ok(page)
    expect(page.get_by_role("heading", name="Custom Keys")).to_be_visible()

    importing.at_existing_material(page, console_server, rest.empty_key(importing.an_alias("axe")))
    importing.choose(page, MATERIAL, secrets.token_bytes(256))
    importing.next_step(page)
    inspect(page, "existing, step 3")


def test_axe_finds_nothing_where_material_is_deleted(page, console_server, rest):
    key_id = rest.empty_key(importing.an_alias("axe"))
    rest.import_material(key_id, secrets.token_bytes(32))
    page.goto(f"{console_server.url}/console/kms/import/{key_id}/delete-material")
    inspect(page, "Delete Key Material")


# --- by keyboard --------------------------------------------------------------------------------------------------


def tab_to(page: Page, name: str, *, role: str = "") -> None:
    """Presses Tab until the focus is on the control of that name, as somebody without a mouse does."""
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "() => { const at = document.activeElement;"
            " const label = at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent;"
            " return [label.trim().replace(/\\s+/g, ' '), at.type ?? at.localName]; }"
        )
        if found[0].startswith(name) and role in found[1]:
            return
    raise AssertionError(f"Tab never reaches {name}")


def test_a_key_is_imported_with_the_keyboard_alone(page, console_server, tmp_path):
    page.goto(f"{console_server.url}/console/kms/import")
    tab_to(page, "Alias")
    page.keyboard.press("Control+A")
    page.keyboard.type(importing.an_alias("keyboard"))
    tab_to(page, "I understand", role="checkbox")
    page.keyboard.press("Space")
    tab_to(page, "Next")
    page.keyboard.press("Enter")

    expect(importing.heading(page, "Download the Import Items")).to_be_visible()
    key_id = page.url.rpartition("/")[2].partition("?")[0]
    tab_to(page, "Download and Continue")
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    # The focus goes to the heading of the new step, so that what follows is read in order.
    expect(importing.heading(page, "Import Key Material")).to_be_focused()
    material = b64(oaep(Path(saved.value.path()).read_bytes(), secrets.token_bytes(32)))
    tab_to(page, "Key material *", role="textarea")
    page.keyboard.insert_text(material)
    expect(page.get_by_role("button", name="Next", exact=True)).to_be_enabled()
    tab_to(page, "Next")
    page.keyboard.press("Enter")

    expect(importing.heading(page, "Import Key Token")).to_be_focused()
    tab_to(page, "Key material will never expire", role="radio")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Expiration time", exact=True)).to_be_visible()
    page.keyboard.press("ArrowUp")
    tab_to(page, "OK")
    page.keyboard.press("Enter")

    importing.expect_imported(page, key_id)


def test_the_question_on_closing_keeps_the_focus_and_gives_it_back(page, console_server, rest, tmp_path):
    importing.at_material(page, console_server, rest.empty_key(importing.an_alias("focus")), tmp_path)
    page.get_by_role("link", name="Cancel").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("alertdialog").get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Cancel")).to_be_focused()


def test_the_commands_can_be_copied(page, console_server, rest, tmp_path):
    importing.at_material(page, console_server, rest.empty_key(importing.an_alias("copy")), tmp_path)
    page.get_by_role("button", name="Copy: 2. Encrypt them with the wrapping key").click()
    assert page.evaluate("navigator.clipboard.readText()") == importing.shown_commands(page)[1]


# --- without script -----------------------------------------------------------------------------------------------


@pytest.fixture
def plain_page(watched, console_server, admin_state) -> Page:
    return watched(console_server, storage_state=admin_state, java_script_enabled=False).new_page()


def test_the_whole_import_works_without_script(plain_page, console_server, rest, tmp_path, expected_errors):
    expected_errors.append("422")
    page, alias = plain_page, importing.an_alias("plain")
    page.goto(f"{console_server.url}/console/kms/import")
    page.get_by_label("Alias").fill(alias)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Confirm that you understand")).to_be_visible()
    page.get_by_label("I understand the security and durability").check()
    page.get_by_role("button", name="Next").click()

    page.get_by_role("button", name="Download and Continue").click()
    assert "offer=" in page.url
    key_id = page.url.rpartition("/")[2].partition("?")[0]
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the wrapping key").click()
    assert saved.value.suggested_filename == f"wrappingKey_{key_id}"
    wrapping_key = saved.value.path().read_bytes()

    wrong = {"name": "plain.bin", "mimeType": "application/octet-stream", "buffer": secrets.token_bytes(32)}
    page.locator("[name=encrypted_key_material_file]").set_input_files(wrong)
    page.get_by_role("button", name="OK", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("KMS.0308")
    expect(importing.field(page, MATERIAL)).to_contain_text("Got 32 bytes; expected 256. This looks like the plaintext")

    right = wrong | {"buffer": oaep(wrapping_key, secrets.token_bytes(32))}
    page.locator("[name=encrypted_key_material_file]").set_input_files(right)
    page.get_by_label("Key material will expire").check()
    page.get_by_label("Expiration time (UTC)").fill("2098-07-01T12:00")
    expect(page.get_by_text("Read as UTC, because this browser runs no script.")).to_be_visible()
    page.get_by_role("button", name="OK", exact=True).click()

    importing.expect_imported(page, key_id)
    assert rest.details(key_id)["expiration_time"] == "4055054400000"


def test_existing_material_and_leaving_work_without_script(plain_page, console_server, rest):
    page, key_id = plain_page, rest.empty_key(importing.an_alias("plain"))
    importing.resume_import(page, console_server, key_id)
    page.get_by_role("button", name="Existing Key Material").click()
    assert page.url.endswith("?path=existing")
    offer = rest.offer(key_id)
    paste = oaep(base64.b64decode(offer["public_key"]), secrets.token_bytes(32))
    page.locator("[name=encrypted_key_material]").fill(b64(paste))
    page.locator("[name=import_token]").fill(offer["import_token"])
    page.get_by_role("button", name="OK", exact=True).click()
    importing.expect_imported(page, key_id)

    key_id = rest.empty_key(importing.an_alias("plain"))
    importing.resume_import(page, console_server, key_id)
    page.get_by_role("button", name="Download and Continue").click()
    address = page.url
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Custom Keys")).to_be_visible()
    page.goto(address)  # the offer has ended with the wizard, so this is step 1 again
    expect(importing.heading(page, "Download the Import Items")).to_be_visible()

"""Deleting material, and bringing it back: the same and nothing else."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.console import importing
from tests.console.rest import oaep

MATERIAL = "encrypted_key_material"
STRIP = "You are importing a deleted key again. The material must be the same as before."


@pytest.fixture
def filled(rest):
    """A key with material of one's own: its ID and the material."""
    material = secrets.token_bytes(32)
    key_id = rest.empty_key(importing.an_alias("filled"))
    assert rest.import_material(key_id, material) == {}
    return key_id, material


def delete_material(page: Page, console, key_id: str) -> None:
    page.goto(f"{console.url}/console/kms/keys")
    importing.row(page, key_id).get_by_role("link", name="Delete Key Material").click()
    expect(page.get_by_role("heading", name="Delete Key Material")).to_be_visible()


def test_deleting_material_asks_for_the_word_and_leaves_the_key_waiting(page, console_server, rest, filled):
    key_id, _material = filled
    delete_material(page, console_server, key_id)
    ok = page.get_by_role("button", name="OK", exact=True)
    asked = page.get_by_role("dialog", name="Delete Key Material").get_by_role("row").filter(has_text=key_id)
    expect(asked).to_contain_text("Enabled")
    expect(ok).to_be_disabled()
    page.get_by_label('To confirm deletion, enter "DELETE" below.').fill("delete")
    expect(ok).to_be_disabled()

    page.get_by_label('To confirm deletion, enter "DELETE" below.').fill("DELETE")
    ok.click()

    expect(page.locator("#toasts").get_by_text("Key material deleted successfully", exact=True)).to_be_visible()
    expect(importing.row(page, key_id)).to_contain_text("Pending import")
    assert rest.state(key_id) == "5"


def test_cancel_deletes_nothing(page, console_server, rest, filled):
    key_id, _material = filled
    delete_material(page, console_server, key_id)
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Custom Keys")).to_be_visible()
    assert rest.state(key_id) == "2"


def test_material_of_an_asymmetric_key_cannot_be_deleted(page, console_server, rest, tmp_path, expected_errors):
    key_id = rest.empty_key(importing.an_alias("lasting"), "EC_P256")
    importing.at_material(page, console_server, key_id, tmp_path)
    importing.run_commands(page, tmp_path)
    importing.choose_all(page, tmp_path)
    importing.next_step(page)
    importing.press_ok(page)
    importing.expect_imported(page, key_id)

    expect(importing.row(page, key_id).get_by_role("link", name="Delete Key Material")).to_have_count(0)
    expected_errors.append("400")
    page.goto(f"{console_server.url}/console/kms/import/{key_id}/delete-material")
    expect(page.get_by_role("heading", name="The imported private key material can not be deleted.")).to_be_visible()


def test_new_material_is_not_offered_where_only_the_old_will_do(page, console_server, rest, filled, tmp_path):
    key_id, _material = filled
    rest.call("delete-imported-key-material", key_id=key_id)

    importing.at_material(page, console_server, key_id, tmp_path)
    page.get_by_text("Wrap in this browser", exact=True).click()

    expect(page.get_by_role("button", name="Select File").last).to_be_visible()
    expect(page.get_by_role("button", name="Generate 32 random bytes")).to_have_count(0)


def test_only_the_same_material_comes_back(page, console_server, rest, filled, tmp_path, expected_errors):
    expected_errors.append("422")
    key_id, material = filled
    sealed = rest.call("encrypt-data", key_id=key_id, plain_text="aGVsbG8=")["cipher_text"]
    rest.call("disable-key", key_id=key_id)
    rest.call("delete-imported-key-material", key_id=key_id)

    wrapping_key = importing.at_material(page, console_server, key_id, tmp_path)
    expect(page.get_by_text(STRIP).locator("visible=true")).to_be_visible()
    check_value = page.locator("[data-check-value]").first.text_content()
    importing.choose(page, MATERIAL, oaep(wrapping_key, secrets.token_bytes(32)))
    importing.next_step(page)
    importing.press_ok(page)
    importing.expect_refused(page, "Import Key Material", "KMS.2606", "must be the same", f"has {check_value}")

    importing.choose(page, MATERIAL, oaep(wrapping_key, material))
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_imported(page, key_id)  # Enabled, although it was Disabled before
    assert rest.call("decrypt-data", cipher_text=sealed)["plain_text"] == "aGVsbG8="


def test_a_first_import_speaks_of_no_earlier_material(page, console_server, rest):
    importing.resume_import(page, console_server, rest.empty_key(importing.an_alias("first")))
    expect(page.get_by_text(STRIP)).to_have_count(0)

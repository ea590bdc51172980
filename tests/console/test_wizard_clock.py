"""What time does to an import: tokens of a day, material with an end. On a server of its own, whose clock is moved.

Moving the clock ends every session that stood idle for half an hour, so each test signs in after it.
"""

from __future__ import annotations

import base64
import secrets
import time

import pytest
from playwright.sync_api import expect

from tests.console import importing
from tests.console.conftest import sign_in
from tests.console.rest import Rest, oaep
from tests.services.product import Console, running_console

MATERIAL = "encrypted_key_material"


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
    with running_console(tmp_path_factory.mktemp("moving")) as console:
        yield console


@pytest.fixture
def signed_in(watched, moving: Console):
    """A page of the administrator by the clock as it stands."""

    def open_page():
        page = watched(moving).new_page()
        sign_in(page, moving)
        return page

    yield open_page
    moving.manage("clock", "--reset")


def wrapped(key_id: str, folder) -> bytes:
    return oaep((folder / f"wrappingKey_{key_id}").read_bytes(), secrets.token_bytes(32))


def test_a_token_older_than_a_day_leads_back_to_the_download_with_the_files_kept(
    moving, signed_in, tmp_path, expected_errors
):
    expected_errors.extend(("422", "401", "403"))
    key_id = Rest(moving).empty_key(importing.an_alias("day-old"))
    page = signed_in()
    importing.at_material(page, moving, key_id, tmp_path)
    expect(page.locator("strong[data-until]")).to_contain_text("23 h 59 min")
    importing.choose(page, MATERIAL, wrapped(key_id, tmp_path), file_name="kept.bin")
    importing.next_step(page)

    moving.manage("clock", "--advance", "25h")
    other = page.context.new_page()
    sign_in(other, moving)
    other.close()
    importing.press_ok(page)

    importing.expect_refused(
        page, "Download the Import Items", "KMS.2601", "Token expired.", "Download the import items again"
    )
    importing.download(page, tmp_path)
    expect(page.locator("[data-material-title]").first).to_have_text("kept.bin")
    importing.choose(page, MATERIAL, wrapped(key_id, tmp_path))
    importing.next_step(page)
    importing.press_ok(page)
    importing.expect_imported(page, key_id)


def test_a_page_left_open_says_by_itself_that_the_day_is_over(moving, watched, tmp_path):
    key_id = Rest(moving).empty_key(importing.an_alias("left-open"))
    context = watched(moving)
    page = context.new_page()
    page.clock.install()
    sign_in(page, moving)
    importing.at_material(page, moving, key_id, tmp_path)

    page.clock.fast_forward("25:00:00")

    alert = page.locator("[data-errors] [role=alert]")
    expect(alert).to_contain_text("is older than 24 hours. Your files are kept.")
    expect(page.locator(".stepper li.failed")).to_contain_text("Download the Import Items")
    alert.get_by_role("button", name="Download again").click()
    expect(importing.heading(page, "Download the Import Items")).to_be_visible()


def test_a_closed_lid_and_an_ended_session_do_not_end_the_import(moving, signed_in, tmp_path, expected_errors):
    expected_errors.extend(("401", "403"))
    key_id = Rest(moving).empty_key(importing.an_alias("lid"))
    page = signed_in()
    importing.at_material(page, moving, key_id, tmp_path)
    importing.choose(page, MATERIAL, wrapped(key_id, tmp_path))
    moving.manage("clock", "--advance", "9h")
    moving.manage("run_due_jobs")

    page.get_by_role("button", name="Next", exact=True).click()

    ended = page.get_by_role("alertdialog", name="Your session has ended")
    expect(ended).to_be_visible()
    with page.expect_popup() as opened:
        ended.get_by_role("link", name="Log In").click()
    other = opened.value
    for name, value in (("account", moving.account), ("name", moving.user), ("password", moving.password)):
        other.locator(f"[name={name}]").fill(value)
    other.get_by_role("button", name="Log In").click()
    expect(other.get_by_role("heading", name="You are logged in")).to_be_visible()
    other.close()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(ended).to_be_hidden()
    importing.next_step(page)
    importing.press_ok(page)
    importing.expect_imported(page, key_id)


def test_a_token_of_the_api_is_refused_after_its_day(moving, signed_in, expected_errors):
    expected_errors.append("422")
    rest = Rest(moving)
    key_id = rest.empty_key(importing.an_alias("api-day"))
    offer = rest.offer(key_id)
    moving.manage("clock", "--advance", "24h")

    page = signed_in()
    importing.at_existing_material(page, moving, key_id)
    importing.choose(page, MATERIAL, oaep(base64.b64decode(offer["public_key"]), secrets.token_bytes(32)))
    importing.next_step(page)
    importing.paste(page, "import_token", offer["import_token"])
    importing.press_ok(page)

    importing.expect_refused(page, "Import Key Token", "KMS.2601", "Token expired.")


def test_material_ends_at_its_time_the_job_tidies_up_and_the_same_comes_back(
    moving, signed_in, tmp_path, expected_errors
):
    expected_errors.append("422")
    rest = Rest(moving)
    key_id = rest.empty_key(importing.an_alias("ending"))
    material = secrets.token_bytes(32)
    page = signed_in()
    wrapping_key = importing.at_material(page, moving, key_id, tmp_path)
    importing.choose(page, MATERIAL, oaep(wrapping_key, material))
    importing.next_step(page)
    page.get_by_label("Key material will expire").check()
    importing.press_ok(page)
    importing.expect_imported(page, key_id)
    expires_at = int(rest.details(key_id)["expiration_time"]) / 1000
    assert abs(expires_at - time.time() - 24 * 3600) < 120
    sealed = rest.call("encrypt-data", key_id=key_id, plain_text="aGVsbG8=")["cipher_text"]

    moving.manage("clock", "--advance", "25h")
    rest = Rest(moving)
    # The second it is over, whether or not a job has run.
    assert rest.call("decrypt-data", cipher_text=sealed)["error"]["error_code"] == "KMS.1301"
    moving.manage("run_due_jobs")

    page = signed_in()
    expect(importing.row(page, key_id)).to_contain_text("Pending import")
    importing.row(page, key_id).get_by_role("link", name="Import Key Material").click()
    expect(page.get_by_text("You are importing a deleted key again.").first).to_be_visible()
    importing.download(page, tmp_path)
    importing.choose(page, MATERIAL, wrapped(key_id, tmp_path))
    importing.next_step(page)
    importing.press_ok(page)
    importing.expect_refused(page, "Import Key Material", "KMS.2606")
    importing.choose(page, MATERIAL, oaep((tmp_path / f"wrappingKey_{key_id}").read_bytes(), material))
    importing.next_step(page)
    importing.press_ok(page)
    importing.expect_imported(page, key_id)
    assert rest.call("decrypt-data", cipher_text=sealed)["plain_text"] == "aGVsbG8="

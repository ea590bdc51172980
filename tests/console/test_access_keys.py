"""My Credentials, Access Keys, in a browser: a pair is made, copied, saved as a file and used, then switched off."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.console.test_key_pages import dialog, expect_toast, settled
from tests.console.test_wizard_access import inspect
from tests.iam.signing import Pair, by_sdk

ADDRESS = "/console/credentials/access-keys"


@pytest.fixture
def access_keys(page: Page, console_server) -> Page:
    """The page of a user that has none."""
    for line in console_server.manage("list_access_keys", console_server.user).splitlines()[1:]:
        console_server.manage("delete_access_key", line.split()[0])
    page.goto(f"{console_server.url}{ADDRESS}")
    return page


def answer_to(console, pair: Pair, project_id: str) -> int:
    """The status that a request signed with the pair gets."""
    host, path = console.url.removeprefix("http://"), f"/v1.0/{project_id}/kms/list-keys"
    now = datetime.now(UTC)
    signed = by_sdk(pair, "POST", path, at=now, headers={"Content-Type": "application/json"}, body=b"{}", host=host)
    with requests.Session() as session:
        session.trust_env = False
        url = f"{console.url}{path}"
        return session.post(url, headers=signed.header_params, data=b"{}", timeout=30).status_code


def created_by_keyboard(page: Page, password: str):
    page.get_by_role("link", name="Create Access Key").press("Enter")
    asking = dialog(page, "Create Access Key")
    expect(asking.locator("[name=password]")).to_be_focused()
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    expect(asking.get_by_text("The secret access key is shown this once.")).to_be_visible()
    settled(page)
    return asking


def test_a_pair_is_made_copied_saved_used_disabled_and_deleted(access_keys, console_server, rest):
    page = access_keys
    expect(page.get_by_role("heading", name="No access keys.")).to_be_visible()

    shown = created_by_keyboard(page, console_server.password)
    ak, sk = shown.locator("#created-ak").inner_text(), shown.locator("#created-sk").inner_text()
    shown.get_by_role("button", name="Copy Secret Access Key").click()
    assert page.evaluate("navigator.clipboard.readText()") == sk
    with page.expect_download() as saving:
        shown.get_by_role("button", name="Download").click()
    assert saving.value.suggested_filename == "credentials.csv"
    assert sk not in saving.value.url
    saved = list(csv.reader(io.StringIO(Path(saving.value.path()).read_text())))
    assert saved == [["User Name", "Access Key Id", "Secret Access Key"], [console_server.user, ak, sk]]
    pair = Pair(ak, sk)
    assert answer_to(console_server, pair, rest.project_id) == 200

    # The list below has it already; what closes takes the secret along.
    shown.get_by_role("button", name="Close").click()
    expect(page.get_by_role("row").filter(has_text=ak)).to_contain_text("Enabled")
    assert sk not in page.content()
    assert page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])").count(sk) == 0

    page.get_by_role("link", name=f"Disable {ak}").click()
    dialog(page, "Disable Access Key").get_by_role("button", name="OK").click()
    expect_toast(page, "Access key disabled successfully")
    expect(page.get_by_role("row").filter(has_text=ak)).to_contain_text("Disabled")
    assert answer_to(console_server, pair, rest.project_id) == 401

    page.get_by_role("link", name=f"Delete {ak}").click()
    deleting = dialog(page, "Delete Access Key")
    expect(deleting.get_by_role("button", name="OK")).to_be_disabled()
    deleting.get_by_label('enter "DELETE"').fill("DELETE")
    deleting.get_by_role("button", name="OK").click()
    expect_toast(page, "Access key deleted successfully")
    expect(page.get_by_role("heading", name="No access keys.")).to_be_visible()
    assert sk not in console_server.log_text()


def test_axe_finds_nothing_on_the_page_and_its_dialogs(access_keys, console_server, expected_errors):
    expected_errors.append("422")
    page = access_keys
    inspect(page, "no access keys")
    page.get_by_role("link", name="Create Access Key").click()
    asking = dialog(page, "Create Access Key")
    asking.locator("[name=password]").fill("wrong")
    page.keyboard.press("Enter")
    expect(asking.get_by_text("The password is incorrect.")).to_be_visible()
    inspect(page, "a wrong password")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    settled(page)

    created_by_keyboard(page, console_server.password)
    inspect(page, "created")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    settled(page)
    console_server.manage("create_access_key", console_server.user)
    page.reload()
    expect(page.get_by_role("link", name="Create Access Key")).to_have_attribute("aria-disabled", "true")
    inspect(page, "two access keys")
    for act in ("Disable", "Delete"):
        page.locator(".ops").get_by_role("link", name=act).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        inspect(page, act)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        settled(page)

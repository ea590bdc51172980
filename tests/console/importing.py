"""The wizard as a person uses it: short sentences over Playwright, and files made by the real OpenSSL."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

from playwright.sync_api import Download, Locator, Page, expect

from tests.services.product import Console

_numbers = itertools.count(1)


def an_alias(stem: str = "wizard") -> str:
    return f"{stem}-{next(_numbers)}-{id(_numbers) % 10000}"


def start_import(page: Page, console: Console, spec: str = "AES_256", alias: str | None = None) -> str:
    """Step 1 of Import Key; returns the key's ID with the page at step 2."""
    page.goto(f"{console.url}/console/kms/import")
    page.get_by_label("Alias").fill(alias or an_alias())
    page.get_by_label("Key Algorithm").select_option(spec)
    page.get_by_label("I understand the security and durability").check()
    page.get_by_role("button", name="Next").click()
    expect(heading(page, "Download the Import Items")).to_be_visible()
    return page.url.rpartition("/")[2].partition("?")[0]


def resume_import(page: Page, console: Console, key_id: str) -> None:
    page.goto(f"{console.url}/console/kms/import/{key_id}")
    expect(heading(page, "Download the Import Items")).to_be_visible()


def open_drawer(page: Page, console: Console, key_id: str) -> None:
    """The same wizard, beside the list."""
    page.goto(f"{console.url}/console/kms/keys?q={key_id}")
    row(page, key_id).get_by_role("link", name="Import Key Material").click()
    expect(heading(page, "Download the Import Items")).to_be_visible()


def at_material(page: Page, console: Console, key_id: str, folder: Path) -> bytes:
    """The three-step wizard of a waiting key, its wrapping key downloaded and returned (DER)."""
    resume_import(page, console, key_id)
    download(page, folder)
    return (folder / f"wrappingKey_{key_id}").read_bytes()


def at_existing_material(page: Page, console: Console, key_id: str) -> None:
    resume_import(page, console, key_id)
    page.get_by_role("button", name="Existing Key Material").click()
    expect(heading(page, "Import Key Material")).to_be_visible()


def heading(page: Page, text: str) -> Locator:
    return page.locator("form[data-wizard] [data-step]").get_by_role("heading", name=text, exact=True)


def download(page: Page, folder: Path) -> Download:
    """Download and Continue; the wrapping key lies in the folder under the name it came with."""
    page.wait_for_load_state()  # clicked before its script runs, the button goes the way of those who have none
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download and Continue").click()
    expect(heading(page, "Import Key Material")).to_be_visible()
    saved.value.save_as(folder / saved.value.suggested_filename)
    return saved.value


def shown_commands(page: Page) -> list[str]:
    """What the page tells to type, block by block."""
    return page.locator("[data-step] [data-command] pre").locator("visible=true").all_text_contents()


def run_commands(page: Page, folder: Path, **environment: str) -> None:
    """Every line that the page shows, in one shell a block, as somebody would paste it."""
    commands = shown_commands(page)
    assert commands
    for command in commands:
        subprocess.run(
            ["sh", "-e", "-c", command], cwd=folder, check=True, capture_output=True, env=os.environ | environment
        )


def field(page: Page, name: str) -> Locator:
    return page.locator(f"[data-material][data-name={name}]")


def choose(page: Page, name: str, file: Path | bytes, *, file_name: str = "chosen.bin") -> None:
    content = file if isinstance(file, bytes) else file.read_bytes()
    named = file_name if isinstance(file, bytes) else file.name
    chosen = {"name": named, "mimeType": "application/octet-stream", "buffer": content}
    field(page, name).locator("input[type=file]").set_input_files(chosen)


def paste(page: Page, name: str, text: str) -> None:
    field(page, name).locator("textarea").fill(text)


def next_step(page: Page, to: str = "Import Key Token") -> None:
    page.get_by_role("button", name="Next", exact=True).click()
    expect(heading(page, to)).to_be_visible()


def press_ok(page: Page) -> None:
    page.locator("form[data-wizard]").get_by_role("button", name="OK", exact=True).click()


def expect_imported(page: Page, alias_or_id: str) -> None:
    """The toast, upper right, and the key Enabled in the list."""
    toast = page.locator("#toasts").get_by_text("Key imported successfully", exact=True)
    expect(toast).to_be_visible()
    expect(row(page, alias_or_id).get_by_text("Enabled", exact=True)).to_be_visible()


def row(page: Page, alias_or_id: str) -> Locator:
    return page.get_by_role("row").filter(has_text=alias_or_id)


def choose_all(page: Page, folder: Path) -> None:
    """The files that the shown commands have made."""
    choose(page, "encrypted_key_material", folder / "EncryptedKeyMaterial.bin")
    for private_key in folder.glob("out_*_private_key.der"):
        choose(page, "encrypted_privatekey", private_key)


def expect_fault(page: Page, name: str, sentence: str) -> None:
    """The field itself says what is wrong, and Next waits."""
    expect(field(page, name).locator(".checks .no")).to_contain_text(sentence)
    expect(page.get_by_role("button", name="Next", exact=True)).to_be_disabled()


def expect_refused(page: Page, step: str, code: str, *sentences: str) -> None:
    """A strip with the code, the wizard at that step, the step marked."""
    strip = page.locator("[data-errors] [role=alert]")
    expect(strip).to_contain_text(code)
    for sentence in sentences:
        expect(strip).to_contain_text(sentence)
    expect(heading(page, step)).to_be_visible()
    expect(page.locator(".stepper li.failed")).to_contain_text(step)

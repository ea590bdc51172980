"""Import Key and Import Key Material from end to end, with files made by the real OpenSSL or wrapped in the browser."""

from __future__ import annotations

import base64
import re
import secrets
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from playwright.sync_api import expect

from kmscrypto.fingerprint import public_check_value
from tests.console import importing
from tests.console.rest import b64, oaep
from tests.frontend.accessibility import violations


@pytest.mark.parametrize("spec", ["AES_256", "RSA_4096", "EC_P256"])
def test_a_key_is_imported_with_the_commands_the_page_shows(page, console_server, tmp_path, openssl, spec):
    alias = importing.an_alias(spec.replace("_", "-"))
    key_id = importing.start_import(page, console_server, spec, alias)

    saved = importing.download(page, tmp_path)
    note = page.locator("[data-command] + p").filter(has_text="Gives EncryptedKeyMaterial.bin, 256 bytes")
    expect(note.first).to_be_visible()
    importing.run_commands(page, tmp_path)
    importing.choose_all(page, tmp_path)
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_imported(page, key_id)
    expect(importing.row(page, key_id)).to_contain_text("External")
    assert saved.suggested_filename == f"wrappingKey_{key_id}"


def test_the_stepper_counts_four_steps_and_there_is_no_way_back_to_the_first(page, console_server, tmp_path):
    page.goto(f"{console_server.url}/console/kms/import")
    steps = page.locator(".stepper li .label")
    expect(steps).to_have_text(
        ["Create Key", "Download the Import Items", "Import Key Material", "Import Key Token"], use_inner_text=True
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("Import Key")

    importing.start_import(page, console_server)

    expect(page.locator(".stepper li.done")).to_contain_text("Create Key")
    expect(importing.heading(page, "Download the Import Items")).to_be_focused()
    expect(page.get_by_role("button", name="Previous")).to_be_hidden()
    importing.download(page, tmp_path)
    page.get_by_role("button", name="Previous").click()
    expect(importing.heading(page, "Download the Import Items")).to_be_visible()
    expect(page.get_by_role("button", name="Previous")).to_be_hidden()


def test_a_waiting_key_is_filled_from_its_row_in_three_steps(page, console_server, rest, tmp_path):
    key_id = rest.empty_key(importing.an_alias("row"))
    importing.open_drawer(page, console_server, key_id)

    steps = page.locator(".stepper li .label")
    expect(steps).to_have_text(["Download the Import Items", "Import Key Material", "Import Key Token"])
    importing.download(page, tmp_path)
    wrapped = oaep((tmp_path / f"wrappingKey_{key_id}").read_bytes(), secrets.token_bytes(32))
    importing.choose(page, "encrypted_key_material", wrapped)
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_imported(page, key_id)


def test_import_key_is_a_dialog_box_over_the_list_from_the_first_step_to_the_last(page, console_server, rest, tmp_path):
    taken, alias = importing.an_alias("box"), importing.an_alias("box")
    rest.empty_key(taken)
    listed = f"{console_server.url}/console/kms/keys?q={alias}"
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(listed)
    page.get_by_role("link", name="Import Key", exact=True).first.click()
    box = page.get_by_role("dialog", name="Import Key")
    acknowledged = box.get_by_label("I understand the security and durability")
    expect(acknowledged).to_be_in_viewport(ratio=1)
    expect(box.get_by_label("Description")).to_be_hidden()
    assert violations(page) == []
    assert page.url.startswith(f"{console_server.url}/console/kms/import?next=")
    page.go_back()
    expect(box).to_be_hidden()
    expect(page).to_have_url(listed)

    page.get_by_role("link", name="Import Key", exact=True).first.click()
    box.get_by_label("Alias").fill(taken)
    acknowledged.check()
    expect(box.locator(".field .err").first).to_contain_text("KMS.1104 Duplicate key aliases.")
    expect(box.get_by_role("button", name="Next", exact=True)).to_be_disabled()
    box.get_by_label("Alias").fill(alias)
    box.get_by_role("button", name="Next", exact=True).click()
    expect(importing.heading(page, "Download the Import Items")).to_be_visible()
    assert violations(page) == []
    key_id = page.url.partition("?")[0].rpartition("/")[2]
    importing.download(page, tmp_path)
    importing.run_commands(page, tmp_path)
    importing.choose_all(page, tmp_path)
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_imported(page, key_id)
    assert page.url == listed


def test_the_page_of_the_first_step_shows_its_tick_box_without_scrolling(page, console_server):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{console_server.url}/console/kms/import")

    tick = page.get_by_label("I understand the security and durability").bounding_box()
    footer = page.locator("form > footer").bounding_box()

    assert tick["y"] + tick["height"] <= footer["y"]


def test_next_waits_for_a_valid_alias_and_the_acknowledgement(page, console_server):
    page.goto(f"{console_server.url}/console/kms/import")
    go_on = page.get_by_role("button", name="Next")
    expect(page.get_by_label("Alias")).to_have_value(re.compile("^KMS-[0-9a-f]{4}$"))
    expect(go_on).to_be_disabled()

    page.get_by_label("I understand the security and durability").check()
    expect(go_on).to_be_enabled()
    for alias, fault in [
        ("", "Enter an alias."),
        ("payments/kek 2027", "Only digits, letters, underscores (_), hyphens (-), colons (:), and slashes (/)"),
        ("obs/default", "The alias cannot end with /default."),
    ]:
        page.get_by_label("Alias").fill(alias)
        expect(page.locator(".field .err")).to_contain_text(fault)
        expect(go_on).to_be_disabled()
    page.get_by_label("Alias").fill("payments/kek_2027:a")
    expect(go_on).to_be_enabled()
    expect(page.locator(".field .err")).to_have_count(0)
    page.get_by_label("I understand the security and durability").uncheck()
    expect(go_on).to_be_disabled()


def test_the_notes_stand_behind_the_link_and_do_not_tick_the_box(page, console_server):
    page.goto(f"{console_server.url}/console/kms/import")

    page.get_by_role("link", name="security and durability").click()

    notes = page.get_by_role("dialog", name="Security and durability")
    for words in ["random source", "copy of the material", "first material for ever", "not rotated", "neither expires"]:
        expect(notes).to_contain_text(words)
    notes.get_by_role("button", name="OK").click()
    expect(notes).to_be_hidden()
    expect(page.get_by_label("I understand the security and durability")).not_to_be_checked()


def test_hmac_cannot_be_imported_and_rsa_may_choose_its_usage(page, console_server, rest):
    page.goto(f"{console_server.url}/console/kms/import")
    algorithm = page.get_by_label("Key Algorithm")
    expect(algorithm.locator("option")).to_have_text(
        ["AES_256", "RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384"]
    )
    expect(page.get_by_label("Usage")).to_be_disabled()

    algorithm.select_option("RSA_3072")
    page.get_by_label("Usage").select_option("ENCRYPT_DECRYPT")
    page.get_by_label("I understand the security and durability").check()
    page.get_by_role("button", name="Next").click()

    expect(importing.heading(page, "Download the Import Items")).to_be_visible()
    details = rest.details(page.url.rpartition("/")[2].partition("?")[0])
    assert (details["key_spec"], details["key_usage"], details["key_state"], details["origin"]) == (
        "RSA_3072",
        "ENCRYPT_DECRYPT",
        "5",
        "external",
    )


def test_tags_and_description_go_along_and_cancel_creates_nothing(page, console_server, rest):
    alias = importing.an_alias("cancelled")
    page.goto(f"{console_server.url}/console/kms/import")
    page.get_by_label("Alias").fill(alias)
    page.get_by_label("I understand the security and durability").check()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", name="Custom Keys")).to_be_visible()
    expect(page.get_by_text(alias)).to_be_hidden()

    page.goto(f"{console_server.url}/console/kms/import")
    page.get_by_label("Alias").fill(alias)
    page.get_by_text("Advanced settings").click()
    page.get_by_label("Description").fill("kept elsewhere")
    page.get_by_role("button", name="Add Tag").click()
    page.get_by_label("Tag key 1").fill("env")
    page.get_by_label("Tag value 1").fill("prod")
    page.get_by_label("I understand the security and durability").check()
    page.get_by_role("button", name="Next").click()
    expect(importing.heading(page, "Download the Import Items")).to_be_visible()
    key_id = page.url.rpartition("/")[2].partition("?")[0]
    assert rest.details(key_id)["key_description"] == "kept elsewhere"
    page.goto(f"{console_server.url}/console/kms/keys/{key_id}/tags")
    expect(page.get_by_role("row").filter(has_text="env")).to_contain_text("prod")


def test_an_alias_that_is_taken_is_refused_where_it_stands(page, console_server, rest):
    alias = importing.an_alias("taken")
    rest.empty_key(alias)
    page.goto(f"{console_server.url}/console/kms/import")
    page.get_by_label("Alias").fill(alias)
    page.get_by_label("I understand the security and durability").check()

    expect(page.locator(".field .err").first).to_contain_text("KMS.1104 Duplicate key aliases.")
    expect(page.get_by_label("Alias")).to_have_value(alias)
    expect(page.get_by_role("button", name="Next")).to_be_disabled()


def test_base64_can_be_pasted_with_the_line_breaks_it_was_kept_with(page, console_server, rest, tmp_path):
    key_id = rest.empty_key(importing.an_alias("pasted"))
    wrapping_key = importing.at_material(page, console_server, key_id, tmp_path)
    text = b64(oaep(wrapping_key, secrets.token_bytes(32)))

    importing.paste(page, "encrypted_key_material", "\n".join(re.findall(".{1,64}", text)))
    expect(importing.field(page, "encrypted_key_material").locator(".checks li").first).to_contain_text("256 bytes")
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_imported(page, key_id)


def test_a_file_may_hold_base64_too(page, console_server, rest, tmp_path):
    key_id = rest.empty_key(importing.an_alias("base64-file"))
    wrapping_key = importing.at_material(page, console_server, key_id, tmp_path)

    wrapped = base64.encodebytes(oaep(wrapping_key, secrets.token_bytes(32)))
    importing.choose(page, "encrypted_key_material", wrapped, file_name="material.b64")
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_imported(page, key_id)


@pytest.mark.parametrize("spec", ["AES_256", "EC_P256"])
def test_existing_key_material_is_a_guided_path_from_the_request_to_the_import(
    page, console_server, rest, tmp_path, openssl, spec
):
    key_id = rest.empty_key(importing.an_alias("existing"), spec)
    importing.at_existing_material(page, console_server, key_id)
    expect(page.get_by_text("Wrap in this browser", exact=True)).to_be_hidden()
    request = page.get_by_role("region", name="1. Request the wrapping key and import token")
    expect(request).to_contain_text(f"POST {console_server.url}/v1.0/{rest.project_id}/kms/get-parameters-for-import")
    expect(page.get_by_role("region", name="Example response")).to_contain_text('"import_token"')
    expect(
        page.get_by_text("Only material encrypted using the converted wrapping key can be imported.").last
    ).to_be_visible()
    card = page.get_by_role("complementary", name="About this key")
    expect(card).to_contain_text("obtained through the API")
    expect(card.get_by_text("this browser to wrap it")).to_be_hidden()
    page.get_by_role("button", name="Copy: 2. Save and convert the wrapping key").click()
    assert "-in PublicKey.b64 -out PublicKey.bin" in page.evaluate("navigator.clipboard.readText()")

    importing.run_commands(page, tmp_path, TOKEN=rest.token)
    importing.choose_all(page, tmp_path)
    importing.next_step(page)
    expect(page.get_by_role("button", name="OK", exact=True)).to_be_disabled()
    importing.choose(page, "import_token", tmp_path / "ImportToken.b64")
    importing.press_ok(page)

    importing.expect_imported(page, key_id)


def test_an_expiry_is_prefilled_with_a_day_and_kept_in_the_readers_own_time(page, console_server, rest, tmp_path):
    key_id = rest.empty_key(importing.an_alias("expiring"))
    wrapping_key = importing.at_material(page, console_server, key_id, tmp_path)
    importing.choose(page, "encrypted_key_material", oaep(wrapping_key, secrets.token_bytes(32)))
    importing.next_step(page)
    expect(page.get_by_label("Key material will never expire")).to_be_checked()

    page.get_by_label("Key material will expire").check()
    expect(page.get_by_text("KMS will delete key material within 24 hours of it expiring.")).to_be_visible()
    day_ahead = page.get_by_label("Expiration time", exact=True).input_value()
    assert abs(_berlin(day_ahead) - time.time() - 24 * 3600) < 120
    page.get_by_label("Expiration time", exact=True).fill("2098-07-01T12:00")
    importing.press_ok(page)

    importing.expect_imported(page, key_id)
    assert rest.details(key_id)["expiration_time"] == "4055047200000"  # 10:00 UTC, as Berlin is two hours ahead


def _berlin(local: str) -> float:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


def test_asymmetric_material_never_expires(page, console_server, rest, tmp_path):
    key_id = rest.empty_key(importing.an_alias("lasting"), "EC_P256")
    importing.at_material(page, console_server, key_id, tmp_path)
    importing.run_commands(page, tmp_path)
    importing.choose_all(page, tmp_path)
    importing.next_step(page)

    expect(page.get_by_label("Key material will never expire")).to_be_checked()
    expect(page.get_by_role("radio", name="Key material will")).to_have_count(1)
    expect(page.get_by_text("The material of an asymmetric key neither expires nor can be deleted")).to_be_visible()


# --- wrapping in the browser --------------------------------------------------------------------------------------


def test_symmetric_material_is_made_wrapped_and_imported_in_the_browser(page, console_server, rest, tmp_path):
    key_id = rest.empty_key(importing.an_alias("browser-aes"))
    importing.at_material(page, console_server, key_id, tmp_path)
    page.get_by_text("Wrap in this browser", exact=True).click()

    with page.expect_download() as kept:
        page.get_by_role("button", name="Generate 32 random bytes").click()
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_imported(page, key_id)
    material = kept.value.path().read_bytes()
    rest.call("delete-imported-key-material", key_id=key_id)
    assert rest.import_material(key_id, material) == {}  # what the browser kept is what was imported
    assert rest.state(key_id) == "2"


PASSPHRASE = "correct horse battery staple"


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P256"])
def test_a_private_key_is_wrapped_and_imported_in_the_browser(page, console_server, rest, tmp_path, spec):
    """RSA in PKCS#1, EC encrypted; the check value is the same before Next, in the toast and on the key."""
    is_rsa = spec == "RSA_2048"
    key = rsa.generate_private_key(65537, 2048) if is_rsa else ec.generate_private_key(ec.SECP256R1())
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    pem = (
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        if is_rsa
        else key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE.encode()))
    )
    public = key.public_key()
    check_value = public_check_value(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    key_id = rest.empty_key(importing.an_alias("browser"), spec)
    importing.at_material(page, console_server, key_id, tmp_path)
    sent: list[bytes] = []
    page.on("request", lambda request: sent.append(request.post_data_buffer or b""))

    page.get_by_text("Wrap in this browser", exact=True).click()
    page.locator("#wrap_file").set_input_files({"name": "key.pem", "mimeType": "text/plain", "buffer": pem})
    if not is_rsa:
        page.get_by_label("Passphrase of the private key", exact=True).fill(PASSPHRASE)
        page.get_by_role("button", name="Decrypt").click()
    expect(page.locator("[data-wrap-results] tbody tr")).to_have_count(2)
    expect(page.locator("[data-wrap-check-value]")).to_have_text(check_value)
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_imported(page, key_id)
    expect(page.locator("#toasts").get_by_text(f"Check value {check_value}", exact=True)).to_be_visible()
    spki = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert rest.call("get-publickey", key_id=key_id)["public_key"].strip() == spki.strip()
    assert sent
    secrets_of_the_page = (der, pem, der[-64:], PASSPHRASE.encode())
    assert all(secret not in body for body in sent for secret in secrets_of_the_page)
    page.goto(f"{console_server.url}/console/kms/keys/{key_id}/material")
    expect(page.get_by_text(check_value, exact=True)).to_be_visible()


def test_the_token_never_reaches_the_browser(page, console_server, rest, tmp_path):
    key_id = rest.empty_key(importing.an_alias("token"))
    seen: list[str] = []
    page.on("response", lambda answer: seen.append(_text(answer)) if "/import/" in answer.url else None)
    wrapping_key = importing.at_material(page, console_server, key_id, tmp_path)
    importing.choose(page, "encrypted_key_material", oaep(wrapping_key, secrets.token_bytes(32)))
    importing.next_step(page)
    importing.press_ok(page)
    importing.expect_imported(page, key_id)

    texts = [text for text in seen if text]
    assert len(texts) >= 3
    texts.append(page.evaluate("JSON.stringify([{ ...sessionStorage }, { ...localStorage }, location.href])"))
    for text in texts:
        # A token has at least 200 characters of Base64; the wrapping key, which may be seen, has 392.
        assert set(re.findall(r"[A-Za-z0-9+/]{200,}=*", text)) <= {b64(wrapping_key)}


def _text(answer) -> str:
    try:
        return answer.text()
    except Exception:  # a download or a redirect has no body to read
        return ""

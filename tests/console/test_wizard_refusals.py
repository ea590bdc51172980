"""Each wrong input of console.md C, as a person meets it: at its field, with code, message and what to do. The wizard,
its files and its token stay."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from playwright.sync_api import Page, expect

from tests.console import importing
from tests.console.rest import b64, oaep

MATERIAL, PRIVATE_KEY = "encrypted_key_material", "encrypted_privatekey"
SHA_1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303


@dataclass
class Opened:
    """The wizard of a waiting key at its step Import Key Material."""

    page: Page
    key_id: str
    wrapping_key: bytes
    folder: Path

    def import_material(self, wrapped: bytes) -> None:
        importing.choose(self.page, MATERIAL, wrapped)
        self.finish()

    def import_private_key(self, der: bytes, *, temporary: bytes | None = None, kek: bytes | None = None) -> None:
        temporary = temporary or secrets.token_bytes(32)
        importing.choose(self.page, MATERIAL, oaep(self.wrapping_key, temporary))
        importing.choose(self.page, PRIVATE_KEY, aes_key_wrap_with_padding(kek or temporary[:32], der))
        self.finish()

    def finish(self) -> None:
        importing.next_step(self.page)
        importing.press_ok(self.page)


@pytest.fixture
def opened(page, console_server, rest, tmp_path, expected_errors):
    expected_errors.append("422")

    def open_wizard(spec: str = "AES_256") -> Opened:
        key_id = rest.empty_key(importing.an_alias("refused"), spec)
        return Opened(page, key_id, importing.at_material(page, console_server, key_id, tmp_path), tmp_path)

    return open_wizard


@pytest.fixture(scope="module")
def rsa_2048():
    return rsa.generate_private_key(65537, 2048)


def pkcs8(key, encoding=Encoding.DER, form=PrivateFormat.PKCS8, encryption=None) -> bytes:
    return key.private_bytes(encoding, form, encryption or NoEncryption())


# --- told at once, by the page itself -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (secrets.token_bytes(255), "255 bytes; expected 256."),
        (secrets.token_bytes(32), "This looks like the plaintext"),
        (secrets.token_bytes(32).hex().encode(), "this looks like the plaintext"),
        (secrets.token_bytes(256).hex().encode(), "This is hex text of 256 bytes."),
        (b"no base64!", "This is not Base64."),
        (b"", "The file is empty."),
    ],
    ids=["wrong size", "plaintext", "plaintext as hex text", "ciphertext as hex text", "no Base64", "empty"],
)
def test_a_file_that_cannot_be_right_is_named_and_not_sent(opened, content, sentence):
    wizard = opened()
    importing.choose(wizard.page, MATERIAL, content)
    importing.expect_fault(wizard.page, MATERIAL, sentence)


def test_the_wrapping_key_itself_and_keys_in_the_clear_are_recognised(opened, rsa_2048):
    wizard = opened("RSA_2048")
    public_pem = rsa_2048.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content, sentence in [
        (MATERIAL, wizard.wrapping_key, "This is the wrapping key itself."),
        (MATERIAL, public_pem, "This is a public key in PEM"),
        (PRIVATE_KEY, pkcs8(rsa_2048, Encoding.PEM), "This is a private key in PEM, in the clear"),
        (PRIVATE_KEY, pkcs8(rsa_2048), "This is a private key in the clear"),
    ]:
        importing.choose(wizard.page, name, content)
        importing.expect_fault(wizard.page, name, sentence)


# --- told on OK, by the service -----------------------------------------------------------------------------------


def test_what_was_wrapped_with_another_wrapping_key_is_refused_and_kept(opened, rsa_2048):
    wizard = opened()
    public = rsa_2048.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    wizard.import_material(oaep(public, secrets.token_bytes(32)))

    importing.expect_refused(
        wizard.page,
        "Import Key Material",
        "KMS.0311",
        "Failed to decrypt data using the RSA private key.",
        "Encrypt the material with the wrapping key of this import",
    )
    expect(importing.field(wizard.page, MATERIAL).locator(".checks .no")).to_contain_text("Failed to decrypt")
    expect(wizard.page.get_by_role("button", name="Remove chosen.bin")).to_be_focused()

    # The same wizard, with the same token, goes on.
    wizard.import_material(oaep(wizard.wrapping_key, secrets.token_bytes(32)))
    importing.expect_imported(wizard.page, wizard.key_id)


def test_another_padding_gets_the_same_answer_as_another_key(opened):
    wizard = opened()
    wizard.import_material(oaep(wizard.wrapping_key, secrets.token_bytes(32), SHA_1))
    importing.expect_refused(wizard.page, "Import Key Material", "KMS.0311")


def test_wrapped_hex_text_is_recognised_by_its_length(opened):
    wizard = opened()
    wizard.import_material(oaep(wizard.wrapping_key, secrets.token_bytes(32).hex().encode()))
    importing.expect_refused(wizard.page, "Import Key Material", "KMS.2604", "64 bytes look like hex text")


def test_a_temporary_key_of_another_length_is_refused(opened, rsa_2048):
    wizard = opened("RSA_2048")
    wizard.import_private_key(pkcs8(rsa_2048), temporary=secrets.token_bytes(24), kek=secrets.token_bytes(32))
    importing.expect_refused(wizard.page, "Import Key Material", "KMS.2610", "Got 24 bytes.")


def test_a_private_key_under_another_temporary_key_is_refused(opened, rsa_2048):
    wizard = opened("RSA_2048")
    wizard.import_private_key(pkcs8(rsa_2048), kek=secrets.token_bytes(32))
    importing.expect_refused(wizard.page, "Import Key Material", "KMS.2609", "RFC 5649")
    expect(importing.field(wizard.page, PRIVATE_KEY).locator(".checks .no")).to_contain_text("RFC 5649")


@pytest.mark.parametrize(
    ("spec", "wrong", "sentence"),
    [
        ("EC_P256", lambda _: pkcs8(ec.generate_private_key(ec.SECP256K1())), "Found secp256k1, expected EC_P256"),
        ("EC_P256", lambda key: pkcs8(key), "Found RSA_2048, expected EC_P256"),
        ("RSA_2048", lambda key: pkcs8(key, encryption=BestAvailableEncryption(b"pass")), "Found encrypted PKCS#8"),
        ("RSA_2048", lambda key: pkcs8(key, form=PrivateFormat.TraditionalOpenSSL), "Found PKCS#1 (RSA_2048)"),
        ("RSA_2048", lambda key: pkcs8(key, Encoding.PEM), "Found PEM text (PRIVATE KEY)"),
    ],
    ids=["secp256k1", "wrong family", "encrypted PKCS#8", "PKCS#1", "PEM instead of DER"],
)
def test_a_private_key_of_another_kind_is_named(opened, rsa_2048, spec, wrong, sentence):
    wizard = opened(spec)
    wizard.import_private_key(wrong(rsa_2048))
    importing.expect_refused(wizard.page, "Import Key Material", "KMS.2609", sentence)
    expect(importing.field(wizard.page, PRIVATE_KEY).locator(".checks .no")).to_contain_text(sentence)


def test_a_private_key_of_too_few_bits_is_named_before_it_is_sent(opened, rsa_2048):
    wizard = opened("RSA_4096")
    importing.choose(wizard.page, PRIVATE_KEY, aes_key_wrap_with_padding(secrets.token_bytes(32), pkcs8(rsa_2048)))
    importing.expect_fault(wizard.page, PRIVATE_KEY, "expected 2,048")


def test_an_expiry_that_has_passed_is_refused_at_its_field(opened):
    wizard = opened()
    importing.choose(wizard.page, MATERIAL, oaep(wizard.wrapping_key, secrets.token_bytes(32)))
    importing.next_step(wizard.page)
    wizard.page.get_by_label("Key material will expire").check()

    wizard.page.get_by_label("Expiration time", exact=True).fill("2020-01-01T00:00")
    expect(wizard.page.get_by_text("Choose a time in the future.")).to_be_visible()
    expect(wizard.page.get_by_role("button", name="OK", exact=True)).to_be_disabled()

    # A page whose clock is wrong would send it all the same; the service refuses.
    wizard.page.get_by_label("Expiration time", exact=True).fill("2098-01-01T00:00")
    wizard.page.locator("input[type=hidden][name=expiration_time]").evaluate("input => { input.value = '1577836800' }")
    importing.press_ok(wizard.page)
    importing.expect_refused(wizard.page, "Import Key Token", "KMS.2602", "must be later than the current time")
    expect(wizard.page.get_by_label("Expiration time", exact=True)).to_be_focused()


# --- tokens from elsewhere ----------------------------------------------------------------------------------------


def give_existing(page: Page, offer: dict, token: str) -> None:
    importing.choose(page, MATERIAL, oaep(base64.b64decode(offer["public_key"]), secrets.token_bytes(32)))
    importing.next_step(page)
    importing.paste(page, "import_token", token)
    importing.press_ok(page)


def test_a_foreign_token_is_refused_at_its_field(page, console_server, rest, expected_errors):
    expected_errors.append("422")
    key_id = rest.empty_key(importing.an_alias("foreign"))
    importing.at_existing_material(page, console_server, key_id)

    give_existing(page, rest.offer(key_id), b64(secrets.token_bytes(540)))

    importing.expect_refused(
        page, "Import Key Token", "KMS.2605", "Token verification failed.", "Obtain the wrapping key"
    )
    expect(importing.field(page, "import_token").locator(".checks .no")).to_contain_text("Token verification failed.")


def test_the_token_of_another_key_is_refused_and_both_keys_are_named(page, console_server, rest, expected_errors):
    expected_errors.append("422")
    key_id, other = (rest.empty_key(importing.an_alias("two")) for _ in range(2))
    importing.at_existing_material(page, console_server, key_id)
    offer = rest.offer(other)

    give_existing(page, offer, offer["import_token"])

    importing.expect_refused(page, "Import Key Token", "KMS.2603", key_id, other)


def test_a_used_token_is_refused(page, console_server, rest, expected_errors):
    expected_errors.append("422")
    key_id = rest.empty_key(importing.an_alias("used"))
    material, offer = secrets.token_bytes(32), rest.offer(key_id)
    wrapped = oaep(base64.b64decode(offer["public_key"]), material)
    rest.call(
        "import-key-material", key_id=key_id, import_token=offer["import_token"], encrypted_key_material=b64(wrapped)
    )
    rest.call("delete-imported-key-material", key_id=key_id)
    importing.at_existing_material(page, console_server, key_id)

    give_existing(page, offer, offer["import_token"])

    importing.expect_refused(page, "Import Key Token", "KMS.2601", "Token expired.")


def test_next_asks_the_service_whether_the_choice_is_plausible(opened):
    """What a page without our script would let through, or an older copy of it."""
    wizard = opened()
    importing.choose(wizard.page, MATERIAL, secrets.token_bytes(256))
    wizard.page.route(
        "**/check",
        lambda route: route.continue_(
            post_data=route.request.post_data_buffer.replace(
                b'name="encrypted_key_material_file"', b'name="other_file"'
            )
        ),
    )
    wizard.page.get_by_role("button", name="Next", exact=True).click()

    importing.expect_refused(wizard.page, "Import Key Material", "KMS.0204", "Give the file, or paste it as Base64.")

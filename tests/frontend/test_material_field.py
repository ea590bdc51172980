"""The material field says at once what is wrong with a file or a pasted text, and sends only what may be right."""
# ruff: noqa: E501 - markup and sentences stand on one line

import base64
import hashlib
import secrets

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import expect

from tests.frontend.private_keys import ec_key, private, public, rsa_key

PAGE = """<!doctype html><html lang="en" data-sprite="/static/icons/sprite.svg"><head>{% include "head.html" %}
<title>Material</title><script type="module" src="/static/js/material-field.js"></script></head><body><main><h1>Material</h1>
{% include "components/material_field.html" with name="material" label="Key material" bytes=256 expected="as RSA-2048 OAEP gives" later="Decryption is checked on OK." only %}
{% include "components/material_field.html" with name="wrapped" label="Private key ciphertext" kind="private-key-ciphertext" min_bytes=1200 max_bytes=1256 only %}
{% include "components/material_field.html" with name="temporary" label="Temporary key material" bytes=256 spec="EC_P256" temporary="temporary" private_key="private_key" only %}
{% include "components/material_field.html" with name="private_key" label="Private key ciphertext" kind="private-key-ciphertext" min_bytes=16 max_bytes=8192 spec="EC_P256" temporary="temporary" private_key="private_key" only %}
{% include "components/material_field.html" with name="token" label="Key import token" kind="token" min_bytes=150 max_bytes=4608 only %}
</main></body></html>"""

CIPHERTEXT = secrets.token_bytes(256)


@pytest.fixture
def field(page, site):
    page.goto(site.page("/", PAGE))
    return page.locator("[data-name=material]")


def choose(field, content: bytes, name: str = "chosen.bin") -> None:
    field.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def test_a_good_file_shows_its_name_size_and_digest(field):
    choose(field, CIPHERTEXT, "EncryptedKeyMaterial.bin")

    expect(field.locator("[data-material-title]")).to_have_text("EncryptedKeyMaterial.bin")
    expect(field.locator("[data-material-meta]")).to_contain_text("256 bytes · SHA-256")
    expect(field.locator("[data-material-meta] .mono")).to_have_attribute(
        "title", hashlib.sha256(CIPHERTEXT).hexdigest()
    )
    expect(field.locator(".checks li").first).to_have_text("256 bytes, as RSA-2048 OAEP gives.")
    expect(field.locator(".checks .todo")).to_have_text("Decryption is checked on OK.")
    expect(field.locator(".drop")).to_have_class("drop full")


def test_pasted_base64_is_taken_line_breaks_and_all(field):
    text = base64.encodebytes(CIPHERTEXT).decode()

    field.locator("textarea").fill(text)

    expect(field.locator(".checks li").first).to_have_text("256 bytes, as RSA-2048 OAEP gives.")
    expect(field.locator(".checks")).to_contain_text("SHA-256")


def test_a_file_of_base64_is_taken(field):
    choose(field, base64.b64encode(CIPHERTEXT) + b"\n", "material.b64")

    expect(field.locator(".checks")).to_contain_text("256 bytes, as RSA-2048 OAEP gives.")
    expect(field.locator(".checks")).to_contain_text("Base64; not the plaintext")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ä" * 128, "This is not Base64."),
        ("ab" * 100_000, "200,000 characters is far more than a ciphertext has."),
    ],
)
def test_a_pasted_text_that_cannot_be_a_ciphertext_is_refused(field, text, sentence):
    field.locator("textarea").fill(text)

    expect(field.locator(".checks .no")).to_have_text(sentence)


WRONG = [
    (b"", "The file is empty."),
    (secrets.token_bytes(32), "32 bytes; expected 256. This looks like the plaintext: encrypt it with the wrapping key first. It was not sent."),
    (secrets.token_bytes(16), "16 bytes; expected 256. This looks like the plaintext"),
    (secrets.token_bytes(255), "255 bytes; expected 256."),
    (secrets.token_bytes(32).hex().encode(), "32 bytes in hex text: this looks like the plaintext."),
    (CIPHERTEXT.hex().encode(), "This is hex text of 256 bytes."),
    (base64.b64encode(secrets.token_bytes(32)), "32 bytes; expected 256. This looks like the plaintext"),
    (base64.urlsafe_b64encode(b"\xfb" * 256), "This is URL-safe Base64: write + for - and / for _."),
    (base64.urlsafe_b64encode(b"\xfb" * 256).rstrip(b"="), "This is URL-safe Base64 without its padding: write + for - and / for _ and add == at the end."),
    (base64.b64encode(CIPHERTEXT).rstrip(b"="), "This is Base64 without its padding: add == at the end."),
    (secrets.token_bytes(296), "296 bytes; expected 256. This looks like RSA_AES_KEY_WRAP in one piece"),
    (b"not base64 at all!", "This is not Base64."),
    (b"-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n", "This is PEM (CMS)."),
    (bytes(70_000), "70,000 bytes is far more than a ciphertext has."),
]  # fmt: skip


@pytest.mark.parametrize(("content", "sentence"), WRONG, ids=[sentence[:40] for _, sentence in WRONG])
def test_a_wrong_file_is_named_explained_and_not_sent(page, field, content, sentence):
    choose(field, content)

    expect(field.locator(".checks .no")).to_contain_text(sentence)
    expect(field.locator(".drop")).to_have_class("drop wrong")
    assert sent(page) == {}


def test_keys_in_the_clear_and_the_wrapping_key_itself_are_recognised(page, field):
    for content, sentence in [
        (public(rsa_key(2048)), "294 bytes; expected 256. This is the wrapping key itself."),
        (public(rsa_key(2048), Encoding.PEM), "This is a public key in PEM, not a ciphertext."),
        (private(ec_key("P-256")), "This is a private key in the clear: wrap it first. It was not sent."),
        (private(ec_key("P-256"), Encoding.PEM), "This is a private key in PEM, in the clear: wrap it first."),
    ]:
        choose(field, content)
        expect(field.locator(".checks .no")).to_contain_text(sentence)
        assert sent(page) == {}


def test_a_private_key_ciphertext_is_whole_half_blocks(page, field):
    wrapped = page.locator("[data-name=wrapped]")

    choose(wrapped, secrets.token_bytes(1225))
    expect(wrapped.locator(".checks .no")).to_contain_text("1,225 bytes; AES-KWP gives a multiple of 8.")

    choose(wrapped, private(rsa_key(2048)))
    expect(wrapped.locator(".checks .no")).to_contain_text("This is a private key in the clear")

    choose(wrapped, secrets.token_bytes(1232))
    expect(wrapped.locator(".drop")).to_have_class("drop full")


# RSA_AES_KEY_WRAP of a P-256 key in PKCS#8, as an HSM gives it: RSA-2048 ciphertext, then AES-KWP of 138 bytes.
BLOB = secrets.token_bytes(256 + 152)


@pytest.mark.parametrize("chosen_in", ["temporary", "private_key"])
@pytest.mark.parametrize("form", ["binary", "base64", "pasted"])
def test_a_key_wrap_in_one_piece_is_split_into_its_two_parts(page, field, chosen_in, form):
    target = page.locator(f"[data-name={chosen_in}]")

    if form == "pasted":
        target.locator("textarea").fill(base64.b64encode(BLOB).decode())
    else:
        choose(target, BLOB if form == "binary" else base64.encodebytes(BLOB), "wrapped.bin")

    temporary, private_key = (page.locator(f"[data-name={name}]") for name in ("temporary", "private_key"))
    expect(private_key.locator(".checks")).to_contain_text("The second part of RSA_AES_KEY_WRAP in one piece.")
    expect(temporary.locator(".checks")).to_contain_text("RSA-OAEP must have been used with SHA-256.")
    expect(temporary.locator("[data-material-meta]")).to_contain_text("256 bytes")
    expect(private_key.locator("[data-material-meta]")).to_contain_text("152 bytes")
    assert sent_files(page) == {"temporary_file": BLOB[:256], "private_key_file": BLOB[256:]}


def test_both_parts_by_themselves_are_not_split(page, field):
    choose(page.locator("[data-name=temporary]"), BLOB[:256])
    choose(page.locator("[data-name=private_key]"), BLOB[256:])

    expect(page.locator("[data-name=private_key] .drop")).to_have_class("drop full")
    assert sent_files(page) == {"temporary_file": BLOB[:256], "private_key_file": BLOB[256:]}


def test_a_ciphertext_too_short_for_the_key_is_refused(page, field):
    wrapped = page.locator("[data-name=private_key]")

    choose(wrapped, secrets.token_bytes(48))

    expect(wrapped.locator(".checks .no")).to_contain_text("48 bytes; expected 64 to 8,192.")


def test_a_token_is_taken_as_text(page, field):
    token = page.locator("[data-name=token]")

    token.locator("textarea").fill(base64.b64encode(secrets.token_bytes(300)).decode())

    expect(token.locator(".checks")).to_contain_text("A token; it is verified on OK.")


def test_removing_a_file_leaves_an_empty_field(page, field):
    choose(field, CIPHERTEXT)
    field.get_by_role("button", name="Remove chosen.bin").click()

    expect(field.locator("textarea")).to_be_focused()
    expect(field.locator(".checks li")).to_have_count(0)
    assert sent(page) == {}


def test_a_pasted_text_after_a_file_and_a_file_after_a_text_replace_each_other(page, field):
    field.locator("textarea").fill("garbage!")
    expect(field.locator(".checks .no")).to_have_text("This is not Base64.")

    choose(field, CIPHERTEXT)
    expect(field.locator(".drop")).to_have_class("drop full")
    expect(field.locator("textarea")).to_have_value("")
    assert sent(page) == {"material_file": 256}


def sent(page) -> dict[str, int]:
    """What the field would add to a form."""
    return page.evaluate("""async () => {
      const { materialOf } = await import("/static/js/material-field.js");
      const data = new FormData();
      materialOf(document.querySelector("[data-name=material]")).appendTo(data);
      return Object.fromEntries([...data].map(([name, file]) => [name, file.size]));
    }""")


def sent_files(page) -> dict[str, bytes]:
    """The files of both fields of a private key."""
    found = page.evaluate("""async () => {
      const { materialOf } = await import("/static/js/material-field.js");
      const { toBase64 } = await import("/static/js/bytes.js");
      const data = new FormData();
      for (const name of ["temporary", "private_key"]) materialOf(document.querySelector(`[data-name=${name}]`)).appendTo(data);
      return Promise.all([...data].map(async ([name, file]) => [name, toBase64(new Uint8Array(await file.arrayBuffer()))]));
    }""")
    return {name: base64.b64decode(content) for name, content in found}

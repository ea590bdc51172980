"""Wrap in this browser, as people see it: the passphrase, the check value, and what is refused before anything is sent."""
# ruff: noqa: E501 - markup and sentences stand on one line

import base64
import re

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import expect

from kmscrypto.fingerprint import check_value
from kmscrypto.specs import SPECS
from tests.frontend.accessibility import violations
from tests.frontend.private_keys import TRADITIONAL, key_for, private, public, rsa_key

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
MATERIAL = bytes(range(160, 192))
PASSPHRASE = "correct horse battery"

PAGE = """<!doctype html><html lang="en" data-sprite="/static/icons/sprite.svg"><head>{% include "head.html" %}
<title>Wrap</title><script type="module" src="/static/js/forms.js"></script><script type="module" src="/static/js/browser-wrap.js"></script></head><body><main><h1>Wrap</h1><form method="post" action="/sent">
{% if spec == "AES_256" %}{% include "components/browser_wrap.html" with spec=spec material="encrypted_key_material" known=known only %}
<div hidden>{% include "components/material_field.html" with name="encrypted_key_material" label="Key material" bytes=256 only %}</div>
{% else %}{% include "components/browser_wrap.html" with spec=spec temporary="encrypted_key_material" private_key="encrypted_privatekey" known=known only %}
<div hidden>{% include "components/material_field.html" with name="encrypted_key_material" label="Temporary key material" bytes=256 spec=spec temporary="encrypted_key_material" private_key="encrypted_privatekey" only %}
{% include "components/material_field.html" with name="encrypted_privatekey" label="Private key ciphertext" kind="private-key-ciphertext" min_bytes=16 max_bytes=8192 spec=spec temporary="encrypted_key_material" private_key="encrypted_privatekey" only %}</div>
{% endif %}<div class="toasts" id="toasts" role="status"></div></form></main></body></html>"""


@pytest.fixture
def open_page(page, site):
    def opened(spec: str, known: str = ""):
        page.goto(site.page("/", PAGE, spec=spec, known=known))
        page.evaluate(
            """async (key) => {
              const { useWrappingKey } = await import("/static/js/browser-wrap.js");
              const { fromBase64, ascii } = await import("/static/js/bytes.js");
              useWrappingKey(document.forms[0], fromBase64(ascii(key)));
            }""",
            base64.b64encode(public(rsa_key(2048))).decode(),
        )
        return page

    return opened


def choose(page, content: bytes, name: str = "chosen.key") -> None:
    page.locator("#wrap_file").set_input_files({"name": name, "mimeType": "", "buffer": content})


def sent(page) -> dict[str, bytes]:
    """What the form would send, field by field."""
    found = page.evaluate("""async () => {
      const { materialOf } = await import("/static/js/material-field.js");
      const { toBase64, ascii } = await import("/static/js/bytes.js");
      const data = new FormData(document.forms[0]);
      document.querySelectorAll("[data-material]").forEach((field) => materialOf(field).appendTo(data));
      const values = [...data].map(async ([name, value]) => [name, toBase64(typeof value === "string" ? ascii(value) : new Uint8Array(await value.arrayBuffer()))]);
      return Object.fromEntries(await Promise.all(values));
    }""")
    return {name: base64.b64decode(text) for name, text in found.items() if text}


def shown_check_value(page):
    return page.locator("[data-wrap-check-value]")


def opened(form: dict[str, bytes]) -> bytes:
    temporary_key = rsa_key(2048).decrypt(form["encrypted_key_material_file"], OAEP)
    return aes_key_unwrap_with_padding(temporary_key, form["encrypted_privatekey_file"])


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (MATERIAL, "Read as 32 raw bytes."),
        (MATERIAL.hex().encode() + b"\n", "Read as hex text of 64 digits."),
        (base64.b64encode(MATERIAL), "Read as Base64 text of 44 characters."),
    ],
    ids=["raw", "hex", "base64"],
)
def test_material_is_taken_in_every_form_and_its_check_value_is_shown(open_page, content, found):
    page = open_page("AES_256")

    choose(page, content)

    expect(shown_check_value(page)).to_have_text(check_value(SPECS["AES_256"], MATERIAL))
    expect(page.locator("#wrap_checks li").first).to_have_text(found)
    assert rsa_key(2048).decrypt(sent(page)["encrypted_key_material_file"], OAEP) == MATERIAL


@pytest.mark.parametrize(("spec", "kind"), [("RSA_2048", "PKCS#1"), ("EC_P256", "SEC1")])
def test_a_traditional_private_key_is_taken_and_its_check_value_is_shown(open_page, spec, kind):
    page = open_page(spec)

    choose(page, private(key_for(spec), Encoding.PEM, TRADITIONAL))

    expect(page.locator("#wrap_checks")).to_contain_text(kind)
    der = opened(sent(page))
    expect(shown_check_value(page)).to_have_text(check_value(SPECS[spec], der))


def test_an_encrypted_key_asks_for_its_passphrase_which_is_never_sent(open_page, site):
    page = open_page("EC_P256")
    requests = []
    page.on("request", lambda request: requests.append(request))
    choose(page, private(key_for("EC_P256"), Encoding.PEM, password=PASSPHRASE.encode()), "locked.pem")

    passphrase = page.get_by_label("Passphrase of the private key", exact=True)
    expect(passphrase).to_be_focused()
    expect(page.locator("[data-wrap-title]")).to_have_text("locked.pem")
    assert sent(page) == {}
    assert violations(page) == []
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#wrap_checks .no")).to_contain_text("The passphrase does not decrypt the private key.")
    expect(passphrase).to_have_attribute("aria-invalid", "true")
    assert sent(page) == {}

    passphrase.fill(PASSPHRASE)
    page.get_by_role("button", name="Decrypt").click()

    expect(page.locator("[data-wrap-results] tbody tr")).to_have_count(2)
    expect(passphrase).to_be_hidden()
    assert page.locator("#wrap_passphrase").input_value() == ""
    form = sent(page)
    assert set(form) == {"encrypted_key_material_file", "encrypted_privatekey_file"}
    expect(shown_check_value(page)).to_have_text(check_value(SPECS["EC_P256"], opened(form)))
    assert violations(page) == []
    assert [request.method for request in requests if request.method != "GET"] == []
    assert site.posts == []
    assert page.url.endswith("/")


def test_forgetting_an_encrypted_file_takes_the_question_away(open_page):
    page = open_page("EC_P256")
    choose(page, private(key_for("EC_P256"), Encoding.PEM, password=PASSPHRASE.encode()))
    page.get_by_label("Passphrase of the private key", exact=True).fill("half of it")

    page.get_by_role("button", name="Forget").click()

    expect(page.get_by_label("Passphrase of the private key", exact=True)).to_be_hidden()
    assert page.locator("#wrap_passphrase").input_value() == ""
    expect(page.locator("[data-wrap-empty] [data-wrap-pick]")).to_be_focused()


def test_other_material_than_before_is_refused_at_once(open_page):
    known = check_value(SPECS["AES_256"], MATERIAL)
    page = open_page("AES_256", known=known)

    choose(page, bytes(range(100, 132)))

    expect(page.locator("#wrap_checks .no")).to_contain_text(
        re.compile(f"has check value [0-9A-F]{{10}}; .* has {known}")
    )
    assert sent(page) == {}
    choose(page, MATERIAL)
    expect(shown_check_value(page)).to_have_text(known)


def test_random_material_shows_the_check_value_of_what_was_saved(open_page):
    page = open_page("AES_256")

    with page.expect_download() as saved:
        page.get_by_role("button", name="Generate 32 random bytes").click()

    material = saved.value.path().read_bytes()
    expect(shown_check_value(page)).to_have_text(check_value(SPECS["AES_256"], material))


def test_the_passphrase_fits_a_narrow_page(open_page, page):
    page.set_viewport_size({"width": 390, "height": 844})
    open_page("RSA_2048")

    choose(page, private(key_for("RSA_2048"), Encoding.PEM, password=PASSPHRASE.encode()))

    expect(page.get_by_label("Passphrase of the private key", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []

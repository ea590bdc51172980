"""The import wizard in one page: download, wrap, refuse, keep, leave. `cryptography` plays the service."""
# ruff: noqa: E501 - markup and sentences stand on one line

import base64
import json
import re
import secrets

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import expect

from tests.frontend.accessibility import violations
from tests.frontend.private_keys import key_for, private, public, rsa_key
from tests.frontend.site import Answer, as_json

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
KEY_ID = "43f1ffd7-18fb-4568-9575-602e009b7ee8"
OFFER_ID = "12345678-1234-4234-8234-123456789012"
NAME = "The wrapping key obtained at 2026-12-01 10:00:00 GMT+00:00 (SHA-256 aaaa bbbb … cccc dddd)"
STEPS = ["Create Key", "Download the Import Items", "Import Key Material", "Import Key Token"]

PAGE = """{% extends "base.html" %}{% block title %}Import Key{% endblock %}
{% block scripts %}<script type="module" src="/static/js/wizard.js"></script>{% endblock %}
{% block crumbs %}<nav class="crumbs" aria-label="Breadcrumb"><ol><li><a href="/keys">Custom Keys</a></li></ol></nav><form action="/keys" aria-label="Find"><input name="q" aria-label="Search"></form>{% endblock %}
{% block heading %}<div class="page-head"><h1>Import Key</h1></div>{% endblock %}
{% block content %}<div class="wizard"><div class="card steps">{% include "components/stepper.html" with steps=steps only %}</div>
<form class="card main" data-wizard data-current="2" method="post" enctype="multipart/form-data" action="/import" data-download-url="/offer" data-revoke-url="/revoke" data-exit-url="/keys" data-address="/import" data-key-id="{{ key_id }}" data-first="2">
<input type="hidden" name="csrfmiddlewaretoken" value="secret-1"><input type="hidden" name="key_id" value="{{ key_id }}"><input type="hidden" name="offer_id" value="" data-fill="offer_id"><input type="hidden" name="way" value="download">
<div data-errors></div>
<section data-step="2" class="body stackv" data-download data-next-label="Download and Continue" data-note="The empty key exists."><h2>Download the Import Items</h2>
{% include "components/key_id_field.html" with key_id=key_id only %}
</section>
<section data-step="3" class="body stackv" hidden><h2>Import Key Material</h2>
<span data-when="way=download">Wrapping key valid for {% include "components/countdown.html" with fill="expires_at" only %}</span>
<fieldset data-when="way=download"><legend class="vh">Where do you wrap the material?</legend><div class="segmented"><label><input type="radio" name="where" value="files" checked>I have wrapped files</label><label><input type="radio" name="where" value="browser">Wrap in this browser</label></div></fieldset>
{% if spec == "AES_256" %}
<div data-when="where=browser" data-when-keep hidden>{% include "components/browser_wrap.html" with spec=spec material="encrypted_key_material" only %}</div>
<div class="form" data-when="where!=browser" data-when-keep>{% include "components/material_field.html" with name="encrypted_key_material" label="Key material" bytes=256 only %}</div>
{% else %}
<div data-when="where=browser" data-when-keep hidden>{% include "components/browser_wrap.html" with spec=spec temporary="encrypted_key_material" private_key="encrypted_privatekey" only %}</div>
<div class="form" data-when="where!=browser" data-when-keep>{% include "components/material_field.html" with name="encrypted_key_material" label="Temporary key material" bytes=256 only %}
{% include "components/material_field.html" with name="encrypted_privatekey" label="Private key ciphertext" kind="private-key-ciphertext" min_bytes=80 max_bytes=3000 only %}</div>
{% endif %}</section>
<section data-step="4" class="body stackv" hidden><h2>Import Key Token</h2>
<div data-when="way=existing">{% include "components/material_field.html" with name="import_token" label="Key import token" kind="token" min_bytes=150 max_bytes=4608 only %}</div>
{% include "components/expiry_field.html" only %}</section>
<footer><span class="grow small" data-wizard-note></span><a class="btn" href="/keys" data-wizard-cancel>Cancel</a><button class="btn" type="button" data-wizard-previous>Previous</button><button class="btn" name="way" value="existing" data-wizard-existing>Existing Key Material</button><button class="btn primary" data-wizard-next>Next</button></footer>
</form></div>{% include "components/leave_dialog.html" only %}{% endblock %}"""


@pytest.fixture
def wrapping_key():
    return rsa_key(2048)


@pytest.fixture
def open_wizard(page, site, wrapping_key):
    def opened(spec: str = "AES_256"):
        states = ["done", "current", "todo", "todo"]
        steps = [{"label": label, "state": state} for label, state in zip(STEPS, states, strict=True)]
        site.answers["/offer"] = lambda form: as_json({
            "ok": True,
            "file_name": f"wrappingKey_{KEY_ID}.bin",
            "wrapping_key": base64.b64encode(public(wrapping_key)).decode(),
            "offer_id": OFFER_ID,
            "wrapping_key_name": NAME,
            "expires_at": "2099-01-01T00:00:00+00:00",
        })  # fmt: skip
        site.page("/keys", "<!doctype html><title>Keys</title><link rel=icon href=/static/icons/favicon.svg><h1>Keys</h1>"
                           "<form><input type=hidden name=csrfmiddlewaretoken value=secret-2></form>")  # fmt: skip
        user = {"name": "alice", "account": "acme", "initials": "AL"}
        site.page("/console/session", json.dumps({"user": "acme/alice", "csrf_token": "secret-2"}))
        page.goto(site.page("/import", PAGE, spec=spec, steps=steps, key_id=KEY_ID, console={"user": user}))
        return page

    return opened


def download(page):
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download and Continue").click()
    expect(page.get_by_role("heading", name="Import Key Material")).to_be_visible()
    return saved.value


def choose(page, name: str, content: bytes) -> None:
    file = {"name": f"{name}.bin", "mimeType": "application/octet-stream", "buffer": content}
    page.locator(f"[data-name={name}] input[type=file]").set_input_files(file)


def next_step(page):
    page.get_by_role("button", name="Next").click()


def finish(page):
    page.get_by_role("button", name="OK", exact=True).click()


def succeed(form):
    return as_json({"ok": True, "redirect": "/keys"})


def test_download_wrap_and_import(open_wizard, site, wrapping_key):
    page = open_wizard()
    site.answers["/import"] = succeed

    saved = download(page)
    material = secrets.token_bytes(32)
    choose(page, "encrypted_key_material", wrapping_key.public_key().encrypt(material, OAEP))
    next_step(page)
    finish(page)

    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    assert saved.suggested_filename == f"wrappingKey_{KEY_ID}.bin"
    assert saved.path().read_bytes() == public(wrapping_key)
    [form] = site.posted("/import")
    assert wrapping_key.decrypt(form.files["encrypted_key_material_file"][1], OAEP) == material
    assert form.fields["key_id"] == KEY_ID
    assert form.fields["expiration_mode"] == "never"
    assert "expiration_time" not in form.fields
    assert site.posted("/revoke") == []


def test_pasted_base64_is_sent_as_text(open_wizard, site, wrapping_key):
    page = open_wizard()
    site.answers["/import"] = succeed
    text = base64.b64encode(wrapping_key.public_key().encrypt(bytes(32), OAEP)).decode()

    download(page)
    page.locator("[data-name=encrypted_key_material] textarea").fill(text)
    next_step(page)
    finish(page)

    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    [form] = site.posted("/import")
    assert form.fields["encrypted_key_material"] == text
    assert form.files == {}


def test_next_waits_for_what_the_step_needs(open_wizard):
    page = open_wizard()
    download(page)
    expect(page.get_by_role("button", name="Next")).to_be_disabled()

    choose(page, "encrypted_key_material", secrets.token_bytes(32))
    expect(page.locator(".checks .no")).to_contain_text("looks like the plaintext")
    expect(page.get_by_role("button", name="Next")).to_be_disabled()

    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    expect(page.get_by_role("button", name="Next")).to_be_enabled()


@pytest.mark.parametrize("spec", ["RSA_4096", "EC_P256"])
def test_a_private_key_is_wrapped_in_the_browser_and_only_ciphertexts_are_sent(open_wizard, site, wrapping_key, spec):
    page = open_wizard(spec)
    site.answers["/import"] = succeed
    plain = private(key_for(spec))

    download(page)
    page.get_by_text("Wrap in this browser").click()
    page.locator("#wrap_file").set_input_files(
        {"name": "key.pem", "mimeType": "text/plain", "buffer": private(key_for(spec), Encoding.PEM)}
    )
    expect(page.locator("[data-wrap-results] tbody tr")).to_have_count(2)
    next_step(page)
    finish(page)

    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    [form] = site.posted("/import")
    temporary = wrapping_key.decrypt(form.files["encrypted_key_material_file"][1], OAEP)
    assert aes_key_unwrap_with_padding(temporary, form.files["encrypted_privatekey_file"][1]) == plain
    for _, body in site.posts:
        assert all(plain not in content for _, content in body.files.values())


def test_the_wrong_private_key_is_named_and_nothing_is_offered(open_wizard):
    page = open_wizard("RSA_2048")
    download(page)
    page.get_by_text("Wrap in this browser").click()

    page.locator("#wrap_file").set_input_files(
        {"name": "key.der", "mimeType": "", "buffer": private(key_for("EC_P256"))}
    )

    expect(page.locator("#wrap_checks .no")).to_have_text(
        "This is an EC_P256 key; this key takes RSA_2048. Choose another file, or create an empty key with the algorithm EC_P256."
    )
    expect(page.get_by_role("button", name="Next")).to_be_disabled()


def test_random_material_is_made_in_the_browser_and_a_copy_is_kept(open_wizard, site, wrapping_key):
    page = open_wizard()
    site.answers["/import"] = succeed
    download(page)
    page.get_by_text("Wrap in this browser").click()

    with page.expect_download() as saved:
        page.get_by_role("button", name="Generate 32 random bytes").click()
    kept = saved.value
    expect(page.locator("[data-wrap-results] tbody tr")).to_have_count(1)
    # Its private half is erased by the import: whoever took this for a backup would lose the key.
    expect(page.locator("[data-wrap-results]")).to_contain_text("not a backup")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save ciphertexts").click()
    ciphertext = saved.value.path().read_bytes()
    next_step(page)
    finish(page)

    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    [form] = site.posted("/import")
    assert kept.suggested_filename == "PlaintextKeyMaterial.bin"
    assert form.files["encrypted_key_material_file"][1] == ciphertext
    assert wrapping_key.decrypt(ciphertext, OAEP) == kept.path().read_bytes()


def test_a_refusal_opens_the_step_marks_the_field_and_keeps_the_file(open_wizard, site, expected_errors):
    expected_errors.append("422")
    page = open_wizard()
    refusal = {
        "field": "encrypted_key_material",
        "code": "KMS.0311",
        "message": "Failed to decrypt data using the RSA private key.",
        "hint": "Was another wrapping key used?",
    }
    site.answers["/import"] = lambda form: as_json({"ok": False, "step": 3, "errors": [refusal]}, 422)
    wrapped = secrets.token_bytes(256)
    download(page)
    choose(page, "encrypted_key_material", wrapped)
    next_step(page)
    finish(page)

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(
        "KMS.0311 Failed to decrypt data using the RSA private key. Was another wrapping key used?"
    )
    expect(page.get_by_role("heading", name="Import Key Material")).to_be_visible()
    expect(page.locator(".stepper li").nth(2)).to_have_class("failed current")
    expect(page.locator("[data-name=encrypted_key_material] .checks .no")).to_contain_text("Failed to decrypt")
    expect(page.locator("[data-material-title]").first).to_have_text("encrypted_key_material.bin")
    expect(page.get_by_role("button", name="Remove encrypted_key_material.bin")).to_be_focused()
    expect(page.get_by_role("button", name="Next")).to_be_disabled()

    site.answers["/import"] = succeed
    choose(page, "encrypted_key_material", wrapped)
    next_step(page)
    finish(page)
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()


def test_another_file_lifts_the_mark_of_the_first_for_the_service_judged_both_together(
    open_wizard, site, expected_errors
):
    expected_errors.append("422")
    page = open_wizard("EC_P256")
    refusal = {"field": "encrypted_privatekey", "code": "KMS.2609", "message": "Wrong private key.", "hint": ""}
    site.answers["/import"] = lambda form: as_json({"ok": False, "step": 3, "errors": [refusal]}, 422)
    download(page)
    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    choose(page, "encrypted_privatekey", secrets.token_bytes(144))
    next_step(page)
    finish(page)
    expect(page.locator("[data-name=encrypted_privatekey] .checks .no")).to_have_text("Wrong private key.")
    expect(page.get_by_role("button", name="Next")).to_be_disabled()

    choose(page, "encrypted_key_material", secrets.token_bytes(256))

    expect(page.locator(".checks .no")).to_have_count(0)
    expect(page.get_by_role("button", name="Next")).to_be_enabled()


def test_the_focus_stays_in_the_field_after_a_file_was_chosen(open_wizard):
    page = open_wizard()
    download(page)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Select File for Key material").click()

    chooser.value.set_files({"name": "m.bin", "mimeType": "", "buffer": secrets.token_bytes(256)})

    expect(page.get_by_role("button", name="Remove m.bin")).to_be_focused()


def test_a_step_starts_at_its_top_and_its_footer_does_not_scroll_it(open_wizard):
    page = open_wizard("RSA_2048")
    page.set_viewport_size({"width": 1280, "height": 420})
    download(page)
    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    choose(page, "encrypted_privatekey", secrets.token_bytes(144))
    last = page.locator("[data-step]:not([hidden]) button:visible").last
    last.focus()
    focused, footer = (
        page.evaluate("box => box.getBoundingClientRect().toJSON()", each)
        for each in (last.element_handle(), page.locator("form[data-wizard] > footer").element_handle())
    )
    assert focused["bottom"] <= footer["top"], "the footer covers what has the focus"
    scrolled = page.evaluate("scrollY")
    assert scrolled > 0, "the step is longer than the window"

    page.get_by_role("link", name="Cancel").focus()
    assert page.evaluate("scrollY") == scrolled
    page.keyboard.press("Tab")
    assert page.evaluate("scrollY") == scrolled
    next_step(page)

    expect(page.get_by_role("heading", name="Import Key Token")).to_be_focused()
    assert page.evaluate("scrollY") == 0


def test_after_a_new_login_the_token_of_the_form_is_renewed(open_wizard, site, expected_errors):
    expected_errors.append("403")
    page = open_wizard()
    site.answers["/import"] = lambda form: (
        succeed(form)
        if form.fields["csrfmiddlewaretoken"] == "secret-2"
        else Answer(b"<h1>Session ended</h1>", 403, "text/html")
    )
    download(page)
    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    next_step(page)
    finish(page)

    expect(page.get_by_role("heading", name="Keys")).to_be_visible()


def test_a_failing_service_is_told_and_nothing_is_lost(open_wizard, site, expected_errors):
    expected_errors.append("500")
    page = open_wizard()
    site.answers["/import"] = lambda form: Answer(b"<h1>no</h1>", 500, "text/html")
    download(page)
    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    next_step(page)
    finish(page)

    expect(page.get_by_role("alert")).to_contain_text("The service could not finish the request. Your files are kept.")
    page.get_by_role("button", name="Previous").click()
    expect(page.locator("[data-material-title]").first).to_have_text("encrypted_key_material.bin")


def test_ok_is_sent_once_even_while_the_next_page_is_slow(open_wizard, site):
    page = open_wizard()
    site.answers["/import"] = succeed
    download(page)
    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    next_step(page)
    page.route("**/keys", lambda route: None)  # never answered

    page.evaluate("""() => new Promise((done) => {
        const ok = document.querySelector("[data-wizard-next]");
        ok.click();
        setTimeout(() => { ok.click(); setTimeout(done, 300); }, 1000);
    })""")

    assert len(site.posted("/import")) == 1


def test_an_answer_that_is_lost_is_not_called_a_failure(open_wizard, expected_errors):
    expected_errors.append("net::ERR_FAILED")
    page = open_wizard()
    download(page)
    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    next_step(page)
    page.route("**/import", lambda route: route.abort())
    finish(page)

    expect(page.get_by_role("alert")).to_have_text(
        "The service could not be reached, or its answer was lost. Your files are kept. Try again."
    )


def test_existing_material_needs_no_download_and_asks_for_the_token(open_wizard, site):
    page = open_wizard()
    site.answers["/import"] = succeed
    token = base64.b64encode(secrets.token_bytes(300)).decode()

    page.get_by_role("button", name="Existing Key Material").click()
    expect(page.get_by_text("Wrap in this browser")).to_be_hidden()
    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    next_step(page)
    expect(page.get_by_role("button", name="OK", exact=True)).to_be_disabled()
    page.locator("[data-name=import_token] textarea").fill(token)
    finish(page)

    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    [form] = site.posted("/import")
    assert form.fields["import_token"] == token
    assert site.posted("/offer") == []


def test_an_expiry_is_sent_in_seconds_and_must_lie_ahead(open_wizard, site):
    page = open_wizard()
    site.answers["/import"] = succeed
    download(page)
    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    next_step(page)
    page.get_by_text("Key material will expire").click()
    expect(page.locator("[data-epoch-hint]")).to_contain_text("In 23 h")
    expect(page.get_by_label("Expiration time")).to_have_attribute("max", re.compile("^9999-"))

    page.get_by_label("Expiration time").fill("2020-01-01T00:00")
    expect(page.locator("[data-epoch-hint]")).to_have_text("Choose a time in the future.")
    expect(page.get_by_role("button", name="OK", exact=True)).to_be_disabled()

    page.get_by_label("Expiration time").fill("2098-07-01T12:00")
    expect(page.locator("[data-epoch-hint]")).to_contain_text("2098-07-01 12:00:00 GMT+02:00, Europe/Berlin")
    finish(page)
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    [form] = site.posted("/import")
    assert form.fields["expiration_time"] == "4055047200"  # 2098-07-01T10:00:00Z


def test_24_hours_count_from_the_choice_and_a_chosen_time_stays(open_wizard):
    page = open_wizard()
    download(page)
    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    next_step(page)
    page.evaluate("() => { const real = Date.now; Date.now = () => real() + 3 * 3600 * 1000; }")

    page.get_by_text("Key material will expire").click()
    expect(page.locator("[data-epoch-hint]")).to_contain_text("In 23 h 59 min")

    page.get_by_label("Expiration time").fill("2098-07-01T12:00")
    page.get_by_text("Key material will never expire").click()
    page.get_by_text("Key material will expire").click()
    expect(page.get_by_label("Expiration time")).to_have_value("2098-07-01T12:00")


def test_closing_after_the_download_asks_and_then_revokes_the_token(open_wizard, site):
    page = open_wizard()
    download(page)

    page.get_by_role("link", name="Cancel").click()
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text("The import token will become invalid if you close the wizard.")
    question.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Import Key Material")).to_be_visible()
    assert site.posted("/revoke") == []

    page.keyboard.press("Escape")
    question.get_by_role("button", name="OK", exact=True).click()
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    [form] = site.soon_posted("/revoke")
    assert form.fields == {
        "csrfmiddlewaretoken": "secret-1",
        "key_id": KEY_ID,
        "offer_id": OFFER_ID,
        "way": "download",
    }


def test_cancel_before_the_download_asks_nothing(open_wizard, site):
    page = open_wizard()

    page.get_by_role("link", name="Cancel").click()

    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    assert site.posted("/revoke") == []


def test_real_navigation_asks_the_browsers_way_and_revokes(open_wizard, site):
    page = open_wizard()
    download(page)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))

    page.goto(site.address + "/keys")

    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    assert asked == ["beforeunload"]
    assert len(site.soon_posted("/revoke")) == 1


def test_previous_goes_back_to_the_download_but_not_to_the_creation(open_wizard, site):
    page = open_wizard()
    expect(page.get_by_role("button", name="Previous")).to_be_hidden()
    download(page)

    page.get_by_role("button", name="Previous").click()
    expect(page.get_by_role("heading", name="Download the Import Items")).to_be_visible()
    expect(page.get_by_role("button", name="Previous")).to_be_hidden()
    download(page)

    assert len(site.posted("/offer")) == 2


def test_an_expired_token_is_told_while_the_page_stands_open(open_wizard, site):
    page = open_wizard()
    site.answers["/offer"] = lambda form: as_json({
        "ok": True, "file_name": "w.bin", "wrapping_key": base64.b64encode(public(rsa_key(2048))).decode(),
        "expires_at": "2020-01-01T00:00:00+00:00", "wrapping_key_name": NAME,
    })  # fmt: skip

    with page.expect_download():
        page.get_by_role("button", name="Download and Continue").click()

    expect(page.get_by_role("alert")).to_contain_text("is older than 24 hours. Your files are kept.")
    expect(page.locator(".stepper li").nth(1)).to_have_class(re.compile("failed"))
    page.get_by_role("button", name="Download again").click()
    expect(page.get_by_role("heading", name="Download the Import Items")).to_be_visible()


# --- leaving, and what has ended ----------------------------------------------------------------------------------


def leave_by(page, how: str) -> None:
    if how == "back":
        page.go_back()
    elif how == "search":
        page.get_by_label("Search", exact=True).fill("payments")
        page.keyboard.press("Enter")
    else:
        page.get_by_role("link", name="Custom Keys").click()


@pytest.mark.parametrize("how", ["breadcrumb", "back", "search"])
def test_leaving_asks_in_the_products_words_and_then_goes_there(open_wizard, site, how):
    page = open_wizard()
    page.on("dialog", lambda dialog: pytest.fail(f"the browser asked: {dialog.type}"))
    download(page)
    address = page.url
    question = page.get_by_role("alertdialog")
    leave_by(page, how)
    expect(question).to_contain_text("The import token will become invalid if you close the wizard.")
    question.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Import Key Material")).to_be_visible()
    assert (page.url, site.posted("/revoke")) == (address, [])

    leave_by(page, how)
    question.get_by_role("button", name="OK", exact=True).click()

    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    assert page.url.endswith("/keys?q=payments" if how == "search" else "/keys")
    [form] = site.soon_posted("/revoke")
    assert form.fields["offer_id"] == OFFER_ID


def test_the_address_follows_the_step(open_wizard):
    page = open_wizard()
    download(page)
    assert page.url.endswith(f"/import?offer={OFFER_ID}")

    page.get_by_role("button", name="Previous").click()
    page.get_by_role("button", name="Existing Key Material").click()

    assert page.url.endswith("/import?path=existing")


def test_a_reloaded_page_says_which_wrapping_key_is_dead_and_why(
    open_wizard, site, expected_errors, page, wrapping_key
):
    """The page that loads was rendered while the wrapping key was still valid, as the real one is."""
    open_wizard()
    download(page)
    der = base64.b64encode(public(wrapping_key)).decode()
    live = f'data-holds-token data-wrapping-key="{der}" data-wrapping-key-name="{NAME}" data-current="3"'
    site.pages["/import"] = (
        site.pages["/import"]
        .replace('data-current="2"', live)
        .replace('name="offer_id" value=""', f'name="offer_id" value="{OFFER_ID}"')
    )
    page.on("dialog", lambda dialog: dialog.accept())

    page.reload()

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(f"KMS.2601 Token expired. {NAME} ended when its page was reloaded or left.")
    expect(page.get_by_role("heading", name="Download the Import Items")).to_be_visible()
    assert {form.fields["offer_id"] for form in site.soon_posted("/revoke")} == {OFFER_ID}
    page.get_by_role("link", name="Custom Keys").click()
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()


def test_a_download_in_another_tab_ends_the_first_which_says_so(open_wizard, site, page):
    open_wizard()
    download(page)
    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    first = site.answers["/offer"]
    site.answers["/offer"] = lambda form: as_json({**json.loads(first(form).body), "offer_id": KEY_ID})
    other = page.context.new_page()
    other.goto(site.address + "/import")

    download(other)

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(f"KMS.2601 Token expired. {NAME} was replaced by a newer one")
    expect(alert).to_contain_text("Your files are kept.")
    expect(page.locator(".stepper li").nth(1)).to_have_class(re.compile("failed"))
    expect(page.locator("strong[data-until]")).to_have_text("expired")
    expect(page.locator("[data-wizard-note]")).to_be_empty()
    site.answers["/offer"] = first
    alert.get_by_role("button", name="Download again").click()
    download(page)
    expect(page.locator("[data-material-title]").first).to_have_text("encrypted_key_material.bin")
    expect(page.locator(".stepper li.failed")).to_have_count(0)


def test_a_new_login_in_another_tab_takes_the_page_on_where_it_was(open_wizard, site, page, expected_errors):
    expected_errors.append("401")
    open_wizard()
    site.answers["/import"] = lambda form: Answer(b"", 401, "text/plain")
    download(page)
    choose(page, "encrypted_key_material", secrets.token_bytes(256))
    next_step(page)
    finish(page)
    ended = page.get_by_role("alertdialog", name="Your session has ended")
    expect(ended.get_by_role("link", name="Log In")).to_have_attribute("target", "_blank")
    assert site.posted("/revoke") == []

    page.evaluate("dispatchEvent(new Event('focus'))")

    expect(ended).to_be_hidden()
    site.answers["/import"] = succeed
    finish(page)
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    assert [form.fields["csrfmiddlewaretoken"] for form in site.posted("/import")] == ["secret-1", "secret-2"]


def test_going_on_with_existing_material_ends_what_was_downloaded(open_wizard, site, page):
    open_wizard()
    download(page)
    page.get_by_role("button", name="Previous").click()

    page.get_by_role("button", name="Existing Key Material").click()

    expect(page.get_by_role("heading", name="Import Key Material")).to_be_visible()
    [form] = site.soon_posted("/revoke")
    assert form.fields["way"] == "download"
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()


def test_a_page_without_webcrypto_explains_and_hides_wrapping(open_wizard, page):
    page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    open_wizard()
    download(page)

    page.get_by_text("Wrap in this browser").click()

    expect(page.get_by_text("This browser wraps keys only over https or on this machine itself.")).to_be_visible()
    expect(page.locator("#wrap_file")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_step_is_accessible_and_fits(open_wizard, site, page, expected_errors, width, theme):
    expected_errors.append("422")
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    open_wizard("RSA_2048")
    refusal = {
        "field": "encrypted_privatekey",
        "code": "KMS.2609",
        "message": "Wrong private key.",
        "hint": "RSA_4096.",
    }
    site.answers["/import"] = lambda form: as_json({"ok": False, "step": 3, "errors": [refusal]}, 422)

    def check():
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    check()
    download(page)
    choose(page, "encrypted_key_material", secrets.token_bytes(32))
    expect(page.locator(".checks .no")).to_be_visible()
    check()
    page.get_by_text("Wrap in this browser").click()
    key = {"name": "key.der", "mimeType": "", "buffer": private(key_for("RSA_2048"))}
    page.locator("#wrap_file").set_input_files(key)
    expect(page.locator("[data-wrap-results] tbody tr")).to_have_count(2)
    check()
    next_step(page)
    page.get_by_text("Key material will expire").click()
    check()
    finish(page)
    expect(page.get_by_role("alert")).to_contain_text("KMS.2609")
    check()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    check()

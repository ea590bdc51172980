"""The wizard's pages as a script and a plain browser ask them: who may, what is answered, what is kept from whom."""

from __future__ import annotations

import base64
import re
import secrets
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from imports.models import WrappingKey
from keys.models import Key
from operations.models import Trace
from tests import factories
from tests.operations import stage

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def browser(client, alice):
    """Alice's, signed in."""
    return factories.sign_in(client, factories.alice())


@pytest.fixture
def key(alice) -> Key:
    return stage.an_empty_key(alice)


def url(name: str, key: Key | None = None, *more) -> str:
    return reverse(f"imports:{name}", args=[key.key_id, *more] if key else [])


def download(browser, key, **fields) -> dict:
    answer = browser.post(
        url("download", key), {"way": "download", "wrapping_algorithm": "RSAES_OAEP_SHA_256", **fields}, **JSON
    )
    assert answer.status_code == 200, answer.content
    return answer.json()


def wrapped(offer: dict, plain: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("m.bin", base64.b64decode(stage.wrap({"public_key": offer["wrapping_key"]}, plain)))


def finish(browser, key, offer: dict, plain: bytes, **fields):
    material = wrapped(offer, plain)
    data = {"way": "download", "offer_id": offer["offer_id"], "encrypted_key_material_file": material, **fields}
    return browser.post(url("finish", key), data, **JSON)


# --- the way through ----------------------------------------------------------------------------------------------


def test_an_import_by_script_from_the_empty_key_to_the_toast(browser):
    made = browser.post(
        url("wizard"),
        {"key_alias": "brought", "key_spec": "AES_256", "enterprise_project_id": "0", "acknowledged": "on"},
    )
    key = Key.objects.get(alias="brought")
    assert made["Location"] == f"{url('import_material', key)}?flow=new"

    offer = download(browser, key)
    assert offer["file_name"] == f"wrappingKey_{key.key_id}"
    answer = finish(browser, key, offer, secrets.token_bytes(32))

    assert answer.json() == {"ok": True, "redirect": reverse("keys:list")}
    page = browser.get(reverse("keys:list")).content.decode()
    key.refresh_from_db()
    assert "Key imported successfully" in page
    assert f"Check value {key.versions.get().check_value}" in page
    assert key.state_now().label == "Enabled"


def test_the_wizard_leaves_the_traces_of_a_person_at_the_console(browser, key):
    finish(browser, key, download(browser, key), secrets.token_bytes(32))

    traces = Trace.objects.filter(resource_id=key.key_id).exclude(name="createKey")
    assert {(trace.name, trace.kind) for trace in traces} == {
        ("getParametersForImport", "ConsoleAction"),
        ("importKeyMaterial", "ConsoleAction"),
    }


def test_the_session_holds_nothing_of_an_import(browser, key):
    browser.get(url("import_material", key))
    offer = download(browser, key)
    browser.get(f"{url('import_material', key)}?offer={offer['offer_id']}")

    assert set(browser.session.keys()) == {"iam"}


def test_the_token_is_in_no_answer(browser, key):
    answers = [
        browser.get(url("import_material", key)).content,
        browser.post(url("download", key), {"wrapping_algorithm": "RSAES_OAEP_SHA_256"}, **JSON).content,
    ]
    offer = WrappingKey.objects.get(key=key)
    answers.append(browser.get(f"{url('import_material', key)}?offer={offer.pk}").content)
    public = base64.b64encode(bytes(offer.public_der)).decode()

    for answer in answers:
        assert set(re.findall(r"[A-Za-z0-9+/]{200,}=*", answer.decode())) <= {public}


# --- the wrapping key's file --------------------------------------------------------------------------------------


def test_the_wrapping_key_is_saved_under_its_exact_name(browser, key):
    offer = download(browser, key)

    answer = browser.get(url("wrapping_key", key, offer["offer_id"]))

    assert answer.content == base64.b64decode(offer["wrapping_key"])
    assert answer["Content-Disposition"] == f'attachment; filename="wrappingKey_{key.key_id}"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("whose", ["another user's", "the API's", "another key's", "nobody's"])
def test_an_offer_that_is_not_of_this_users_wizard_is_not_there(browser, alice, key, whose):
    wanted = {
        "another user's": lambda: wizard_offer_of(factories.user("carol", policies=("KMS Administrator",)), key),
        "the API's": lambda: stage.an_offer(alice, key) and WrappingKey.objects.get(key=key).pk,
        "another key's": lambda: download(browser, stage.an_empty_key(alice))["offer_id"],
        "nobody's": uuid.uuid4,
    }[whose]()

    assert browser.get(url("wrapping_key", key, wanted)).status_code == 400
    page = browser.get(f"{url('import_material', key)}?offer={wanted}").content.decode()
    assert 'data-current="1"' in page
    assert "data-holds-token" not in page
    fields = {"way": "download", "offer_id": str(wanted)}
    refused = browser.post(url("finish", key), fields, **JSON).json()
    assert (refused["step"], refused["errors"][0]["code"]) == (1, "KMS.2601")
    before = WrappingKey.objects.filter(private_sealed__isnull=False).count()
    browser.post(url("revoke", key), fields)
    assert WrappingKey.objects.filter(private_sealed__isnull=False).count() == before


def wizard_offer_of(user, key):
    from operations.caller import Kind

    stage.an_offer(factories.caller(user, kind=Kind.CONSOLE), key)
    return WrappingKey.objects.get(key=key, created_by_id=user.pk).pk


# --- refusals by script -------------------------------------------------------------------------------------------


def test_a_refusal_says_step_field_code_message_and_hint(browser, key):
    offer = download(browser, key)

    answer = finish(browser, key, offer, secrets.token_bytes(64))

    assert answer.status_code == 422
    assert answer.json() == {
        "ok": False,
        "step": 2,
        "errors": [
            {
                "field": "encrypted_key_material",
                "code": "KMS.2604",
                "message": "The external key plaintext length must be 32 bits.",
                "hint": "Got 64 bytes, expected 32. 64 bytes look like hex text: encrypt the raw bytes instead.",
            }
        ],
    }
    assert finish(browser, key, offer, secrets.token_bytes(32)).json()["ok"] is True


def test_the_steps_are_numbered_as_the_stepper_shows_them(browser, key):
    offer = download(browser, key)
    assert finish(browser, key, offer, bytes(64)).json()["step"] == 2
    assert finish(browser, key, offer, bytes(64), flow="new").json()["step"] == 3


def test_a_refused_import_leaves_its_trace(browser, key):
    finish(browser, key, download(browser, key), secrets.token_bytes(64))

    trace = Trace.objects.get(resource_id=key.key_id, name="importKeyMaterial")
    assert trace.rating == "warning"
    assert "KMS.2604" in str(trace.__dict__)


def test_the_operations_order_of_checks_holds_for_the_wizard_too(browser, key, the_clock):
    offer = download(browser, key)
    the_clock.advance(hours=25)
    factories.sign_in(browser, factories.alice())

    refused = finish(browser, key, offer, b"wrong in itself").json()

    assert (refused["step"], refused["errors"][0]["code"]) == (1, "KMS.2601")


@pytest.mark.parametrize(
    ("typed", "code"),
    [("1", "KMS.2602"), ("", "KMS.0308"), ("tomorrow", "KMS.0308"), ("99999999999999", "KMS.0308")],
    ids=["past", "empty", "words", "milliseconds"],
)
def test_a_bad_expiry_is_refused_at_its_field(browser, key, typed, code):
    offer = download(browser, key)

    refused = finish(
        browser, key, offer, secrets.token_bytes(32), expiration_mode="expires", expiration_time=typed
    ).json()

    assert (refused["step"], refused["errors"][0]["field"]) == (3, "expiration_time")
    assert refused["errors"][0]["code"] == code


def test_an_expiry_of_the_other_choice_is_not_sent(browser, key):
    offer = download(browser, key)
    answer = finish(browser, key, offer, secrets.token_bytes(32), expiration_mode="never", expiration_time="1")
    assert answer.json()["ok"] is True
    key.refresh_from_db()
    assert key.material_expires_at is None


def test_an_expiry_for_an_asymmetric_key_is_refused_whatever_the_page_shows(browser, alice):
    key = stage.an_empty_key(alice, "EC_P256")
    offer = download(browser, key)
    temporary = secrets.token_bytes(32)
    der = stage.private_keys.der(stage.private_key("EC_P256"))

    refused = finish(
        browser,
        key,
        offer,
        temporary,
        encrypted_privatekey=stage.wrap_private_key(temporary, der),
        expiration_mode="expires",
        expiration_time="4055047200",
    ).json()

    assert (refused["step"], refused["errors"][0]["code"]) == (3, "KMS.0308")


def test_check_names_what_is_missing_and_performs_nothing(browser, alice):
    key = stage.an_empty_key(alice, "RSA_2048")
    offer = download(browser, key)
    before = Trace.objects.count()

    refused = browser.post(url("check", key), {"way": "download", "offer_id": offer["offer_id"]}, **JSON).json()

    assert [(each["field"], each["code"]) for each in refused["errors"]] == [
        ("encrypted_key_material", "KMS.0204"),
        ("encrypted_privatekey", "KMS.2608"),
    ]
    assert Trace.objects.count() == before


def test_a_file_of_both_ciphertexts_is_split(browser, alice):
    key = stage.an_empty_key(alice, "EC_P256")
    offer = download(browser, key)
    temporary = secrets.token_bytes(32)
    private_key = stage.wrap_private_key(temporary, stage.private_keys.der(stage.private_key("EC_P256")))
    fields = {"way": "download", "offer_id": offer["offer_id"]}

    def both() -> SimpleUploadedFile:
        return SimpleUploadedFile("both.bin", wrapped(offer, temporary).read() + base64.b64decode(private_key))

    assert browser.post(url("check", key), {**fields, "encrypted_key_material_file": both()}, **JSON).json() == {
        "ok": True
    }
    assert (
        "redirect" in browser.post(url("finish", key), {**fields, "encrypted_key_material_file": both()}, **JSON).json()
    )
    assert stage.state_of(alice, key) == "2"


def test_check_passes_what_is_plausible_and_knows_an_ended_offer(browser, key):
    offer = download(browser, key)
    fields = {"way": "download", "offer_id": offer["offer_id"]}
    assert browser.post(
        url("check", key), {**fields, "encrypted_key_material_file": wrapped(offer, bytes(5))}, **JSON
    ).json() == {"ok": True}

    browser.post(url("revoke", key), fields)

    refused = browser.post(
        url("check", key), {**fields, "encrypted_key_material_file": wrapped(offer, bytes(5))}, **JSON
    ).json()
    assert (refused["step"], refused["errors"][0]["code"]) == (1, "KMS.2601")


def test_a_second_download_ends_the_first(browser, key):
    first, second = download(browser, key), download(browser, key)

    assert finish(browser, key, first, secrets.token_bytes(32)).json()["errors"][0]["code"] == "KMS.2601"
    assert finish(browser, key, second, secrets.token_bytes(32)).json()["ok"] is True


def test_closing_erases_the_private_half_at_once(browser, key):
    offer = download(browser, key)

    answer = browser.post(url("revoke", key), {"way": "download", "offer_id": offer["offer_id"]})

    assert answer.status_code == 204
    row = WrappingKey.objects.get(pk=offer["offer_id"])
    assert row.private_sealed is None
    assert row.revoked_at is not None
    assert browser.get(url("wrapping_key", key, offer["offer_id"])).status_code == 400
    assert (
        'data-current="1"' in browser.get(f"{url('import_material', key)}?offer={offer['offer_id']}").content.decode()
    )


# --- who may ------------------------------------------------------------------------------------------------------


def test_a_script_without_a_session_is_told_where_to_sign_in(client, key):
    for name in ("download", "check", "finish"):
        answer = client.post(url(name, key), {}, **JSON)
        assert (answer.status_code, answer["X-Sign-In"]) == (401, reverse("iam:login"))


@pytest.mark.parametrize("name", ["download", "check", "finish", "revoke"])
def test_an_address_that_only_takes_forms_leads_back_to_the_import(browser, key, name):
    answer = browser.get(url(name, key))

    assert (answer.status_code, answer["Location"]) == (302, url("import_material", key))


def test_an_error_page_says_where_it_is_and_leads_back(browser, alice):
    answer = browser.get(url("import_material", stage.an_imported_key(alice))).text

    assert "KMS.0310" in answer
    assert f'<a href="{reverse("keys:list")}">Custom Keys</a>' in answer


def test_a_page_without_a_session_comes_back_after_signing_in(client, key):
    answer = client.get(f"{url('import_material', key)}?flow=new")
    assert answer["Location"].startswith(f"{reverse('iam:login')}?next=%2Fconsole%2Fkms%2Fimport%2F{key.key_id}")


def test_bob_who_may_read_may_not_import(client, bob, key):
    reader = factories.sign_in(client, factories.bob())

    assert reader.get(url("wizard")).status_code == 403
    page = reader.get(url("import_material", key))
    assert page.status_code == 403
    assert "kms:cmk:getMaterial" in page.content.decode()
    refused = reader.post(url("download", key), {"wrapping_algorithm": "RSAES_OAEP_SHA_256"}, **JSON)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, "KMS.0306")
    assert WrappingKey.objects.count() == 0


@pytest.mark.parametrize("denied", ["kms:cmk:create", "kms:cmk:getMaterial", "kms:cmk:importMaterial"])
def test_nobody_makes_an_empty_key_that_they_cannot_fill(client, strong_room, denied):
    carol = factories.user("carol")
    factories.allow(carol, factories.policy("almost", ("Allow", "kms:*"), ("Deny", denied)))
    factories.sign_in(client, carol)
    fields = {"key_alias": "never", "key_spec": "AES_256", "enterprise_project_id": "0", "acknowledged": "on"}

    for answer in (client.get(url("wizard")), client.post(url("wizard"), fields)):
        assert answer.status_code == 403
        assert denied in answer.content.decode()
    assert not Key.objects.filter(alias="never").exists()


@pytest.mark.parametrize("name", ["import_material", "download", "check", "finish", "revoke", "delete_material"])
def test_a_foreign_key_is_as_if_it_were_not_there(client, mallory, key, name):
    stranger = factories.sign_in(client, factories.mallory())
    call = stranger.get if name == "import_material" else stranger.post
    missing = Key(key_id=str(uuid.uuid4()))

    answers = [call(url(name, each), {"wrapping_algorithm": "RSAES_OAEP_SHA_256"}) for each in (key, missing)]

    if name == "revoke":
        assert {answer.status_code for answer in answers} == {204}
    else:
        assert {answer["Location"] for answer in answers if answer.status_code == 302} <= {reverse("keys:list")}
        assert len({answer.status_code for answer in answers}) == 1
    by_script = [call(url(name, each), {"wrapping_algorithm": "RSAES_OAEP_SHA_256"}, **JSON) for each in (key, missing)]
    assert by_script[0].content == by_script[1].content


def test_without_the_tick_nothing_is_created(browser):
    answer = browser.post(url("wizard"), {"key_alias": "unticked", "key_spec": "AES_256", "enterprise_project_id": "0"})

    assert answer.status_code == 422
    assert "Confirm that you understand" in answer.content.decode()
    assert not Key.objects.filter(alias="unticked").exists()


def test_an_hmac_key_is_no_choice(browser):
    answer = browser.post(
        url("wizard"),
        {"key_alias": "mac", "key_spec": "HMAC_256", "enterprise_project_id": "0", "acknowledged": "on"},
    )
    assert answer.status_code == 422
    assert not Key.objects.filter(alias="mac").exists()


# --- deleting material --------------------------------------------------------------------------------------------


def test_the_typed_word_must_be_exact(browser, alice):
    key = stage.an_imported_key(alice)
    for typed in ("", "delete", " DELETE"):
        assert browser.post(url("delete_material", key), {"confirm": typed}).status_code == 422
    key.refresh_from_db()
    assert key.state_now().label == "Enabled"

    answer = browser.post(url("delete_material", key), {"confirm": "DELETE"})

    assert answer["Location"] == reverse("keys:list")
    key.refresh_from_db()
    assert key.state_now().label == "Pending import"


def test_deleting_comes_as_a_dialog_where_htmx_asks(browser, alice):
    key = stage.an_imported_key(alice)

    answer = browser.get(url("delete_material", key), HTTP_HX_REQUEST="true")

    assert answer.content.decode().lstrip().startswith("<dialog")
    done = browser.post(url("delete_material", key), {"confirm": "DELETE"}, HTTP_HX_REQUEST="true")
    assert done["HX-Redirect"] == reverse("keys:list")


def test_material_that_is_gone_already_cannot_be_deleted(browser, key):
    answer = browser.get(url("delete_material", key))
    assert answer.status_code == 400
    assert "KMS.2701" in answer.content.decode()


# --- Import Key as a dialog box over the list ----------------------------------------------------------------------


LIST = "/console/kms/keys?q=payments"
EMPTY_KEY = {"key_alias": "brought", "key_spec": "AES_256", "enterprise_project_id": "0", "acknowledged": "on"}


def test_import_key_is_a_dialog_over_the_list_and_a_page_of_its_own(browser):
    over = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": f"http://testserver{LIST}"}

    dialog = browser.get(url("wizard"), **over).text
    page = browser.get(url("wizard")).text

    assert '<dialog class="dialog import"' in dialog
    assert 'data-address="/console/kms/import?next=%2Fconsole%2Fkms%2Fkeys%3Fq%3Dpayments"' in dialog
    assert "<html" not in dialog
    assert "<html" in page
    assert "data-address" not in page


@pytest.mark.parametrize("address", ["http://[", "http://testserver//elsewhere.example/", "https://elsewhere.example/"])
def test_an_address_that_is_none_of_ours_is_no_way_back_from_the_dialog(browser, address):
    answer = browser.get(url("wizard"), HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL=address)

    assert answer.status_code == 200
    assert f'data-address="{url("wizard")}"' in answer.text
    assert "elsewhere.example" not in answer.text


def test_the_dialog_goes_on_with_the_key_that_it_has_made_and_leads_back_to_the_same_list(browser):
    answer = browser.post(url("wizard"), {**EMPTY_KEY, "next": LIST}, HTTP_HX_REQUEST="true").text

    key = Key.objects.get(alias="brought")
    assert '<dialog class="dialog import"' in answer
    assert (
        f'data-address="{url("import_material", key)}?flow=new&amp;next=%2Fconsole%2Fkms%2Fkeys%3Fq%3Dpayments"'
        in answer
    )
    assert f'data-exit-url="{LIST}"' in answer
    assert finish(browser, key, download(browser, key), bytes(range(32)), next=LIST).json()["redirect"] == LIST


def test_a_refused_alias_comes_back_in_the_dialog_with_all_that_was_typed(browser, key):
    typed = {**EMPTY_KEY, "key_alias": key.alias, "key_description": "kept elsewhere", "next": LIST}

    answer = browser.post(url("wizard"), typed, HTTP_HX_REQUEST="true")

    assert answer.status_code == 422
    assert '<details class="fold" open>' in answer.text
    for kept in ("KMS.1104", "kept elsewhere", f'value="{key.alias}"', "checked", f'value="{LIST}"'):
        assert kept in answer.text


# --- the drawer ---------------------------------------------------------------------------------------------------


def test_the_same_address_is_a_drawer_beside_a_page_and_a_page_of_its_own(browser, key):
    beside = browser.get(url("import_material", key), HTTP_HX_REQUEST="true").content.decode()
    alone = browser.get(url("import_material", key)).content.decode()

    assert '<dialog class="dialog drawer"' in beside
    assert "<html" not in beside
    assert "<html" in alone
    assert "data-wizard" in beside
    assert "data-wizard" in alone


def test_an_import_ends_where_the_wizard_was_opened_and_nowhere_else(browser, alice, key):
    here = "/console/kms/keys?q=payments"
    answer = finish(browser, key, download(browser, key), secrets.token_bytes(32), next=here)
    assert answer.json()["redirect"] == here

    other = stage.an_empty_key(alice)
    answer = finish(browser, other, download(browser, other), secrets.token_bytes(32), next="https://evil.example/")
    assert answer.json()["redirect"] == reverse("keys:list")


def test_material_deleted_by_a_dialog_leads_back_to_where_it_was_opened(browser, alice):
    key = stage.an_imported_key(alice)
    data = {"confirm": "DELETE", "next": "/console/kms/keys?q=payments"}

    answer = browser.post(url("delete_material", key), data, HTTP_HX_REQUEST="true")

    assert answer["HX-Redirect"] == "/console/kms/keys?q=payments"

"""Online Tool (console.md B6)."""

import base64
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.contrib.sessions.models import Session

from keys import material
from keys.api.encryption import DECRYPT_DATA, ENCRYPT_DATA
from keys.models import Key
from operations.models import Trace
from operations.perform import perform
from tests import factories
from tests.keys.console import address, read, signed_in, squeeze
from tests.operations import stage

SECRET = "the harbour is quiet at night ⚓"

pytestmark = pytest.mark.usefixtures("the_clock")


@pytest.fixture
def browser(alice):
    return signed_in(factories.alice())


def modes(page):
    return [e["attrs"]["value"] for e in page.all("input", type="radio", name="mode")]


def output(page):
    return page.all("textarea", id="output")[0]["text"]


def execute(browser, key, mode, **typed):
    return browser.post(address("tool", key.key_id), {"mode": mode, **typed})


def encrypted(browser, key, text, **typed):
    return output(read(execute(browser, key, "encrypt", plain_text=text, **typed)))


def faults(answer):
    return read(answer).texts("div", class_="err")


# --- what is offered


@pytest.mark.parametrize(
    ("spec", "usage", "offered"),
    [
        ("AES_256", "ENCRYPT_DECRYPT", ["encrypt", "decrypt"]),
        ("RSA_2048", "ENCRYPT_DECRYPT", ["encrypt", "decrypt", "public-key"]),
        ("RSA_2048", "SIGN_VERIFY", ["sign", "verify", "public-key"]),
        ("EC_P256", "SIGN_VERIFY", ["sign", "verify", "public-key"]),
        ("HMAC_256", "GENERATE_VERIFY_MAC", ["generate-mac", "verify-mac"]),
    ],
)
def test_the_tool_offers_what_the_key_is_for(alice, browser, spec, usage, offered):
    key = stage.a_key(alice, spec, key_usage=usage)

    page = read(browser.get(address("tool", key.key_id)))

    assert modes(page) == offered
    assert "Online Tool" in page.texts("h2")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda a: stage.disable(a, stage.a_key(a)), "The key is disabled."),
        (lambda a: stage.schedule_deletion(a, stage.a_key(a)), "The key is pending deletion."),
        (lambda a: stage.an_empty_key(a), "The key has no material yet."),
    ],
)
def test_a_key_that_is_not_enabled_says_why_it_cannot_be_used(alice, browser, make, words):
    key = make(alice)

    page = read(browser.get(address("tool", key.key_id)))

    assert words in page.text
    assert modes(page) == []
    assert "Execute" not in page.texts("button")


def test_the_buttons_and_counters_of_the_original(alice, browser):
    key = stage.a_key(alice)

    page = read(browser.get(address("tool", key.key_id)))
    decrypt = read(browser.get(address("tool", key.key_id), {"mode": "decrypt"}))

    assert {"Execute", "Copy to Clipboard"} <= set(page.texts("button"))
    assert page.link("Clear").startswith(address("tool", key.key_id))
    assert page.all("textarea", name="plain_text")[0]["attrs"]["data-most"] == "4096"
    assert decrypt.all("textarea", name="cipher_text")[0]["attrs"]["data-most"] == "7464"
    copy = [e for e in page.all("button") if "Copy to Clipboard" in e["text"]]
    assert "disabled" in copy[0]["attrs"]


def test_who_may_not_use_keys_sees_which_permission_is_missing(alice):
    key = stage.a_key(alice)

    page = read(signed_in(factories.bob()).get(address("tool", key.key_id)))

    button = next(e for e in page.all("button") if e["text"] == "Execute")
    assert "disabled" in button["attrs"]
    assert "kms:cmk:crypto" in button["attrs"]["title"]


# --- AES


def test_what_was_encrypted_is_decrypted(alice, browser):
    key = stage.a_key(alice)

    cipher_text = encrypted(browser, key, SECRET)
    page = read(execute(browser, key, "decrypt", cipher_text=cipher_text))

    assert output(page) == SECRET
    assert SECRET not in cipher_text


def test_the_console_encrypts_the_base64_of_a_text(alice, browser):
    key = stage.a_key(alice)

    answer = perform(DECRYPT_DATA, alice, {"cipher_text": encrypted(browser, key, "a\r\nb")})

    assert answer.plain_text == base64.b64encode(b"a\nb")


def test_decryption_finds_the_key_by_itself(alice, browser):
    key, other = stage.a_key(alice), stage.a_key(alice, alias="the-other")

    page = read(execute(browser, key, "decrypt", cipher_text=encrypted(browser, other, SECRET)))

    assert output(page) == SECRET
    assert "Decrypted with the key the-other." in page.text


def test_what_is_no_ciphertext_is_refused_in_the_documented_words_and_once(alice, browser):
    page = read(execute(browser, stage.a_key(alice), "decrypt", cipher_text="AAAA"))

    assert page.text.count("KMS.2201 Invalid cipher_text. The ciphertext is incomplete, was changed") == 1
    assert page.text.count("Invalid cipher_text.") == 1


def test_a_pasted_ciphertext_may_have_line_breaks(alice, browser):
    key = stage.a_key(alice)
    cipher_text = encrypted(browser, key, SECRET)

    page = read(execute(browser, key, "decrypt", cipher_text=f"  {cipher_text[:40]}\r\n{cipher_text[40:]}\r\n"))

    assert output(page) == SECRET


@pytest.mark.parametrize(
    ("through_the_api", "shown", "note"),
    [
        (
            "no base64 at all!",
            "no base64 at all!",
            "The plaintext was not encoded by the console; it is shown as it is.",
        ),
        ("aGVsbG8=", "hello", ""),
        ("gICA", "gICA", "The plaintext was not encoded by the console; it is shown as it is."),
    ],
)
def test_what_the_api_encrypted_is_shown_too(alice, browser, through_the_api, shown, note):
    key = stage.a_key(alice)
    made = perform(ENCRYPT_DATA, alice, {"key_id": key.key_id, "plain_text": through_the_api})

    page = read(execute(browser, key, "decrypt", cipher_text=stage.b64(made.cipher_text)))

    assert output(page) == shown
    assert note in page.text


@pytest.mark.parametrize("wrong", ["x", "AAAA", "not base64!", "A" * 6000])
def test_a_wrong_ciphertext_is_told_under_its_field(alice, browser, wrong):
    answer = execute(browser, stage.a_key(alice), "decrypt", cipher_text=wrong)

    assert answer.status_code == 422
    assert faults(answer)
    assert output(read(answer)) == ""


def test_a_changed_ciphertext_has_the_code_of_the_original(alice, browser):
    key = stage.a_key(alice)
    raw = bytearray(base64.b64decode(encrypted(browser, key, SECRET)))
    raw[-1] ^= 1

    answer = execute(browser, key, "decrypt", cipher_text=stage.b64(bytes(raw)))

    assert faults(answer)[0].startswith("KMS.2201 Invalid cipher_text.")


def test_the_ciphertext_of_another_account_cannot_be_read(alice, mallory, browser):
    theirs = perform(ENCRYPT_DATA, mallory, {"key_id": stage.a_key(mallory).key_id, "plain_text": "secret"})

    answer = execute(browser, stage.a_key(alice), "decrypt", cipher_text=stage.b64(theirs.cipher_text))

    assert answer.status_code == 422
    assert "KMS.0207" in read(answer).text


def test_a_disabled_key_does_not_decrypt_through_the_page_of_another(alice, browser):
    key, other = stage.a_key(alice), stage.a_key(alice)
    cipher_text = encrypted(browser, other, SECRET)
    stage.disable(alice, other)

    answer = execute(browser, key, "decrypt", cipher_text=cipher_text)

    assert "The key has been disabled." in read(answer).text


@pytest.mark.parametrize(
    ("typed", "status"),
    [("x", 200), ("x" * 4096, 200), ("ä" * 2048, 200), ("x" * 4097, 422), ("ä" * 2048 + "x", 422), ("", 422)],
    ids=["one", "most", "most of two bytes each", "one too many", "one byte too many", "none"],
)
def test_4096_bytes_of_what_is_typed_are_encrypted(alice, browser, typed, status):
    key = stage.a_key(alice)
    answer = execute(browser, key, "encrypt", plain_text=typed)

    assert answer.status_code == status
    assert bool(faults(answer)) == (status == 422)
    if status == 200:
        assert output(read(execute(browser, key, "decrypt", cipher_text=output(read(answer))))) == typed


def test_the_longest_text_of_the_console_is_decrypted_by_the_api_too(alice, browser):
    cipher_text = encrypted(browser, stage.a_key(alice), "x" * 4096)

    answer = perform(DECRYPT_DATA, alice, {"cipher_text": cipher_text})

    assert base64.b64decode(answer.plain_text) == b"x" * 4096


def test_what_is_typed_is_counted_in_bytes_and_what_is_encoded_in_characters(alice, browser):
    for spec, usage, mode, name, counts in (
        ("AES_256", "ENCRYPT_DECRYPT", "encrypt", "plain_text", "bytes"),
        ("AES_256", "ENCRYPT_DECRYPT", "decrypt", "cipher_text", "encoded"),
        ("EC_P256", "SIGN_VERIFY", "sign", "message", "bytes"),
        ("HMAC_256", "GENERATE_VERIFY_MAC", "verify-mac", "mac", "encoded"),
    ):
        key = stage.a_key(alice, spec, key_usage=usage)
        [area] = read(browser.get(address("tool", key.key_id), {"mode": mode})).all("textarea", name=name)
        assert area["attrs"]["data-counts"] == counts


def test_rsa_says_how_much_each_algorithm_takes(alice, browser):
    key = stage.a_key(alice, "RSA_2048", key_usage="ENCRYPT_DECRYPT")

    page = read(browser.get(address("tool", key.key_id)))

    area = page.all("textarea", name="plain_text")[0]["attrs"]
    assert [f"#{e['attrs']['id']}" for e in page.all("select")] == [area["data-most-by"]]
    assert json.loads(area["data-limits"]) == {"RSAES_OAEP_SHA_256": 190, "RSAES_OAEP_SHA_1": 214}


# --- the opposite of what was done


@pytest.mark.parametrize(
    ("spec", "usage", "done", "typed", "label", "filled"),
    [
        ("AES_256", "ENCRYPT_DECRYPT", "encrypt", {"plain_text": SECRET}, "Decrypt this", "cipher_text"),
        (
            "RSA_2048", "ENCRYPT_DECRYPT", "encrypt",
            {"plain_text": SECRET, "encryption_algorithm": "RSAES_OAEP_SHA_1"}, "Decrypt this", "cipher_text",
        ),
        (
            "EC_P256", "SIGN_VERIFY", "sign", {"message": "a\r\n b ", "signing_algorithm": "ECDSA_SHA_256"},
            "Verify this", "signature",
        ),
        (
            "HMAC_256", "GENERATE_VERIFY_MAC", "generate-mac", {"message": "a", "mac_algorithm": "HMAC_SHA_256"},
            "Verify this", "mac",
        ),
    ],
)  # fmt: skip
def test_what_came_out_can_be_tried_at_once(alice, browser, spec, usage, done, typed, label, filled):
    key = stage.a_key(alice, spec, key_usage=usage)
    answer = read(execute(browser, key, done, **typed))
    [button] = [e for e in answer.all("button") if e["attrs"].get("form") == "follow-up"]
    assert squeeze(button["text"]) == label

    follow_up = {
        e["attrs"]["name"]: e["text"].removeprefix("\n") for e in answer.all("textarea") if e["within"][-1] == "form"
    }
    hidden = {name: values[-1] for name, values in answer.fields().items() if name in ("mode", "fill")}
    traces = Trace.objects.count()
    opened = browser.post(address("tool", key.key_id), {**follow_up, **hidden})

    page = read(opened)
    assert opened.status_code == 200
    assert follow_up[filled] == output(answer)
    assert page.all("textarea", name=filled)[0]["text"].strip() == output(answer)
    assert "autofocus" in page.all("button", id="execute")[0]["attrs"]
    assert Trace.objects.count() <= traces + 1  # the key was described; nothing was performed
    kept = {name: value for name, value in follow_up.items() if name not in hidden}
    tried = read(browser.post(address("tool", key.key_id), {**kept, "mode": hidden["mode"]}))
    if label == "Decrypt this":
        assert output(tried) == SECRET
    else:
        assert "is valid." in tried.text


def test_before_anything_came_out_there_is_nothing_to_try(alice, browser):
    key = stage.a_key(alice)

    for answer in (browser.get(address("tool", key.key_id)), execute(browser, key, "encrypt", plain_text="")):
        assert not read(answer).all("form", id="follow-up")


# --- RSA and EC


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"])
def test_rsa_encrypts_and_decrypts_with_the_chosen_algorithm(alice, browser, algorithm):
    key = stage.a_key(alice, "RSA_2048", key_usage="ENCRYPT_DECRYPT")

    cipher_text = encrypted(browser, key, SECRET, encryption_algorithm=algorithm)
    page = read(execute(browser, key, "decrypt", cipher_text=cipher_text, encryption_algorithm=algorithm))

    assert output(page) == SECRET
    assert [e["text"] for e in page.all("option")][:1] == ["RSAES_OAEP_SHA_256"]


def test_a_text_too_long_for_rsa_is_told_under_its_field(alice, browser):
    key = stage.a_key(alice, "RSA_2048", key_usage="ENCRYPT_DECRYPT")

    answer = execute(browser, key, "encrypt", plain_text="x" * 191, encryption_algorithm="RSAES_OAEP_SHA_256")

    assert faults(answer)[0].startswith("KMS.2108")
    assert "At most 190 bytes" in faults(answer)[0]


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [("EC_P256", "ECDSA_SHA_256"), ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"), ("RSA_2048", "RSASSA_PSS_SHA_384")],
)
def test_what_was_signed_is_verified_and_what_was_changed_is_not(alice, browser, spec, algorithm):
    key = stage.a_key(alice, spec)

    signature = output(read(execute(browser, key, "sign", message=SECRET, signing_algorithm=algorithm)))
    right = execute(browser, key, "verify", message=SECRET, signature=signature, signing_algorithm=algorithm)
    wrong = execute(browser, key, "verify", message=SECRET + ".", signature=signature, signing_algorithm=algorithm)
    garbled = execute(browser, key, "verify", message=SECRET, signature="zzz", signing_algorithm=algorithm)

    assert "The signature is valid." in read(right).text
    assert "The signature is not valid." in read(wrong).text
    assert "The signature is not valid." in read(garbled).text


@pytest.mark.parametrize("spec", ["HMAC_256", "HMAC_384", "HMAC_512"])
def test_a_mac_is_generated_and_verified_and_what_was_changed_is_not_valid(alice, browser, spec):
    key = stage.a_key(alice, spec)
    algorithm = f"HMAC_SHA_{spec[5:]}"

    mac = output(read(execute(browser, key, "generate-mac", message="a\r\nb", mac_algorithm=algorithm)))
    right = execute(browser, key, "verify-mac", message="a\nb", mac=f" {mac.upper()}\n", mac_algorithm=algorithm)
    wrong = execute(browser, key, "verify-mac", message="a\nc", mac=mac, mac_algorithm=algorithm)
    cut = execute(browser, key, "verify-mac", message="a\nb", mac=mac[:-2], mac_algorithm=algorithm)
    garbled = execute(browser, key, "verify-mac", message="a\nb", mac="zzz", mac_algorithm=algorithm)

    assert mac == hmac.digest(material.open_version(key).usable, b"a\nb", f"sha{spec[5:]}").hex()
    assert "The MAC is valid." in read(right).text
    for answer in (wrong, cut, garbled):
        assert answer.status_code == 200
        assert "The MAC is not valid." in read(answer).text


def test_the_tool_offers_the_one_algorithm_that_fits_the_key(alice, browser):
    key = stage.a_key(alice, "HMAC_384")

    page = read(browser.get(address("tool", key.key_id), {"mode": "verify-mac"}))

    assert [option["text"] for option in page.all("option")] == ["HMAC_SHA_384"]
    assert page.all("textarea", name="mac")[0]["attrs"]["data-most"] == "128"
    assert page.all("textarea", id="output") == []


def test_who_may_not_make_macs_is_told_so(alice):
    key = stage.a_key(alice, "HMAC_256")

    answer = execute(signed_in(factories.bob()), key, "generate-mac", message="x", mac_algorithm="HMAC_SHA_256")

    assert answer.status_code == 422
    assert "kms:cmk:generateMac" in read(answer).text


@pytest.mark.parametrize("spec", ["EC_P384", "RSA_2048"])
def test_a_signature_of_the_tool_holds_for_the_public_key_it_shows(alice, browser, spec):
    key = stage.a_key(alice, spec)
    algorithm = "ECDSA_SHA_384" if spec == "EC_P384" else "RSASSA_PKCS1_V1_5_SHA_256"

    signature = base64.b64decode(
        output(read(execute(browser, key, "sign", message="a\r\nb", signing_algorithm=algorithm)))
    )
    page = read(browser.get(address("tool", key.key_id), {"mode": "public-key"}))
    pem = page.all("textarea", id="public-key")[0]["text"]

    public = load_pem_public_key(pem.encode())
    if spec == "EC_P384":
        public.verify(signature, b"a\nb", ec.ECDSA(hashes.SHA384()))
    else:
        public.verify(signature, b"a\nb", padding.PKCS1v15(), hashes.SHA256())


def test_the_public_key_is_a_file_too(alice, browser):
    key = stage.a_key(alice, "EC_P256")

    answer = browser.get(address("public_key", key.key_id))

    assert answer.headers["Content-Disposition"] == f'attachment; filename="publicKey_{key.key_id}.pem"'
    assert answer.content.startswith(b"-----BEGIN PUBLIC KEY-----\n")


def test_who_may_not_read_the_public_key_is_told_so(alice):
    key = stage.a_key(alice, "EC_P256")

    page = read(signed_in(factories.bob()).get(address("tool", key.key_id), {"mode": "public-key"}))

    assert "kms:cmk:getPublicKey" in page.text
    assert "BEGIN PUBLIC KEY" not in page.source


# --- secrets


def test_what_is_typed_stands_nowhere_afterwards(alice, browser, caplog):
    key = stage.a_key(alice)

    cipher_text = encrypted(browser, key, SECRET)
    execute(browser, key, "decrypt", cipher_text=cipher_text)
    execute(browser, key, "decrypt", cipher_text=cipher_text[:-4] + "AAAA")

    traces = json.dumps(list(Trace.objects.values()), default=str)
    sessions = "".join(str(session.get_decoded()) for session in Session.objects.all())
    for trail in (traces, sessions, caplog.text):
        for secret in (SECRET, base64.b64encode(SECRET.encode()).decode(), cipher_text[:60]):
            assert secret not in trail


@pytest.mark.parametrize("mode", ["encrypt", "decrypt", "sign", "nonsense", "", "public-key"])
def test_a_mode_the_key_does_not_have_is_not_performed(alice, browser, mode):
    key = stage.a_key(alice, "HMAC_256")

    answer = execute(browser, key, mode, plain_text="x", message="x", cipher_text="x", mac_algorithm="HMAC_SHA_256")

    assert answer.status_code == 200
    assert output(read(answer)) == ""
    assert set(Trace.objects.values_list("name", flat=True)) <= {"createKey", "describeKey"}


def test_a_key_that_was_disabled_under_the_page_is_refused_and_the_text_stays(alice, browser):
    key = stage.a_key(alice)
    stage.disable(alice, key)

    answer = execute(browser, key, "encrypt", plain_text="a long letter")

    assert answer.status_code == 422
    page = read(answer)
    assert "KMS.0209 The key has been disabled." in page.text
    assert page.texts("textarea", name="plain_text") == ["a long letter"]
    assert output(page) == ""


def test_who_may_only_read_executes_nothing_by_a_forged_form(alice):
    key = stage.a_key(alice)

    answer = execute(signed_in(factories.bob()), key, "encrypt", plain_text="x")

    assert answer.status_code == 422
    assert "KMS.0306" in read(answer).text


def test_a_default_key_has_no_tool(alice, browser):
    key = stage.a_key(alice)
    Key.objects.filter(pk=key.pk).update(alias="obs/default", is_default=True)

    page = read(browser.get(address("detail", key.key_id)))

    assert "Tool" not in page.texts("a")


def test_htmx_gets_the_card_alone(alice):
    key = stage.a_key(alice)

    answer = execute(signed_in(factories.alice(), htmx="tool"), key, "encrypt", plain_text="x")

    assert "<html" not in answer.content.decode()
    assert output(read(answer))

"""Over HTTP, as strictly typed clients read it: types, units, status codes and the error envelope (api.md 0 to 5)."""

from __future__ import annotations

import base64
import hashlib
import os
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key

from tests.wire.conftest import assert_error, b64, wrapped

pytestmark = pytest.mark.system

UNKNOWN = "00000000-0000-0000-0000-000000000000"
OPERATIONS = (
    "create-key", "describe-key", "list-keys", "enable-key", "disable-key", "schedule-key-deletion",
    "cancel-key-deletion", "update-key-alias", "update-key-description", "encrypt-data", "decrypt-data", "sign",
    "verify", "get-publickey", "get-parameters-for-import", "import-key-material", "delete-imported-key-material",
)  # fmt: skip

# Member by member, with its JSON type: what a strictly typed client declares (api.md 3.1).
KEY_DETAILS = dict.fromkeys(
    (
        "key_id", "domain_id", "key_alias", "realm", "key_description", "key_spec", "key_usage", "creation_date",
        "scheduled_deletion_date", "key_state", "default_key_flag", "key_type", "expiration_time", "origin",
        "key_rotation_enabled", "sys_enterprise_project_id", "keystore_id",
    ),
    str,
)  # fmt: skip


def assert_shape(value, shape):
    """Exactly these members, exactly these types: `True` is no integer, "" is no number."""
    if isinstance(shape, dict):
        assert type(value) is dict
        assert value.keys() == shape.keys()
        for name, inner in shape.items():
            assert_shape(value[name], inner)
    elif isinstance(shape, list):
        assert type(value) is list
        for item in value:
            assert_shape(item, shape[0])
    else:
        assert type(value) is shape, f"{value!r} is no {shape.__name__}"


KEY_AND_STATE = {"key_id": str, "key_state": str}


# --- keys ---------------------------------------------------------------------------------------------------------


def test_create_key(wire):
    answer = wire.answer("create-key", {"key_alias": f"exact-{os.urandom(4).hex()}"})

    assert_shape(answer, {"key_info": {"key_id": str, "domain_id": str, "region_id": str}})
    assert answer["key_info"]["domain_id"] == wire.domain_id


def test_ids_of_users_domains_and_projects_are_32_hex_digits(wire):
    token = wire.token_answer.json()["token"]

    for value in (token["user"]["id"], token["project"]["id"], token["project"]["domain"]["id"]):
        assert len(value) == 32
        assert int(value, 16) >= 0
        assert value == value.lower()


def test_describe_key(wire):
    key_id = wire.new_key()

    answer = wire.answer("describe-key", {"key_id": key_id})

    assert_shape(answer, {"key_info": KEY_DETAILS})
    told = answer["key_info"]
    assert abs(int(told["creation_date"]) - time.time() * 1000) < 600_000, "milliseconds"
    assert (told["scheduled_deletion_date"], told["expiration_time"]) == ("", "")
    assert (told["key_state"], told["realm"], told["domain_id"]) == ("2", "eu-de", wire.domain_id)


def test_list_keys(wire):
    for _ in range(3):
        wire.new_key()

    answer = wire.answer("list-keys", {"limit": "2"})

    shape = {"keys": [str], "key_details": [KEY_DETAILS], "next_marker": str, "truncated": str, "total": int}
    assert_shape(answer, shape)
    assert answer["truncated"] == "true"
    assert int(answer["next_marker"]) > 0
    last = wire.answer("list-keys", {})
    assert (last["truncated"], last["next_marker"]) == ("false", "")


def test_states_are_answered_in_their_two_shapes(wire):
    key_id = wire.new_key()
    one = {"key_id": key_id}

    disabled = wire.answer("disable-key", one)
    enabled = wire.answer("enable-key", one)
    scheduled = wire.answer("schedule-key-deletion", {**one, "pending_days": "7"})
    cancelled = wire.answer("cancel-key-deletion", one)

    assert_shape(disabled, {"key_info": KEY_AND_STATE})
    assert_shape(enabled, {"key_info": KEY_AND_STATE})
    assert_shape(scheduled, KEY_AND_STATE)
    assert_shape(cancelled, KEY_AND_STATE)
    states = [disabled["key_info"], enabled["key_info"], scheduled, cancelled]
    assert [state["key_state"] for state in states] == ["3", "2", "4", "3"]


def test_a_deletion_date_is_in_milliseconds(wire):
    key_id = wire.new_key()
    wire.answer("schedule-key-deletion", {"key_id": key_id, "pending_days": 7})

    told = wire.answer("describe-key", {"key_id": key_id})["key_info"]

    assert abs(int(told["scheduled_deletion_date"]) / 1000 - time.time() - 7 * 86400) < 600


def test_alias_and_description_are_answered_in_key_info(wire):
    key_id, alias = wire.new_key(), f"new-{os.urandom(4).hex()}"

    renamed = wire.answer("update-key-alias", {"key_id": key_id, "key_alias": alias})
    described = wire.answer("update-key-description", {"key_id": key_id, "key_description": ""})

    assert renamed == {"key_info": {"key_id": key_id, "key_alias": alias}}
    assert described == {"key_info": {"key_id": key_id, "key_description": ""}}


# --- use ----------------------------------------------------------------------------------------------------------


def test_encrypt_and_decrypt(wire):
    key_id = wire.new_key()

    encrypted = wire.answer("encrypt-data", {"key_id": key_id, "plain_text": "a text"})
    decrypted = wire.answer("decrypt-data", {"cipher_text": encrypted["cipher_text"]})

    assert_shape(encrypted, {"key_id": str, "cipher_text": str})
    assert decrypted == {"key_id": key_id, "plain_text": "a text", "plain_text_base64": b64(b"a text")}


def test_sign_verify_and_public_key(wire):
    key_id = wire.new_key(key_spec="EC_P256")
    message = {"key_id": key_id, "message": b64(hashlib.sha256(b"m").digest()), "signing_algorithm": "ECDSA_SHA_256"}

    signed = wire.answer("sign", message)
    verified = wire.answer("verify", {**message, "signature": signed["signature"]})
    public = wire.answer("get-publickey", {"key_id": key_id})

    assert_shape(signed, {"key_id": str, "signature": str})
    assert verified == {"key_id": key_id, "signature_valid": "true"}
    assert_shape(public, {"key_id": str, "public_key": str})
    assert public["public_key"].startswith("-----BEGIN PUBLIC KEY-----")


def test_a_wrong_signature_is_the_text_false_with_status_200(wire):
    key_id = wire.new_key(key_spec="EC_P256")
    message = {"key_id": key_id, "message": b64(bytes(32)), "signing_algorithm": "ECDSA_SHA_256"}

    assert wire.answer("verify", {**message, "signature": "AAAA"}) == {"key_id": key_id, "signature_valid": "false"}


# --- import -------------------------------------------------------------------------------------------------------


def test_an_aes_key_is_imported_used_deleted_and_imported_again(wire):
    key_id, material = wire.new_key(origin="external"), os.urandom(32)
    offer = wire.offer(key_id)
    assert_shape(offer, {"key_id": str, "import_token": str, "expiration_time": int, "public_key": str})
    assert 0 <= offer["expiration_time"] - time.time() - 86400 + 60 < 120, "seconds, 24 hours from now"
    expires = int(time.time()) + 3600

    body = {**wire.import_body(key_id, offer, material), "expiration_time": expires}
    assert wire.answer("import-key-material", body) == {}

    told = wire.answer("describe-key", {"key_id": key_id})["key_info"]
    assert (told["key_state"], told["expiration_time"], told["origin"]) == ("2", str(expires * 1000), "external")
    cipher_text = wire.answer("encrypt-data", {"key_id": key_id, "plain_text": "a text"})["cipher_text"]
    assert wire.answer("delete-imported-key-material", {"key_id": key_id}) == {}
    assert wire.answer("describe-key", {"key_id": key_id})["key_info"]["key_state"] == "5"
    again = wire.offer(key_id)
    assert_error(wire("import-key-material", wire.import_body(key_id, again, os.urandom(32))), 400, "KMS.2606")
    wire.answer("import-key-material", wire.import_body(key_id, again, material))
    assert wire.answer("decrypt-data", {"cipher_text": cipher_text})["plain_text"] == "a text"


def test_an_ec_key_is_imported_and_signs(wire):
    key_id, private = wire.new_key(key_spec="EC_P384", origin="external"), ec.generate_private_key(ec.SECP384R1())
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    wire.answer("import-key-material", wire.import_body(key_id, wire.offer(key_id), os.urandom(32), der))

    message = {"key_id": key_id, "message": b64(b"m"), "signing_algorithm": "ECDSA_SHA_384", "message_type": "RAW"}
    signature = base64.b64decode(wire.answer("sign", message)["signature"])
    private.public_key().verify(signature, b"m", ec.ECDSA(SHA384()))


@pytest.mark.parametrize("as_number", [int, str])
def test_an_expiration_time_may_be_a_number_or_its_digits(wire, as_number):
    key_id, expires = wire.new_key(origin="external"), int(time.time()) + 600
    body = {**wire.import_body(key_id, wire.offer(key_id), os.urandom(32)), "expiration_time": as_number(expires)}

    wire.answer("import-key-material", body)

    assert wire.answer("describe-key", {"key_id": key_id})["key_info"]["expiration_time"] == str(expires * 1000)


def test_every_failure_to_unwrap_gets_equal_bytes_and_headers(wire):
    """SEC-025: what differs is not the answer."""
    key_id = wire.new_key(origin="external")
    offer, other = wire.offer(key_id), wire.offer(key_id)
    public = load_der_public_key(base64.b64decode(offer["public_key"]))
    wrong = [
        wrapped(other, os.urandom(32)),
        b64(public.encrypt(os.urandom(32), padding.PKCS1v15())),
        b64(bytes(256)),
        b64(b"\xff" * 256),
        b64(b"\x01" + os.urandom(255)),
    ]
    answers = set()

    for material in wrong:
        body = {"key_id": key_id, "import_token": offer["import_token"], "encrypted_key_material": material}
        response = wire("import-key-material", body)
        assert_error(response, 400, "KMS.0311")
        headers = {
            name: value for name, value in response.headers.items() if name.lower() not in ("x-request-id", "date")
        }
        answers.add((response.content, str(sorted(headers.items()))))

    assert len(answers) == 1


# --- who and where ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "code"), [(None, "KMS.0301"), ("", "KMS.0301"), ("x" * 43, "KMS.0302"), ("x" * 9000, "KMS.0302")]
)
def test_without_a_token_that_is_good_the_answer_is_401(wire, token, code):
    assert_error(wire("list-keys", {}, headers={"X-Auth-Token": token}), 401, code)


@pytest.mark.parametrize("path", OPERATIONS)
def test_a_path_of_another_project_is_403(wire, path):
    assert_error(wire(path, {}, project_id="0" * 32), 403, "KMS.0321")


@pytest.mark.parametrize("path", ["no-such-operation", "create-key/", "keystores", "key-policies", "", "replicate"])
def test_an_unknown_path_is_400(wire, path):
    assert_error(wire(path, {}), 400, "KMS.0201")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", OPERATIONS)
def test_another_method_is_405(wire, path, method):
    assert_error(wire(path, method=method), 405, "KMS.0215")


@pytest.mark.parametrize(
    "path", [path for path in OPERATIONS if path not in ("create-key", "list-keys", "decrypt-data")]
)
@pytest.mark.parametrize(
    ("key_id", "status", "code"),
    [("no-key-id", 400, "KMS.0205"), (UNKNOWN, 404, "KMS.0207"), (None, 400, "KMS.0204")],
)
def test_a_malformed_unknown_or_missing_key_id(wire, path, key_id, status, code):
    body = {
        "key_id": key_id, "pending_days": 7, "key_alias": "any", "key_description": "any", "plain_text": "any",
        "message": "AAAA", "signing_algorithm": "ECDSA_SHA_256", "message_type": "RAW", "signature": "AAAA",
        "wrapping_algorithm": "RSAES_OAEP_SHA_256", "import_token": "any", "encrypted_key_material": "AAAA",
    }  # fmt: skip

    assert_error(wire(path, body), status, code)


@pytest.mark.parametrize("path", ["enable-key", "disable-key", "get-parameters-for-import", "schedule-key-deletion"])
def test_what_manages_a_key_takes_no_alias(wire, path):
    body = {"key_id": "alias/any", "wrapping_algorithm": "RSAES_OAEP_SHA_256", "pending_days": 7}

    assert_error(wire(path, body), 400, "KMS.0205")


def test_a_taken_alias_is_400(wire):
    alias = f"taken-{os.urandom(4).hex()}"
    wire.answer("create-key", {"key_alias": alias})

    assert_error(wire("create-key", {"key_alias": alias}), 400, "KMS.1104")


def test_every_answer_bears_a_request_id_of_ours(wire):
    mine = {"X-Request-Id": "forged"}

    good, bad = wire("list-keys", {}, headers=mine), wire("describe-key", {}, headers=mine)

    assert good.headers["X-Request-Id"] not in ("forged", bad.headers["X-Request-Id"])


# --- what clients send beside -------------------------------------------------------------------------------------


def test_a_body_may_be_empty_and_may_end_in_a_newline(wire):
    assert wire("list-keys", data=b"").status_code == 200
    assert wire("list-keys", data=b'{"limit":"1"}\n').status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "application/json;charset=utf-8", "text/plain", None])
def test_the_content_type_does_not_matter(wire, content_type):
    response = wire("list-keys", data=b'{"limit":1}', headers={"Content-Type": content_type, "Accept": "text/xml"})

    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")


def test_members_nobody_knows_are_ignored(wire):
    body = {"key_alias": f"extra-{os.urandom(4).hex()}", "realm": "eu-de", "key_type": 1, "key_policy": {"a": ["b"]}}

    wire.answer("create-key", {**body, "state": "3", "key_state": "3", "id": 1, "project_id": "x", "is_default": True})


def test_a_refusal_names_every_bad_field_with_its_reason(wire):
    answer = wire("create-key", {"key_alias": "no spaces please", "key_description": "x" * 256})

    assert_error(answer, 400, "KMS.1101")
    assert [each["field"] for each in answer.json()["error"]["error_fields"]] == ["key_alias", "key_description"]
    assert answer.json()["error"]["error_fields"][1]["reason"] == "At most 255 characters."


def test_an_empty_expiration_time_is_refused(wire):
    """A script's unset variable must not make material that never expires."""
    key_id = wire.new_key(origin="external")
    body = wire.import_body(key_id, wire.offer(key_id), os.urandom(32))

    answer = wire("import-key-material", {**body, "expiration_time": ""})

    assert_error(answer, 400, "KMS.0308")
    assert [each["field"] for each in answer.json()["error"]["error_fields"]] == ["expiration_time"]
    assert wire.answer("import-key-material", {**body, "expiration_time": None}) == {}


@pytest.mark.parametrize(
    "sequence", ["919c82d4-8046-4722-9094-35c3c6524cff", "A" * 36, "919c82d4804647229094" + "f" * 12]
)
def test_a_sequence_is_taken_everywhere(wire, sequence):
    wire.answer("list-keys", {"sequence": sequence})


@pytest.mark.parametrize("sequence", ["short", "ü" * 36, 7, "x" * 31, "x" * 37, "_" * 36])
def test_a_malformed_sequence_is_refused(wire, sequence):
    assert_error(wire("list-keys", {"sequence": sequence}), 400, "KMS.0206")


def test_query_parameters_are_ignored(wire):
    assert wire("list-keys?limit=abc", {"limit": 1}).status_code == 200


def test_numbers_are_taken_as_numbers_and_as_texts(wire):
    key_id = wire.new_key()
    for number in (7, "7"):
        wire.answer("schedule-key-deletion", {"key_id": key_id, "pending_days": number})
        wire.answer("cancel-key-deletion", {"key_id": key_id})
    for body in ({"limit": 1}, {"limit": "1"}, {"key_state": 2}, {"key_state": "2"}, {"marker": 0}, {"marker": "0"}):
        wire.answer("list-keys", body)


def test_a_body_in_chunks_is_read(wire):
    response = wire("list-keys", data=iter([b'{"lim', b'it": "0"}']))

    assert_error(response, 400, "KMS.1601")


def test_a_body_in_chunks_is_bounded_too(wire):
    assert wire("list-keys", data=iter([b"{}", b" " * 65534])).status_code == 200
    assert_error(wire("list-keys", data=iter([b"{}", b" " * 65535])), 400, "KMS.0203")


@pytest.mark.parametrize("refused", [{"project_id": "0" * 32}, {"headers": {"X-Auth-Token": "x"}}, {"method": "PUT"}])
def test_a_refusal_leaves_the_connection_as_it_was(wire, refused):
    """The body is read whatever becomes of it, or its rest would be taken for the next request."""
    response = wire("list-keys", {"other": "x" * 60000}, **refused)

    assert "Connection" not in response.headers
    assert wire("list-keys", {"limit": 1}).status_code == 200

"""Bodies at the edges of JSON, and any bytes at all: refused with a code of the catalogue, never a 500 (SEC-076)."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trial
from hypothesis import strategies as st

from keys.models import Key
from kmsconsole.urls import OPERATIONS
from operations.errors import CATALOGUE
from tests import factories
from tests.operations.stage import a_key, an_empty_key

POSTED = [
    operation for operation in OPERATIONS if operation.path and operation.in_project and operation.method == "POST"
]
BY_PATH = {operation.path: operation for operation in POSTED}
ENCRYPT, DESCRIBE, CREATE = "kms/encrypt-data", "kms/describe-key", "kms/create-key"


@pytest.fixture
def post(alice, client):
    """Posts raw bytes as alice; the status and the code of the answer."""
    headers = factories.headers(factories.alice())

    def send(path: str, body: bytes, **request) -> tuple[int, str]:
        url = f"/v1.0/{alice.project_id}/{path}"
        response = client.post(url, body, content_type="application/json", headers=headers, **request)
        answer = response.json() if response.content else {}
        return response.status_code, answer.get("error", {}).get("error_code", "")

    return send


NO_JSON = {
    "cut": b'{"key_id":',
    "two objects": b"{}{}",
    "an array": b"[]",
    "an array of an object": b'[{"limit": 1}]',
    "a text": b'"text"',
    "a number": b"7",
    "null": b"null",
    "true": b"true",
    "a form": b"limit=1&marker=2",
    "xml": b"<a/>",
    "single quotes": b"{'limit': 1}",
    "a trailing comma": b'{"limit": 1,}',
    "a comment": b'{"limit": 1} // one',
    "NaN": b'{"limit": NaN}',
    "Infinity": b'{"limit": Infinity}',
    "minus Infinity": b'{"limit": -Infinity}',
    "NaN where nobody looks": b'{"other": [NaN]}',
    "a member twice": b'{"limit": 1, "limit": 1}',
    "a member twice, deep inside": b'{"other": [{"a": 1, "a": 2}]}',
    "a lone surrogate": rb'{"limit": "\ud800"}',
    "a lone surrogate where nobody looks": rb'{"other": ["\udfff"]}',
    "a lone surrogate as a name": rb'{"\ud800": 1}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"limit": 1}'.encode("utf-16"),
    "UTF-16 without a mark": '{"limit": 1}'.encode("utf-16-le"),
    "UTF-32": '{"limit": 1}'.encode("utf-32"),
    "latin-1": '{"other": "ü"}'.encode("latin-1"),
    "overlong UTF-8": b'{"other": "\xc0\x80"}',
    "a surrogate in UTF-8": b'{"other": "\xed\xa0\x80"}',
    "a raw control character": b'{"other": "\x01"}',
    "a raw NUL": b'{"other": "\x00"}',
    "NUL after the object": b"{}\x00",
    "too deep": b'{"a":' * 40 + b"1" + b"}" * 40,
    "much too deep": b"[" * 30000,
    "an endless number": b'{"limit": ' + b"9" * 5000 + b"}",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "a raw line break in a text": b'{"other": "\n"}',
    "an unknown escape": rb'{"other": "\x41"}',
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
@pytest.mark.parametrize("path", ["kms/list-keys", DESCRIBE])
def test_what_is_no_json_object_is_told_so(post, path, body):
    assert post(path, body) == (400, "KMS.0202")


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"\n", b"{}", b" \t\r\n{} \n", rb'{"other": "\ud83d\ude00"}', b'{"other": 1e999}', b'{"a":{"b":[[]]}}'],
)
def test_odd_but_sound_bodies_are_read(post, body):
    assert post("kms/list-keys", body) == (200, "")


@pytest.mark.parametrize("path", BY_PATH)
def test_a_body_of_more_than_64_kib_is_refused(post, path):
    assert post(path, b'{"other": "' + b"x" * 65536 + b'"}') == (400, "KMS.0203")


def test_a_body_of_64_kib_is_read(post):
    assert post("kms/list-keys", b'{"other": "' + b"x" * (65536 - 13) + b'"}') == (200, "")


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "1" * 400])
def test_a_length_that_is_none_is_refused(post, length):
    assert post("kms/list-keys", b"{}", CONTENT_LENGTH=length) == (400, "KMS.0203")


def test_nul_is_no_text(post):
    assert post(CREATE, rb'{"key_alias": "a\u0000b"}') == (400, "KMS.0202")
    assert post(CREATE, rb'{"key_alias": "ab", "key_description": "\u0000"}') == (400, "KMS.0202")


def test_nul_may_be_encrypted(post, alice):
    key = a_key(alice)

    assert post(ENCRYPT, json.dumps({"key_id": key.key_id, "plain_text": "a\0b"}).encode())[0] == 200


# --- anything at all ----------------------------------------------------------------------------------------------


@pytest.fixture
def no_rate_limits(settings):
    settings.KMS_RATE_LIMITS = False


def calm(**how):
    return trial(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], **how)


@calm(max_examples=200)
@given(st.sampled_from(sorted(BY_PATH)), st.binary(max_size=300))
def test_no_bytes_at_all_break_the_service(post, path, body):
    status, code = post(path, body)

    assert status < 500
    assert code == "" or code in CATALOGUE


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70).map(str)
TEXTS = st.text(max_size=40) | st.text(alphabet="\ud800\0\u202e/'\"<%\\{}", max_size=8) | st.just("x" * 5000)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


@st.composite
def requests(draw):
    """A request of some operation: each of its members absent, right, or anything."""
    operation = BY_PATH[draw(st.sampled_from(sorted(BY_PATH)))]
    body = {}
    for field in operation.request.fields:
        value = draw(st.just("absent") | st.just("right") | VALUES)
        if value == "right":
            body[field.name] = RIGHT.get(field.name, "x")
        elif value != "absent":
            body[field.name] = value
    return operation.path, body


RIGHT = {
    "key_alias": "any-alias", "key_description": "text", "pending_days": "7", "plain_text": "text", "limit": "2",
    "marker": "1", "key_state": "2", "key_spec": "AES_256", "key_usage": "ENCRYPT_DECRYPT", "message": "AAAA",
    "origin": "kms", "signing_algorithm": "ECDSA_SHA_256", "message_type": "RAW", "signature": "AAAA",
    "wrapping_algorithm": "RSAES_OAEP_SHA_256", "import_token": "AAAA", "encrypted_key_material": "AAAA",
    "encrypted_privatekey": "AAAA", "expiration_time": 4000000000, "cipher_text": "AAAA",
    "encryption_context": {"a": "b"}, "additional_authenticated_data": "text",
    "encryption_algorithm": "SYMMETRIC_DEFAULT", "enterprise_project_id": "0",
    "sequence": "919c82d4-8046-4722-9094-35c3c6524cff",
    "tags": [{"key": "a", "value": "b"}],
}  # fmt: skip


@calm(max_examples=400)
@given(requests())
def test_no_value_in_any_member_breaks_the_service(post, alice, no_rate_limits, request_):
    path, body = request_
    if body.get("key_id") == "x":
        body["key_id"] = _keys(alice)[len(json.dumps(body)) % 2].key_id

    status, code = post(path, json.dumps(body).encode())

    assert status < 500, (path, body)
    assert code == "" or code in CATALOGUE


def _keys(caller):
    return list(Key.objects.all()[:2]) if Key.objects.count() > 1 else [a_key(caller), an_empty_key(caller)]

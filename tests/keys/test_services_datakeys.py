"""Data keys: made or brought, wrapped and unwrapped, and never mistaken for data (api.md 3.2)."""

from __future__ import annotations

import base64
import hashlib
import secrets

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys.api.datakeys import CREATE_DATAKEY, CREATE_DATAKEY_WITHOUT_PLAINTEXT, DECRYPT_DATAKEY, ENCRYPT_DATAKEY
from keys.api.encryption import DECRYPT_DATA, ENCRYPT_DATA
from keys.models import Key
from operations import errors
from operations.errors import KmsError
from operations.fields import KEY_ID
from operations.perform import perform
from tests.operations.stage import (
    a_key,
    an_empty_key,
    an_imported_key,
    b64,
    delete_material,
    disable,
    import_into,
    refused,
    schedule_deletion,
)

CONTEXT = {"Key1": "Value1", "Key2": "Value2"}


def ask(operation, caller, **fields):
    return operation.respond(perform(operation, caller, fields))


def create(caller, key, **fields):
    return ask(CREATE_DATAKEY, caller, key_id=key.key_id, **fields)


def create_without_plaintext(caller, key, **fields):
    return ask(CREATE_DATAKEY_WITHOUT_PLAINTEXT, caller, key_id=key.key_id, **fields)


def encrypt(caller, key, data_key: bytes, **fields):
    fields = {"plain_text": with_digest(data_key), "datakey_plain_length": len(data_key)} | fields
    return ask(ENCRYPT_DATAKEY, caller, key_id=key.key_id, **fields)


def decrypt(caller, key, cipher_text, length=64, **fields):
    fields = {"key_id": key.key_id, "cipher_text": cipher_text, "datakey_cipher_length": length} | fields
    return ask(DECRYPT_DATAKEY, caller, **fields)


def with_digest(data_key: bytes) -> str:
    return data_key.hex().upper() + hashlib.sha256(data_key).hexdigest()


@pytest.fixture
def key(alice):
    return a_key(alice)


# --- making -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", ["512", 512])
def test_a_new_data_key_is_what_its_ciphertext_opens_to(alice, key, length):
    made = create(alice, key, datakey_length=length)

    opened = decrypt(alice, key, made["cipher_text"])

    assert list(made) == ["key_id", "plain_text", "cipher_text"]
    assert made["key_id"] == key.key_id
    assert opened == {
        "data_key": made["plain_text"],
        "datakey_length": "64",
        "datakey_dgst": hashlib.sha256(bytes.fromhex(made["plain_text"])).hexdigest().upper(),
    }


def test_hexadecimal_is_upper_case_on_the_way_out(alice, key):
    made = create(alice, key, datakey_length=8192)

    assert made["plain_text"] == made["plain_text"].upper()
    assert made["cipher_text"] == made["cipher_text"].upper()


def test_without_plaintext_there_is_no_such_member(alice, key):
    made = create_without_plaintext(alice, key, datakey_length="256")

    assert list(made) == ["key_id", "cipher_text"]
    assert decrypt(alice, key, made["cipher_text"], 32)["datakey_length"] == "32"


@pytest.mark.parametrize(
    ("fields", "bits"),
    [
        ({}, 256),
        ({"key_spec": "AES_128"}, 128),
        ({"key_spec": "aes_256"}, 256),
        ({"key_spec": "AES_128", "datakey_length": "512"}, 512),
        ({"datakey_length": 8}, 8),
        ({"datakey_length": "8192"}, 8192),
        ({"datakey_length": "", "key_spec": ""}, 256),
        ({"datakey_length": None, "key_spec": None}, 256),
    ],
)
def test_the_length_is_given_in_bits_or_by_a_spec(alice, key, fields, bits):
    for make in (create, create_without_plaintext):
        cipher_text = make(alice, key, **fields)["cipher_text"]

        assert decrypt(alice, key, cipher_text, bits // 8)["datakey_length"] == str(bits // 8)


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"datakey_length": 0}, errors.DATA_KEY_LENGTH, "datakey_length"),
        ({"datakey_length": "-8"}, errors.DATA_KEY_LENGTH, "datakey_length"),
        ({"datakey_length": 8200}, errors.DATA_KEY_LENGTH, "datakey_length"),
        ({"datakey_length": "many"}, errors.DATA_KEY_LENGTH, "datakey_length"),
        ({"datakey_length": True}, errors.DATA_KEY_LENGTH, "datakey_length"),
        ({"datakey_length": 512.0}, errors.DATA_KEY_LENGTH, "datakey_length"),
        ({"datakey_length": [512]}, errors.DATA_KEY_LENGTH, "datakey_length"),
        ({"datakey_length": 12}, errors.DATA_KEY_LENGTH_UNEVEN, "datakey_length"),
        ({"datakey_length": "8191"}, errors.DATA_KEY_LENGTH_UNEVEN, "datakey_length"),
        ({"key_spec": "AES_192"}, errors.DATA_KEY_SPEC, "key_spec"),
        ({"key_spec": "RSA_2048"}, errors.DATA_KEY_SPEC, "key_spec"),
        ({"key_spec": 256}, errors.DATA_KEY_SPEC, "key_spec"),
        ({"encryption_context": "text"}, errors.CONTEXT_INVALID, "encryption_context"),
        ({"encryption_context": {"a": ["b"]}}, errors.CONTEXT_INVALID, "encryption_context"),
    ],
)
def test_a_bad_request_earns_its_own_code(alice, key, fields, code, field):
    for make in (create, create_without_plaintext):
        with refused(code, field=field):
            make(alice, key, **fields)


def test_no_two_data_keys_and_no_two_ciphertexts_are_alike(alice, key):
    made = [create(alice, key) for _ in range(20)]

    assert len({each["plain_text"] for each in made}) == len({each["cipher_text"] for each in made}) == 20


# --- bringing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 16, 64, 1023, 1024])
@pytest.mark.parametrize("as_number", [str, int])
def test_a_data_key_of_ones_own_comes_back(alice, key, size, as_number):
    data_key = secrets.token_bytes(size)

    wrapped = encrypt(alice, key, data_key, datakey_plain_length=as_number(size))
    opened = decrypt(alice, key, wrapped["cipher_text"], as_number(size))

    assert wrapped.keys() == {"key_id", "cipher_text", "datakey_length"}
    assert (wrapped["key_id"], wrapped["datakey_length"]) == (key.key_id, str(size))
    assert opened["data_key"] == data_key.hex().upper()


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_either_case_is_read(alice, key, case):
    data_key = bytes(range(64))

    wrapped = encrypt(alice, key, data_key, plain_text=case(with_digest(data_key)))

    opened = decrypt(alice, key, case(wrapped["cipher_text"]))
    assert opened["data_key"] == data_key.hex().upper()


def test_a_space_may_part_key_and_digest_as_in_the_manual(alice, key):
    data_key = bytes(64)
    digest = hashlib.sha256(data_key).hexdigest()

    assert encrypt(alice, key, data_key, plain_text=f"{data_key.hex()} {digest}")["datakey_length"] == "64"


@pytest.mark.parametrize("text", ["XY", "ABC", "7", "zz" * 96, "AB CD EF", "AB\n" * 3, "Ａ１", 7, ["AB"], "AB" * 2049])
def test_a_plaintext_that_is_no_hexadecimal_is_refused(alice, key, text):
    with refused(errors.PLAIN_TEXT_INVALID, field="plain_text"):
        encrypt(alice, key, bytes(64), plain_text=text)


@pytest.mark.parametrize("length", [0, -1, 1025, "1025", "x", 6.4, [64]])
def test_a_length_has_1_to_1024_bytes(alice, key, length):
    with refused(errors.DATA_KEY_PLAIN_LENGTH, field="datakey_plain_length"):
        encrypt(alice, key, bytes(64), datakey_plain_length=length)
    with refused(errors.DATA_KEY_CIPHER_LENGTH, field="datakey_cipher_length"):
        decrypt(alice, key, create(alice, key)["cipher_text"], length)


@pytest.mark.parametrize("length", [63, 65, 32, 1, 1024])
def test_a_length_that_is_not_the_plaintexts_is_refused(alice, key, length):
    with refused(errors.DATA_KEY_PLAIN_MISMATCH, field="datakey_plain_length"):
        encrypt(alice, key, bytes(64), datakey_plain_length=length)


@pytest.mark.parametrize("place", [0, 63, 64, 95])
def test_a_digest_of_something_else_is_refused(alice, key, place):
    plain = bytearray(bytes.fromhex(with_digest(bytes(64))))
    plain[place] ^= 1

    with refused(errors.DATA_KEY_DIGEST, field="plain_text"):
        encrypt(alice, key, bytes(64), plain_text=plain.hex())


# --- opening ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 63, 65, 1024])
def test_a_length_that_is_not_the_data_keys_is_refused(alice, key, length):
    cipher_text = create(alice, key, datakey_length=512)["cipher_text"]

    with refused(errors.DATA_KEY_CIPHER_MISMATCH, field="datakey_cipher_length"):
        decrypt(alice, key, cipher_text, length)


@pytest.mark.parametrize("text", ["XY", "ABC", "zz" * 96, "00" * 188, "AB" * 4097, 7, ["AB"]])
def test_what_is_no_ciphertext_is_refused_alike(alice, key, text):
    with refused(errors.CIPHER_TEXT_INVALID, field="cipher_text"):
        decrypt(alice, key, text)


def test_the_key_that_is_named_must_be_the_one_inside(alice, key):
    cipher_text = create(alice, key, datakey_length=512)["cipher_text"]

    with refused(errors.CIPHER_TEXT_INVALID):
        decrypt(alice, a_key(alice), cipher_text)


@pytest.mark.parametrize("reference", ["alias/{alias}", "kms:{region}:{account}:alias:{alias}"])
def test_a_key_may_be_named_by_alias_or_urn(alice, key, reference):
    reference = reference.format(alias=key.alias, region=alice.region_id, account=alice.account_id)

    made = ask(CREATE_DATAKEY, alice, key_id=reference)

    assert KEY_ID.fullmatch(made["key_id"])
    assert decrypt(alice, key, made["cipher_text"], 32, key_id=reference)["data_key"] == made["plain_text"]


def test_every_changed_byte_and_every_cut_is_noticed(alice, key):
    raw = bytes.fromhex(create(alice, key, datakey_length=512)["cipher_text"])
    mutants = [raw[:place] + bytes([raw[place] ^ 0x80]) + raw[place + 1 :] for place in range(len(raw))]
    mutants += [raw[:end] for end in range(1, len(raw))] + [raw + b"\0", raw + bytes(16)]
    hints = set()

    for mutant in mutants:
        with refused(errors.CIPHER_TEXT_INVALID) as caught:
            decrypt(alice, key, mutant.hex())
        hints.add(str(caught.value.hint))

    assert len(hints) == 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.binary(max_size=300).map(bytes.hex), st.text(max_size=12) | st.integers())
def test_nothing_that_is_sent_makes_an_unhandled_error(alice, text, length):
    known = {
        code
        for code in errors.CATALOGUE.values()
        if code.code[4:6] in ("21", "22") or code in (errors.PARAMETER_MISSING,)
    }
    key = Key.objects.filter(project_id=alice.project_id).first() or a_key(alice)

    for attempt in (
        lambda: decrypt(alice, key, text, length),
        lambda: encrypt(alice, key, b"", plain_text=text, datakey_plain_length=length),
    ):
        with pytest.raises(KmsError) as caught:
            attempt()
        assert caught.value.code in known


# --- domains and context (SEC-013) --------------------------------------------------------------------------------


def test_a_data_key_never_opens_as_data(alice, key):
    made = create(alice, key, datakey_length=512)
    raw = bytearray(bytes.fromhex(made["cipher_text"]))

    for purpose in (raw[2], 1):
        raw[2] = purpose
        with refused(errors.CIPHER_TEXT_INVALID):
            ask(DECRYPT_DATA, alice, cipher_text=b64(bytes(raw)))


def test_data_never_opens_as_a_data_key(alice, key):
    cipher_text = ask(ENCRYPT_DATA, alice, key_id=key.key_id, plain_text="x" * 64)["cipher_text"]
    raw = bytearray(base64.b64decode(cipher_text))

    for purpose in (raw[2], 2):
        raw[2] = purpose
        with refused(errors.CIPHER_TEXT_INVALID):
            decrypt(alice, key, bytes(raw).hex())


@pytest.mark.parametrize("make", [create, create_without_plaintext, None])
def test_the_context_must_be_given_again(alice, key, make):
    made = (
        make(alice, key, datakey_length=512, encryption_context=CONTEXT)
        if make
        else encrypt(alice, key, bytes(64), encryption_context=CONTEXT)
    )

    reordered = dict(reversed(CONTEXT.items()))
    assert decrypt(alice, key, made["cipher_text"], encryption_context=reordered)["datakey_length"] == "64"
    for wrong in ({}, {"encryption_context": {"Key1": "Value1"}}, {"additional_authenticated_data": "Key1"}):
        with refused(errors.CIPHER_TEXT_INVALID):
            decrypt(alice, key, made["cipher_text"], **wrong)


def test_additional_data_must_be_given_again(alice, key):
    made = create(alice, key, datakey_length=512, additional_authenticated_data="ctx")

    opened = decrypt(alice, key, made["cipher_text"], additional_authenticated_data="ctx")
    assert opened["data_key"] == made["plain_text"]
    for wrong in (None, "", "ctx "):
        with refused(errors.CIPHER_TEXT_INVALID):
            decrypt(alice, key, made["cipher_text"], additional_authenticated_data=wrong)


# --- which keys, when ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "usage", "code"),
    [
        ("RSA_2048", "ENCRYPT_DECRYPT", errors.ASYMMETRIC_UNSUPPORTED),
        ("EC_P256", None, errors.ASYMMETRIC_UNSUPPORTED),
        ("HMAC_256", None, errors.HMAC_UNSUPPORTED),
    ],
)
def test_only_an_aes_key_wraps_data_keys(alice, spec, usage, code):
    key = a_key(alice, spec, key_usage=usage)

    for attempt in (
        lambda: create(alice, key),
        lambda: create_without_plaintext(alice, key),
        lambda: encrypt(alice, key, bytes(64)),
        lambda: decrypt(alice, key, "00" * 188),
    ):
        with refused(code):
            attempt()


@pytest.mark.parametrize(
    ("leave", "code"), [(disable, errors.KEY_DISABLED), (schedule_deletion, errors.KEY_PENDING_DELETION)]
)
def test_a_key_that_is_not_enabled_refuses(alice, key, leave, code):
    cipher_text = create(alice, key)["cipher_text"]
    leave(alice, key)

    for attempt in (lambda: create(alice, key), lambda: decrypt(alice, key, cipher_text, 32)):
        with refused(code):
            attempt()


def test_a_key_without_material_refuses(alice):
    with refused(errors.NOT_ENABLED):
        create(alice, an_empty_key(alice))


def test_a_data_key_opens_again_after_the_same_material_came_back(alice):
    material = bytes(range(32))
    key = an_imported_key(alice, plaintext=material)
    made = create(alice, key)
    delete_material(alice, key)

    import_into(alice, key, plaintext=material)

    assert decrypt(alice, key, made["cipher_text"], 32)["data_key"] == made["plain_text"]


@pytest.mark.parametrize("operation", [CREATE_DATAKEY, CREATE_DATAKEY_WITHOUT_PLAINTEXT, ENCRYPT_DATAKEY])
def test_a_reader_may_not(alice, bob, key, operation):
    fields = {"plain_text": with_digest(bytes(64)), "datakey_plain_length": 64} if operation is ENCRYPT_DATAKEY else {}

    with refused(errors.NO_KEY_PERMISSION, hint=operation.action):
        ask(operation, bob, key_id=key.key_id, **fields)


def test_it_costs_at_most_two_queries(alice, key, django_assert_max_num_queries):
    """The key's row and the trace; the trace goes to the journal in production."""
    cipher_text = create(alice, key)["cipher_text"]

    with django_assert_max_num_queries(2):
        create(alice, key)
    with django_assert_max_num_queries(2):
        decrypt(alice, key, cipher_text, 32)

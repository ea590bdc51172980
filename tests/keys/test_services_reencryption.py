"""re-encrypt: from one key to another without showing what is inside (api.md 3.2)."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys.api.datakeys import CREATE_DATAKEY, DECRYPT_DATAKEY
from keys.api.encryption import DECRYPT_DATA, ENCRYPT_DATA
from keys.api.reencryption import RE_ENCRYPT
from keys.models import Key
from operations import errors
from operations.caller import Rights, Statement
from operations.errors import KmsError
from operations.models import Trace
from operations.perform import perform
from tests import factories
from tests.operations.stage import (
    a_key,
    an_empty_key,
    an_imported_key,
    b64,
    delete_material,
    disable,
    private_key,
    refused,
    schedule_deletion,
)

OAEP = "RSAES_OAEP_SHA_256"


def ask(operation, caller, **fields):
    return operation.respond(perform(operation, caller, fields))


def encrypt(caller, key, plain_text="a text", **fields):
    return ask(ENCRYPT_DATA, caller, key_id=key.key_id, plain_text=plain_text, **fields)["cipher_text"]


def decrypt(caller, cipher_text, **fields):
    return ask(DECRYPT_DATA, caller, cipher_text=cipher_text, **fields)


def re_encrypt(caller, cipher_text, destination, **fields):
    fields = {"destination_key_id": destination.key_id} | fields
    return ask(RE_ENCRYPT, caller, cipher_text=cipher_text, **fields)


@pytest.fixture
def source(alice):
    return a_key(alice)


@pytest.fixture
def destination(alice):
    return a_key(alice)


# --- data ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [False, True])
def test_data_moves_to_another_key(alice, source, destination, named):
    answer = re_encrypt(
        alice, encrypt(alice, source), destination, **({"source_key_id": source.key_id} if named else {})
    )

    opened = decrypt(alice, answer["cipher_text"])
    assert (opened["key_id"], opened["plain_text"]) == (destination.key_id, "a text")
    assert {name: answer[name] for name in answer if name != "cipher_text"} == {
        "key_id": destination.key_id,
        "source_key_id": source.key_id,
        "source_encryption_algorithm": "SYMMETRIC_DEFAULT",
        "destination_encryption_algorithm": "SYMMETRIC_DEFAULT",
    }


def test_the_answer_does_not_show_what_is_inside(alice, source, destination):
    answer = re_encrypt(alice, encrypt(alice, source, "the harbour"), destination)

    assert answer.keys() == RE_ENCRYPT.answer["properties"].keys()
    assert "the harbour" not in str(answer)
    assert b64(b"the harbour") not in str(answer)


def test_a_key_may_be_its_own_destination(alice, source):
    """To bring a ciphertext under the newest version, or another context."""
    before = encrypt(alice, source)

    after = re_encrypt(alice, before, source, destination_additional_authenticated_data="ctx")["cipher_text"]

    assert after != before
    assert decrypt(alice, after, additional_authenticated_data="ctx")["plain_text"] == "a text"


def test_either_side_has_its_own_context(alice, source, destination):
    cipher_text = encrypt(alice, source, encryption_context={"from": "here"}, additional_authenticated_data="old")
    told = {"source_encryption_context": {"from": "here"}, "source_additional_authenticated_data": "old"}

    answer = re_encrypt(
        alice,
        cipher_text,
        destination,
        **told,
        destination_encryption_context={"to": "there"},
        destination_additional_authenticated_data="new",
    )

    new = {"encryption_context": {"to": "there"}, "additional_authenticated_data": "new"}
    assert decrypt(alice, answer["cipher_text"], **new)["plain_text"] == "a text"
    with refused(errors.CIPHER_TEXT_INVALID):
        decrypt(alice, answer["cipher_text"])
    for member in told:
        with refused(errors.CIPHER_TEXT_INVALID):
            re_encrypt(alice, cipher_text, destination, **{**told, member: None})


@pytest.mark.parametrize("algorithm", [OAEP, "RSAES_OAEP_SHA_1"])
def test_data_moves_from_rsa_to_aes_and_back(alice, destination, algorithm):
    rsa = an_imported_key(alice, "RSA_2048", key_usage="ENCRYPT_DECRYPT")
    cipher_text = encrypt(alice, rsa, encryption_algorithm=algorithm)

    there = re_encrypt(
        alice,
        cipher_text,
        destination,
        source_key_id=rsa.key_id,
        source_encryption_algorithm=algorithm,
        destination_encryption_algorithm="SYMMETRIC_DEFAULT",
    )
    back = re_encrypt(alice, there["cipher_text"], rsa, destination_encryption_algorithm=algorithm)

    assert decrypt(alice, there["cipher_text"])["plain_text"] == "a text"
    assert there["source_encryption_algorithm"] == back["destination_encryption_algorithm"] == algorithm
    opened = decrypt(alice, back["cipher_text"], key_id=rsa.key_id, encryption_algorithm=algorithm)
    assert opened["plain_text"] == "a text"


def test_bytes_that_are_no_text_move_as_well(alice, destination):
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA256

    rsa = an_imported_key(alice, "RSA_2048", key_usage="ENCRYPT_DECRYPT")
    oaep = padding.OAEP(mgf=padding.MGF1(SHA256()), algorithm=SHA256(), label=None)
    outside = b64(private_key("RSA_2048").public_key().encrypt(b"\xff\x00", oaep))

    moved = re_encrypt(alice, outside, destination, source_key_id=rsa.key_id, source_encryption_algorithm=OAEP)[
        "cipher_text"
    ]

    assert decrypt(alice, moved)["plain_text_base64"] == b64(b"\xff\x00")


def test_rsa_takes_no_more_than_oaep_does(alice, source):
    rsa = an_imported_key(alice, "RSA_2048", key_usage="ENCRYPT_DECRYPT")

    with refused(errors.RSA_PLAIN_TEXT_TOO_LONG, hint="190"):
        re_encrypt(alice, encrypt(alice, source, "x" * 191), rsa, destination_encryption_algorithm=OAEP)


def test_an_algorithm_must_fit_its_side(alice, source, destination):
    rsa = an_imported_key(alice, "RSA_2048", key_usage="ENCRYPT_DECRYPT")
    of_aes, of_rsa = encrypt(alice, source), encrypt(alice, rsa, encryption_algorithm=OAEP)

    with refused(errors.SYMMETRIC_ALGORITHM, field="source_encryption_algorithm"):
        re_encrypt(alice, of_aes, destination, source_encryption_algorithm=OAEP)
    with refused(errors.SYMMETRIC_ALGORITHM, field="destination_encryption_algorithm"):
        re_encrypt(alice, of_aes, destination, destination_encryption_algorithm=OAEP)
    with refused(errors.RSA_ALGORITHM, field="destination_encryption_algorithm"):
        re_encrypt(alice, of_aes, rsa)
    with refused(errors.RSA_ALGORITHM, field="source_encryption_algorithm"):
        re_encrypt(alice, of_rsa, destination, source_key_id=rsa.key_id)
    with refused(errors.CIPHER_TEXT_INVALID):
        re_encrypt(alice, of_rsa, destination, source_encryption_algorithm=OAEP)


# --- data keys ----------------------------------------------------------------------------------------------------


def test_a_data_key_moves_to_another_key(alice, source, destination):
    made = ask(CREATE_DATAKEY, alice, key_id=source.key_id, datakey_length=512)

    answer = re_encrypt(alice, made["cipher_text"], destination, datakey_cipher_length="64")

    assert answer["cipher_text"] == answer["cipher_text"].upper()
    opened = ask(
        DECRYPT_DATAKEY,
        alice,
        key_id=destination.key_id,
        cipher_text=answer["cipher_text"],
        datakey_cipher_length=64,
    )
    assert opened["data_key"] == made["plain_text"]


def test_the_length_of_a_data_key_must_be_right(alice, source, destination):
    made = ask(CREATE_DATAKEY, alice, key_id=source.key_id, datakey_length=512)

    with refused(errors.DATA_KEY_CIPHER_MISMATCH, field="datakey_cipher_length"):
        re_encrypt(alice, made["cipher_text"], destination, datakey_cipher_length=32)
    for length in (0, 1025, "x"):
        with refused(errors.DATA_KEY_CIPHER_LENGTH, field="datakey_cipher_length"):
            re_encrypt(alice, made["cipher_text"], destination, datakey_cipher_length=length)


def test_data_and_data_keys_do_not_become_each_other(alice, source, destination):
    made = ask(CREATE_DATAKEY, alice, key_id=source.key_id, datakey_length=512)["cipher_text"]
    data = encrypt(alice, source, "x" * 64)

    with refused(errors.CIPHER_TEXT_INVALID):
        re_encrypt(alice, b64(bytes.fromhex(made)), destination)
    with refused(errors.CIPHER_TEXT_INVALID):
        re_encrypt(alice, base64.b64decode(data).hex(), destination, datakey_cipher_length=64)


def test_a_data_key_does_not_move_to_an_rsa_key(alice, source):
    rsa = an_imported_key(alice, "RSA_2048", key_usage="ENCRYPT_DECRYPT")
    made = ask(CREATE_DATAKEY, alice, key_id=source.key_id, datakey_length=512)["cipher_text"]

    with refused(errors.ASYMMETRIC_UNSUPPORTED):
        re_encrypt(alice, made, rsa, datakey_cipher_length=64, destination_encryption_algorithm=OAEP)
    with refused(errors.ASYMMETRIC_UNSUPPORTED):
        re_encrypt(alice, made, source, source_key_id=rsa.key_id, datakey_cipher_length=64)


# --- both keys are asked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["source", "destination"])
@pytest.mark.parametrize(
    ("leave", "code"),
    [
        (disable, errors.KEY_DISABLED),
        (schedule_deletion, errors.KEY_PENDING_DELETION),
        (delete_material, errors.NOT_ENABLED),
    ],
)
def test_neither_key_may_be_in_another_state(alice, which, leave, code):
    keys = {"source": an_imported_key(alice), "destination": an_imported_key(alice)}
    cipher_text = encrypt(alice, keys["source"])
    leave(alice, keys[which])

    with refused(code):
        re_encrypt(alice, cipher_text, keys["destination"])


@pytest.mark.parametrize("which", ["source", "destination"])
@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("EC_P256", errors.EC_CANNOT_ENCRYPT),
        ("HMAC_256", errors.HMAC_UNSUPPORTED),
        ("RSA_2048", errors.KEY_IS_FOR_SIGNING),
    ],
)
def test_neither_key_may_be_of_another_kind(alice, source, destination, which, spec, code):
    other = a_key(alice, spec)
    fields = {"source_key_id": other.key_id} if which == "source" else {"destination_key_id": other.key_id}

    with refused(code):
        re_encrypt(alice, encrypt(alice, source), destination, **fields)


@pytest.mark.parametrize("which", ["source", "destination"])
def test_the_right_is_needed_on_both_keys(alice, which):
    there = factories.enterprise_project("payments")
    keys = {"source": a_key(alice), "destination": a_key(alice)}
    Key.objects.filter(pk=keys[which].pk).update(enterprise_project_id=there.pk)
    cipher_text = encrypt(alice, Key.objects.get(pk=keys["source"].pk))
    only_here = replace(alice, rights=Rights((Statement(True, ("kms:cmk:crypto",), "0"),)))

    with refused(errors.NO_KEY_PERMISSION, hint="kms:cmk:crypto"):
        re_encrypt(only_here, cipher_text, keys["destination"])


def test_a_foreign_key_on_either_side_is_not_found(alice, mallory, source, destination):
    cipher_text, theirs = encrypt(alice, source), a_key(mallory)

    for attempt in (
        lambda: re_encrypt(mallory, cipher_text, theirs),
        lambda: re_encrypt(mallory, encrypt(mallory, theirs), destination),
        lambda: re_encrypt(alice, cipher_text, theirs),
        lambda: re_encrypt(alice, cipher_text, destination, source_key_id=theirs.key_id),
    ):
        with refused(errors.KEY_NOT_FOUND):
            attempt()


def test_the_source_that_is_named_must_be_the_one_inside(alice, source, destination):
    with refused(errors.CIPHER_TEXT_INVALID):
        re_encrypt(alice, encrypt(alice, source), destination, source_key_id=destination.key_id)


def test_an_empty_destination_takes_nothing(alice, source):
    with refused(errors.NOT_ENABLED):
        re_encrypt(alice, encrypt(alice, source), an_empty_key(alice))


@pytest.mark.parametrize("reference", ["alias/{alias}", "kms:{region}:{account}:alias:{alias}"])
def test_both_may_be_named_by_alias_or_urn(alice, source, destination, reference):
    def name(key):
        return reference.format(alias=key.alias, region=alice.region_id, account=alice.account_id)

    answer = re_encrypt(
        alice,
        encrypt(alice, source),
        destination,
        source_key_id=name(source),
        destination_key_id=name(destination),
    )

    assert (answer["source_key_id"], answer["key_id"]) == (source.key_id, destination.key_id)


def test_the_trace_is_about_the_destination_and_names_the_source(alice, source, destination):
    re_encrypt(alice, encrypt(alice, source), destination)

    trace = Trace.objects.get(name="reEncrypt")
    assert trace.resource_id == destination.key_id
    assert trace.request == {"source_key_id": source.key_id, "destination_key_id": destination.key_id}


# --- what comes in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["not base64", "AAA", "AAAA", "A" * 9000, "\x7f", 7, ["AAAA"]])
def test_what_is_no_ciphertext_is_refused_alike(alice, destination, text):
    with refused(errors.CIPHER_TEXT_INVALID, field="cipher_text"):
        re_encrypt(alice, text, destination)
    with refused(errors.CIPHER_TEXT_INVALID, field="cipher_text"):
        re_encrypt(alice, text, destination, datakey_cipher_length=64)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=200) | st.binary(max_size=300).map(bytes.hex) | st.binary(max_size=300).map(b64),
    st.none() | st.integers(1, 64),
)
def test_nothing_that_is_sent_makes_an_unhandled_error(alice, text, length):
    destination = Key.objects.filter(project_id=alice.project_id).first() or a_key(alice)

    with pytest.raises(KmsError) as caught:
        re_encrypt(alice, text, destination, datakey_cipher_length=length)

    known = (errors.CIPHER_TEXT_INVALID, errors.KEY_NOT_FOUND, errors.PARAMETER_MISSING, errors.JSON_INVALID)
    assert caught.value.code in known


def test_it_costs_at_most_three_queries(alice, source, destination, django_assert_max_num_queries):
    """A row for either key, and the trace."""
    cipher_text = encrypt(alice, source)
    re_encrypt(alice, cipher_text, destination)

    with django_assert_max_num_queries(3):
        re_encrypt(alice, cipher_text, destination)

"""encrypt-data and decrypt-data: what went in comes out, under the same context and in the same project only."""

from __future__ import annotations

import base64
import secrets

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys import material
from keys.api.encryption import DECRYPT_DATA, ENCRYPT_DATA
from keys.models import Key
from operations import errors
from operations.errors import KmsError
from operations.perform import perform
from tests import factories
from tests.operations.stage import (
    a_key,
    an_imported_key,
    b64,
    delete_material,
    disable,
    import_into,
    private_key,
    refused,
    schedule_deletion,
)

MATERIAL = bytes(range(32))
# By the library alone: what the wire's names mean to everybody else.
OAEP = {
    f"RSAES_OAEP_{name}": padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)
    for name, digest in (("SHA_256", hashes.SHA256()), ("SHA_1", hashes.SHA1()))  # noqa: S303
}


def encrypt(caller, key, plain_text="a text", **fields):
    done = perform(ENCRYPT_DATA, caller, {"key_id": key.key_id, "plain_text": plain_text, **fields})
    return ENCRYPT_DATA.respond(done)["cipher_text"]


def decrypt(caller, cipher_text, **fields):
    return DECRYPT_DATA.respond(perform(DECRYPT_DATA, caller, {"cipher_text": cipher_text, **fields}))


@pytest.fixture(params=["kms", "external"])
def key(request, alice):
    """Imported and generated material behave the same."""
    return a_key(alice) if request.param == "kms" else an_imported_key(alice)


def test_a_ciphertext_names_its_key_and_opens_without_it(alice, key):
    cipher_text = encrypt(alice, key)

    answer = decrypt(alice, cipher_text)

    assert answer == {
        "key_id": key.key_id,
        "plain_text": "a text",
        "plain_text_base64": b64(b"a text"),
    }


@pytest.mark.parametrize("size", [1, 15, 16, 17, 4095, 4096])
def test_texts_of_every_length_come_back(alice, key, size):
    assert decrypt(alice, encrypt(alice, key, "x" * size))["plain_text"] == "x" * size


def test_the_shortest_and_the_longest_have_exactly_the_published_length(alice, key):
    assert len(encrypt(alice, key, "x")) == len(encrypt(alice, key, "x" * 15)) == 188
    assert len(encrypt(alice, key, "x" * 4096)) == 5648


@pytest.mark.parametrize("text", ["x" * 4097, "ü" * 2049, 7, ["text"], {}])
def test_a_plaintext_has_1_to_4096_bytes_of_utf_8(alice, key, text):
    with refused(errors.PLAIN_TEXT_INVALID, field="plain_text"):
        encrypt(alice, key, text)


@pytest.mark.parametrize("missing", [None])
def test_a_plaintext_is_required(alice, key, missing):
    with refused(errors.PARAMETER_MISSING, field="plain_text"):
        encrypt(alice, key, missing)


def test_an_empty_plaintext_is_refused_by_its_own_code(alice, key):
    with refused(errors.PLAIN_TEXT_INVALID, field="plain_text"):
        encrypt(alice, key, "")


def test_equal_texts_never_give_equal_ciphertexts(alice, key):
    assert len({encrypt(alice, key) for _ in range(20)}) == 20


@pytest.mark.parametrize("reference", ["alias/{alias}", "kms:{region}:{account}:alias:{alias}"])
def test_a_key_is_found_by_alias_and_by_alias_urn(alice, key, reference):
    reference = reference.format(alias=key.alias, region=alice.region_id, account=alice.account_id)

    cipher_text = encrypt(alice, key, key_id=reference)

    assert decrypt(alice, cipher_text, key_id=reference)["key_id"] == key.key_id


def test_a_bare_text_is_never_taken_for_an_alias(alice):
    other = a_key(alice)
    disguised = a_key(alice, alias=other.key_id)

    assert decrypt(alice, encrypt(alice, disguised, key_id=other.key_id))["key_id"] == other.key_id
    with refused(errors.KEY_ID_INVALID):
        encrypt(alice, disguised, key_id="a-bare-alias")


@pytest.mark.parametrize(
    "urn", ["kms:eu-de:{other}:alias:{alias}", "kms:eu-nl:{account}:alias:{alias}", "kms:", "alias/"]
)
def test_a_urn_of_another_region_or_account_finds_nothing(alice, key, urn):
    reference = urn.format(alias=key.alias, account=alice.account_id, other="0" * 32)

    with refused(errors.KEY_NOT_FOUND):
        encrypt(alice, key, key_id=reference)


# --- context ------------------------------------------------------------------------------------------------------

CONTEXT = {"purpose": "tests", "id": "7"}


def test_a_context_must_be_given_again_in_any_order(alice, key):
    cipher_text = encrypt(alice, key, encryption_context=CONTEXT)

    reordered = dict(reversed(CONTEXT.items()))
    assert decrypt(alice, cipher_text, encryption_context=reordered)["plain_text"] == "a text"


def test_a_context_may_come_as_json_text(alice, key):
    """A Go client has no other way to give one."""
    cipher_text = encrypt(alice, key, encryption_context='{"id": "7", "purpose": "tests"}')

    assert decrypt(alice, cipher_text, encryption_context=CONTEXT)["plain_text"] == "a text"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"encryption_context": {}},
        {"encryption_context": {"purpose": "tests"}},
        {"encryption_context": {**CONTEXT, "more": ""}},
        {"encryption_context": {"purpose": "tests", "id": "8"}},
        {"encryption_context": {"id": "tests", "purpose": "7"}},
        {"encryption_context": CONTEXT, "additional_authenticated_data": "more"},
        {"additional_authenticated_data": '{"id":"7","purpose":"tests"}'},
    ],
)
def test_another_context_does_not_open_it(alice, key, wrong):
    cipher_text = encrypt(alice, key, encryption_context=CONTEXT)

    with refused(errors.CIPHER_TEXT_INVALID, field="cipher_text"):
        decrypt(alice, cipher_text, **wrong)


NONE = [
    {},
    {"encryption_context": None},
    {"encryption_context": {}},
    {"encryption_context": ""},
    {"additional_authenticated_data": ""},
    {"additional_authenticated_data": None},
]


@pytest.mark.parametrize("sealed_with", NONE)
@pytest.mark.parametrize("opened_with", NONE)
def test_all_ways_to_give_no_context_are_the_same(alice, sealed_with, opened_with):
    cipher_text = encrypt(alice, a_key(alice), **sealed_with)

    assert decrypt(alice, cipher_text, **opened_with)["plain_text"] == "a text"


@pytest.mark.parametrize(
    "context",
    [
        "text",
        "[]",
        '"a"',
        "[" * 8000,
        '{"a":',
        '{"a": "b", "a": "c"}',
        '{"a": NaN}',
        '{"a": "\\ud800"}',
        '{"a": "b"}' + " " * 8192,
        ["a"],
        7,
        {"a": ["b"]},
        {"a": {"b": "c"}},
        {"a": None},
        {"a": True},
        {"a": 1.5},
        {"k": "v" * 8185},
        {"k": '"' * 4093},
    ],
)
def test_a_context_is_an_object_of_texts_of_at_most_8192_characters(alice, key, context):
    with refused(errors.CONTEXT_INVALID, field="encryption_context"):
        encrypt(alice, key, encryption_context=context)


@pytest.mark.parametrize("context", [{"k": "v" * 8184}, {"k": '"' * 4092}, {"k": "é" * 8184}])
def test_a_context_of_8192_characters_as_json_is_taken(alice, key, context):
    cipher_text = encrypt(alice, key, encryption_context=context)

    assert decrypt(alice, cipher_text, encryption_context=context)["plain_text"] == "a text"


def test_an_empty_key_id_is_none_where_it_need_not_be_given(alice, key):
    assert decrypt(alice, encrypt(alice, key), key_id="")["plain_text"] == "a text"
    with refused(errors.KEY_ID_INVALID, field="key_id"):
        perform(ENCRYPT_DATA, alice, {"key_id": "", "plain_text": "a text"})


@pytest.mark.parametrize("text", ["x" * 129, "ü" * 65, 7, {}])
def test_additional_data_is_at_most_128_bytes(alice, key, text):
    with refused(errors.PARAMETER_INVALID, field="additional_authenticated_data"):
        encrypt(alice, key, additional_authenticated_data=text)


# --- tampering ----------------------------------------------------------------------------------------------------

KEY_ID_BYTES = range(4, 20)


def test_every_changed_byte_is_noticed(alice, key):
    raw = base64.b64decode(encrypt(alice, key))

    for place in range(len(raw)):
        mutant = bytearray(raw)
        mutant[place] ^= 0x80
        with pytest.raises(KmsError) as caught:
            decrypt(alice, b64(bytes(mutant)))
        # A changed key ID names a key that does not exist.
        expected = errors.KEY_NOT_FOUND if place in KEY_ID_BYTES else errors.CIPHER_TEXT_INVALID
        assert caught.value.code is expected


def test_a_cut_or_lengthened_ciphertext_does_not_open(alice, key):
    raw = base64.b64decode(encrypt(alice, key))

    for mutant in [raw[:end] for end in range(1, len(raw))] + [raw + b"\0", raw + bytes(16), raw + raw]:
        with refused(errors.CIPHER_TEXT_INVALID):
            decrypt(alice, b64(mutant))


def test_two_ciphertexts_of_one_key_cannot_be_spliced(alice, key):
    first, second = (base64.b64decode(encrypt(alice, key, text)) for text in ("first", "other"))

    # A cut may leave one of them whole: both begin with the same header, and their random bytes may meet by chance.
    spliced = {first[:cut] + second[cut:] for cut in range(len(first))} - {first, second}
    assert len(spliced) > 100
    for mutant in spliced:
        with refused(errors.CIPHER_TEXT_INVALID):
            decrypt(alice, b64(mutant))


def test_a_ciphertext_given_to_another_key_does_not_open(alice, key):
    cipher_text, other = encrypt(alice, key), a_key(alice)

    with refused(errors.CIPHER_TEXT_INVALID):
        decrypt(alice, cipher_text, key_id=other.key_id)


def test_a_ciphertext_with_the_id_of_another_key_does_not_open(alice, key):
    other = a_key(alice)
    raw = bytearray(base64.b64decode(encrypt(alice, key)))
    raw[4:20] = base64.b64decode(encrypt(alice, other))[4:20]

    with refused(errors.CIPHER_TEXT_INVALID):
        decrypt(alice, b64(bytes(raw)))


@pytest.mark.parametrize("text", ["", "not base64", "AAA", "AAAA\n", 7, ["AAAA"], "A" * 8000])
def test_what_is_no_base64_of_a_ciphertext_is_refused_alike(alice, strong_room, text):
    with refused(errors.CIPHER_TEXT_INVALID, field="cipher_text"):
        decrypt(alice, text)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=400)
    | st.binary(min_size=90, max_size=90).map(lambda tail: b"\x01\x01\x01\x00" + tail + bytes(62))
)
def test_no_bytes_at_all_make_an_unhandled_error(alice, raw):
    with pytest.raises(KmsError) as caught:
        decrypt(alice, b64(raw))

    assert caught.value.code in (errors.CIPHER_TEXT_INVALID, errors.KEY_NOT_FOUND)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(min_size=1, max_size=200, alphabet=st.characters(exclude_categories=["Cs"])),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4),
)
def test_any_text_comes_back_under_any_context(alice, text, context):
    try:
        cipher_text = encrypt(alice, _the_key(alice), text, encryption_context=context)
    except KmsError as error:
        assert error.code is errors.CONTEXT_INVALID
        return
    assert decrypt(alice, cipher_text, encryption_context=context)["plain_text"] == text


def _the_key(caller):
    return Key.objects.filter(project_id=caller.project_id).first() or a_key(caller)


# --- whose --------------------------------------------------------------------------------------------------------


def test_a_stranger_learns_nothing_from_a_ciphertext(alice, mallory, key):
    cipher_text = encrypt(alice, key)
    unknown = bytearray(base64.b64decode(cipher_text))
    unknown[4:20] = bytes(16)

    answers = []
    for text in (cipher_text, b64(bytes(unknown))):
        with pytest.raises(KmsError) as caught:
            decrypt(mallory, text)
        answers.append((caught.value.code, str(caught.value.hint)))

    assert answers[0] == answers[1]
    assert answers[0][0] is errors.KEY_NOT_FOUND


def test_a_ciphertext_does_not_open_in_another_project_of_the_same_account(alice, key):
    elsewhere = factories.caller(factories.alice(), project=factories.project("eu-nl", in_region="eu-nl"))

    with refused(errors.KEY_NOT_FOUND):
        decrypt(elsewhere, encrypt(alice, key))


def test_a_reader_may_not_decrypt(alice, bob, key):
    with refused(errors.NO_KEY_PERMISSION, hint="kms:cmk:crypto"):
        decrypt(bob, encrypt(alice, key))


# --- imported material goes and comes -----------------------------------------------------------------------------


def test_an_old_ciphertext_opens_after_the_same_material_was_imported_again(alice):
    key = an_imported_key(alice, plaintext=MATERIAL)
    cipher_text = encrypt(alice, key)
    delete_material(alice, key)
    with refused(errors.NOT_ENABLED):
        decrypt(alice, cipher_text)

    import_into(alice, key, plaintext=MATERIAL)

    assert decrypt(alice, cipher_text)["plain_text"] == "a text"


def test_equal_material_in_two_keys_does_not_open_each_others_ciphertexts(alice):
    first = an_imported_key(alice, plaintext=MATERIAL)
    second = an_imported_key(alice, plaintext=MATERIAL)
    raw = bytearray(base64.b64decode(encrypt(alice, first)))

    raw[4:20] = base64.b64decode(encrypt(alice, second))[4:20]

    with refused(errors.CIPHER_TEXT_INVALID):
        decrypt(alice, b64(bytes(raw)))


@pytest.mark.parametrize(
    ("leave", "code"), [(disable, errors.KEY_DISABLED), (schedule_deletion, errors.KEY_PENDING_DELETION)]
)
def test_material_kept_in_memory_does_not_outlive_the_state(alice, key, leave, code):
    cipher_text = encrypt(alice, key)
    assert decrypt(alice, cipher_text)["plain_text"] == "a text"

    leave(alice, key)

    with refused(code):
        decrypt(alice, cipher_text)


def test_opened_material_does_not_show_itself(alice, key):
    opened = material.open_version(key)

    assert repr(opened.usable) not in repr(opened)


# --- RSA ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["kms", "external"])
def rsa_key(request, alice):
    make = a_key if request.param == "kms" else an_imported_key
    return make(alice, "RSA_2048", key_usage="ENCRYPT_DECRYPT")


@pytest.mark.parametrize(("algorithm", "limit"), [("RSAES_OAEP_SHA_256", 190), ("RSAES_OAEP_SHA_1", 214)])
def test_an_rsa_key_takes_as_much_as_oaep_does(alice, rsa_key, algorithm, limit):
    cipher_text = encrypt(alice, rsa_key, "x" * limit, encryption_algorithm=algorithm)

    answer = decrypt(alice, cipher_text, key_id=rsa_key.key_id, encryption_algorithm=algorithm)
    assert answer["plain_text"] == "x" * limit
    with refused(errors.RSA_PLAIN_TEXT_TOO_LONG, field="plain_text", hint=str(limit)):
        encrypt(alice, rsa_key, "x" * (limit + 1), encryption_algorithm=algorithm)


@pytest.mark.parametrize(("spec", "limits"), {"RSA_3072": (318, 342), "RSA_4096": (446, 470)}.items())
def test_longer_keys_take_more_and_its_owner_opens_it_elsewhere(alice, spec, limits):
    key = an_imported_key(alice, spec, key_usage="ENCRYPT_DECRYPT")

    for algorithm, limit in zip(OAEP, limits, strict=True):
        cipher_text = encrypt(alice, key, "x" * limit, encryption_algorithm=algorithm)

        fields = {"key_id": key.key_id, "encryption_algorithm": algorithm}
        assert decrypt(alice, cipher_text, **fields)["plain_text"] == "x" * limit
        assert private_key(spec).decrypt(base64.b64decode(cipher_text), OAEP[algorithm]) == b"x" * limit
        outside = private_key(spec).public_key().encrypt(b"made elsewhere", OAEP[algorithm])
        assert decrypt(alice, b64(outside), **fields)["plain_text"] == "made elsewhere"
        with refused(errors.RSA_PLAIN_TEXT_TOO_LONG, field="plain_text", hint=str(limit)):
            encrypt(alice, key, "x" * (limit + 1), encryption_algorithm=algorithm)


@pytest.mark.parametrize("algorithm", [None, "", "SYMMETRIC_DEFAULT", "RSAES_PKCS1_V1_5", "any"])
def test_an_rsa_key_must_be_told_its_algorithm(alice, rsa_key, algorithm):
    with refused(errors.RSA_ALGORITHM, field="encryption_algorithm"):
        encrypt(alice, rsa_key, encryption_algorithm=algorithm)


def test_an_rsa_ciphertext_needs_its_key_named(alice, rsa_key):
    cipher_text = encrypt(alice, rsa_key, encryption_algorithm="RSAES_OAEP_SHA_256")

    with refused(errors.CIPHER_TEXT_INVALID):
        decrypt(alice, cipher_text, encryption_algorithm="RSAES_OAEP_SHA_256")


def test_rsa_ciphertexts_fail_alike_whatever_is_wrong(alice, rsa_key):
    cipher_text = encrypt(alice, rsa_key, encryption_algorithm="RSAES_OAEP_SHA_256")
    raw = base64.b64decode(cipher_text)
    wrong = [raw[:-1], raw + b"\0", bytes(256), b"\xff" * 256, secrets.token_bytes(256), bytes([raw[0] ^ 1]) + raw[1:]]
    hints = set()

    for mutant in wrong:
        with pytest.raises(KmsError) as caught:
            decrypt(alice, b64(mutant), key_id=rsa_key.key_id, encryption_algorithm="RSAES_OAEP_SHA_256")
        assert caught.value.code is errors.CIPHER_TEXT_INVALID
        hints.add(str(caught.value.hint))
    with refused(errors.CIPHER_TEXT_INVALID):
        decrypt(alice, cipher_text, key_id=rsa_key.key_id, encryption_algorithm="RSAES_OAEP_SHA_1")

    assert len(hints) == 1


def test_a_ciphertext_made_elsewhere_with_the_public_key_opens_even_if_it_is_no_text(alice):
    key = an_imported_key(alice, "RSA_2048", key_usage="ENCRYPT_DECRYPT")
    cipher_text = b64(private_key("RSA_2048").public_key().encrypt(b"\xff\xfe", OAEP["RSAES_OAEP_SHA_256"]))

    answer = decrypt(alice, cipher_text, key_id=key.key_id, encryption_algorithm="RSAES_OAEP_SHA_256")

    assert (answer["plain_text"], answer["plain_text_base64"]) == ("", b64(b"\xff\xfe"))


@pytest.mark.parametrize("context", [{"encryption_context": {"a": "b"}}, {"additional_authenticated_data": "any"}])
def test_an_rsa_key_refuses_the_context_that_it_cannot_bind(alice, rsa_key, context):
    cipher_text = encrypt(alice, rsa_key, encryption_algorithm="RSAES_OAEP_SHA_256")
    known = {"key_id": rsa_key.key_id, "encryption_algorithm": "RSAES_OAEP_SHA_256"}

    with refused(errors.PARAMETER_INVALID, field=next(iter(context))):
        encrypt(alice, rsa_key, encryption_algorithm="RSAES_OAEP_SHA_256", **context)
    with refused(errors.PARAMETER_INVALID, field=next(iter(context))):
        decrypt(alice, cipher_text, **known, **context)
    assert decrypt(alice, cipher_text, **known, **dict.fromkeys(context, ""))["plain_text"] == "a text"


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1", "any"])
def test_an_aes_key_has_no_rsa_algorithm(alice, key, algorithm):
    with refused(errors.SYMMETRIC_ALGORITHM, field="encryption_algorithm"):
        encrypt(alice, key, encryption_algorithm=algorithm)


@pytest.mark.parametrize("algorithm", [None, "", "SYMMETRIC_DEFAULT"])
def test_an_aes_key_needs_no_algorithm(alice, key, algorithm):
    assert decrypt(alice, encrypt(alice, key, encryption_algorithm=algorithm))["plain_text"] == "a text"


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("RSA_2048", errors.KEY_IS_FOR_SIGNING),
        ("EC_P256", errors.EC_CANNOT_ENCRYPT),
        ("HMAC_256", errors.HMAC_UNSUPPORTED),
    ],
)
def test_keys_for_other_uses_do_not_encrypt(alice, spec, code):
    key = a_key(alice, spec)

    with refused(code):
        encrypt(alice, key, encryption_algorithm="RSAES_OAEP_SHA_256")


# --- cost ---------------------------------------------------------------------------------------------------------


def test_encrypting_and_decrypting_cost_at_most_three_queries(alice, key, django_assert_max_num_queries):
    cipher_text = encrypt(alice, key)

    with django_assert_max_num_queries(3):
        encrypt(alice, key)
    with django_assert_max_num_queries(3):
        decrypt(alice, cipher_text)

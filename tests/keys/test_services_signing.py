"""sign, verify and get-publickey: with imported keys as with generated ones, and checked outside of the product."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from keys.api.signing import GET_PUBLICKEY, SIGN, VERIFY
from operations import errors
from operations.perform import perform
from tests.kmscrypto import keys as private_keys
from tests.operations.stage import a_key, an_empty_key, an_imported_key, b64, disable, private_key, refused

MESSAGE = b"the message"
HASHES = {"SHA_256": hashes.SHA256(), "SHA_384": hashes.SHA384(), "SHA_512": hashes.SHA512()}
RSA = [f"{scheme}_{digest}" for scheme in ("RSASSA_PSS", "RSASSA_PKCS1_V1_5") for digest in HASHES]
FITTING = {"RSA_2048": RSA, "EC_P256": ["ECDSA_SHA_256"], "EC_P384": ["ECDSA_SHA_384"]}
EVERY = [(spec, algorithm) for spec, algorithms in FITTING.items() for algorithm in algorithms]


def digest(algorithm):
    return hashlib.new(algorithm[-7:].replace("_", ""), MESSAGE).digest()


def sign(caller, key, algorithm, message=MESSAGE, message_type="RAW"):
    fields = {"key_id": key.key_id, "signing_algorithm": algorithm, "message": b64(message)}
    if message_type:
        fields["message_type"] = message_type
    return SIGN.respond(perform(SIGN, caller, fields))["signature"]


def verify(caller, key, algorithm, signature, message=MESSAGE, message_type="RAW"):
    fields = {
        "key_id": key.key_id,
        "signing_algorithm": algorithm,
        "message": b64(message),
        "message_type": message_type,
        "signature": signature,
    }
    return VERIFY.respond(perform(VERIFY, caller, fields))["signature_valid"]


def public_key(caller, key):
    return GET_PUBLICKEY.respond(perform(GET_PUBLICKEY, caller, {"key_id": key.key_id}))["public_key"]


def verify_outside(pem, algorithm, signature, message=MESSAGE):
    """By the library alone, with nothing of ours but the PEM. Raises InvalidSignature."""
    import base64

    public, hash_ = load_pem_public_key(pem.encode()), HASHES[algorithm[-7:]]
    raw = base64.b64decode(signature, validate=True)
    if algorithm.startswith("ECDSA"):
        public.verify(raw, message, ec.ECDSA(hash_))
    elif "PSS" in algorithm:
        pss = padding.PSS(mgf=padding.MGF1(hash_), salt_length=hash_.digest_size)
        public.verify(raw, message, pss, hash_)
    else:
        public.verify(raw, message, padding.PKCS1v15(), hash_)


@pytest.fixture(params=["kms", "external"])
def make(request):
    return a_key if request.param == "kms" else an_imported_key


@pytest.mark.parametrize(("spec", "algorithm"), EVERY)
def test_a_signature_verifies_here_and_elsewhere(alice, make, spec, algorithm):
    key = make(alice, spec)

    signature = sign(alice, key, algorithm)

    assert verify(alice, key, algorithm, signature) == "true"
    verify_outside(public_key(alice, key), algorithm, signature)
    with pytest.raises(InvalidSignature):
        verify_outside(public_key(alice, key), algorithm, signature, b"another message")


@pytest.mark.parametrize(("spec", "algorithm"), EVERY)
def test_a_digest_is_signed_as_the_message_is(alice, spec, algorithm):
    key = an_imported_key(alice, spec)

    signature = sign(alice, key, algorithm, digest(algorithm), "DIGEST")

    assert verify(alice, key, algorithm, signature) == "true"
    verify_outside(public_key(alice, key), algorithm, signature)


@pytest.mark.parametrize("spec", ["RSA_3072", "RSA_4096"])
def test_longer_rsa_keys_sign_with_every_algorithm(alice, spec):
    key = an_imported_key(alice, spec)
    pem = public_key(alice, key)

    for algorithm in RSA:
        for message, message_type in ((MESSAGE, "RAW"), (digest(algorithm), "DIGEST")):
            signature = sign(alice, key, algorithm, message, message_type)

            assert verify(alice, key, algorithm, signature, message, message_type) == "true"
            verify_outside(pem, algorithm, signature)


def test_a_digest_may_be_written_as_the_manual_writes_its_own(alice):
    """Its last letter has bits that padding leaves over, and they are not zero."""
    fields = {
        "message": "iNQmb9TmM40TuEX88olXnSCciXgjuSF9o+Fhk28DFYK=",
        "signing_algorithm": "RSASSA_PSS_SHA_256",
        "message_type": "DIGEST",
    }
    key = an_imported_key(alice, "RSA_2048")

    signature = SIGN.respond(perform(SIGN, alice, {"key_id": key.key_id, **fields}))["signature"]

    verified = perform(VERIFY, alice, {"key_id": key.key_id, "signature": signature, **fields})
    assert verified.signature_valid


def test_digest_is_the_default(alice):
    key = an_imported_key(alice, "EC_P256")

    signature = sign(alice, key, "ECDSA_SHA_256", digest("ECDSA_SHA_256"), message_type=None)

    assert verify(alice, key, "ECDSA_SHA_256", signature) == "true"


@pytest.mark.parametrize(("spec", "algorithm"), EVERY)
@pytest.mark.parametrize("size", [20, 31, 33, 47, 49, 63, 65])
def test_a_digest_must_have_the_length_of_its_hash(alice, spec, algorithm, size):
    key = an_imported_key(alice, spec)

    with refused(errors.DIGEST_LENGTH, field="message", hint=str(size)):
        sign(alice, key, algorithm, bytes(size), "DIGEST")
    with refused(errors.DIGEST_LENGTH, field="message"):
        verify(alice, key, algorithm, "AAAA", bytes(size), "DIGEST")


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        ("EC_P256", "ECDSA_SHA_384"),
        ("EC_P384", "ECDSA_SHA_256"),
        ("EC_P256", "ECDSA_SHA_512"),
        ("EC_P256", "RSASSA_PSS_SHA_256"),
        ("RSA_2048", "ECDSA_SHA_256"),
        ("RSA_2048", "RSASSA_PSS_SHA_1"),
        ("RSA_2048", "SM2DSA_SM3"),
    ],
)
def test_an_algorithm_that_does_not_fit_the_key_is_refused(alice, spec, algorithm):
    key = an_imported_key(alice, spec)

    with refused(errors.SIGNING_ALGORITHM, field="signing_algorithm"):
        sign(alice, key, algorithm)
    with refused(errors.SIGNING_ALGORITHM, field="signing_algorithm"):
        verify(alice, key, algorithm, "AAAA")


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", "AAA", b64(bytes(64)), b64(bytes(256)), "ü"])
@pytest.mark.parametrize(("spec", "algorithm"), [("RSA_2048", "RSASSA_PSS_SHA_256"), ("EC_P256", "ECDSA_SHA_256")])
def test_a_malformed_signature_is_an_answer_and_no_error(alice, spec, algorithm, signature):
    assert verify(alice, an_imported_key(alice, spec), algorithm, signature) == "false"


@pytest.mark.parametrize("signature", [None, 7, ["AAAA"]])
def test_what_is_no_text_is_no_signature_at_all(alice, signature):
    expected = errors.PARAMETER_MISSING if signature is None else errors.PARAMETER_INVALID

    with refused(expected, field="signature"):
        verify(alice, an_imported_key(alice, "EC_P256"), "ECDSA_SHA_256", signature)


def test_a_signature_of_another_message_key_or_algorithm_is_false(alice):
    key, other = an_imported_key(alice, "RSA_2048"), a_key(alice, "RSA_2048")
    signature = sign(alice, key, "RSASSA_PSS_SHA_256")

    assert verify(alice, key, "RSASSA_PSS_SHA_256", signature, b"other") == "false"
    assert verify(alice, key, "RSASSA_PKCS1_V1_5_SHA_256", signature) == "false"
    assert verify(alice, key, "RSASSA_PSS_SHA_384", signature) == "false"
    assert verify(alice, other, "RSASSA_PSS_SHA_256", signature) == "false"


def test_the_public_key_of_imported_material_is_the_importers(alice):
    key = an_imported_key(alice, "EC_P384")

    pem = public_key(alice, key)

    assert pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert load_pem_public_key(pem.encode()) == private_key("EC_P384").public_key()


def test_an_imported_key_verifies_what_its_owner_signed_elsewhere(alice):
    key = an_imported_key(alice, "EC_P256")

    outside = private_key("EC_P256").sign(digest("ECDSA_SHA_256"), ec.ECDSA(Prehashed(hashes.SHA256())))

    assert verify(alice, key, "ECDSA_SHA_256", b64(outside)) == "true"


@pytest.mark.parametrize("message", ["", "not base64", "AAA", b64(bytes(4097)), 7])
def test_a_message_is_base64_of_1_to_4096_bytes(alice, message):
    key = an_imported_key(alice, "EC_P256")

    with refused(errors.PARAMETER_INVALID, field="message"):
        perform(SIGN, alice, {"key_id": key.key_id, "signing_algorithm": "ECDSA_SHA_256", "message": message})


@pytest.mark.parametrize(
    ("spec", "usage", "code"),
    [
        ("AES_256", None, errors.SYMMETRIC_CANNOT_SIGN),
        ("RSA_2048", "ENCRYPT_DECRYPT", errors.KEY_IS_FOR_ENCRYPTION),
        ("HMAC_256", None, errors.HMAC_UNSUPPORTED),
    ],
)
def test_keys_for_other_uses_do_not_sign(alice, spec, usage, code):
    key = a_key(alice, spec, key_usage=usage)

    with refused(code):
        sign(alice, key, "RSASSA_PSS_SHA_256")
    with refused(code):
        verify(alice, key, "RSASSA_PSS_SHA_256", "AAAA")


@pytest.mark.parametrize(
    ("spec", "code"), [("AES_256", errors.SYMMETRIC_UNSUPPORTED), ("HMAC_256", errors.HMAC_UNSUPPORTED)]
)
def test_symmetric_keys_have_no_public_half(alice, spec, code):
    with refused(code):
        public_key(alice, a_key(alice, spec))


def test_an_rsa_key_for_encryption_shows_its_public_half(alice):
    key = an_imported_key(alice, "RSA_2048", key_usage="ENCRYPT_DECRYPT")

    public = load_pem_public_key(public_key(alice, key).encode())

    assert private_keys.spki(private_key("RSA_2048")) == public.public_bytes(
        private_keys.Encoding.DER, private_keys.PublicFormat.SubjectPublicKeyInfo
    )


def test_neither_a_disabled_nor_an_empty_key_signs_verifies_or_shows_its_public_half(alice):
    disabled, empty = an_imported_key(alice, "EC_P256"), an_empty_key(alice, "EC_P256")
    disable(alice, disabled)

    for key, code in ((disabled, errors.KEY_DISABLED), (empty, errors.NOT_ENABLED)):
        with refused(code):
            sign(alice, key, "ECDSA_SHA_256")
        with refused(code):
            verify(alice, key, "ECDSA_SHA_256", "AAAA")
        with refused(code):
            public_key(alice, key)


def test_signing_costs_at_most_three_queries(alice, django_assert_max_num_queries):
    key = an_imported_key(alice, "EC_P256")
    sign(alice, key, "ECDSA_SHA_256")

    with django_assert_max_num_queries(3):
        sign(alice, key, "ECDSA_SHA_256")

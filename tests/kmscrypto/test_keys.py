"""The table of keys, making them, loading them, and what each may do (api.md 2, SEC-016)."""

import dataclasses
import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from kmscrypto import ec, hmac, material, rsa, signing
from kmscrypto.errors import DecryptionFailed, DigestLength, MessageTooLong, PairwiseTestFailed, UnsupportedAlgorithm
from kmscrypto.specs import SPECS, EncryptionAlgorithm, Family, SigningAlgorithm, Usage
from tests.kmscrypto import keys

MESSAGE = b"message"
KEYS = {name: material.generate(row) for name, row in SPECS.items() if name not in ("RSA_3072", "RSA_4096")}
SIGNING = [name for name in KEYS if SPECS[name].is_asymmetric]


def loaded(name):
    return material.load(SPECS[name], KEYS[name])


def test_the_table_is_the_documented_one():
    assert {row.name: (row.family, row.bits, row.usages, row.importable) for row in SPECS.values()} == {
        "AES_256": (Family.AES, 256, (Usage.ENCRYPT_DECRYPT,), True),
        "HMAC_256": (Family.HMAC, 256, (Usage.GENERATE_VERIFY_MAC,), False),
        "HMAC_384": (Family.HMAC, 384, (Usage.GENERATE_VERIFY_MAC,), False),
        "HMAC_512": (Family.HMAC, 512, (Usage.GENERATE_VERIFY_MAC,), False),
        "RSA_2048": (Family.RSA, 2048, (Usage.SIGN_VERIFY, Usage.ENCRYPT_DECRYPT), True),
        "RSA_3072": (Family.RSA, 3072, (Usage.SIGN_VERIFY, Usage.ENCRYPT_DECRYPT), True),
        "RSA_4096": (Family.RSA, 4096, (Usage.SIGN_VERIFY, Usage.ENCRYPT_DECRYPT), True),
        "EC_P256": (Family.EC, 256, (Usage.SIGN_VERIFY,), True),
        "EC_P384": (Family.EC, 384, (Usage.SIGN_VERIFY,), True),
    }
    assert [row.default_usage for row in SPECS.values()].count(Usage.SIGN_VERIFY) == 5
    assert SPECS["HMAC_384"].mac_algorithm == "HMAC_SHA_384"
    assert SPECS["EC_P384"].signing_algorithms == ("ECDSA_SHA_384",)
    assert len(SPECS["RSA_3072"].signing_algorithms) == 6


def test_the_table_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SPECS["AES_256"].bits = 128


@pytest.mark.parametrize("name", KEYS)
def test_generated_material_is_fresh_and_of_its_size(name):
    key_spec = SPECS[name]
    other = material.generate(key_spec)

    assert other != KEYS[name]
    assert not material.is_degenerate(other)
    if key_spec.is_asymmetric:
        assert load_der_private_key(other, None).key_size == key_spec.bits
    else:
        assert len(other) == key_spec.material_bytes == key_spec.bits // 8
        assert material.public_der(key_spec, other) is None


@pytest.mark.parametrize("name", SIGNING)
def test_loading_gives_the_key_that_was_stored(name):
    key_spec = SPECS[name]
    public = material.public_der(key_spec, KEYS[name])

    assert material.private_der(loaded(name)) == KEYS[name]
    assert material.load_public(key_spec, public) == loaded(name).public_key()


def test_material_of_another_spec_does_not_load():
    for name, stored in KEYS.items():
        for other in set(KEYS) - {name}:
            if {name, other} != {"AES_256", "HMAC_256"}:  # 32 bytes tell nothing; what seals them names the spec
                with pytest.raises(ValueError):
                    material.load(SPECS[other], stored)
    with pytest.raises(ValueError, match="EC_P384"):
        material.load_public(SPECS["EC_P384"], material.public_der(SPECS["EC_P256"], KEYS["EC_P256"]))


@given(st.integers(0, 255), st.integers(0, 64))
def test_constant_bytes_are_degenerate(byte, length):
    assert material.is_degenerate(bytes([byte]) * length)
    assert not material.is_degenerate(bytes([byte]) * (length + 1) + bytes([byte ^ 1]))


# -- Signatures ----------------------------------------------------------------------------------------------------


def pairs():
    return [(name, algorithm) for name in SIGNING for algorithm in SPECS[name].signing_algorithms]


@pytest.mark.parametrize(("name", "algorithm"), pairs())
def test_a_signature_verifies_over_message_or_digest(name, algorithm):
    key_spec, key = SPECS[name], loaded(name)
    public = material.load_public(key_spec, material.public_der(key_spec, KEYS[name]))
    digest = hashlib.new(algorithm.hash.name, MESSAGE).digest()

    for message, is_digest in ((MESSAGE, False), (digest, True)):
        signature = signing.sign(key_spec, key, str(algorithm), message, is_digest=is_digest)
        assert signing.verify(key_spec, key, str(algorithm), MESSAGE, signature, is_digest=False)
        assert signing.verify(key_spec, public, algorithm, digest, signature, is_digest=True)
        assert not signing.verify(key_spec, public, algorithm, MESSAGE + b"!", signature, is_digest=False)


@pytest.mark.parametrize(("name", "algorithm"), pairs())
def test_a_signature_is_of_one_algorithm_only(name, algorithm):
    key_spec, key = SPECS[name], loaded(name)
    signature = signing.sign(key_spec, key, algorithm, MESSAGE, is_digest=False)

    for other in set(key_spec.signing_algorithms) - {algorithm}:
        assert not signing.verify(key_spec, key, other, MESSAGE, signature, is_digest=False)


@pytest.mark.parametrize(("name", "algorithm"), pairs())
def test_a_digest_of_another_length_is_refused(name, algorithm):
    wrong = bytes(algorithm.hash.digest_size - 1)

    with pytest.raises(DigestLength) as refusal:
        signing.sign(SPECS[name], loaded(name), algorithm, wrong, is_digest=True)
    assert refusal.value.expected_bytes == algorithm.hash.digest_size
    with pytest.raises(DigestLength):
        signing.verify(SPECS[name], loaded(name), algorithm, wrong, b"signature", is_digest=True)


@pytest.mark.parametrize("name", KEYS)
def test_an_algorithm_that_does_not_fit_the_key_is_refused(name):
    fitting = set(SPECS[name].signing_algorithms)

    for algorithm in (set(SigningAlgorithm) | {"ECDSA_SHA_512", "SM2DSA_SM3", ""}) - fitting:
        with pytest.raises(UnsupportedAlgorithm):
            signing.sign(SPECS[name], loaded(name), algorithm, MESSAGE, is_digest=False)
        with pytest.raises(UnsupportedAlgorithm):
            signing.verify(SPECS[name], loaded(name), algorithm, MESSAGE, b"", is_digest=False)


def test_each_family_also_refuses_for_itself():
    for family, name, algorithm in (
        (ec, "EC_P256", "ECDSA_SHA_384"),
        (ec, "EC_P384", "ECDSA_SHA_256"),
        (rsa, "RSA_2048", "ECDSA_SHA_256"),
    ):
        with pytest.raises(UnsupportedAlgorithm):
            family.sign(loaded(name), algorithm, MESSAGE, is_digest=False)
        with pytest.raises(UnsupportedAlgorithm):
            family.verify(loaded(name), algorithm, MESSAGE, b"", is_digest=False)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_other_bytes_are_a_false_signature(signature):
    for name, algorithm in pairs():
        assert signing.verify(SPECS[name], loaded(name), algorithm, MESSAGE, signature, is_digest=False) is False


def test_every_flipped_bit_of_a_signature_makes_it_false():
    for name in ("RSA_2048", "EC_P256"):
        algorithm = SPECS[name].signing_algorithms[0]
        signature = signing.sign(SPECS[name], loaded(name), algorithm, MESSAGE, is_digest=False)
        for position in range(8 * len(signature)):
            flipped = bytearray(signature)
            flipped[position // 8] ^= 1 << position % 8
            assert not signing.verify(SPECS[name], loaded(name), algorithm, MESSAGE, bytes(flipped), is_digest=False)


def test_a_key_that_does_not_match_itself_fails_the_pairwise_test():
    numbers = loaded("RSA_2048").private_numbers()
    wrong = type(numbers)(
        numbers.p, numbers.q, numbers.d + 2, numbers.dmp1 + 2, numbers.dmq1 + 2, numbers.iqmp, numbers.public_numbers
    ).private_key(unsafe_skip_rsa_key_validation=True)

    rsa.pairwise_test(loaded("RSA_2048"))
    with pytest.raises(PairwiseTestFailed):
        rsa.pairwise_test(wrong)


# -- RSA encryption ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "limits"), [("RSAES_OAEP_SHA_256", (190, 318, 446)), ("RSAES_OAEP_SHA_1", (214, 342, 470))]
)
def test_rsa_takes_as_many_bytes_as_documented(algorithm, limits):
    assert tuple(rsa.max_plaintext(bits, algorithm) for bits in (2048, 3072, 4096)) == limits

    key = loaded("RSA_2048")
    for plaintext in (b"", bytes(limits[0])):
        assert rsa.decrypt(key, algorithm, rsa.encrypt(key.public_key(), algorithm, plaintext)) == plaintext
        assert rsa.decrypt(key, algorithm, rsa.encrypt(key, algorithm, plaintext)) == plaintext
    with pytest.raises(MessageTooLong) as refusal:
        rsa.encrypt(key, algorithm, bytes(limits[0] + 1))
    assert refusal.value.limit_bytes == limits[0]


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.binary(min_size=256, max_size=256)))
def test_arbitrary_rsa_ciphertexts_give_the_one_error(ciphertext):
    with pytest.raises(DecryptionFailed):
        rsa.decrypt(keys.rsa_key(), EncryptionAlgorithm.RSAES_OAEP_SHA_256, ciphertext)


def test_rsa_knows_no_other_encryption():
    for algorithm in ("SYMMETRIC_DEFAULT", "RSAES_PKCS1_V1_5"):
        with pytest.raises(UnsupportedAlgorithm):
            rsa.encrypt(keys.rsa_key(), algorithm, b"x")
        with pytest.raises(UnsupportedAlgorithm):
            rsa.decrypt(keys.rsa_key(), algorithm, bytes(256))


# -- MAC -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [256, 384, 512])
def test_only_the_whole_mac_verifies(bits):
    key_spec, key = SPECS[f"HMAC_{bits}"], KEYS[f"HMAC_{bits}"]
    mac = hmac.generate_mac(key, key_spec.mac_algorithm, MESSAGE)

    assert len(mac) == bits // 8
    assert hmac.verify_mac(key, key_spec.mac_algorithm, MESSAGE, mac)
    for wrong in (mac[:-1], mac[:1], b"", mac + b"\0", bytes(len(mac)), mac[::-1]):
        assert not hmac.verify_mac(key, key_spec.mac_algorithm, MESSAGE, wrong)
    assert not hmac.verify_mac(key, key_spec.mac_algorithm, MESSAGE + b"!", mac)


def test_an_unknown_mac_algorithm_is_refused():
    with pytest.raises(UnsupportedAlgorithm):
        hmac.generate_mac(bytes(32), "HMAC_SM3", MESSAGE)

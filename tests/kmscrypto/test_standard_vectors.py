"""The standards' own answers, through our own functions."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec as library_ec
from cryptography.hazmat.primitives.asymmetric import rsa as library_rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from kmscrypto import aes, ec, hmac, rsa, signing, specs, wrapping
from kmscrypto.errors import DecryptionFailed, KeyUnwrapFailed, UnwrapFailed
from kmscrypto.specs import SPECS
from tests.kmscrypto import keys
from tests.kmscrypto.standards import LIBRARY, labelled, nist, wycheproof

HASHES = {"SHA256": "SHA_256", "SHA384": "SHA_384", "SHA512": "SHA_512"}


@pytest.mark.parametrize("bits", [128, 256])
def test_kwp_agrees_with_sp_800_38f(bits):
    wrapped = list(nist(f"keywrap/kwtestvectors/KWP_AE_{bits}.txt"))
    opened = list(nist(f"keywrap/kwtestvectors/KWP_AD_{bits}.txt"))
    assert len(wrapped) == len(opened) == 500
    assert 50 < sum("FAIL" in case for case in opened) < 450

    for case in wrapped:
        key, plaintext, ciphertext = (bytes.fromhex(case[name]) for name in ("K", "P", "C"))
        assert wrapping.wrap_private_key(key, plaintext) == ciphertext
        assert wrapping.unwrap_private_key(key, ciphertext) == plaintext
    for case in opened:
        key, ciphertext = bytes.fromhex(case["K"]), bytes.fromhex(case["C"])
        if "FAIL" in case:
            with pytest.raises(KeyUnwrapFailed):
                wrapping.unwrap_private_key(key, ciphertext)
        else:
            assert wrapping.unwrap_private_key(key, ciphertext) == bytes.fromhex(case["P"])


def test_kwp_agrees_with_rfc_5649():
    # Both examples of §6 use a 192-bit key, which may wrap but is not a temporary key we accept.
    examples = [case for case in nist("keywrap/kwp_botan.txt") if case["Key"].startswith("5840df6e")]
    assert len(examples) == 2

    for case in examples:
        key, plaintext, ciphertext = (bytes.fromhex(case[name]) for name in ("Key", "Input", "Output"))
        assert wrapping.wrap_private_key(key, plaintext) == ciphertext
        with pytest.raises(KeyUnwrapFailed):
            wrapping.unwrap_private_key(key, ciphertext)


def test_kwp_agrees_with_wycheproof():
    seen = set()
    for _, case in wycheproof("aes_kwp"):
        key, plaintext, ciphertext = (bytes.fromhex(case[name]) for name in ("key", "msg", "ct"))
        if len(key) == 24:
            continue
        seen.add(case["result"])
        if case["result"] == "invalid":
            with pytest.raises(KeyUnwrapFailed):
                wrapping.unwrap_private_key(key, ciphertext)
        else:
            assert wrapping.unwrap_private_key(key, ciphertext) == plaintext
    assert seen >= {"valid", "invalid"}


def test_a_key_wrapped_without_padding_as_in_rfc_3394_is_refused():
    # AES-KW has another initial value: a common mistake, which must not pass for AES-KWP.
    cases = list(nist("keywrap/kwtestvectors/KW_AE_256.txt"))
    assert len(cases) == 500

    for case in cases:
        with pytest.raises(KeyUnwrapFailed):
            wrapping.unwrap_private_key(bytes.fromhex(case["K"]), bytes.fromhex(case["C"]))


def test_gcm_encrypts_as_nist_says():
    cases = [
        case
        for case in nist("ciphers/AES/GCM/gcmEncryptExtIV256.rsp")
        if case["section"]["IVlen"] == "96" and case["section"]["Taglen"] == "128"
    ]
    assert len(cases) > 300

    for case in cases:
        key, nonce, plaintext, aad, ciphertext, tag = (
            bytes.fromhex(case[name]) for name in ("Key", "IV", "PT", "AAD", "CT", "Tag")
        )
        assert aes.gcm_encrypt(key, nonce, plaintext, aad) == ciphertext + tag


def test_gcm_decrypts_and_refuses_as_nist_says():
    cases = [
        case
        for case in nist("ciphers/AES/GCM/gcmDecrypt256.rsp")
        if case["section"]["IVlen"] == "96" and case["section"]["Taglen"] == "128"
    ]
    assert 50 < sum("FAIL" in case for case in cases) < len(cases) - 50

    for case in cases:
        key, nonce, ciphertext, aad, tag = (bytes.fromhex(case[name]) for name in ("Key", "IV", "CT", "AAD", "Tag"))
        if "FAIL" in case:
            with pytest.raises(DecryptionFailed):
                aes.gcm_decrypt(key, nonce, ciphertext + tag, aad)
        else:
            assert aes.gcm_decrypt(key, nonce, ciphertext + tag, aad) == bytes.fromhex(case["PT"])


def test_cmac_agrees_with_sp_800_38b():
    cases = list(nist("CMAC/nist-800-38b-aes256.txt"))
    assert len(cases) >= 4

    for case in cases:
        assert aes.cmac(bytes.fromhex(case["KEY"]), bytes.fromhex(case["MESSAGE"])).hex() == case["OUTPUT"]


@pytest.mark.parametrize("bits", [256, 384, 512])
def test_hmac_agrees_with_rfc_4231(bits):
    algorithm = f"HMAC_SHA_{bits}"
    cases = list(nist(f"HMAC/rfc-4231-sha{bits}.txt"))
    assert len(cases) >= 5

    for case in cases:
        key, message, mac = (bytes.fromhex(case[name]) for name in ("Key", "Msg", "MD"))
        assert hmac.generate_mac(key, algorithm, message) == mac
        assert hmac.verify_mac(key, algorithm, message, mac)
        assert not hmac.verify_mac(key, algorithm, message, mac[:-1])
        assert not hmac.verify_mac(key, algorithm, message, mac[:16])


def oaep_files():
    """(private key DER, plaintext, ciphertext) of the two OAEP files we have an algorithm for."""
    for algorithm, path in (
        ("RSAES_OAEP_SHA_1", "asymmetric/RSA/pkcs-1v2-1d2-vec/oaep-vect.txt"),
        ("RSAES_OAEP_SHA_256", "asymmetric/RSA/oaep-custom/oaep-sha256-sha256.txt"),
    ):
        numbers, message, key = {}, None, None
        for label, value in labelled(path):
            if label.startswith(("Modulus", "Public exponent", "Exponent", "Prime", "Coefficient")):
                numbers[label] = int.from_bytes(value)
            if label.startswith("Coefficient"):
                key = library_rsa.RSAPrivateNumbers(
                    p=numbers["Prime 1"],
                    q=numbers["Prime 2"],
                    d=numbers["Exponent"],
                    dmp1=numbers["Prime exponent 1"],
                    dmq1=numbers["Prime exponent 2"],
                    iqmp=numbers["Coefficient"],
                    public_numbers=library_rsa.RSAPublicNumbers(numbers["Public exponent"], numbers["Modulus"]),
                ).private_key(unsafe_skip_rsa_key_validation=True)
            if label.startswith("Message"):
                message = value
            if label.startswith("Encryption"):
                yield algorithm, key, message, value


def test_oaep_opens_what_the_standard_wrapped():
    cases = list(oaep_files())
    assert len(cases) >= 100

    for algorithm, key, plaintext, ciphertext in cases:
        assert wrapping.unwrap(keys.der(key), algorithm, ciphertext) == plaintext
        assert rsa.decrypt(key, algorithm, ciphertext) == plaintext
        (other,) = set(specs.OAEP_HASHES) - {algorithm}
        with pytest.raises(DecryptionFailed):
            rsa.decrypt(key, other, ciphertext)


def test_oaep_agrees_with_wycheproof():
    verdicts = []
    for group, case in wycheproof("rsa_oaep_2048_sha256_mgf1sha256"):
        private, ciphertext = bytes.fromhex(group["privateKeyPkcs8"]), bytes.fromhex(case["ct"])
        # Our label is always empty, so what was made with another label must not open.
        if case["result"] == "valid" and not case["label"]:
            assert wrapping.unwrap(private, "RSAES_OAEP_SHA_256", ciphertext) == bytes.fromhex(case["msg"])
            verdicts.append(True)
        elif case["result"] != "acceptable":
            with pytest.raises(UnwrapFailed):
                wrapping.unwrap(private, "RSAES_OAEP_SHA_256", ciphertext)
            verdicts.append(False)
    assert verdicts.count(True) > 5
    assert verdicts.count(False) > 5


@pytest.mark.parametrize(("section", "name"), [("P-256,SHA-256", "EC_P256"), ("P-384,SHA-384", "EC_P384")])
def test_ecdsa_verifies_as_fips_186_says(section, name):
    key_spec = SPECS[name]
    (algorithm,) = key_spec.signing_algorithms
    cases = [case for case in nist("asymmetric/ECDSA/FIPS_186-3/SigVer.rsp") if section in case["section"]]
    assert len(cases) == 15

    for case in cases:
        qx, qy, r, s = (int(case[part], 16) for part in ("Qx", "Qy", "R", "S"))
        try:
            public = library_ec.EllipticCurvePublicNumbers(qx, qy, ec.CURVES[key_spec.bits]).public_key()
        except ValueError:
            assert case["Result"].startswith("F (4"), "only a changed point is off the curve"
            continue
        valid = signing.verify(
            key_spec, public, algorithm, bytes.fromhex(case["Msg"]), encode_dss_signature(r, s), is_digest=False
        )
        assert valid is case["Result"].startswith("P")


def test_ecdsa_verifies_the_signatures_of_rfc_6979():
    text = (LIBRARY / "asymmetric/ECDSA/RFC6979/evppkey_ecdsa_rfc6979.txt").read_text()
    verdicts = []
    for curve, digest, key_spec in (("P-256", "SHA256", SPECS["EC_P256"]), ("P-384", "SHA384", SPECS["EC_P384"])):
        pem = text.split(f"PublicKey={curve}_PUB\n")[1].split("\n\n")[0]
        public = load_pem_public_key(pem.encode())
        for block in text.split("\n\n"):
            if f"DigestVerify = {digest}\nKey = {curve}_PUB" not in block:
                continue
            fields = dict(line.split(" = ", 1) for line in block.splitlines() if " = " in line)
            message, signature = fields["Input"].strip('"').encode(), bytes.fromhex(fields["Output"])
            valid = signing.verify(
                key_spec, public, key_spec.signing_algorithms[0], message, signature, is_digest=False
            )
            assert valid is ("Result" not in fields)
            verdicts.append(valid)
    assert verdicts.count(True) >= 4
    assert verdicts.count(False) >= 4


@pytest.mark.parametrize(
    ("file", "key_spec", "algorithm"),
    [
        ("ecdsa_secp256r1_sha256", "EC_P256", "ECDSA_SHA_256"),
        ("rsa_pss_2048_sha256_mgf1_32", "RSA_2048", "RSASSA_PSS_SHA_256"),
        ("rsa_pss_2048_sha384_mgf1_48", "RSA_2048", "RSASSA_PSS_SHA_384"),
    ],
)
def test_signatures_agree_with_wycheproof(file, key_spec, algorithm):
    verdicts = []
    for group, case in wycheproof(file):
        public = load_der_public_key(bytes.fromhex(group["publicKeyDer"]))
        message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
        valid = signing.verify(SPECS[key_spec], public, algorithm, message, signature, is_digest=False)
        if case["result"] != "acceptable":
            assert valid is (case["result"] == "valid"), case["tcId"]
            verdicts.append(valid)
    assert verdicts.count(True) > 20
    assert verdicts.count(False) > 20


def rsa_signature_cases(path):
    n = None
    for case in nist(path):
        n = int(case["n"], 16) if "n" in case else n
        if "S" in case and case["SHAAlg"] in HASHES and n.bit_length() in (2048, 3072, 4096):
            public = library_rsa.RSAPublicNumbers(int(case["e"], 16), n).public_key()
            yield SPECS[f"RSA_{n.bit_length()}"], public, HASHES[case["SHAAlg"]], case


def test_pkcs1_signatures_verify_as_fips_186_says():
    verdicts = []
    for key_spec, public, digest, case in rsa_signature_cases("asymmetric/RSA/FIPS_186-2/SigVer15_186-3.rsp"):
        valid = signing.verify(
            key_spec,
            public,
            f"RSASSA_PKCS1_V1_5_{digest}",
            bytes.fromhex(case["Msg"]),
            bytes.fromhex(case["S"]),
            is_digest=False,
        )
        assert valid is case["Result"].startswith("P")
        verdicts.append(valid)
    assert verdicts.count(True) >= 9
    assert verdicts.count(False) >= 40


def test_a_pss_signature_with_another_salt_length_is_false():
    # All of NIST's have ten bytes of salt; ours is as long as the digest, and nothing else (SEC-015).
    cases = list(rsa_signature_cases("asymmetric/RSA/FIPS_186-2/SigVerPSS_186-3.rsp"))
    assert any(case["Result"].startswith("P") for _, _, _, case in cases)

    for key_spec, public, digest, case in cases:
        message, signature = bytes.fromhex(case["Msg"]), bytes.fromhex(case["S"])
        assert not signing.verify(key_spec, public, f"RSASSA_PSS_{digest}", message, signature, is_digest=False)

"""The same answers as the real `openssl` program, both ways, by the commands that the console shows."""

import secrets

import pytest

from kmscrypto import fingerprint, hmac, material, pkcs8, rsa, signing, wrapping
from kmscrypto.errors import InvalidPrivateKey, KeyUnwrapFailed
from kmscrypto.specs import SPECS, Scheme, SigningAlgorithm

ASYMMETRIC = [each.name for each in SPECS.values() if each.is_asymmetric]
OAEP = {"RSAES_OAEP_SHA_256": "sha256", "RSAES_OAEP_SHA_1": "sha1"}
MESSAGE = b"The quick brown fox jumps over the lazy dog"


def oaep_options(algorithm):
    return [
        *("-pkeyopt", "rsa_padding_mode:oaep"),
        *("-pkeyopt", f"rsa_oaep_md:{OAEP[algorithm]}"),
        *("-pkeyopt", f"rsa_mgf1_md:{OAEP[algorithm]}"),
    ]


def genpkey(openssl, name, *extra):
    family, size = name.split("_")
    options = ["RSA", "-pkeyopt", f"rsa_keygen_bits:{size}"] if family == "RSA" else ["EC", *curve(f"P-{size[1:]}")]
    openssl("genpkey", "-algorithm", *options, *extra, "-out", "key.pem")


def curve(name):
    return "-pkeyopt", f"ec_paramgen_curve:{name}"


def to_pkcs8(openssl, *options):
    openssl("pkcs8", "-topk8", *(options or ("-nocrypt",)), "-in", "key.pem", "-outform", "DER", "-out", "key.der")
    return openssl.at("key.der").read_bytes()


@pytest.mark.parametrize("algorithm", OAEP)
def test_material_wrapped_by_openssl_unwraps(openssl, algorithm):
    pair = wrapping.generate_wrapping_key()
    openssl.at("wrappingKey.bin").write_bytes(pair.public_der)
    plaintext = secrets.token_bytes(32)

    wrapped = openssl(
        *("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "wrappingKey.bin"),
        *oaep_options(algorithm),
        data=plaintext,
    )

    assert wrapping.unwrap(pair.private_der, algorithm, wrapped) == plaintext


@pytest.mark.parametrize("algorithm", OAEP)
def test_openssl_unwraps_our_material(openssl, algorithm):
    pair = wrapping.generate_wrapping_key()
    openssl.at("private.der").write_bytes(pair.private_der)
    plaintext = secrets.token_bytes(32)

    opened = openssl(
        *("pkeyutl", "-decrypt", "-keyform", "DER", "-inkey", "private.der"),
        *oaep_options(algorithm),
        data=wrapping.wrap(pair.public_der, algorithm, plaintext),
    )

    assert opened == plaintext


@pytest.mark.parametrize("algorithm", OAEP)
def test_the_longest_rsa_plaintext_decrypts_on_the_other_side(openssl, algorithm):
    private = material.generate(SPECS["RSA_2048"])
    key = material.load(SPECS["RSA_2048"], private)
    openssl.at("private.der").write_bytes(private)
    openssl.at("public.der").write_bytes(material.public_der(SPECS["RSA_2048"], private))
    plaintext = secrets.token_bytes(rsa.max_plaintext(2048, algorithm))
    options = ("-keyform", "DER", *oaep_options(algorithm))

    theirs = openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", "public.der", *options, data=plaintext)
    ours = rsa.encrypt(key, algorithm, plaintext)

    assert rsa.decrypt(key, algorithm, theirs) == plaintext
    assert openssl("pkeyutl", "-decrypt", "-inkey", "private.der", *options, data=ours) == plaintext


@pytest.mark.parametrize("name", ASYMMETRIC)
def test_a_private_key_made_and_wrapped_by_openssl_is_accepted(openssl, name):
    genpkey(openssl, name)
    private = to_pkcs8(openssl)
    temporary = secrets.token_bytes(32)

    wrap = ("enc", "-id-aes256-wrap-pad", "-K", temporary.hex(), "-iv", "A65959A6")
    wrapped = openssl(*wrap, "-in", "key.der")

    assert wrapped == wrapping.wrap_private_key(temporary, private)
    assert openssl(*wrap, "-d", data=wrapped) == private
    accepted = pkcs8.read_private_key(wrapping.unwrap_private_key(temporary, wrapped), SPECS[name])
    assert material.public_der(SPECS[name], accepted) == openssl("pkey", "-in", "key.pem", "-pubout", "-outform", "DER")


def test_a_wrap_with_another_initial_value_is_refused(openssl):
    # openssl exits 0 all the same, so the mistake only shows here.
    temporary = secrets.token_bytes(32)

    wrapped = openssl("enc", "-id-aes256-wrap-pad", "-K", temporary.hex(), "-iv", "A65959A7", data=bytes(64))

    with pytest.raises(KeyUnwrapFailed):
        wrapping.unwrap_private_key(temporary, wrapped)


def traditional(openssl, name):
    genpkey(openssl, name)
    return openssl("pkey", "-in", "key.pem", "-traditional", "-outform", "DER")


def of_curve(openssl, *options):
    openssl("genpkey", "-algorithm", "EC", *options, "-out", "key.pem")
    return to_pkcs8(openssl)


def of_algorithm(openssl, *options):
    openssl("genpkey", "-algorithm", *options, "-out", "key.pem")
    return to_pkcs8(openssl)


def dsa(openssl):
    openssl("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-out", "parameters")
    openssl("genpkey", "-paramfile", "parameters", "-out", "key.pem")
    return to_pkcs8(openssl)


def encrypted(openssl):
    genpkey(openssl, "EC_P256")
    return to_pkcs8(openssl, "-v2", "aes-256-cbc", "-passout", "pass:secret")


def as_pem(openssl):
    genpkey(openssl, "EC_P256")
    return openssl.at("key.pem").read_bytes()


def as_hex(openssl):
    genpkey(openssl, "EC_P256")
    return to_pkcs8(openssl).hex().encode()


NOT_IMPORTED = {
    "PKCS#1 (RSA_2048)": lambda run: traditional(run, "RSA_2048"),
    "SEC1 (EC_P256)": lambda run: traditional(run, "EC_P256"),
    "encrypted PKCS#8": encrypted,
    "PEM text (PRIVATE KEY)": as_pem,
    "hex text": as_hex,
    "secp256k1": lambda run: of_curve(run, *curve("secp256k1")),
    "secp521r1 (P-521)": lambda run: of_curve(run, *curve("P-521")),
    "EC with explicit parameters": lambda run: of_curve(run, *curve("P-256"), "-pkeyopt", "ec_param_enc:explicit"),
    "RSA_2056": lambda run: of_algorithm(run, "RSA", "-pkeyopt", "rsa_keygen_bits:2056"),
    "RSASSA-PSS": lambda run: of_algorithm(run, "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
    "Ed25519": lambda run: of_algorithm(run, "ED25519"),
    "X25519": lambda run: of_algorithm(run, "X25519"),
    "DSA": dsa,
}


@pytest.mark.parametrize("found", NOT_IMPORTED)
def test_other_keys_of_openssl_are_refused_by_name(openssl, found):
    blob = NOT_IMPORTED[found](openssl)

    for name in ("RSA_2048", "RSA_4096", "EC_P256", "EC_P384"):
        with pytest.raises(InvalidPrivateKey) as refusal:
            pkcs8.read_private_key(blob, SPECS[name])
        assert (refusal.value.found, refusal.value.expected) == (found, name)


@pytest.mark.parametrize("options", [("-pkeyopt", "rsa_keygen_pubexp:3"), ("-pkeyopt", "rsa_keygen_primes:3")])
def test_weak_and_odd_rsa_keys_of_openssl_are_refused(openssl, options):
    blob = of_algorithm(openssl, "RSA", "-pkeyopt", "rsa_keygen_bits:2048", *options)

    with pytest.raises(InvalidPrivateKey) as refusal:
        pkcs8.read_private_key(blob, SPECS["RSA_2048"])
    assert refusal.value.found == "RSA_2048"


def signature_options(algorithm):
    if algorithm.scheme is Scheme.PSS:
        return ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
    return []


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [(each, algorithm) for each in ("RSA_2048", "EC_P256", "EC_P384") for algorithm in SPECS[each].signing_algorithms],
)
def test_signatures_verify_on_the_other_side(openssl, name, algorithm):
    key_spec = SPECS[name]
    private = material.generate(key_spec)
    key = material.load(key_spec, private)
    openssl.at("private.der").write_bytes(private)
    openssl.at("public.der").write_bytes(material.public_der(key_spec, private))
    openssl.at("message").write_bytes(MESSAGE)
    digest = [f"-sha{algorithm.hash.digest_size * 8}", *signature_options(algorithm), "-keyform", "DER"]

    openssl("dgst", *digest, "-sign", "private.der", "-out", "theirs", "message")
    openssl.at("ours").write_bytes(signing.sign(key_spec, key, algorithm, MESSAGE, is_digest=False))

    assert signing.verify(key_spec, key, algorithm, MESSAGE, openssl.at("theirs").read_bytes(), is_digest=False)
    assert b"Verified OK" in openssl("dgst", *digest, "-verify", "public.der", "-signature", "ours", "message")


def test_every_signing_algorithm_is_checked_against_openssl():
    tried = {algorithm for each in ("RSA_2048", "EC_P256", "EC_P384") for algorithm in SPECS[each].signing_algorithms}

    assert tried == set(SigningAlgorithm)


@pytest.mark.parametrize("bits", [256, 384, 512])
def test_macs_are_those_of_openssl(openssl, bits):
    key = material.generate(SPECS[f"HMAC_{bits}"])

    theirs = openssl("mac", "-digest", f"SHA{bits}", "-macopt", f"hexkey:{key.hex()}", "HMAC", data=MESSAGE)

    assert hmac.generate_mac(key, f"HMAC_SHA_{bits}", MESSAGE).hex().upper() == theirs.decode().strip()


def test_check_values_can_be_computed_with_openssl(openssl):
    key = material.generate(SPECS["AES_256"])
    private = material.generate(SPECS["EC_P256"])

    cmac = openssl("mac", "-cipher", "AES-256-CBC", "-macopt", f"hexkey:{key.hex()}", "CMAC", data=bytes(16))
    digest = openssl("dgst", "-sha256", "-r", data=material.public_der(SPECS["EC_P256"], private))

    assert fingerprint.check_value(SPECS["AES_256"], key) == cmac.decode()[:10]
    assert fingerprint.check_value(SPECS["EC_P256"], private) == digest.decode()[:10].upper()

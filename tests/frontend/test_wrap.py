"""Wrapping in the browser, opened by Python: what leaves the page is what the service expects."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding
from cryptography.hazmat.primitives.serialization import Encoding

from kmscrypto.fingerprint import check_value
from kmscrypto.pkcs8 import read_private_key
from kmscrypto.specs import SPECS
from tests.frontend.private_keys import ec_key, ed25519_key, key_for, private, public, rsa_key

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)

WRAP_FILE = """async ([wrappingKey, file, spec, options]) => {
  const { wrapKeyFile } = await import("/static/js/wrap.js");
  const { fromBase64, toBase64, ascii } = await import("/static/js/bytes.js");
  const bytes = fromBase64(ascii(file));
  const isErased = () => bytes.every((byte) => byte === 0);
  try {
    const { ciphertexts, checkValue } = await wrapKeyFile(fromBase64(ascii(wrappingKey)), bytes, spec, options);
    return { ciphertexts: ciphertexts.map(toBase64), checkValue, erased: isErased() };
  } catch (error) {
    return { kind: error.constructor.name, reason: error.reason, fault: error.message, erased: isErased() };
  }
}"""
WRAP_MATERIAL = """async ([wrappingKey, material]) => {
  const { wrapMaterial } = await import("/static/js/wrap.js");
  const { fromBase64, toBase64, ascii } = await import("/static/js/bytes.js");
  const bytes = fromBase64(ascii(material));
  const text = toBase64(await wrapMaterial(fromBase64(ascii(wrappingKey)), bytes));
  return { text, erased: bytes.every((byte) => byte === 0) };
}"""


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


@pytest.fixture
def wrap_file(modules):
    wrapping_key = b64(public(rsa_key(2048)))
    return lambda file, spec, **options: modules.evaluate(WRAP_FILE, [wrapping_key, b64(file), spec, options])


def opened(made) -> bytes:
    """What the service finds in both ciphertexts."""
    temporary, private_key = (base64.b64decode(text) for text in made["ciphertexts"])
    temporary_key = rsa_key(2048).decrypt(temporary, OAEP)
    assert len(temporary_key) == 32
    return aes_key_unwrap_with_padding(temporary_key, private_key)


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM], ids=["der", "pem"])
@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384"])
def test_a_private_key_arrives_in_the_form_that_the_service_stores(wrap_file, spec, encoding):
    made = wrap_file(private(key_for(spec), encoding), spec)

    der = opened(made)
    assert der == read_private_key(private(key_for(spec)), SPECS[spec])
    assert serialization.load_der_private_key(der, None).public_key() == key_for(spec).public_key()
    assert made["checkValue"] == check_value(SPECS[spec], der)
    assert made["erased"]


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P256"])
def test_an_encrypted_key_is_wrapped_once_its_passphrase_is_given(wrap_file, spec):
    file = private(key_for(spec), Encoding.PEM, password=b"correct horse")

    unasked, wrong, right = (
        wrap_file(file, spec, **options) for options in ({}, {"passphrase": "x"}, {"passphrase": "correct horse"})
    )

    assert (unasked["kind"], unasked["erased"]) == ("PassphraseRequired", False)
    assert (wrong["reason"], wrong["erased"]) == ("passphrase-wrong", False)
    assert opened(right) == read_private_key(private(key_for(spec)), SPECS[spec])
    assert right["erased"]


def test_other_material_than_before_is_refused_before_it_is_sent(wrap_file):
    material = bytes(range(100, 132))
    known = check_value(SPECS["AES_256"], material)

    same, other = wrap_file(material, "AES_256", known=known), wrap_file(bytes(range(99, 131)), "AES_256", known=known)

    assert same["checkValue"] == known
    assert other["reason"] == "other-material"
    assert known in other["fault"]


def test_each_wrapping_takes_a_fresh_temporary_key(wrap_file):
    file = private(key_for("EC_P256"))

    first, second = wrap_file(file, "EC_P256"), wrap_file(file, "EC_P256")

    assert opened(first) == opened(second)
    assert first["ciphertexts"] != second["ciphertexts"]


def test_symmetric_material_arrives_as_it_was(modules):
    material = bytes(range(32))

    made = modules.evaluate(WRAP_MATERIAL, [b64(public(rsa_key(2048))), b64(material)])

    assert rsa_key(2048).decrypt(base64.b64decode(made["text"]), OAEP) == material
    assert made["erased"]


@pytest.mark.parametrize(
    ("file", "spec", "sentence"),
    [
        (lambda: private(rsa_key(2048)), "RSA_4096", "This is an RSA_2048 key; this key takes RSA_4096."),
        (lambda: private(ec_key("P-384")), "EC_P256", "This is an EC_P384 key; this key takes EC_P256."),
        (lambda: private(ec_key("P-256")), "AES_256", "This is an EC_P256 key; this key takes AES_256."),
        (lambda: bytes(range(100, 132)), "RSA_2048", "This is AES_256 key material; this key takes RSA_2048."),
        (lambda: private(ec_key("secp256k1")), "EC_P256", "This key is on secp256k1."),
        (lambda: private(ed25519_key()), "EC_P256", "This key is Ed25519."),
    ],
)  # fmt: skip
def test_what_is_not_the_right_key_is_named_and_not_wrapped(wrap_file, file, spec, sentence):
    made = wrap_file(file(), spec)

    assert made["kind"] == "KeyFileRefused"
    assert made["fault"].startswith(sentence)
    assert made["erased"]


def test_the_private_key_in_der_is_overwritten_once_wrapped(modules):
    erased = modules.evaluate(
        """async ([wrappingKey, der]) => {
      const { wrapPrivateKey } = await import("/static/js/wrap.js");
      const { fromBase64, ascii } = await import("/static/js/bytes.js");
      const bytes = fromBase64(ascii(der));
      await wrapPrivateKey(fromBase64(ascii(wrappingKey)), bytes);
      return bytes.every((byte) => byte === 0);
    }""",
        [b64(public(rsa_key(2048))), b64(private(ec_key("P-256")))],
    )

    assert erased

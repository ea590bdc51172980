"""Wrapping in the browser, opened by Python: what leaves the page is what the service expects."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding
from cryptography.hazmat.primitives.serialization import Encoding

from tests.frontend.private_keys import OPENSSH, TRADITIONAL, ec_key, ed25519_key, key_for, private, public, rsa_key

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)

WRAP_FILE = """async ([wrappingKey, file, spec]) => {
  const { wrapKeyFile } = await import("/static/js/wrap.js");
  const { fromBase64, toBase64, ascii } = await import("/static/js/bytes.js");
  const bytes = fromBase64(ascii(file));
  try {
    const made = await wrapKeyFile(fromBase64(ascii(wrappingKey)), bytes, spec);
    const erased = bytes.every((byte) => byte === 0);
    return { temporary: toBase64(made.temporaryKey), key: toBase64(made.privateKey), erased };
  } catch (fault) {
    return { kind: fault.constructor.name, fault: fault.message, erased: bytes.every((byte) => byte === 0) };
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
    return lambda file, spec: modules.evaluate(WRAP_FILE, [wrapping_key, b64(file), spec])


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM], ids=["der", "pem"])
@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384"])
def test_a_private_key_arrives_as_it_was(wrap_file, spec, encoding):
    made = wrap_file(private(key_for(spec), encoding), spec)

    temporary = rsa_key(2048).decrypt(base64.b64decode(made["temporary"]), OAEP)
    opened = aes_key_unwrap_with_padding(temporary, base64.b64decode(made["key"]))
    assert len(temporary) == 32
    assert opened == private(key_for(spec))
    assert serialization.load_der_private_key(opened, None).private_numbers() == key_for(spec).private_numbers()
    assert made["erased"]


def test_each_wrapping_takes_a_fresh_temporary_key(wrap_file):
    file = private(key_for("EC_P256"))

    first, second = wrap_file(file, "EC_P256"), wrap_file(file, "EC_P256")

    assert first["key"] != second["key"]


def test_symmetric_material_arrives_as_it_was(modules):
    material = bytes(range(32))

    made = modules.evaluate(WRAP_MATERIAL, [b64(public(rsa_key(2048))), b64(material)])

    assert rsa_key(2048).decrypt(base64.b64decode(made["text"]), OAEP) == material
    assert made["erased"]


@pytest.mark.parametrize(
    ("file", "spec", "sentence"),
    [
        (lambda: private(rsa_key(2048)), "RSA_4096", "This key is RSA, 2048 bits; expected RSA_4096."),
        (lambda: private(ec_key("secp256k1")), "EC_P256", "This key is EC, secp256k1; expected EC_P256."),
        (lambda: private(ec_key("P-384")), "EC_P256", "This key is EC, P-384; expected EC_P256."),
        (lambda: private(ec_key("P-256")), "RSA_2048", "This key is EC, P-256; expected RSA_2048."),
        (lambda: private(rsa_key(2048), Encoding.PEM, TRADITIONAL), "RSA_2048", "This is PKCS#1, not PKCS#8."),
        (lambda: private(rsa_key(2048), Encoding.DER, TRADITIONAL), "RSA_2048", "This is PKCS#1, not PKCS#8."),
        (lambda: private(ec_key("P-256"), Encoding.PEM, TRADITIONAL), "EC_P256", "This is SEC 1, not PKCS#8."),
        (lambda: private(ec_key("P-256"), Encoding.DER, TRADITIONAL), "EC_P256", "This is SEC 1, not PKCS#8."),
        (lambda: private(rsa_key(2048), Encoding.PEM, password=b"x"), "RSA_2048", "This private key is encrypted"),
        (lambda: private(rsa_key(2048), Encoding.DER, password=b"x"), "RSA_2048", "This private key is encrypted"),
        (lambda: private(ec_key("P-256"), Encoding.PEM, OPENSSH), "EC_P256", "This is an OpenSSH key"),
        (lambda: public(rsa_key(2048)), "RSA_2048", "This is a public key"),
        (lambda: public(rsa_key(2048), Encoding.PEM), "RSA_2048", "This is a public key"),
        (lambda: private(ed25519_key()), "EC_P256", "This key is neither RSA nor EC."),
        (lambda: private(rsa_key(2048)) + b"\0\0", "RSA_2048", "2 bytes follow the key."),
        (lambda: private(rsa_key(2048))[:-1], "RSA_2048", "This is not a private key in PKCS#8"),
        (lambda: b"-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n", "RSA_2048", "This PEM file is"),
        (lambda: b"hello", "RSA_2048", "This is not a private key in PKCS#8"),
    ],
)  # fmt: skip
def test_what_is_not_the_right_key_is_named_and_not_wrapped(wrap_file, file, spec, sentence):
    made = wrap_file(file(), spec)

    assert made["kind"] == "KeyFault"
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

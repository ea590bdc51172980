"""What is in a key file: each form as the real openssl writes it, and everything that only looks like one."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from kmsimport import formats
from kmsimport.faults import Exit, Fault
from kmsimport.formats import Format

KEY = bytes(range(200, 232))
SPECS = ["RSA_2048", "EC_P256", "EC_P384"]


def never() -> bytes:
    raise AssertionError("no passphrase is needed")


def read(data: bytes, form: Format | None = None, ask=never):
    return formats.read(data, form=form, ask=ask)


def refused(data: bytes, *parts: str, form: Format | None = None, ask=never):
    with pytest.raises(Fault) as caught:
        read(data, form, ask)
    fault = caught.value
    assert fault.exit_code == Exit.KEY_FILE
    text = f"{fault.message} {fault.hint}"
    for part in parts:
        assert part in text, text
    return fault


# --- 32 bytes -----------------------------------------------------------------------------------------------------

B64, URL = base64.b64encode(KEY), base64.urlsafe_b64encode(KEY)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (KEY, "32 raw bytes"),
        (KEY.hex().encode(), "hex text of 64 digits"),
        (KEY.hex().upper().encode() + b"\r\n", "hex text of 64 digits"),
        (b"0x" + KEY.hex().encode(), "hex text of 64 digits"),
        (KEY.hex(":").encode(), "hex text of 64 digits"),
        (KEY.hex(" ", 4).encode(), "hex text of 64 digits"),
        (KEY.hex().encode()[:32] + b"\n" + KEY.hex().encode()[32:], "hex text of 64 digits"),
        (B64, "Base64 text of 44 characters"),
        (B64 + b"\n", "Base64 text of 44 characters"),
        (B64[:20] + b"\n" + B64[20:], "Base64 text of 44 characters"),
        (B64.rstrip(b"="), "Base64 text of 43 characters"),
        (URL, "Base64 text of 44 characters"),
        (json.dumps({"kty": "oct", "k": URL.decode().rstrip("=")}).encode(), "JWK (oct)"),
        (json.dumps({"keys": [{"kty": "oct", "k": URL.decode()}]}).encode(), "JWK (oct)"),
    ],
)
def test_thirty_two_bytes_in_every_form(data, found):
    material = read(data)

    assert (material.spec.name, bytes(material.secret), material.found) == ("AES_256", KEY, found)


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"", ["empty"]),
        (KEY[:31], ["31 bytes"]),
        (KEY[:16], ["16 bytes", "AES-128 cannot be imported"]),
        (KEY + b"\n", ["33 raw bytes", "a line end?", "head -c 32"]),
        (KEY * 2, ["64 bytes", "HMAC keys cannot be imported"]),
        (KEY.hex().encode()[:-2], ["hex text of 62 digits", "31 bytes"]),
        (KEY.hex().encode()[:-1], ["63 hex digits", "odd"]),
        (B64[:-2] + b"=", ["Base64", "cut off or damaged"]),
        (B64[:-4], ["30 bytes"]),
        (B64.replace(b"=", b"=="), ["Base64", "cut off or damaged"]),
        (base64.b64encode(KEY.hex().encode()), ["encoded twice", "64 characters"]),
        (base64.b64encode(B64), ["encoded twice", "44 characters"]),
        (b"A" * 31 + b"\xff" * 2, ["33 bytes"]),
        (bytes(32), ["must be random"]),
        (b"\xaa" * 32, ["must be random"]),
        (b"my key, in words", ["16 bytes of text", "no hex, Base64, PEM or JWK"]),
        (KEY.hex().encode("utf-16"), ["UTF-16 text"]),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@here\n", ["OpenSSH public key"]),
    ],
)
def test_what_is_no_key_is_named(data, parts):
    refused(data, *parts)


@pytest.mark.parametrize(
    ("data", "reading"),
    [
        (b"correct horse battery staple....", "a password or other text"),
        (KEY.hex().encode()[:32], "the hex text of 16 bytes"),
    ],
)
def test_thirty_two_characters_are_ambiguous_until_somebody_says_raw(data, reading):
    refused(data, "Ambiguous", reading, "--format raw")

    assert bytes(read(data, Format.RAW).secret) == data


def test_forty_three_hex_digits_are_ambiguous_until_somebody_says_base64():
    text = b"deadbeef" * 5 + b"f00"

    refused(text, "Ambiguous", "--format hex or --format base64")

    refused(text, "odd", form=Format.HEX)
    # Base64 text of 43 characters leaves four bits over, which are zero in a whole one.
    assert len(read(text[:-1] + b"A", Format.BASE64).secret) == 32


@pytest.mark.parametrize("form", [Format.HEX, Format.BASE64, Format.PEM, Format.DER, Format.JWK])
def test_a_format_that_was_asked_for_is_the_only_one_tried(form):
    refused(KEY, form=form)
    refused(KEY.hex().encode(), form=Format.RAW)
    refused(KEY.hex().encode(), "48 bytes", form=Format.BASE64)


# --- private keys, as openssl writes them -------------------------------------------------------------------------


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("armour", ["PEM", "DER"])
@pytest.mark.parametrize("form", ["PKCS#8", "traditional"])
def test_private_keys_in_every_form_give_the_same_material(key_files, spec, armour, form):
    source = key_files.private_key(spec)
    family = spec.partition("_")[0].lower()
    make = (
        ["pkcs8", "-topk8", "-nocrypt"] if form == "PKCS#8" else [family, "-traditional"] * (family == "rsa") or ["ec"]
    )
    data = key_files(*make, "-in", source.name, "-outform", armour)

    material = read(data)

    assert material.spec.name == spec
    assert bytes(material.secret) == bytes(read(source.read_bytes()).secret)
    assert material.public_der == key_files("pkey", "-in", source.name, "-pubout", "-outform", "DER")
    kind = "PKCS#8" if form == "PKCS#8" else {"rsa": "PKCS#1", "ec": "SEC1"}[family]
    assert kind in material.found
    assert ("PEM" in material.found) == (armour == "PEM")


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(
    "make",
    [
        ["pkcs8", "-topk8", "-passout", "pass:sesame"],
        ["pkcs8", "-topk8", "-passout", "pass:sesame", "-outform", "DER"],
        ["pkcs8", "-topk8", "-passout", "pass:sesame", "-scrypt"],
        ["traditional", "-aes256", "-passout", "pass:sesame"],
    ],
    ids=["PKCS#8 PEM", "PKCS#8 DER", "scrypt", "traditional"],
)
def test_an_encrypted_private_key_opens_with_its_passphrase_alone(key_files, spec, make):
    source = key_files.private_key(spec)
    if make[0] == "traditional":
        make = [*(["rsa", "-traditional"] if spec.startswith("RSA") else ["ec"]), *make[1:]]
    data = key_files(*make, "-in", source.name)

    material = read(data, ask=lambda: b"sesame")

    assert "encrypted" in material.found.lower()
    assert bytes(material.secret) == bytes(read(source.read_bytes()).secret)
    refused(data, "passphrase does not open", ask=lambda: b"simsim")


def test_parameters_before_an_ec_key_are_passed_over(key_files):
    data = key_files("ecparam", "-name", "prime256v1", "-genkey")

    assert b"EC PARAMETERS" in data
    assert read(data).spec.name == "EC_P256"


def test_a_certificate_beside_the_key_is_passed_over(key_files):
    source = key_files.private_key("EC_P256")
    certificate = key_files("req", "-x509", "-key", source.name, "-subj", "/CN=test", "-days", "1")

    assert read(certificate + source.read_bytes()).spec.name == "EC_P256"
    refused(certificate, "CERTIFICATE", "public half")


def test_der_in_base64_or_hex_is_read(key_files):
    der = key_files("pkcs8", "-topk8", "-nocrypt", "-in", key_files.private_key("EC_P256").name, "-outform", "DER")

    assert read(base64.b64encode(der)).spec.name == "EC_P256"
    assert read(der.hex().encode()).spec.name == "EC_P256"


@pytest.mark.parametrize("armour", ["PEM", "DER"])
@pytest.mark.parametrize("spec", SPECS)
def test_a_public_key_given_by_mistake_is_named(key_files, spec, armour):
    data = key_files("pkey", "-in", key_files.private_key(spec).name, "-pubout", "-outform", armour)

    refused(data, "public", "Bring the private key")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["genpkey", "-algorithm", "ed25519"], ["Ed25519", "cannot be imported", "EC_P256"]),
        (["genpkey", "-algorithm", "ed25519", "-outform", "DER"], ["Ed25519", "cannot be imported", "EC_P256"]),
        (["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], ["RSA_1024", "cannot be imported"]),
        (["genpkey", "-algorithm", "RSA-PSS"], ["RSASSA-PSS"]),
        (["ecparam", "-name", "secp256k1", "-genkey", "-noout"], ["secp256k1", "cannot be imported"]),
        (["ecparam", "-name", "secp521r1", "-genkey", "-noout"], ["P-521", "cannot be imported"]),
    ],
)
def test_keys_that_cannot_be_imported_are_named(key_files, arguments, parts):
    refused(key_files(*arguments), *parts)


def test_a_pkcs12_file_is_told_how_to_be_opened(key_files):
    source = key_files.private_key("EC_P256")
    key_files("req", "-x509", "-key", source.name, "-subj", "/CN=test", "-days", "1", "-out", "cert.pem")
    data = key_files("pkcs12", "-export", "-inkey", source.name, "-in", "cert.pem", "-passout", "pass:sesame")

    refused(data, "PKCS#12", "openssl pkcs12")


def test_two_keys_in_one_file_are_ambiguous(key_files):
    both = key_files.private_key("EC_P256").read_bytes() + key_files.private_key("RSA_2048").read_bytes()

    refused(both, "Ambiguous", "2 private keys")


def test_a_pem_that_was_cut_is_refused(key_files):
    whole = key_files.private_key("RSA_2048").read_bytes()

    refused(whole[:-10], "cut off or damaged")
    refused(whole[: len(whole) // 2], "cut off or damaged")
    refused(whole.replace(b"\n", b"\n!", 2), "cut off or damaged")


def test_a_private_key_whose_halves_do_not_fit_is_refused(key_files):
    der = bytearray(
        key_files("pkcs8", "-topk8", "-nocrypt", "-in", key_files.private_key("RSA_2048").name, "-outform", "DER")
    )
    der[-5] ^= 1  # in the last CRT value

    refused(bytes(der), "RSA_2048 key that is not valid", "CRT values are wrong")


# --- JWK ----------------------------------------------------------------------------------------------------------


def number(value: int, size: int | None = None) -> str:
    raw = value.to_bytes(size or (value.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def rsa_jwk(pem: bytes) -> dict:
    key = load_pem_private_key(pem, None).private_numbers()
    values = {
        "n": key.public_numbers.n, "e": key.public_numbers.e, "d": key.d,
        "p": key.p, "q": key.q, "dp": key.dmp1, "dq": key.dmq1, "qi": key.iqmp,
    }  # fmt: skip
    return {"kty": "RSA", "kid": "1", **{name: number(value) for name, value in values.items()}}


def ec_jwk(pem: bytes) -> dict:
    key = load_pem_private_key(pem, None)
    numbers, size = key.private_numbers(), key.key_size // 8
    point = numbers.public_numbers
    values = {"d": numbers.private_value, "x": point.x, "y": point.y}
    return {"kty": "EC", "crv": f"P-{key.key_size}", **{name: number(value, size) for name, value in values.items()}}


def jwk_of(key_files, spec: str) -> dict:
    return (rsa_jwk if spec.startswith("RSA") else ec_jwk)(key_files.private_key(spec).read_bytes())


@pytest.mark.parametrize("spec", SPECS)
def test_a_jwk_gives_the_same_material_as_the_pem(key_files, spec):
    material = read(json.dumps(jwk_of(key_files, spec)).encode())

    assert material.spec.name == spec
    assert bytes(material.secret) == bytes(read(key_files.private_key(spec).read_bytes()).secret)
    assert material.found.startswith("JWK (")


def test_an_rsa_jwk_without_primes_is_completed(key_files):
    jwk = {name: value for name, value in jwk_of(key_files, "RSA_2048").items() if name in ("kty", "n", "e", "d")}

    material = read(json.dumps(jwk).encode())

    assert bytes(material.secret) == bytes(read(key_files.private_key("RSA_2048").read_bytes()).secret)


@pytest.mark.parametrize("spec", SPECS)
def test_a_public_jwk_given_by_mistake_is_named(key_files, spec):
    jwk = {name: value for name, value in jwk_of(key_files, spec).items() if name in ("kty", "crv", "n", "e", "x", "y")}

    refused(json.dumps(jwk).encode(), "public key")


def test_a_jwk_whose_point_is_anothers_is_refused(key_files):
    other = ec_jwk(key_files("ecparam", "-name", "prime256v1", "-genkey", "-noout"))

    refused(json.dumps({**jwk_of(key_files, "EC_P256"), "d": other["d"]}).encode(), "does not belong")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("{", ["not JSON"]),
        ('{"kty": "oct", "kty": "RSA"}', ["a member twice"]),
        ('{"kty": "oct"}', ["member k"]),
        ('{"kty": "oct", "k": 5}', ["member k"]),
        ('{"kty": "oct", "k": "AAAAA"}', ["cut off"]),
        ('{"kty": "oct", "k": "AAECAw"}', ["oct", "4 bytes"]),
        ('{"kty": "OKP", "crv": "Ed25519", "d": "AA", "x": "AA"}', ["Ed25519"]),
        ('{"kty": "EC", "crv": "P-521", "d": "AA", "x": "AA", "y": "AA"}', ["P-521"]),
        ('{"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB"}', ["RSA_17", "cannot be imported"]),
        (json.dumps({"kty": "RSA", "n": "_" * 342, "e": "AQAB", "d": "AQAB"}), ["do not belong together"]),
        (json.dumps({"kty": "RSA", "n": "_" * 342, "e": "AQ", "d": "AQ"}), ["do not belong together"]),
        (json.dumps({"kty": "RSA", "n": "_" * 342, "e": "AQAB", "d": "AQAB", "p": "AQ", "q": "AQ"}), ["not valid"]),
        ('{"protected": "e30", "ciphertext": "AA", "encrypted_key": "AA"}', ["encrypted"]),
        ('{"keys": []}', ["set of 0 keys"]),
        ('{"kty": "quantum"}', ["kty"]),
        ("{" + '"a":[' * 5000, ["not JSON"]),
    ],
)
def test_json_that_is_no_usable_key_is_named(text, parts):
    refused(text.encode(), *parts)


# --- anything at all ----------------------------------------------------------------------------------------------

SECRETS = st.binary(min_size=32, max_size=32).filter(lambda raw: len(set(raw)) > 1 and any(b > 126 for b in raw))
WRITERS = {
    "raw": lambda raw: raw,
    "hex": lambda raw: raw.hex().encode(),
    "HEX lines": lambda raw: raw.hex(" ", 8).replace(" ", "\n").upper().encode() + b"\n",
    "Base64": base64.b64encode,
    "Base64url": lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=") + b"\n",
    "JWK": lambda raw: json.dumps({"kty": "oct", "k": base64.urlsafe_b64encode(raw).decode().rstrip("=")}).encode(),
}


@given(SECRETS, st.sampled_from(sorted(WRITERS)))
def test_what_was_written_in_any_form_is_read_again(raw, writer):
    assert bytes(read(WRITERS[writer](raw)).secret) == raw


PIECES = st.sampled_from(
    [b"-----BEGIN PRIVATE KEY-----\n", b"-----END PRIVATE KEY-----\n", b"Proc-Type: 4,ENCRYPTED\n", b"\x30\x82", b"{",
     b'{"kty":"EC"', b"0x", b"=", b"\n", b"AAAA", b"\xef\xbb\xbf"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PIECES | st.binary(max_size=40), max_size=8).map(b"".join), st.sampled_from([None, *Format]))
def test_any_bytes_are_a_key_of_32_bytes_or_a_refusal(data, form):
    try:
        material = read(data, form, ask=lambda: b"x")
    except Fault as fault:
        assert fault.exit_code == Exit.KEY_FILE
    else:
        assert material.spec.name == "AES_256"
        assert len(material.secret) == 32


@settings(max_examples=200)
@given(st.data())
def test_a_private_key_with_one_byte_changed_never_breaks_the_reader(key_files, data):
    der = bytearray(
        base64.b64decode(b"".join(key_files.private_key("EC_P256").read_bytes().splitlines()[1:-1]), validate=True)
    )
    at = data.draw(st.integers(0, len(der) - 1))
    der[at] ^= data.draw(st.integers(1, 255))

    try:
        material = read(bytes(der), ask=lambda: b"x")
    except Fault as fault:
        assert fault.exit_code == Exit.KEY_FILE
    else:
        assert material.spec.name == "EC_P256"


def test_forgetting_overwrites_the_material():
    material = read(KEY)

    material.forget()

    assert bytes(material.secret) == bytes(32)
    assert "secret" not in repr(material)

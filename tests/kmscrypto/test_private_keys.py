"""Imported private keys: exactly one strict PKCS#8 DER is accepted, all else is refused by name (SEC-028, 030, 032)."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    pkcs12,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kmscrypto.blobs import describe_private_key
from kmscrypto.errors import InvalidPrivateKey
from kmscrypto.pkcs8 import read_private_key
from kmscrypto.specs import SPECS
from tests.kmscrypto import keys
from tests.kmscrypto.keys import P256, P384, SECP256K1, ec_pkcs8, octets, pkcs8, point, sequence, tlv
from tests.kmscrypto.standards import LIBRARY

RSA_2048, P_256, P_384 = SPECS["RSA_2048"], SPECS["EC_P256"], SPECS["EC_P384"]
ASYMMETRIC = [each for each in SPECS.values() if each.is_asymmetric]
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

RSA, EC = keys.der(keys.rsa_key()), keys.der(keys.ec_key())
SCALAR = keys.ec_key().private_numbers().private_value.to_bytes(32)
POINT = b"\0" + point(keys.ec_key())


def refused(der, key_spec):
    with pytest.raises(InvalidPrivateKey) as refusal:
        read_private_key(der, key_spec)
    assert refusal.value.expected == key_spec.name
    return refusal.value


# -- Accepted ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_an_rsa_key_of_its_size_is_accepted(bits):
    material = read_private_key(keys.der(keys.rsa_key(bits)), SPECS[f"RSA_{bits}"])

    assert load_der_private_key(material, None).public_key() == keys.rsa_key(bits).public_key()


@pytest.mark.parametrize(("curve", "name"), [(ec.SECP256R1, "EC_P256"), (ec.SECP384R1, "EC_P384")])
def test_an_ec_key_of_its_curve_is_accepted(curve, name):
    material = read_private_key(keys.der(keys.ec_key(curve)), SPECS[name])

    assert load_der_private_key(material, None).private_numbers() == keys.ec_key(curve).private_numbers()


@pytest.mark.parametrize(
    "same_key",
    [
        ec_pkcs8(SCALAR),
        ec_pkcs8(SCALAR, inner=P256),
        ec_pkcs8(SCALAR, public=POINT),
        ec_pkcs8(SCALAR, public=b"\0" + point(keys.ec_key(), PublicFormat.CompressedPoint)),
        ec_pkcs8(SCALAR, inner=P256, public=POINT),
    ],
    ids=["bare", "inner curve", "public point", "compressed point", "all"],
)
def test_every_spelling_of_one_ec_key_becomes_the_same_material(same_key):
    assert read_private_key(same_key, P_256) == EC


def test_every_spelling_of_one_rsa_key_becomes_the_same_material():
    p, q = keys.primes()
    d = pow(65537, -1, (p - 1) * (q - 1))  # modulo φ(n), as older programs have it

    spellings = [keys.rsa_pkcs8(p, q), keys.rsa_pkcs8(q, p), keys.rsa_pkcs8(p, q, d=d), RSA]

    assert len({read_private_key(spelling, RSA_2048) for spelling in spellings}) == 1


def test_attributes_are_read_over_and_not_kept():
    attribute = sequence(bytes.fromhex("0603551d0f"), tlv(0x31, tlv(0x03, b"\0\x80")))  # as Windows exports them
    body = ec_pkcs8(SCALAR)[2:]

    assert read_private_key(sequence(body, tlv(0xA0, attribute)), P_256) == EC


@pytest.mark.parametrize("count", [1, 7])
def test_zero_octets_that_fill_a_key_up_before_wrapping_are_passed_over(count):
    assert read_private_key(EC + bytes(count), P_256) == EC
    assert refused(EC + bytes(count - 1) + b"\1", P_256).found == "EC_P256 with trailing bytes"


# -- Another kind of thing -----------------------------------------------------------------------------------------


def encrypted(key):
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))


def other_things():
    rsa_key, ec_key = keys.rsa_key(), keys.ec_key()
    pem = rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, keys.NoEncryption())
    return {
        "RSA_3072": keys.der(keys.rsa_key(3072)),
        "RSA_2047": keys.der(rsa.generate_private_key(65537, 2047)),  # noqa: S505 - to be refused
        "EC_P256": EC,
        "EC_P384": keys.der(keys.ec_key(ec.SECP384R1)),
        "secp256k1": keys.der(ec.generate_private_key(ec.SECP256K1())),
        "secp521r1 (P-521)": keys.der(ec.generate_private_key(ec.SECP521R1())),
        "brainpoolP256r1": keys.der(ec.generate_private_key(ec.BrainpoolP256R1())),
        "encrypted PKCS#8": encrypted(rsa_key),
        "PKCS#1 (RSA_2048)": keys.der(rsa_key, PrivateFormat.TraditionalOpenSSL),
        "SEC1 (EC_P256)": keys.der(ec_key, PrivateFormat.TraditionalOpenSSL),
        "PEM text (PRIVATE KEY)": pem,
        "hex text": RSA.hex().encode(),
        "Base64 text": base64.encodebytes(RSA),
        "DSA": keys.der(dsa.generate_private_key(1024)),  # noqa: S505 - to be refused
        "Ed25519": keys.der(ed25519.Ed25519PrivateKey.generate()),
        "Ed448": keys.der(ed448.Ed448PrivateKey.generate()),
        "X25519": keys.der(x25519.X25519PrivateKey.generate()),
        "RSASSA-PSS": pkcs8(sequence(bytes.fromhex("06092a864886f70d01010a")), b""),
        "a public key": keys.spki(rsa_key),
        "PKCS#12": pkcs12.serialize_key_and_certificates(b"x", rsa_key, None, None, BestAvailableEncryption(b"p")),
        "RSA_2048 with trailing bytes": RSA + bytes(8),
        "EC_P256 with trailing bytes": EC + b"\n",
        "RSA_2048 in PKCS#8 version 1": sequence(b"\2\1\1" + RSA[7:]),
        "EC with explicit parameters": ec_pkcs8(SCALAR, curve=sequence(b"\2\1\1")),
        "EC without a named curve": ec_pkcs8(SCALAR, curve=keys.NULL),
        "malformed DER": RSA[:-1],
        "bytes that are not DER": bytes(range(1, 33)),
        "nothing": b"",
        "an unknown DER structure": sequence(octets(b"?")),
    }


OTHER_THINGS = other_things()


@pytest.mark.parametrize("name", OTHER_THINGS)
def test_another_thing_is_refused_by_its_name(name):
    blob = OTHER_THINGS[name]
    wanted = RSA_2048 if name != "RSA_2048" else P_256

    refusal = refused(blob, wanted)

    assert refusal.found == name == describe_private_key(blob)
    assert f"Found {name}, expected {wanted.name}" in str(refusal)


def test_a_key_of_one_spec_is_refused_for_every_other():
    for key_spec in ASYMMETRIC:
        if key_spec.name != "EC_P256":
            assert refused(EC, key_spec).found == "EC_P256"
        if key_spec.name != "RSA_2048":
            assert refused(RSA, key_spec).found == "RSA_2048"


def test_symmetric_material_is_no_private_key():
    with pytest.raises(ValueError, match="AES_256"):
        read_private_key(bytes(32), SPECS["AES_256"])


# -- The right kind, but not right ---------------------------------------------------------------------------------

OTHER_POINT = b"\0" + point(ec.generate_private_key(ec.SECP256R1()))
EXPLICIT = sequence(b"\2\1\1")

WRONG_EC_KEYS = {
    "does not belong": ec_pkcs8(SCALAR, public=OTHER_POINT),
    "not on the curve": ec_pkcs8(SCALAR, public=b"\0\4" + bytes(64)),
    "not encoded as RFC 5480": ec_pkcs8(SCALAR, public=b"\1" + POINT[1:]),
    "RFC 5480": ec_pkcs8(SCALAR, public=b"\0\6" + POINT[2:]),
    "second curve, EC_P384": ec_pkcs8(SCALAR, inner=P384),
    "second curve, secp256k1": ec_pkcs8(SCALAR, inner=SECP256K1),
    "explicit parameters": ec_pkcs8(SCALAR, inner=EXPLICIT),
    "between 1 and the order": ec_pkcs8(bytes(32)),
    "the order of the curve": ec_pkcs8(ORDER.to_bytes(32)),
    "order": ec_pkcs8((ORDER + 1).to_bytes(32)),
    "31 bytes": ec_pkcs8(SCALAR[1:]),
    "33 bytes": ec_pkcs8(b"\0" + SCALAR),
    "version of its ECPrivateKey": ec_pkcs8(SCALAR, version=0),
    "trailing bytes": sequence(ec_pkcs8(SCALAR)[2:], octets(b"?")),
}


@pytest.mark.parametrize("words", WRONG_EC_KEYS)
def test_a_wrong_ec_key_is_refused_with_the_reason(words):
    refusal = refused(WRONG_EC_KEYS[words], P_256)

    assert refusal.found == "EC_P256"
    assert words in refusal.reason


def test_loose_encodings_are_refused():
    algorithm, private = sequence(keys.EC_OID, P256), sequence(b"\2\1\1", octets(SCALAR))
    good = pkcs8(algorithm, private)
    assert read_private_key(good, P_256) == EC

    for loose in (
        b"\x30\x80" + good[2:] + b"\0\0",  # indefinite length
        b"\x30\x81" + good[1:],  # long form for a short length
        b"\x30\x82\0" + good[1:],
        pkcs8(algorithm, private, version=128),
        sequence(b"\2\2\0\0", algorithm, octets(private)),  # version 0 in two octets
        pkcs8(sequence(keys.EC_OID, P256, keys.NULL), private),
        pkcs8(algorithm, private + b"\0"),
        pkcs8(algorithm, private, tlv(0xA0, b"\x30")),
        pkcs8(algorithm, private, tlv(0xA0, sequence(P256))),
    ):
        with pytest.raises(InvalidPrivateKey):
            read_private_key(loose, P_256)


def test_an_rsa_key_whose_algorithm_has_no_null_is_refused():
    numbers = RSA[22:]
    assert sequence(b"\2\1\0", sequence(keys.RSA_OID, keys.NULL), numbers) == RSA

    refusal = refused(sequence(b"\2\1\0", sequence(keys.RSA_OID), numbers), RSA_2048)

    assert refusal.found == "RSA_2048"


# -- Whatever comes ------------------------------------------------------------------------------------------------


def files_of_the_library():
    for path in sorted((LIBRARY / "asymmetric").rglob("*")):
        if path.suffix == ".der":
            yield pytest.param(path.read_bytes(), id=path.name)
        elif path.suffix == ".pem":
            lines = path.read_text().splitlines()
            body = "".join(line for line in lines if "-----" not in line and ":" not in line)
            yield pytest.param(base64.b64decode(body + "=" * (-len(body) % 4)), id=path.name)


@pytest.mark.parametrize("blob", list(files_of_the_library()))
def test_the_odd_keys_of_the_library_never_surprise(blob):
    for key_spec in (RSA_2048, P_256, P_384):
        if describe_private_key(blob) != key_spec.name:
            assert len(str(refused(blob, key_spec))) < 200
            continue
        try:
            material = read_private_key(blob, key_spec)
        except InvalidPrivateKey:
            continue
        assert read_private_key(material, key_spec) == material


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=300))
@example(b"\x30\x80\0\0")
@example(b"\x30\x84\xff\xff\xff\xff")
@example(b"-----BEGIN PRIVATE KEY-----")
def test_arbitrary_bytes_are_refused_and_described(blob):
    assert 0 < len(describe_private_key(blob)) < 100
    for key_spec in (RSA_2048, P_256):
        with pytest.raises(InvalidPrivateKey):
            read_private_key(blob, key_spec)


@settings(max_examples=1500, deadline=None)
@given(data=st.data())
def test_a_damaged_ec_key_is_refused_or_still_the_same_key(data):
    """With the public point inside, no change of a byte can give another key."""
    damaged = damage(data, EC)

    try:
        assert read_private_key(damaged, P_256) == EC
    except InvalidPrivateKey:
        assert damaged != EC


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_a_damaged_rsa_key_is_refused(data):
    damaged = damage(data, RSA)

    if damaged != RSA:
        refused(damaged, RSA_2048)


def damage(data, der):
    at = data.draw(st.integers(0, len(der) - 1))
    kind = data.draw(st.sampled_from(["flip", "drop", "insert", "cut"]))
    if kind == "flip":
        return der[:at] + bytes((der[at] ^ data.draw(st.integers(1, 255)),)) + der[at + 1 :]
    if kind == "drop":
        return der[:at] + der[at + 1 :]
    if kind == "insert":
        return der[:at] + bytes((data.draw(st.integers(0, 255)),)) + der[at:]
    return der[:at]

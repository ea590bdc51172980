"""Material recognised after it is gone, and the value people compare (SEC-034)."""

import hashlib
import hmac
import re

import pytest

from kmscrypto import fingerprint, material
from kmscrypto.errors import UnsupportedAlgorithm
from kmscrypto.specs import SPECS
from tests.kmscrypto import keys

SECRET = bytes(range(100, 132))
MATERIAL = bytes(range(32))


def taken(**changed):
    facts = {"project": "p1", "key_id": "k1", "spec": "AES_256", "material_or_spki": MATERIAL} | changed
    return fingerprint.fingerprint(changed.pop("secret", SECRET), **{k: v for k, v in facts.items() if k != "secret"})


def test_the_same_material_has_the_same_fingerprint():
    assert taken() == taken()
    assert len(taken()) == 32
    assert fingerprint.matches(taken(), taken())


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": bytes(32)},
        {"project": "p2"},
        {"key_id": "k2"},
        {"spec": "HMAC_256"},
        {"material_or_spki": MATERIAL[:-1] + b"\x1e"},
        {"project": "p1k", "key_id": "1"},
    ],
)
def test_anything_changed_changes_the_fingerprint(changed):
    assert taken(**changed) != taken()
    assert not fingerprint.matches(taken(**changed), taken())


def test_the_fingerprint_is_keyed_and_unambiguous():
    """Written out with the standard library: four length-prefixed names after their count, then the bytes."""
    parts = b"".join(len(part).to_bytes(4) + part for part in (b"fp1", b"p1", b"k1", b"AES_256"))

    expected = hmac.digest(SECRET, (4).to_bytes(4) + parts + MATERIAL, hashlib.sha256)

    assert taken() == expected
    assert taken() != hashlib.sha256(MATERIAL).digest()


@pytest.mark.parametrize("name", ["AES_256", "RSA_2048", "EC_P256", "EC_P384"])
def test_a_check_value_is_ten_hex_digits_of_this_material(name):
    one, two = material.generate(SPECS[name]), material.generate(SPECS[name])

    assert re.fullmatch("[0-9A-F]{10}", fingerprint.check_value(SPECS[name], one))
    assert fingerprint.check_value(SPECS[name], one) == fingerprint.check_value(SPECS[name], one)
    assert fingerprint.check_value(SPECS[name], one) != fingerprint.check_value(SPECS[name], two)


def test_the_check_value_of_an_asymmetric_key_needs_only_its_public_half():
    public = keys.spki(keys.ec_key())

    assert fingerprint.public_check_value(public) == fingerprint.check_value(SPECS["EC_P256"], keys.der(keys.ec_key()))


def test_an_hmac_key_has_no_check_value():
    with pytest.raises(UnsupportedAlgorithm):
        fingerprint.check_value(SPECS["HMAC_256"], bytes(32))

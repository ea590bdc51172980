"""--wrap-only: files for the console's fields, and never a wrong one."""

from __future__ import annotations

import base64
import hashlib
import json
import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kmscrypto import wrapping
from kmsimport.faults import Exit
from tests.kmsimport.test_import import unique
from tests.kmsimport.test_refusals import assert_failed

PAIR = wrapping.generate_wrapping_key()


@pytest.fixture
def aes_file(key_files):
    return key_files.file(unique("aes"), os.urandom(32))


@pytest.fixture
def wrapping_key(key_files):
    return key_files.file("wrappingKey_0d0466b0-e727-4d9c-b35d-f84bb474a37f", PAIR.public_der)


@pytest.fixture
def wrap(offline, tmp_path, wrapping_key):
    def run(key_file, *arguments, public_key=wrapping_key):
        return offline(key_file, "--wrap-only", "--public-key", public_key, "--out-dir", tmp_path, *arguments)

    return run


def opened(path) -> bytes:
    return wrapping.unwrap(PAIR.private_der, "RSAES_OAEP_SHA_256", path.read_bytes())


def test_the_file_holds_the_key_and_is_as_large_as_the_page_asks_for(wrap, aes_file, tmp_path):
    run = wrap(aes_file, "--json")

    assert run.code == Exit.DONE, run.err
    (file,) = tmp_path.iterdir()
    assert file.name == "EncryptedKeyMaterial.bin"
    assert file.stat().st_size == 256
    assert opened(file) == aes_file.read_bytes()
    assert run.json["files"] == [str(file)]


def test_a_private_key_takes_two_files_and_a_fresh_temporary_key(wrap, key_files, tmp_path):
    temporary_keys = set()
    for _ in range(2):
        run = wrap(key_files.private_key("RSA_2048"))

        assert run.code == Exit.DONE, run.err
        files = {path.name: path for path in tmp_path.iterdir()}
        assert sorted(files) == ["EncryptedKeyMaterial.bin", "out_rsa_private_key.der"]
        temporary = opened(files["EncryptedKeyMaterial.bin"])
        temporary_keys.add(temporary)
        der = wrapping.unwrap_private_key(temporary, files["out_rsa_private_key.der"].read_bytes())
        assert key_files("pkey", "-inform", "DER", "-pubout", data=der) == key_files(
            "pkey", "-in", "RSA_2048.pem", "-pubout"
        )
        for path in files.values():
            path.unlink()

    assert len(temporary_keys) == 2
    assert all(len(key) == 32 for key in temporary_keys)


def test_the_fingerprint_is_that_of_the_page(wrap, aes_file):
    digest = hashlib.sha256(PAIR.public_der).hexdigest()

    assert f"{digest[:4]} {digest[4:8]} … {digest[-8:-4]} {digest[-4:]}" in wrap(aes_file).err


@pytest.mark.parametrize("form", ["PEM", "PEM after text", "Base64", "Base64 in lines", "JSON", "JSON after a mark"])
def test_the_wrapping_key_may_come_in_text(wrap, key_files, aes_file, tmp_path, form):
    code = base64.b64encode(PAIR.public_der)
    pem = key_files("pkey", "-pubin", "-inform", "DER", "-pubout", data=PAIR.public_der)
    answer = json.dumps({"key_id": "1", "import_token": "AAAA", "public_key": code.decode(), "expiration_time": 1})
    text = {
        "PEM": pem,
        "PEM after text": b"# from the API\r\n" + pem.replace(b"\n", b"\r\n"),
        "Base64": code,
        "Base64 in lines": base64.encodebytes(PAIR.public_der),
        "JSON": answer.encode(),
        "JSON after a mark": b"\xef\xbb\xbf" + answer.encode() + b"\n",
    }[form]

    run = wrap(aes_file, public_key=key_files.file("wrapping-key.txt", text))

    assert run.code == Exit.DONE, run.err
    assert opened(tmp_path / "EncryptedKeyMaterial.bin") == aes_file.read_bytes()


def test_nothing_is_overwritten_and_nothing_is_left_half_done(wrap, key_files, tmp_path):
    there = tmp_path / "out_ec_private_key.der"
    there.write_bytes(b"of another import")

    run = wrap(key_files.private_key("EC_P256"))

    assert_failed(run, Exit.USAGE, "out_ec_private_key.der is there already")
    assert there.read_bytes() == b"of another import"
    assert list(tmp_path.iterdir()) == [there]


def spki(key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "not an RSA public key"),
        (b"not a key at all!", "neither DER, Base64, PEM nor"),
        (b'{"error": {"error_code": "KMS.0330"}}', "no member public_key"),
        (b'{"public_key": 5}', "no member public_key"),
        (b'{"public_key": "AAAA"}', "not an RSA public key"),
        (b"AAAA", "not an RSA public key"),
        (PAIR.public_der[:-1], "not an RSA public key"),
        (spki(ec.generate_private_key(ec.SECP256R1())), "not an RSA public key"),
        (spki(rsa.generate_private_key(65537, 1024)), "has 1024 bits"),  # noqa: S505
        (PAIR.private_der, "not an RSA public key"),
    ],
    ids=["empty", "text", "refusal", "number", "JSON", "Base64", "cut", "elliptic", "short", "private"],
)
def test_what_is_no_wrapping_key_is_refused(wrap, key_files, aes_file, tmp_path, content, part):
    run = wrap(aes_file, public_key=key_files.file("no-wrapping-key", content))

    assert_failed(run, Exit.USAGE, part)
    assert list(tmp_path.iterdir()) == []


def test_the_keys_own_public_half_is_no_wrapping_key(wrap, key_files):
    source = key_files.private_key("RSA_2048")
    own = key_files.file("own.der", key_files("pkey", "-in", source.name, "-pubout", "-outform", "DER"))

    assert_failed(wrap(source, public_key=own), Exit.USAGE, "public half of the key file itself")


def test_places_that_are_not_there(wrap, offline, aes_file, wrapping_key, tmp_path):
    assert_failed(wrap(aes_file, public_key=tmp_path / "none"), Exit.USAGE, "No such file")
    run = offline(aes_file, "--wrap-only", "--public-key", wrapping_key, "--out-dir", tmp_path / "none")
    assert_failed(run, Exit.USAGE, "no such directory")


def test_the_kind_that_was_asked_for_is_checked(wrap, aes_file, tmp_path):
    assert_failed(wrap(aes_file, "--spec", "EC_P256"), Exit.KEY_FILE, "holds AES_256")
    assert list(tmp_path.iterdir()) == []

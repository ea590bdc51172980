"""Material that a program of the JDK wrapped: RSA-OAEP with SHA-256, and private keys under AES key wrap (RFC 5649)."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from tests.services import programs
from tests.wire.conftest import assert_error

pytestmark = pytest.mark.system

SOURCE = Path(__file__).parent / "java/Wrap.java"


@pytest.fixture(scope="module")
def java() -> str:
    """Runs a source file, which only a JDK does."""
    programs.find("javac", package="default-jdk-headless")
    return programs.find("java", package="default-jdk-headless")


def wrapped_by(java, kind, offer) -> list[str]:
    command = [java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", SOURCE, kind, offer["public_key"]]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def body_of(key_id, offer, material, private_key=None):
    body = {"key_id": key_id, "import_token": offer["import_token"], "encrypted_key_material": material}
    return body | ({"encrypted_privatekey": private_key} if private_key else {})


def test_symmetric_material(wire, java):
    key_id = wire.new_key(origin="external")
    offer = wire.offer(key_id)

    (material,) = wrapped_by(java, "AES_256", offer)

    assert wire.answer("import-key-material", body_of(key_id, offer, material)) == {}
    sealed = wire.answer("encrypt-data", {"key_id": key_id, "plain_text": "hello"})["cipher_text"]
    assert wire.answer("decrypt-data", {"cipher_text": sealed})["plain_text"] == "hello"


@pytest.mark.parametrize(("spec", "usage"), [("RSA_2048", "ENCRYPT_DECRYPT"), ("EC_P256", "SIGN_VERIFY")])
def test_a_private_key(wire, java, spec, usage):
    key_id = wire.new_key(origin="external", key_spec=spec, key_usage=usage)
    offer = wire.offer(key_id)

    material, private_key, public_key = wrapped_by(java, spec, offer)

    assert wire.answer("import-key-material", body_of(key_id, offer, material, private_key)) == {}
    shown = load_pem_public_key(wire.answer("get-publickey", {"key_id": key_id})["public_key"].encode())
    assert shown == load_der_public_key(base64.b64decode(public_key))


def test_oaep_as_the_jdk_understands_it_without_parameters_is_refused_with_what_to_do(wire, java):
    """Its MGF1 is then with SHA-1, though the name of the transformation says SHA-256."""
    key_id = wire.new_key(origin="external")
    offer = wire.offer(key_id)

    (material,) = wrapped_by(java, "AES_256_JDK_DEFAULT", offer)

    refusal = wire("import-key-material", body_of(key_id, offer, material))
    assert_error(refusal, 400, "KMS.0311")
    (fault,) = refusal.json()["error"]["error_fields"]
    assert (fault["field"], fault["reason"][-26:]) == ("encrypted_key_material", "SHA-256 for hash and MGF1.")

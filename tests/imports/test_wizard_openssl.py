"""The commands that the wizard shows: every line is run by the real OpenSSL, and the result is imported."""

from __future__ import annotations

import base64
import subprocess

import pytest

from imports import openssl as shown
from imports.api import IMPORT_KEY_MATERIAL
from kmscrypto.specs import SPECS
from operations.perform import perform
from tests.operations.stage import an_empty_key, an_offer, b64, state_of

IMPORTABLE = [spec.name for spec in SPECS.values() if spec.importable]


def run(command: str, folder) -> None:
    done = subprocess.run(["sh", "-e", "-c", command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.mark.django_db
@pytest.mark.parametrize("spec", IMPORTABLE)
def test_the_commands_make_what_the_service_imports(alice, tmp_path, openssl, spec):
    key = an_empty_key(alice, spec)
    offer = an_offer(alice, key)
    (tmp_path / f"wrappingKey_{key.key_id}").write_bytes(base64.b64decode(offer["public_key"]))

    for command in shown.commands(key.spec, shown.wrapping_key_file(key.key_id)):
        for line in command.lines:
            run(line, tmp_path)

    fields = {"encrypted_key_material": "EncryptedKeyMaterial.bin"}
    if key.spec.is_asymmetric:
        fields = {
            "encrypted_key_material": "EncryptedKeyMaterial.bin",
            "encrypted_privatekey": f"out_{key.spec.family.lower()}_private_key.der",
        }
    wrapped = {name: b64((tmp_path / file).read_bytes()) for name, file in fields.items()}
    perform(IMPORT_KEY_MATERIAL, alice, {"key_id": key.key_id, "import_token": offer["import_token"], **wrapped})
    assert state_of(alice, key) == "2"


@pytest.mark.parametrize("form", ["traditional", "encrypted"])
def test_a_private_key_of_ones_own_is_converted_whatever_its_form(tmp_path, openssl, form):
    steps = shown.commands(SPECS["RSA_2048"], "PublicKey.bin")
    run(steps[0].text, tmp_path)
    rewrite = {
        "traditional": "openssl rsa -traditional -in rsa_private_key.pem -out other.pem",
        "encrypted": "openssl pkcs8 -topk8 -in rsa_private_key.pem -out other.pem -passout pass:quiet",
    }[form]
    run(f"{steps[1].text} && mv rsa_private_key.der expected.der", tmp_path)
    run(f"{rewrite} && mv other.pem rsa_private_key.pem", tmp_path)

    # The password is asked for on a terminal; here it comes with the command.
    run(steps[1].text + (" -passin pass:quiet" if form == "encrypted" else ""), tmp_path)

    assert (tmp_path / "rsa_private_key.der").read_bytes() == (tmp_path / "expected.der").read_bytes()


@pytest.mark.parametrize("spec", IMPORTABLE)
def test_the_commands_name_the_files_of_this_very_key(spec):
    wrapping_key = shown.wrapping_key_file("43f1ffd7-18fb-4568-9575-602e009b7ee8")
    text = "\n".join(command.text for command in shown.commands(SPECS[spec], wrapping_key))

    assert "wrappingKey_43f1ffd7-18fb-4568-9575-602e009b7ee8 " in text
    assert "xxd" not in text
    assert "1.1.1" in shown.older_versions(SPECS[spec])


def test_what_wraps_a_private_key_needs_openssl_3_and_what_wraps_material_does_not():
    assert "These need OpenSSL 3" in shown.older_versions(SPECS["RSA_2048"])
    assert "from 1.0.2 on" in shown.older_versions(SPECS["AES_256"])

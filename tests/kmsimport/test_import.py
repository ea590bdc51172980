"""Whole imports over HTTP: the key is there afterwards, and it is the one from the file."""

from __future__ import annotations

import base64
import os

import pytest

from kmscrypto import fingerprint
from kmscrypto.specs import SPECS
from kmsimport.faults import Exit

pytestmark = pytest.mark.system


def unique(name: str) -> str:
    return f"{name}-{os.urandom(5).hex()}"


def described(wire, key_id: str) -> dict:
    return wire.answer("describe-key", {"key_id": key_id})["key_info"]


@pytest.fixture
def aes_file(key_files):
    return key_files.file(unique("aes"), os.urandom(32))


def test_a_symmetric_key_is_made_filled_and_proven(wire, command, aes_file):
    alias = unique("made")

    run = command(aes_file, "--create", alias, "--spec", "AES_256", "--json")

    assert run.code == Exit.DONE, run.err
    info = described(wire, run.json["key_id"])
    assert (info["key_alias"], info["key_state"], info["origin"]) == (alias, "2", "external")
    assert info["expiration_time"] == ""
    assert run.json["round_trip"] is True
    assert run.json["check_value"] == fingerprint.check_value(SPECS["AES_256"], aes_file.read_bytes())


def test_a_key_that_waits_is_filled(wire, command, aes_file):
    key_id = wire.new_key(origin="external")

    run = command(aes_file, "--key-id", key_id, "--json")

    assert run.code == Exit.DONE, run.err
    assert (run.json["key_id"], run.json["created"]) == (key_id, False)
    assert described(wire, key_id)["key_state"] == "2"


def test_a_key_is_found_by_its_alias(wire, command, aes_file):
    alias = unique("waiting")
    key_id = wire.answer("create-key", {"key_alias": alias, "origin": "external"})["key_info"]["key_id"]

    run = command(aes_file, "--key-id", f"alias/{alias}", "--json")

    assert (run.code, run.json["key_id"]) == (Exit.DONE, key_id)


def test_each_step_is_told_on_standard_error_and_the_result_on_standard_output(command, aes_file):
    run = command(aes_file, "--create", unique("told"))

    steps = [line.split("  ")[0] for line in run.err.splitlines()]
    assert steps == ["key file", "signed in", "key", "parameters", "wrapped", "imported", "round trip"]
    assert run.out.startswith("Imported into key ")


def test_material_expires_when_it_is_told_to(wire, command, aes_file):
    run = command(aes_file, "--create", unique("mortal"), "--expires", "2099-01-31T01:00+01:00", "--json")

    assert run.code == Exit.DONE, run.err
    assert run.json["expires_at"] == "2099-01-31T00:00:00Z"
    assert described(wire, run.json["key_id"])["expiration_time"] == "4073500800000"


@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384"])
def test_the_service_signs_with_the_private_key_from_the_file(wire, command, key_files, spec):
    file = key_files.private_key(spec)

    run = command(file, "--create", unique("signing"), "--json")

    assert run.code == Exit.DONE, run.err
    assert (run.json["key_spec"], run.json["key_usage"], run.json["round_trip"]) == (spec, "SIGN_VERIFY", True)
    public = wire.answer("get-publickey", {"key_id": run.json["key_id"]})["public_key"]
    assert public.encode() == key_files("pkey", "-in", file.name, "-pubout")


def test_the_service_decrypts_with_the_private_key_from_the_file(command, key_files):
    file = key_files.private_key("RSA_2048")

    run = command(file, "--create", unique("opening"), "--usage", "ENCRYPT_DECRYPT", "--json")

    assert run.code == Exit.DONE, run.err
    assert (run.json["key_usage"], run.json["round_trip"]) == ("ENCRYPT_DECRYPT", True)


def test_an_enterprise_project_and_a_description_are_given_to_the_new_key(wire, command, aes_file):
    run = command(
        aes_file, "--create", unique("told"), "--description", "of the HSM", "--enterprise-project", "0", "--json"
    )

    assert described(wire, run.json["key_id"])["key_description"] == "of the HSM"


def test_the_key_comes_through_standard_input(wire, program):
    run = program("-", "--create", unique("piped"), "--json", data=os.urandom(32))

    assert run.code == Exit.DONE, run.err
    assert described(wire, run.json["key_id"])["key_state"] == "2"


def test_without_a_round_trip_the_key_is_not_used(command, aes_file):
    run = command(aes_file, "--create", unique("unproven"), "--no-round-trip", "--json")

    assert run.code == Exit.DONE
    assert "round_trip" not in run.json


# --- dry runs -----------------------------------------------------------------------------------------------------


def test_a_dry_run_makes_no_key(wire, command, aes_file):
    before = wire.answer("list-keys", {"limit": "1"})["total"]

    run = command(aes_file, "--create", unique("dry"), "--dry-run")

    assert run.code == Exit.DONE, run.err
    assert "was not asked" in run.out
    assert wire.answer("list-keys", {"limit": "1"})["total"] == before


def test_a_dry_run_into_a_key_wraps_and_leaves_it_waiting(wire, command, aes_file):
    key_id = wire.new_key(origin="external")

    run = command(aes_file, "--key-id", key_id, "--dry-run")

    assert run.code == Exit.DONE, run.err
    assert "wrapped" in run.err
    assert described(wire, key_id)["key_state"] == "5"


def test_a_dry_run_tells_of_a_taken_alias(wire, command, aes_file):
    alias = unique("taken")
    wire.answer("create-key", {"key_alias": alias})

    run = command(aes_file, "--create", alias, "--dry-run", "--json")

    assert (run.code, run.json["error"]["code"]) == (Exit.REFUSED, "KMS.1104")


# --- wrapped here, sent by another program ------------------------------------------------------------------------


def send(wire, key_id: str, offer: dict, directory, *names: str) -> None:
    fields = dict(zip(("encrypted_key_material", "encrypted_privatekey"), names, strict=False))
    wrapped = {field: base64.b64encode((directory / name).read_bytes()).decode() for field, name in fields.items()}
    wire.answer("import-key-material", {"key_id": key_id, "import_token": offer["import_token"], **wrapped})


def test_what_was_wrapped_without_a_network_is_imported_by_a_plain_client(wire, offline, aes_file, tmp_path):
    key_id = wire.new_key(origin="external")
    offer = wire.offer(key_id)
    wrapping_key = tmp_path / f"wrappingKey_{key_id}"
    wrapping_key.write_bytes(base64.b64decode(offer["public_key"]))

    run = offline(aes_file, "--wrap-only", "--public-key", wrapping_key, "--out-dir", tmp_path)

    assert run.code == Exit.DONE, run.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["EncryptedKeyMaterial.bin", wrapping_key.name]
    send(wire, key_id, offer, tmp_path, "EncryptedKeyMaterial.bin")
    assert described(wire, key_id)["key_state"] == "2"


def test_a_wrapped_private_key_is_imported_by_a_plain_client(wire, offline, key_files, tmp_path):
    key_id = wire.new_key(origin="external", key_spec="EC_P384")
    offer = wire.offer(key_id)
    wrapping_key = tmp_path / "wrapping-key"
    wrapping_key.write_text(offer["public_key"])  # Base64, as the API gives it

    run = offline(key_files.private_key("EC_P384"), "--wrap-only", "--public-key", wrapping_key, "--out-dir", tmp_path)

    assert run.code == Exit.DONE, run.err
    send(wire, key_id, offer, tmp_path, "EncryptedKeyMaterial.bin", "out_ec_private_key.der")
    public = wire.answer("get-publickey", {"key_id": key_id})["public_key"]
    assert public.encode() == key_files("pkey", "-in", "EC_P384.pem", "-pubout")

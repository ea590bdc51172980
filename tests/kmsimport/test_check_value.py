"""--check-value: a backup is compared with what the service has, and nothing is imported."""

from __future__ import annotations

import os

import pytest

from kmscrypto import fingerprint
from kmscrypto.specs import SPECS
from kmsimport.faults import Exit
from tests.kmsimport.test_import import described, unique
from tests.kmsimport.test_refusals import assert_failed

pytestmark = pytest.mark.system


@pytest.fixture
def aes_file(key_files):
    return key_files.file(unique("aes"), os.urandom(32))


def test_without_a_key_it_tells_the_files_own_and_needs_nobody(offline, aes_file):
    run = offline(aes_file, "--check-value")

    expected = fingerprint.check_value(SPECS["AES_256"], aes_file.read_bytes())
    assert (run.code, run.out) == (Exit.DONE, f"{expected}\n")


def test_a_private_keys_is_that_of_its_public_half(offline, key_files):
    public = key_files("pkey", "-in", key_files.private_key("RSA_2048").name, "-pubout", "-outform", "DER")
    digest = key_files("dgst", "-sha256", "-r", data=public).decode()

    run = offline(key_files.private_key("RSA_2048"), "--check-value")

    assert run.out.strip() == digest[:10].upper()


def test_the_same_material(wire, command, aes_file):
    key_id = command(aes_file, "--create", unique("same"), "--json").json["key_id"]

    run = command(aes_file, "--check-value", "--key-id", key_id, "--json")

    assert (run.code, run.json["same"]) == (Exit.DONE, True), run.err
    assert run.json["check_value"] == run.json["service_check_value"]


def test_the_same_material_that_was_deleted(wire, command, aes_file):
    key_id = command(aes_file, "--create", unique("gone"), "--json").json["key_id"]
    wire.answer("delete-imported-key-material", {"key_id": key_id})

    run = command(aes_file, "--check-value", "--key-id", key_id)

    assert run.code == Exit.DONE, run.err
    assert described(wire, key_id)["key_state"] == "5"


def test_other_material(command, aes_file, key_files):
    key_id = command(aes_file, "--create", unique("other"), "--json").json["key_id"]

    run = command(key_files.file("other", os.urandom(32)), "--check-value", "--key-id", key_id, "--json")

    assert_failed(run, Exit.DIFFERS, "The check values differ", "takes no other")
    assert run.json["same"] is False


def test_a_key_of_another_kind(command, aes_file, key_files):
    key_id = command(aes_file, "--create", unique("kind"), "--json").json["key_id"]

    run = command(key_files.private_key("EC_P256"), "--check-value", "--key-id", key_id)

    assert_failed(run, Exit.DIFFERS, "holds EC_P256", "is AES_256")


def test_a_key_that_never_had_any(wire, command, aes_file):
    run = command(aes_file, "--check-value", "--key-id", wire.new_key(origin="external"))

    assert_failed(run, Exit.DIFFERS, "never had any material")


def test_a_key_that_was_not_imported(wire, command, aes_file):
    assert_failed(command(aes_file, "--check-value", "--key-id", wire.new_key()), Exit.REFUSED, "KMS.0309")

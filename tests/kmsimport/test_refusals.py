"""What goes wrong, in the order in which it can: each ends with its exit code and says what to do."""

from __future__ import annotations

import os

import pytest

from kmsimport.faults import Exit
from tests.kmsimport.test_import import described, unique

pytestmark = pytest.mark.system


@pytest.fixture
def aes_file(key_files):
    return key_files.file(unique("aes"), os.urandom(32))


def assert_failed(run, code: Exit, *parts: str):
    assert run.code == code, run.err
    for part in parts:
        assert part in run.err, run.err
    assert "Traceback" not in run.err


def test_json_says_why_a_key_file_is_refused(offline, key_files):
    run = offline(key_files.file("x.ppk", b"PuTTY-User-Key-File-3: ssh-rsa\n"), "--check-value", "--json")

    assert_failed(run, Exit.KEY_FILE, "a private key of PuTTY", "puttygen KEY_FILE -O private-openssh -o key.pem")
    assert (run.json["error"]["kind"], run.json["error"]["reason"]) == ("key_file", "putty")


# --- usage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "KEY_FILE"),
        (["KEY"], "Import into which key?"),
        (["KEY", "--key-id", "1", "--create", "x"], "Either --key-id or --create"),
        (["KEY", "--check-value", "--key-id", ""], "--key-id is empty"),
        (["KEY", "--create", "x", "--expires", ""], "--expires is empty"),
        (["KEY", "--wrap-only", "--public-key", "", "--out-dir", "."], "--public-key is empty"),
        (["KEY", "--create", "x", "--enterprise-project", ""], "--enterprise-project is empty"),
        (["KEY", "--create", "x", "--timeout", "abc"], "a number of seconds"),
        (["KEY", "--key-id", "1", "--usage", "SIGN_VERIFY"], "Only --create takes --usage"),
        (["KEY", "--create", "x", "--public-key", "y"], "Only --wrap-only takes --public-key"),
        (["KEY", "--wrap-only"], "needs --public-key and --out-dir"),
        (["KEY", "--wrap-only", "--key-id", "1"], "leave out --key-id"),
        (["KEY", "--check-value", "--expires", "3d"], "leave out --expires"),
        (["KEY", "--check-value", "--wrap-only"], "Either"),
        (["KEY", "--create", "x", "--spec", "HMAC_256"], "invalid choice"),
        (["KEY", "--create", "x", "--expires", "yesterday"], "not a time"),
        (["KEY", "--create", "x", "--timeout", "0"], "at most 3600"),
        (["KEY", "--crea", "x"], "unrecognized arguments"),
        (["-", "--create", "x", "--password-fd", "0"], "another descriptor"),
        (["KEY", "--create", "x", "--password", "secret"], "unrecognized arguments"),
        (["KEY", "--create", "x", "--allow-http", "--auth-url", "ftp://x"], "not the address of a service"),
        (["KEY", "--create", "x", "--auth-url", "http://kms.example.com/v3"], "not encrypted"),
        (["KEY", "--create", "x", "--ca-file", "/nowhere"], "not a file of PEM certificates"),
        (["KEY", "--create", "x", "--token-file", "/nowhere"], "cannot be read"),
        (["KEY", "--create", "x", "--user", "admin", "--password-fd", "77", "--domain", "y"], "cannot be read"),
        (["KEY", "--create", "x", "--user", "admin", "--token-file", "/nowhere"], "Either --token-file"),
    ],
)
def test_a_wrong_command_line_is_usage(command, aes_file, arguments, part):
    run = command(*[aes_file if each == "KEY" else each for each in arguments])

    assert_failed(run, Exit.USAGE, part)


@pytest.mark.parametrize(
    ("missing", "part"),
    [
        ("OS_AUTH_URL", "Where is the service?"),
        ("OS_USERNAME", "Who are you?"),
        ("OS_DOMAIN_NAME", "Of which account"),
        ("OS_PROJECT_NAME", "In which project?"),
    ],
)
def test_what_the_environment_lacks_is_named(offline, by_password, aes_file, missing, part):
    environment = {name: value for name, value in by_password.items() if name != missing}

    assert_failed(offline(aes_file, "--create", "x", **environment), Exit.USAGE, part)


# --- the key file -------------------------------------------------------------------------------------------------


def test_a_key_file_that_is_not_there(command, tmp_path):
    assert_failed(command(tmp_path / "none", "--create", "x"), Exit.KEY_FILE, "No such file")
    assert_failed(command(tmp_path, "--create", "x"), Exit.KEY_FILE, "Is a directory")


def test_a_key_file_that_is_too_large(command, key_files):
    assert_failed(command(key_files.file("large", bytes(70_000)), "--create", "x"), Exit.KEY_FILE, "larger than 64 KiB")


def test_a_public_key_by_mistake(command, key_files):
    public = key_files.file("pub.pem", key_files("pkey", "-in", key_files.private_key("RSA_2048").name, "-pubout"))

    assert_failed(command(public, "--create", "x"), Exit.KEY_FILE, "PUBLIC KEY", "Bring the private key")


def test_a_wrong_passphrase(command, key_files):
    source = key_files.private_key("EC_P256")
    data = key_files("pkcs8", "-topk8", "-passout", "pass:sesame", "-in", source.name)
    reading, writing = os.pipe()
    os.write(writing, b"simsim\n")
    os.close(writing)

    run = command(key_files.file("locked.pem", data), "--create", "x", "--passphrase-fd", reading)

    assert_failed(run, Exit.KEY_FILE, "passphrase does not open")
    assert "simsim" not in run.err + run.out


@pytest.mark.parametrize(
    ("spec", "wanted", "part"),
    [
        ("RSA_2048", "RSA_4096", "holds RSA_2048"),
        ("EC_P256", "EC_P384", "holds EC_P256"),
        ("EC_P256", "AES_256", "holds EC_P256"),
        (None, "EC_P256", "takes a private key"),
    ],
)
def test_a_key_of_another_kind_than_asked_for_is_refused_before_anything_is_sent(
    wire, command, key_files, aes_file, spec, wanted, part
):
    run = command(key_files.private_key(spec) if spec else aes_file, "--create", "x", "--spec", wanted)

    assert_failed(run, Exit.KEY_FILE, part)
    assert "signed in" not in run.err


def test_a_key_of_another_kind_than_the_server_waits_for(wire, command, key_files):
    key_id = wire.new_key(origin="external", key_spec="RSA_4096")

    run = command(key_files.private_key("RSA_2048"), "--key-id", key_id)

    assert_failed(run, Exit.KEY_FILE, "holds RSA_2048", "the key on the server is RSA_4096")
    assert described(wire, key_id)["key_state"] == "5"


def test_private_keys_do_not_expire(command, key_files):
    run = command(key_files.private_key("EC_P256"), "--create", "x", "--expires", "30d")

    assert_failed(run, Exit.USAGE, "never expires")


# --- the sign-in --------------------------------------------------------------------------------------------------


def test_a_wrong_password(offline, by_password, aes_file):
    run = offline(aes_file, "--create", "x", "--json", **{**by_password, "OS_PASSWORD": "wrong horse"})

    assert_failed(run, Exit.SIGN_IN, "sign-in was refused", "Check who is asking")
    assert run.json["error"]["kind"] == "sign_in"
    assert "wrong horse" not in run.err + run.out


def test_a_token_that_is_none(wire, command, aes_file, tmp_path):
    file = tmp_path / "token"
    file.write_text("not-a-token")

    run = command(aes_file, "--create", "x", "--token-file", file, OS_PROJECT_ID=wire.project_id)

    assert_failed(run, Exit.SIGN_IN, "The token was refused")


def test_a_token_file_spares_the_sign_in(wire, offline, aes_file, tmp_path):
    file = tmp_path / "token"
    file.write_text(wire.token + "\n")
    arguments = [aes_file, "--create", unique("token"), "--token-file", file]

    found = offline(*arguments, "--auth-url", wire.console.url)
    arguments[2] = unique("token")
    told = offline(*arguments, "--endpoint", wire.console.url, "--project-id", wire.project_id)

    assert (found.code, told.code) == (Exit.DONE, Exit.DONE), found.err + told.err


def test_a_token_that_has_expired(wire, offline, aes_file, tmp_path):
    file = tmp_path / "token"
    file.write_text(wire.token)
    wire.console.manage("clock", "--advance", "25h")
    try:
        arguments = [aes_file, "--create", unique("late"), "--token-file", file, "--project-id", wire.project_id]
        run = offline(*arguments, "--endpoint", wire.console.url, "--json")
    finally:
        wire.console.manage("clock", "--reset")

    assert_failed(run, Exit.SIGN_IN, "create-key was refused")
    assert run.json["error"]["code"] == "KMS.0303"


# --- the service --------------------------------------------------------------------------------------------------


def test_a_key_that_is_not_there(command, aes_file):
    run = command(aes_file, "--key-id", "0d0466b0-e727-4d9c-b35d-f84bb474a37f", "--json")

    assert_failed(run, Exit.REFUSED, "KMS.0207", "Is it the right project")
    assert run.json["error"]["code"] == "KMS.0207"
    assert run.json["error"]["request_id"]


def test_a_key_id_that_is_none(command, aes_file):
    assert_failed(command(aes_file, "--key-id", "my-key"), Exit.REFUSED, "KMS.0205", "alias/NAME")


def test_a_key_that_was_not_made_for_import(wire, command, aes_file):
    assert_failed(command(aes_file, "--key-id", wire.new_key()), Exit.REFUSED, "not made for import", "--create")


def test_a_key_that_has_its_material(wire, command, aes_file):
    first = command(aes_file, "--create", unique("full"), "--json")

    run = command(aes_file, "--key-id", first.json["key_id"], "--json")

    assert_failed(run, Exit.REFUSED, "is Enabled", "--check-value")
    assert run.json["error"]["code"] == "KMS.0310"


def test_an_alias_that_is_taken(wire, command, aes_file):
    alias = unique("taken")
    wire.answer("create-key", {"key_alias": alias})

    assert_failed(command(aes_file, "--create", alias), Exit.REFUSED, "KMS.1104", "another alias")


def test_other_material_than_the_first_is_refused_and_only_the_first_comes_back(wire, command, aes_file, key_files):
    key_id = command(aes_file, "--create", unique("bound"), "--json").json["key_id"]
    wire.answer("delete-imported-key-material", {"key_id": key_id})

    other = command(key_files.file("other", os.urandom(32)), "--key-id", key_id, "--json")
    again = command(aes_file, "--key-id", key_id)

    assert_failed(other, Exit.REFUSED, "KMS.2606", "--check-value")
    assert again.code == Exit.DONE, again.err

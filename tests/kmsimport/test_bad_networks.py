"""Between the command and the service: lost answers, busy servers, redirects, TLS; and a cloud that is not ours."""

from __future__ import annotations

import os
import socket

import pytest

from kmsimport.faults import Exit
from tests.kmsimport.relay import DROP, LOSE, Refuse, certificate, kms_error, relay_to
from tests.kmsimport.test_import import described, unique
from tests.kmsimport.test_refusals import assert_failed

pytestmark = pytest.mark.system


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("kmsimport.connection.PAUSES", (0, 0))


@pytest.fixture
def aes_file(key_files):
    return key_files.file(unique("aes"), os.urandom(32))


@pytest.fixture
def relay(wire):
    with relay_to(wire.console.url) as relay:
        yield relay


@pytest.fixture
def through(command, relay):
    """The command, with the relay as the only address it is told."""
    return lambda *arguments, **how: command(*arguments, "--json", OS_AUTH_URL=f"{relay.url}/v3", **how)


def test_reads_are_tried_again_when_the_answer_is_lost_or_the_server_busy(through, relay, aes_file, wire):
    key_id = wire.new_key(origin="external")
    relay.faults = {"tokens": [LOSE], "describe-key": [DROP, Refuse(503)], "encrypt-data": [Refuse(429), LOSE]}

    run = through(aes_file, "--key-id", key_id)

    assert run.code == Exit.DONE, run.err
    tries = {name: relay.calls.count(name) for name in ("tokens", "describe-key", "encrypt-data", "decrypt-data")}
    assert tries == {"tokens": 2, "describe-key": 3, "encrypt-data": 3, "decrypt-data": 1}


def test_a_read_is_tried_three_times_and_no_more(through, relay, aes_file):
    relay.always["describe-key"] = Refuse(503)

    run = through(aes_file, "--key-id", "alias/x")

    assert_failed(run, Exit.NETWORK, "HTTP 503")
    assert relay.calls.count("describe-key") == 3


@pytest.mark.parametrize("name", ["create-key", "get-parameters-for-import", "import-key-material"])
def test_writes_are_never_repeated(through, relay, aes_file, name):
    relay.faults[name] = [DROP]

    run = through(aes_file, "--create", unique("once"))

    assert_failed(run, Exit.NETWORK, "No answer from")
    assert relay.calls.count(name) == 1


def test_an_import_whose_answer_was_lost_is_found_to_be_done(through, relay, aes_file, wire):
    relay.faults["import-key-material"] = [LOSE]

    run = through(aes_file, "--create", unique("lost"))

    assert run.code == Exit.DONE, run.err
    assert relay.calls.count("import-key-material") == 1
    assert described(wire, run.json["key_id"])["key_state"] == "2"


@pytest.mark.parametrize("fault", [kms_error("KMS.2605"), kms_error("KMS.2601"), DROP])
def test_after_a_failure_the_empty_key_that_was_made_is_named(through, relay, aes_file, wire, fault):
    relay.faults["import-key-material"] = [fault]

    run = through(aes_file, "--create", unique("left"))

    assert run.code == (Exit.NETWORK if fault == DROP else Exit.REFUSED)
    key_id = run.json["key_id"]
    assert_failed(run, run.code, f"The key {key_id}", "is empty", f"Go on with: --key-id {key_id}")
    assert (run.json["ok"], run.json["created"]) == (False, True)
    assert described(wire, key_id)["key_state"] == "5"
    assert through(aes_file, "--key-id", key_id).code == Exit.DONE


def test_an_import_token_that_expired_says_so(through, relay, aes_file, wire):
    relay.faults["import-key-material"] = [kms_error("KMS.2601")]

    run = through(aes_file, "--key-id", wire.new_key(origin="external"))

    assert_failed(run, Exit.REFUSED, "KMS.2601", "start again")
    assert "created" not in run.err


# --- proofs that fail ---------------------------------------------------------------------------------------------


def test_a_decryption_that_gives_something_else_is_not_proven(through, relay, aes_file):
    relay.changes["decrypt-data"] = lambda answer: {**answer, "plain_text": "another text"}

    run = through(aes_file, "--create", unique("unlike"))

    assert_failed(run, Exit.NOT_PROVEN, "imported, but not proven", "did not give back")
    assert (run.json["imported"], run.json["round_trip"]) == (True, False)


def test_another_check_value_is_not_proven(through, relay, aes_file):
    relay.changes["get-check-value"] = lambda answer: {**answer, "check_value": "0123456789"}

    assert_failed(through(aes_file, "--create", unique("unlike")), Exit.NOT_PROVEN, "check value 0123456789")


def test_a_signature_of_another_key_is_not_proven(through, relay, key_files, wire):
    other = wire.new_key(key_spec="EC_P256", key_usage="SIGN_VERIFY")

    def signed_by_another(answer):
        request = {"key_id": other, "message": "AAAA", "message_type": "RAW", "signing_algorithm": "ECDSA_SHA_256"}
        return {**answer, "signature": wire.answer("sign", request)["signature"]}

    relay.changes["sign"] = signed_by_another

    run = through(key_files.private_key("EC_P256"), "--create", unique("unlike"))

    assert_failed(run, Exit.NOT_PROVEN, "not of the key in the file")


def test_who_may_import_but_not_use_is_told_that_nothing_is_proven(through, relay, aes_file):
    relay.always["encrypt-data"] = kms_error("KMS.0306", 403)

    run = through(aes_file, "--create", unique("unused"))

    assert_failed(run, Exit.NOT_PROVEN, "imported, but not proven", "KMS.0306")
    assert run.json["error"]["code"] == "KMS.0306"


# --- what else may answer -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(through, relay, aes_file, wire, status):
    relay.always["tokens"] = Refuse(status, headers={"Location": f"{wire.console.url}/v3/auth/tokens"})

    run = through(aes_file, "--create", "x")

    assert_failed(run, Exit.SIGN_IN, f"HTTP {status}", "It ends in /v3")
    assert relay.calls == ["tokens"]


@pytest.mark.parametrize("answer", [{}, {"key_info": []}, {"key_info": {"key_id": 5}}])
def test_an_answer_that_is_not_the_services_is_refused(through, relay, aes_file, answer):
    relay.always["describe-key"] = Refuse(200, answer)

    assert_failed(through(aes_file, "--key-id", "alias/x"), Exit.NETWORK, "The answer lacks key_id")


@pytest.mark.parametrize("change", [{"public_key": "AAAA"}, {"expiration_time": "soon"}, {"import_token": ""}])
def test_parameters_that_cannot_be_used_are_refused(through, relay, aes_file, wire, change):
    relay.changes["get-parameters-for-import"] = lambda answer: {**answer, **change}
    key_id = wire.new_key(origin="external")

    run = through(aes_file, "--key-id", key_id)

    assert run.code == Exit.NETWORK
    assert "import-key-material" not in relay.calls


def test_a_gateways_flat_error_is_read(through, relay, aes_file):
    relay.always["describe-key"] = Refuse(401, {"error_code": "APIGW.0301", "error_msg": "Incorrect IAM information"})

    run = through(aes_file, "--key-id", "alias/x")

    assert_failed(run, Exit.SIGN_IN, "Incorrect IAM information (APIGW.0301)")


def test_a_service_that_never_answers(command, aes_file):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v3"

        run = command(aes_file, "--create", "x", "--timeout", "0.1", OS_AUTH_URL=url)

    assert_failed(run, Exit.NETWORK, "took too long", "--timeout")


# --- TLS ----------------------------------------------------------------------------------------------------------


def test_a_certificate_must_be_trusted(wire, command, aes_file, tmp_path):
    context, trusted = certificate(tmp_path)
    with relay_to(wire.console.url, tls=context) as relay:
        where = {"OS_AUTH_URL": f"{relay.url}/v3"}
        at = ["--endpoint", relay.url]

        unknown = command(aes_file, "--create", "x", *at, **where)
        known = command(aes_file, "--create", unique("tls"), *at, "--ca-file", trusted, **where)
        by_environment = command(aes_file, "--create", unique("tls"), *at, OS_CACERT=str(trusted), **where)
        another_name = command(
            aes_file, "--create", "x", "--ca-file", trusted, OS_AUTH_URL=relay.url.replace("127.0.0.1", "localhost")
        )

    assert_failed(unknown, Exit.NETWORK, "certificate is not trusted", "--ca-file")
    assert (known.code, by_environment.code) == (Exit.DONE, Exit.DONE), known.err
    assert_failed(another_name, Exit.NETWORK, "certificate is not trusted")


# --- the original cloud -------------------------------------------------------------------------------------------


UNKNOWN = [kms_error("KMS.0201"), Refuse(404, {"error_code": "APIGW.0101", "error_msg": "The API does not exist"})]


@pytest.fixture(params=UNKNOWN, ids=["service", "gateway"])
def original(relay, request):
    """It knows no get-check-value, and has its identity service under another address."""
    relay.always["get-check-value"] = request.param
    return relay


def test_identity_and_keys_may_have_addresses_of_their_own(wire, command, original, aes_file):
    run = command(aes_file, "--create", unique("apart"), "--endpoint", original.url, "--json")

    assert run.code == Exit.DONE, run.err
    assert "tokens" not in original.calls
    assert original.calls[0] == "create-key"


def test_where_no_check_value_is_told_the_round_trip_is_enough(through, original, aes_file):
    run = through(aes_file, "--create", unique("original"))

    assert (run.code, run.json["round_trip"]) == (Exit.DONE, True), run.err


def test_where_no_check_value_is_told_public_keys_are_compared(through, original, key_files):
    key_id = through(key_files.private_key("EC_P256"), "--create", unique("original")).json["key_id"]
    other = key_files.file("other.pem", key_files("ecparam", "-name", "prime256v1", "-genkey"))

    same = through(key_files.private_key("EC_P256"), "--check-value", "--key-id", key_id)
    another = through(other, "--check-value", "--key-id", key_id)

    assert (same.code, same.json["same"]) == (Exit.DONE, True), same.err
    assert_failed(another, Exit.DIFFERS, "The check values differ")


def test_where_no_check_value_is_told_symmetric_keys_cannot_be_compared(through, original, aes_file):
    key_id = through(aes_file, "--create", unique("original")).json["key_id"]

    assert_failed(through(aes_file, "--check-value", "--key-id", key_id), Exit.REFUSED, "does not tell")


def test_the_relay_disturbs_nothing_by_itself(through, relay, aes_file):
    assert through(aes_file, "--create", unique("calm")).code == Exit.DONE
    assert relay.calls == [
        "tokens",
        "create-key",
        "get-parameters-for-import",
        "import-key-material",
        "encrypt-data",
        "decrypt-data",
        "get-check-value",
    ]

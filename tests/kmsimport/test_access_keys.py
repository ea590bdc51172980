"""Signing in without a password: each request is signed with an access key."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from kmsimport.access_keys import AccessKey
from kmsimport.connection import Request
from kmsimport.faults import Exit
from tests.kmsimport.relay import Refuse, relay_to
from tests.kmsimport.test_import import unique
from tests.kmsimport.test_refusals import assert_failed

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def pair(wire):
    made = json.loads(wire.console.manage("create_access_key", wire.user, "--format", "json"))
    return made["ak"], made["sk"]


@pytest.fixture
def signed(wire, pair):
    return {"OS_ACCESS_KEY": pair[0], "OS_SECRET_KEY": pair[1]}


@pytest.fixture
def aes_file(key_files):
    return key_files.file(unique("aes"), os.urandom(32))


def test_the_signature_is_that_of_the_clouds_own_sdk():
    """Over the same headers, in the same second."""
    key = AccessKey("AKEXAMPLE0000000001", "skExample/Secret+0000000000000000000001", project_id="0d0466b0e7274d9c")
    url, body = "http://127.0.0.1:8000/v1.0/p/kms/create-key", b'{"key_alias": "vector"}'

    headers = key.headers_for(Request("POST", url, body, {"Content-Type": "application/json"}))

    theirs = SdkRequest(
        method="POST", schema="http", host="127.0.0.1:8000", resource_path="/v1.0/p/kms/create-key", query_params=[],
        header_params={name: headers[name] for name in ("Content-Type", "X-Project-Id", "X-Sdk-Date", "Host")},
        body=body.decode(),
    )  # fmt: skip
    Signer(BasicCredentials(key.access_key, key.secret_key)).sign(theirs)
    assert headers["Authorization"] == theirs.header_params["Authorization"]


def test_an_access_key_looks_up_project_and_address(wire, offline, signed, aes_file):
    run = offline(
        aes_file,
        *("--create", unique("signed"), "--json"),
        **{**signed, "OS_AUTH_URL": f"{wire.console.url}/v3", "OS_REGION_NAME": "eu-de"},
    )

    assert run.code == Exit.DONE, run.err
    assert (run.json["project_id"], run.json["round_trip"]) == (wire.project_id, True)


def test_where_everything_is_told_nothing_is_looked_up(wire, offline, pair, key_files):
    with relay_to(wire.console.url) as relay:
        run = offline(
            *(key_files.private_key("EC_P256"), "--create", unique("signed"), "--endpoint", relay.url),
            HUAWEICLOUD_SDK_AK=pair[0],
            HUAWEICLOUD_SDK_SK=pair[1],
            HUAWEICLOUD_SDK_PROJECT_ID=wire.project_id,
        )

    assert run.code == Exit.DONE, run.err
    assert relay.calls == ["create-key", "get-parameters-for-import", "import-key-material", "sign"]
    assert all(pair[1] not in str(headers) for headers in relay.headers)


def test_each_try_is_signed_anew(wire, offline, signed, aes_file, monkeypatch):
    monkeypatch.setattr("kmsimport.connection.PAUSES", (1.1, 1.1))
    with relay_to(wire.console.url) as relay:
        relay.faults["encrypt-data"] = [Refuse(503)]
        where = {"OS_PROJECT_ID": wire.project_id}

        run = offline(aes_file, "--create", unique("signed"), "--endpoint", relay.url, **signed, **where)

    assert run.code == Exit.DONE, run.err
    tries = [
        headers["Authorization"]
        for headers, call in zip(relay.headers, relay.calls, strict=True)
        if call == "encrypt-data"
    ]
    assert len(set(tries)) == 2


@pytest.mark.parametrize("wrong", [{"OS_SECRET_KEY": "another"}, {"OS_ACCESS_KEY": "AKNOBODY"}])
def test_a_wrong_access_key(wire, offline, signed, aes_file, wrong):
    where = {"OS_AUTH_URL": f"{wire.console.url}/v3", "OS_PROJECT_NAME": "eu-de"}

    run = offline(aes_file, "--create", "x", **{**signed, **where, **wrong})

    assert_failed(run, Exit.SIGN_IN, "The access key was refused")
    assert signed["OS_SECRET_KEY"] not in run.err


def test_a_refused_signature_of_a_call(wire, offline, signed, aes_file):
    where = {"OS_PROJECT_ID": wire.project_id, "OS_SECRET_KEY": "another"}

    run = offline(aes_file, "--create", "x", "--endpoint", wire.console.url, **{**signed, **where})

    assert_failed(run, Exit.SIGN_IN, "create-key was refused", "APIGW.0301")


def test_clocks_that_are_apart_are_named(wire, offline, signed, aes_file):
    late = format_datetime(datetime.now(UTC) - timedelta(minutes=40), usegmt=True)
    with relay_to(wire.console.url) as relay:
        relay.always["create-key"] = Refuse(401, {"error_code": "APIGW.0301", "error_msg": "x"}, {"Date": late})

        run = offline(
            aes_file, "--create", "x", "--endpoint", relay.url, **{**signed, "OS_PROJECT_ID": wire.project_id}
        )

    assert_failed(run, Exit.SIGN_IN, "40 minutes apart")


def test_an_access_key_without_its_secret(offline, signed, aes_file):
    run = offline(aes_file, "--create", "x", "--endpoint", "https://kms.example.com", OS_ACCESS_KEY="AK")

    assert_failed(run, Exit.USAGE, "without its secret key")


def test_a_project_that_is_not_there(wire, offline, signed, aes_file):
    where = {"OS_AUTH_URL": wire.console.url, "OS_PROJECT_NAME": "eu-nowhere"}

    assert_failed(offline(aes_file, "--create", "x", **signed, **where), Exit.SIGN_IN, "0 projects named eu-nowhere")

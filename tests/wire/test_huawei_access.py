"""How the cloud's own SDK gets in, and how it is told that it does not: over HTTP, as it is."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, SdkException
from huaweicloudsdkcore.http.http_handler import HttpHandler
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkkms.v2 import KmsAsyncClient, KmsClient, ListKeysRequest, ListKeysRequestBody, TagItem

from tests.wire.doctests import Reader, lines
from tests.wire.huawei import Sdk, an_access_key, client_of, unique

pytestmark = pytest.mark.system

PAGE = Path(__file__).resolve().parents[2] / "docs/use/api.md"


@pytest.fixture(scope="module")
def sdk(wire, huawei_key):
    return Sdk(client_of(wire.console, huawei_key))


def refused(sdk, method="list_keys", **members):
    with pytest.raises(ClientRequestException) as caught:
        sdk(method, **members)
    return caught.value


# --- getting in ---------------------------------------------------------------------------------------------------


def test_an_access_key_a_project_and_an_address_are_all_it_takes(wire, huawei_key):
    credentials = BasicCredentials(huawei_key.ak, huawei_key.sk, huawei_key.project_id)
    client = KmsClient.new_builder().with_credentials(credentials).with_endpoint(wire.console.url).build()

    key = Sdk(client)("create_key", key_alias=unique()).key_info

    assert Sdk(client)("list_key_detail", key_id=key.key_id).key_info.key_state == "2"


def test_without_a_project_it_finds_that_of_the_region(wire, huawei_key):
    credentials = BasicCredentials(huawei_key.ak, huawei_key.sk)
    credentials.iam_endpoint = wire.console.url
    region = Region("eu-de", wire.console.url)

    client = KmsClient.new_builder().with_credentials(credentials).with_region(region).build()

    assert client.get_credentials().project_id == wire.project_id
    assert Sdk(client)("list_keys").total >= 0


def test_a_region_without_a_project_is_told_so(wire, huawei_key):
    credentials = BasicCredentials(huawei_key.ak, huawei_key.sk)
    credentials.iam_endpoint = wire.console.url

    with pytest.raises(SdkException, match="Failed to get project id of region 'eu-nl'"):
        KmsClient.new_builder().with_credentials(credentials).with_region(Region("eu-nl", wire.console.url)).build()


def test_a_token_instead_of_an_access_key(wire):
    """The SDK cannot do without a pair and signs whatever it sends; the token counts."""
    made_up = BasicCredentials("none", "none", wire.project_id)
    client = KmsClient.new_builder().with_credentials(made_up).with_endpoint(wire.console.url).build()
    client.preset_headers = {"X-Auth-Token": wire.token}
    sdk = Sdk(client)

    key = sdk.new_key()
    sealed = sdk("encrypt_data", key_id=key, plain_text="by token").cipher_text
    assert sdk("decrypt_data", cipher_text=sealed).plain_text == "by token"
    assert sdk("disable_key", key_id=key).key_info.key_state == "3"
    assert sdk("enable_key", key_id=key).key_info.key_state == "2"
    assert sdk("create_kms_tag", key_id=key, tag=TagItem("by", "token")).status_code == 204
    assert sdk("show_kms_tags", key_id=key).exist_tags_num == 1
    assert sdk("delete_key", key_id=key, pending_days="7").key_state == "4"


def test_the_client_that_does_not_wait(wire, huawei_key):
    credentials = BasicCredentials(huawei_key.ak, huawei_key.sk, huawei_key.project_id)
    client = KmsAsyncClient.new_builder().with_credentials(credentials).with_endpoint(wire.console.url).build()

    asked = [client.list_keys_async(ListKeysRequest(body=ListKeysRequestBody(limit="1"))) for _ in range(5)]

    assert all(answer.result().truncated in ("true", "false") for answer in asked)


def test_a_token_for_single_requests(wire):
    made_up = BasicCredentials("none", "none", wire.project_id)
    client = KmsClient.new_builder().with_credentials(made_up).with_endpoint(wire.console.url).build()

    assert Sdk(client, headers={"X-Auth-Token": wire.token})("list_keys").total >= 0
    assert refused(Sdk(client, headers={"X-Auth-Token": "no token"})).error_code == "KMS.0302"


def test_a_second_address_is_tried_where_the_first_is_silent(wire, huawei_key):
    credentials = BasicCredentials(huawei_key.ak, huawei_key.sk, huawei_key.project_id)
    addresses = ["http://no-such-host.invalid", wire.console.url]

    client = KmsClient.new_builder().with_credentials(credentials).with_endpoints(addresses).build()

    assert Sdk(client)("list_keys").total >= 0


def test_many_threads_of_one_client(sdk):
    key = sdk.new_key()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sdk("list_key_detail", key_id=key).key_info.key_id, range(50)))

    assert answers == [key] * 50


def test_the_page_on_it_is_right_line_by_line(wire, huawei_key, tmp_path):
    names = {"AK": huawei_key.ak, "SK": huawei_key.sk, "PROJECT_ID": huawei_key.project_id, "TOKEN": wire.token}
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    reader = Reader(tmp_path, **names, ENDPOINT=wire.console.url)
    reader.names["PATH"] = path
    typed = [line for line in lines(PAGE.read_text()) if line.heading == "Huawei Cloud SDK"]

    for line in typed:
        reader.type(line)

    assert len(typed) == 3


# --- being told ---------------------------------------------------------------------------------------------------


def test_an_error_of_the_service_as_the_sdk_raises_it(sdk):
    error = refused(sdk, "list_key_detail", key_id="0d0466b0-e727-4d9c-b35d-f84bb474a37f")

    assert (error.status_code, error.error_code) == (404, "KMS.0207")
    assert error.error_msg == "The key does not exist."
    assert len(error.request_id) == 32


def test_the_sdk_ignores_the_fields_of_a_refusal(sdk, wire):
    """`error_fields` is ours: the SDK reads code and message beside it and nothing of it."""
    key_id = sdk.new_key(origin="external")
    body = wire.import_body(key_id, wire.offer(key_id), os.urandom(64))

    received = wire("import-key-material", body).json()["error"]
    error = refused(sdk, "import_key_material", **body)

    (fault,) = received["error_fields"]
    assert (fault["field"], fault["reason"][:27]) == ("encrypted_key_material", "Got 64 bytes, expected 32. ")
    assert (error.error_code, error.error_msg) == (received["error_code"], received["error_msg"])
    assert error.error_code == "KMS.2604"
    assert "64 bytes" not in str(vars(error))


@pytest.mark.parametrize(
    ("method", "members", "status", "code"),
    [
        ("list_key_detail", {"key_id": "not-an-id"}, 400, "KMS.0205"),
        ("create_key", {"key_alias": "no spaces please"}, 400, "KMS.1101"),
        ("list_keys", {"limit": "0"}, 400, "KMS.1601"),
        ("decrypt_data", {"cipher_text": "AAAA"}, 400, "KMS.2201"),
    ],
)
def test_what_the_sdk_makes_of_a_refusal(sdk, method, members, status, code):
    error = refused(sdk, method, **members)

    assert (error.status_code, error.error_code) == (status, code)
    assert error.error_msg
    assert error.request_id


def test_a_wrong_secret_and_an_unknown_access_key_are_refused_alike(wire, huawei_key):
    wrong = [replace(huawei_key, sk="x" * 40), replace(huawei_key, ak="AKUNKNOWN00000000000")]

    errors = [refused(Sdk(client_of(wire.console, key))) for key in wrong]

    for error in errors:
        assert (error.status_code, error.error_code) == (401, "APIGW.0301")
        assert error.error_msg == "Incorrect IAM authentication information: verify aksk signature fail."
        assert len(error.request_id) == 32


def test_another_project_is_refused(wire, huawei_key):
    error = refused(Sdk(client_of(wire.console, huawei_key, project_id="f" * 32)))

    assert (error.status_code, error.error_code) == (403, "KMS.0321")


def test_a_user_without_rights_is_refused(wire):
    name = unique()
    wire.console.manage("create_user", name)
    sdk = Sdk(client_of(wire.console, an_access_key(wire.console, name)))

    error = refused(sdk, "create_key", key_alias=unique())

    assert (error.status_code, error.error_code) == (403, "KMS.0330")


def test_a_leaked_access_key_is_switched_off_from_the_very_next_request(wire):
    """By another process than the one that serves, which remembers the pair."""
    name, manage = unique(), wire.console.manage
    manage("create_user", name, "--policy", "KMS CMKReadOnlyAccess")
    key = an_access_key(wire.console, name)
    sdk = Sdk(client_of(wire.console, key))
    for _ in range(3):
        sdk("list_keys", limit="1")

    manage("disable_access_key", key.ak)
    assert [refused(sdk).error_code for _ in range(10)] == ["APIGW.0301"] * 10
    manage("enable_access_key", key.ak)
    assert sdk("list_keys", limit="1").total >= 0
    manage("delete_access_key", key.ak)
    assert refused(sdk).error_code == "APIGW.0301"


# --- once ---------------------------------------------------------------------------------------------------------


class Caught:
    """What the SDK sent last, as a listener has it."""

    def __init__(self, wire, key):
        self.sent = None
        credentials = BasicCredentials(key.ak, key.sk, key.project_id)
        handler = HttpHandler().add_request_handler(self._keep)
        self.sdk = Sdk(
            KmsClient.new_builder()
            .with_credentials(credentials)
            .with_endpoint(wire.console.url)
            .with_http_handler(handler)
            .build()
        )

    def _keep(self, **request):
        self.sent = request["request"]

    def again(self) -> requests.Response:
        sent, session = self.sent, requests.Session()
        session.trust_env = False
        return session.request(sent.method, sent.url, headers=sent.header_params, data=sent.body, timeout=60)


def test_what_was_listened_in_to_cannot_be_said_again(wire, huawei_key):
    """Whichever worker hears it. 50 equal requests in one second are honest, and pass."""
    caught = Caught(wire, huawei_key)
    for _ in range(50):
        caught.sdk("list_keys", limit="1")
    assert caught.again().status_code == 200

    time.sleep(7)

    for _ in range(10):
        answer = caught.again()
        assert (answer.status_code, answer.json()["error_code"]) == (401, "APIGW.0301")
    assert caught.sdk("list_keys", limit="1").total >= 0


def test_the_secret_key_is_nowhere_in_what_the_product_keeps_or_says(wire, huawei_key):
    """Its database, journal, logs and the rest of its home; the access key itself is found there."""
    Sdk(client_of(wire.console, huawei_key))("list_keys")
    refused(Sdk(client_of(wire.console, replace(huawei_key, ak="A" * 20))))

    kept = [path.read_bytes() for path in [*wire.console.home.rglob("*"), wire.console.log] if path.is_file()]

    assert any(huawei_key.ak.encode() in content for content in kept)
    assert not any(huawei_key.sk.encode() in content for content in kept)

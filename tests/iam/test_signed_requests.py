"""Requests signed with an access key, as the service receives them: who is the caller, and what is refused and how."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from iam import signed
from iam.models import AccessKey, Assignment, User
from iam.replay import REPEATS_SECONDS
from iam.services import access_keys
from iam.signed import ARRIVED_AT
from operations import clock
from operations.models import Trace
from tests import factories
from tests.iam.signing import Pair, alice, by_go, by_go_sdk, by_sdk, own_memory, pair, pair_of, send, stamp
from tests.operations.stage import strong_room, the_clock
from vault import hierarchy
from vault.errors import Sealed
from vault.sealing import Binding

__all__ = ["alice", "own_memory", "pair", "send", "strong_room", "the_clock"]

pytestmark = pytest.mark.django_db

REFUSED = {
    "error_code": "APIGW.0301",
    "error_msg": "Incorrect IAM authentication information: verify aksk signature fail.",
}


@pytest.fixture
def project(alice):
    return factories.project().pk


JSON = {
    "Content-Type": "application/json;charset=utf-8",
    "User-Agent": "huaweicloud-usdk-python/3.0; 3.1",
    "Host": "localhost:8000",
}
LIST = b'{"limit": "2"}'


@pytest.fixture
def call(send, pair, project, the_clock):
    """Lists keys with a signature of the SDK's; `changes` are made after signing."""

    def call(*, body=LIST, by=None, at=None, method="POST", path="kms/list-keys", sent=None, **changes):
        target = f"/v1.0/{project}/{path}"
        signed_ = by_sdk(
            by or pair, method, target, at=at or the_clock.at, headers={**JSON, "X-Project-Id": project}, body=body
        )
        headers = {**signed_.header_params, **changes.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        arrived = {ARRIVED_AT: changes.pop("arrived_at")} if "arrived_at" in changes else {}
        content = body if sent is None else sent
        return send(changes.pop("method_sent", method), changes.pop("target", target), headers, content, **arrived)

    return call


def assert_refused(response, reason=""):
    assert response.status_code == 401, response.content
    body = response.json()
    assert body.pop("request_id") == response["X-Request-Id"]
    message = f"{REFUSED['error_msg'].removesuffix('.')}, {reason}." if reason else REFUSED["error_msg"]
    assert body == {**REFUSED, "error_msg": message}


def off_by(signed_at, the_clock):
    word = "signature expired" if signed_at < the_clock.at else "signature not yet valid"
    return f"{word}: signed at {stamp(signed_at)}, server time {stamp(the_clock.at)}"


# --- what is right ------------------------------------------------------------------------------------------------


def test_a_signed_request_is_performed(call):
    response = call()

    assert response.status_code == 200, response.content
    assert response.json()["keys"] == []


def test_it_is_its_key_s_owner_who_asks(call, alice, project):
    call(body=b'{"key_alias": "signed"}', path="kms/create-key")

    trace = Trace.objects.get(name="createKey")
    assert (trace.user_id, trace.user_name, trace.account_id) == (alice.pk, "alice", alice.account_id)
    assert (trace.project_id, trace.region_id, trace.source_ip) == (project, "eu-de", "192.0.2.9")
    assert (trace.kind, trace.rating) == ("ApiCall", "normal")


def test_authentication_costs_three_queries(call, django_assert_num_queries):
    """The access key with its owner, the project, the rights: before whatever the operation itself asks."""
    call()
    refusal_by_state = b'{"key_id": "not-an-id"}'

    with django_assert_num_queries(3 + QUERIES_OF_A_REFUSAL):
        assert call(path="kms/describe-key", body=refusal_by_state).status_code == 400


QUERIES_OF_A_REFUSAL = 1  # its trace


def test_the_dialect_of_the_go_clients(send, pair, project, the_clock):
    target, body = f"/v1.0/{project}/kms/list-keys", b'{"limit":"2"}\n'
    headers = by_go(pair, "POST", target, at=the_clock.at, headers=JSON, body=body, host="localhost:8000")

    # What it adds after signing.
    hints = {"X-Project-Id": project, "X-Domain-Id": "f" * 32, "X-Security-Token": ""}

    assert send("POST", target, {**headers, **hints}, body).status_code == 200


def test_the_go_sdk_signs_no_host_and_is_counted_once_under_every_name(send, pair, project, the_clock, settings):
    settings.ALLOWED_HOSTS = ["localhost", "kms.example"]
    target, headers = (
        f"/v1.0/{project}/kms/list-keys",
        {"X-Project-Id": project, "User-Agent": "huaweicloud-usdk-go/3.0"},
    )
    signed_ = by_go_sdk(pair, "POST", target, at=the_clock.at, headers=headers, body=LIST)

    assert send("POST", target, {**signed_, "Host": "localhost:8000"}, LIST).status_code == 200
    the_clock.advance(seconds=10)
    assert_refused(send("POST", target, {**signed_, "Host": "kms.example"}, LIST))


@pytest.mark.parametrize("key", ["a b:ü", "a/b", "%2F", "a%20b", "..", "ключ+1", "~-_.", "@&=;,$"])
def test_a_path_with_any_characters(send, pair, project, the_clock, key):
    target = f"/v1.0/{project}/kms/describe-key/{quote(key, safe='')}"
    signed_ = by_sdk(pair, "GET", target, at=the_clock.at, headers=JSON)

    request = send("GET", target, signed_.header_params).wsgi_request

    assert signed.signer_of(request).ak == pair.ak


def test_behind_a_trusted_proxy_the_host_is_the_one_that_the_client_named(call, settings):
    settings.USE_X_FORWARDED_HOST = True
    behind = {"Host": "127.0.0.1:9000", "X-Forwarded-Host": JSON["Host"]}

    assert call(headers=behind).status_code == 200
    assert_refused(call(headers={**behind, "X-Forwarded-Host": "localhost:9000"}))


def test_without_one_what_a_client_says_of_the_host_is_not_believed(call):
    assert_refused(call(headers={"Host": "127.0.0.1:9000", "X-Forwarded-Host": JSON["Host"]}))


@pytest.mark.parametrize("minutes", [-15, -14, 0, 14, 15])
def test_a_clock_may_be_a_quarter_of_an_hour_wrong(call, the_clock, minutes):
    assert call(at=the_clock.at + timedelta(minutes=minutes)).status_code == 200


def test_a_token_is_believed_before_a_signature(call, alice):
    """The SDK signs whatever it sends; with a token the key pair may be made up."""
    stranger = Pair("AKUNKNOWN00000000000", "x" * 40)

    assert call(by=stranger, headers={"X-Auth-Token": factories.token(alice)}).status_code == 200


def test_a_wrong_token_is_not_saved_by_a_signature(call):
    response = call(headers={"X-Auth-Token": "A" * 43})

    assert response.status_code == 401
    assert response.json()["error"]["error_code"] == "KMS.0302"


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer abc", "Negotiate"])
def test_other_schemes_count_as_nothing(send, project, alice, header):
    response = send("POST", f"/v1.0/{project}/kms/list-keys", {**JSON, "Authorization": header}, b"{}")

    assert response.json()["error"]["error_code"] == "KMS.0301"


def test_rights_are_asked_again_with_each_request(call, alice):
    Assignment.objects.filter(user=alice).delete()

    response = call()

    assert response.status_code == 403
    assert response.json()["error"]["error_code"] == "KMS.0330"


# --- which project ------------------------------------------------------------------------------------------------


def wrong_project(response):
    return (response.status_code, response.json()["error"]["error_code"]) == (403, "KMS.0321")


def test_any_project_of_the_account_may_be_named(send, pair, the_clock):
    other = factories.project("eu-de_second").pk
    target = f"/v1.0/{other}/kms/list-keys"
    signed_ = by_sdk(pair, "POST", target, at=the_clock.at, headers=JSON, body=LIST)

    assert send("POST", target, signed_.header_params, LIST).status_code == 200


def test_a_foreign_project_and_one_that_does_not_exist_are_refused_alike(send, pair, the_clock, cast):
    foreign = factories.project(account_name="mallory-and-sons").pk
    answers = []
    for project in (foreign, "f" * 32, "x", "ü"):
        target = f"/v1.0/{project}/kms/list-keys"
        signed_ = by_sdk(
            pair,
            "POST",
            target,
            at=the_clock.at,
            headers={**JSON, "X-Project-Id": project.encode().decode("latin-1")},
            body=LIST,
        )
        answers.append(send("POST", target, signed_.header_params, LIST))

    assert all(wrong_project(answer) for answer in answers[:3])
    assert len({answer.content for answer in answers[:3]}) == 1


def test_the_refusal_of_a_wrong_project_leaves_its_trace(send, pair, the_clock, alice):
    target = f"/v1.0/{'f' * 32}/kms/list-keys"
    signed_ = by_sdk(pair, "POST", target, at=the_clock.at, headers=JSON, body=LIST)

    send("POST", target, signed_.header_params, LIST)

    trace = Trace.objects.get(kind="ApiCall")
    assert (trace.name, trace.code, trace.user_id, trace.project_id) == ("listKeys", "KMS.0321", alice.pk, "")


def test_a_project_in_the_header_must_be_that_of_the_path(send, pair, the_clock, project):
    other = factories.project("eu-de_second").pk
    target = f"/v1.0/{project}/kms/list-keys"

    signed_too = by_sdk(pair, "POST", target, at=the_clock.at, headers={**JSON, "X-Project-Id": other}, body=LIST)
    added = by_sdk(pair, "POST", target, at=the_clock.at, headers=JSON, body=LIST)

    assert wrong_project(send("POST", target, signed_too.header_params, LIST))
    assert wrong_project(send("POST", target, {**added.header_params, "X-Project-Id": other}, LIST))


def test_an_unsigned_project_opens_nothing(send, pair, the_clock):
    """A hint of one's own project does not lead into another account's."""
    foreign, own = factories.project(account_name="mallory-and-sons").pk, factories.project().pk
    factories.mallory()
    target = f"/v1.0/{foreign}/kms/list-keys"
    signed_ = by_sdk(pair, "POST", target, at=the_clock.at, headers=JSON, body=LIST)

    for hint in (own, foreign):
        assert wrong_project(send("POST", target, {**signed_.header_params, "X-Project-Id": hint}, LIST))


# --- what is refused, with one answer -----------------------------------------------------------------------------

TAMPERING = {
    "the method": {"method_sent": "PUT"},
    "the body": {"sent": b'{"limit": "3"}'},
    "a space in the body": {"sent": LIST + b" "},
    "no body": {"sent": b""},
    "the date": {"headers": {"X-Sdk-Date": "20260301T120001Z"}},
    "no date": {"headers": {"X-Sdk-Date": None}},
    "the content type": {"headers": {"Content-Type": "application/json"}},
    "the agent": {"headers": {"User-Agent": "another"}},
    "the host": {"headers": {"Host": "localhost:8001"}},
    "the project": {"headers": {"X-Project-Id": "f" * 32}},
    "no signed project": {"headers": {"X-Project-Id": None}},
    "a hash of the body": {"headers": {"X-Sdk-Content-Sha256": "0" * 64}},
    "an unsigned payload": {"headers": {"X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"}},
    "a security token": {"headers": {"X-Security-Token": "a session that does not live"}},
}


@pytest.mark.parametrize("changes", TAMPERING.values(), ids=TAMPERING)
def test_nothing_that_is_signed_can_be_changed(call, changes):
    assert_refused(call(**changes))


def test_neither_path_nor_query_can_be_changed(call, project):
    assert_refused(call(target=f"/v1.0/{project}/kms/create-key"))
    assert_refused(call(target=f"/v1.0/{'f' * 32}/kms/list-keys"))
    assert_refused(call(target=f"/v1.0/{project}/kms/list-keys?limit=1"))
    assert_refused(call(target=f"/v1.0/{project}/kms/list-keys?%FF"))


def changed_authorization(header):
    name, value = header.rsplit("=", 1)
    other = value[:-1] + ("0" if value[-1] != "0" else "1")
    yield f"{name}={other}"
    yield header.replace("content-type;", "")
    yield header.replace("SignedHeaders=content-type;", "SignedHeaders=accept;content-type;")
    yield header.replace(";user-agent", "")
    yield header.replace("host;user-agent", "user-agent;host")
    yield header.replace("Access=", "Access=X")
    yield header.replace("SDK-HMAC-SHA256", "SDK-HMAC-SM3")
    yield header.replace("SDK-HMAC-SHA256", "V11-HMAC-SHA256")
    yield header + ", " + header
    yield header + "x" * 20_000
    yield "SDK-HMAC-SHA256"
    yield "SDK-HMAC-SHA256 \x00\xff" * 100


def test_nothing_in_the_header_itself_can_be_changed(call, project, pair, the_clock):
    target = f"/v1.0/{project}/kms/list-keys"
    header = by_sdk(pair, "POST", target, at=the_clock.at, headers={**JSON, "X-Project-Id": project}, body=LIST)
    authorization = header.header_params["Authorization"]

    changed = list(changed_authorization(authorization))

    assert authorization not in changed
    assert call(headers={"Authorization": authorization}).status_code == 200
    for value in changed:
        assert_refused(call(headers={"Authorization": value}))


@pytest.mark.parametrize("seconds", [-901, 901, -86400, 86400, 10 * 365 * 86400])
def test_a_clock_that_is_further_off_is_refused_with_both_times(call, the_clock, seconds):
    signed_at = the_clock.at + timedelta(seconds=seconds)

    assert_refused(call(at=signed_at), off_by(signed_at, the_clock))


def test_an_expired_signature_is_told_so_by_the_identity_api_too(send, pair, the_clock):
    signed_at = the_clock.at - timedelta(hours=1)
    signed_ = by_sdk(pair, "GET", "/v3/projects", at=signed_at, headers=JSON)

    response = send("GET", "/v3/projects", signed_.header_params)

    assert response.status_code == 401
    assert response.json()["error"]["error_code"] == "IAM.0001"
    assert response.json()["error"]["message"].endswith(f", {off_by(signed_at, the_clock)}.")


def test_in_test_mode_a_client_whose_clock_was_not_moved_is_let_in(call, the_clock):
    """Moving the product's clock must not lock out every SDK: theirs stays where it is."""
    clients = the_clock.at
    clock.set_offset(timedelta(days=2))
    the_clock.advance(days=2)

    assert call(at=clients).status_code == 200
    assert call(at=the_clock.at).status_code == 200
    assert_refused(call(at=clients + timedelta(days=1)), off_by(clients + timedelta(days=1), the_clock))


def test_outside_of_test_mode_only_the_product_s_clock_counts(call, the_clock, settings):
    clients = the_clock.at
    clock.set_offset(timedelta(days=2))
    the_clock.advance(days=2)
    settings.KMS_TEST_MODE = False

    assert_refused(call(at=clients), off_by(clients, the_clock))
    assert call(at=the_clock.at).status_code == 200


@pytest.mark.parametrize(
    ("date", "word"),
    [("00010101T000000Z", "expired"), ("99991231T235959Z", "not yet valid"), ("00000000T000000Z", "")],
)
def test_the_ends_of_time_are_no_error(call, the_clock, date, word):
    reason = f"signature {word}: signed at {date}, server time {stamp(the_clock.at)}" if word else ""

    assert_refused(call(headers={"X-Sdk-Date": date}), reason)


def test_an_unknown_key_a_disabled_one_and_a_disabled_owner_are_refused_like_a_wrong_signature(call, pair, alice):
    answers = [call(by=Pair(pair.ak, "x" * 40)), call(by=Pair("AKUNKNOWN00000000000", pair.sk))]
    AccessKey.objects.update(status=AccessKey.Status.INACTIVE)
    answers += [call(), call(by=Pair(pair.ak, "x" * 40))]
    AccessKey.objects.update(status=AccessKey.Status.ACTIVE)
    alice.enabled = False
    alice.save()
    answers += [call(), call(by=Pair(pair.ak, "x" * 40))]

    for answer in answers:
        assert_refused(answer)
    assert len({tuple(sorted((k, v) for k, v in a.items() if k != "X-Request-Id")) for a in answers}) == 1
    assert not Trace.objects.filter(kind="ApiCall").exists()


def test_an_unknown_key_costs_the_work_of_a_known_one(call, pair, django_assert_num_queries, monkeypatch):
    opened, derived = [], hierarchy.opened_service_key
    monkeypatch.setattr(hierarchy, "opened_service_key", lambda *args: opened.append(args) or derived(*args))

    for by in (Pair(pair.ak, "x" * 40), Pair("AKUNKNOWN00000000000", pair.sk)):
        with django_assert_num_queries(1):
            assert_refused(call(by=by))

    assert len(opened) == 2


def test_a_deleted_key_is_refused_at_the_next_request(call):
    assert call().status_code == 200

    AccessKey.objects.all().delete()

    assert_refused(call(body=b"{}"))


def test_another_s_secret_key_does_not_sign_for_this_one(call, pair, cast):
    mallory = pair_of(factories.mallory())

    assert_refused(call(by=Pair(pair.ak, mallory.sk)))


def test_a_body_that_is_too_long_is_not_even_read(call):
    response = call(body=b"{" + b" " * 65536 + b"}")

    assert (response.status_code, response.json()["error"]["error_code"]) == (400, "KMS.0203")


def test_a_header_sent_twice_is_refused(call):
    """The web server joins them by a comma."""
    assert_refused(call(headers={"User-Agent": f"{JSON['User-Agent']},{JSON['User-Agent']}"}))


def test_a_sealed_vault_says_so(call, monkeypatch):
    def sealed(*args):
        raise Sealed("no root key")

    monkeypatch.setattr(hierarchy, "opened_service_key", sealed)

    response = call()

    assert (response.status_code, response.json()["error"]["error_code"]) == (503, "KMS.0104")


# --- once ---------------------------------------------------------------------------------------------------------


def test_equal_requests_in_one_second_all_pass(call):
    assert [call().status_code for _ in range(50)] == [200] * 50


def test_a_request_that_is_said_again_later_is_refused(call, the_clock):
    signed_at = the_clock.at
    assert call(at=signed_at).status_code == 200
    the_clock.advance(seconds=5)
    assert call(at=signed_at).status_code == 200
    the_clock.advance(seconds=1)

    assert_refused(call(at=signed_at))
    assert call().status_code == 200


def test_it_stays_refused_until_its_date_refuses_it(call, the_clock):
    signed_at = the_clock.at + timedelta(minutes=15)
    assert call(at=signed_at).status_code == 200

    for _ in range(30):
        the_clock.advance(minutes=1)
        assert_refused(call(at=signed_at))
    the_clock.advance(minutes=1)
    assert_refused(call(at=signed_at), off_by(signed_at, the_clock))


def test_a_change_cannot_be_undone_by_saying_an_old_request_again(call, the_clock):
    key = call(body=b'{"key_alias": "replayed"}', path="kms/create-key").json()["key_info"]["key_id"]
    about = json.dumps({"key_id": key}).encode()
    signed_at = the_clock.at
    assert call(body=about, path="kms/disable-key", at=signed_at).status_code == 200
    the_clock.advance(seconds=6)
    assert call(body=about, path="kms/enable-key").status_code == 200

    assert_refused(call(body=about, path="kms/disable-key", at=signed_at))


def test_what_was_refused_is_not_remembered(call, pair, the_clock):
    """A forged request does not spend the signature it copies."""
    signed_at = the_clock.at
    assert_refused(call(at=signed_at, sent=b"{}"))
    the_clock.advance(seconds=60)

    assert call(at=signed_at).status_code == 200


def test_a_request_is_judged_by_when_it_arrived_however_long_it_waited_for_a_thread(call, the_clock):
    signed_at = arrived_at = the_clock.at
    assert call(at=signed_at).status_code == 200
    the_clock.advance(minutes=20)

    assert call(at=signed_at, arrived_at=arrived_at + timedelta(seconds=REPEATS_SECONDS)).status_code == 200
    assert_refused(call(at=signed_at, arrived_at=arrived_at + timedelta(seconds=REPEATS_SECONDS + 1)))
    signed_later = signed_at + timedelta(seconds=1)
    assert_refused(call(at=signed_later), off_by(signed_later, the_clock))


# --- what is left behind ------------------------------------------------------------------------------------------


def test_the_last_use_is_kept_to_the_hour(call, the_clock):
    def last():
        access_keys.write_uses()
        return AccessKey.objects.get().last_used_at

    assert last() is None
    call()
    first = the_clock.at
    assert last() == first
    the_clock.advance(minutes=59)
    call()
    assert last() == first
    the_clock.advance(minutes=1)
    call()
    assert last() == clock.now()


def test_a_refused_use_is_none(call, pair):
    assert_refused(call(by=Pair(pair.ak, "x" * 40)))

    access_keys.write_uses()
    assert AccessKey.objects.get().last_used_at is None


def test_the_secret_key_is_in_no_log_trace_answer_or_row(call, pair, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    answers = [call(), call(by=Pair(pair.ak, pair.sk + "x")), call(body=b"no json"), call(sent=b"")]

    left = [repr(access_keys.find(pair.ak)), *(answer.content.decode() for answer in answers)]
    left += [f"{record.getMessage()} {record.__dict__} {record.exc_text}" for record in caplog.records]
    left += [str(row) for model in (Trace, AccessKey) for row in model.objects.values()]
    left += [path.read_bytes().hex() for path in tmp_path.iterdir()]

    assert access_keys.secret_key(access_keys.find(pair.ak)) == pair.sk.encode()
    for form in (pair.sk, pair.sk.encode().hex()):
        assert not any(form in text for text in left)
    assert not any("Signature=" in text for text in left)


def test_a_secret_key_of_another_row_does_not_open(call, pair, cast):
    """Sealed for its access key: a row that was copied over another makes no signature right."""
    other = pair_of(factories.mallory())
    row = AccessKey.objects.get(ak=other.ak)
    AccessKey.objects.filter(ak=pair.ak).update(sk_sealed=row.sk_sealed)

    response = call(by=Pair(pair.ak, other.sk))

    assert response.status_code == 500
    assert access_keys._binding(pair.ak) == Binding(kind="access-key", object_id=pair.ak, purpose="iam")


# --- what is remembered -------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_process_remembers_what_a_key_stands_on_until_it_changes(call, alice):
    refused_by_id = {"path": "kms/describe-key", "body": b'{"key_id": "not-an-id"}'}

    def queries(captured):
        return [query["sql"] for query in captured if "iam_" in query["sql"] or "projects_" in query["sql"]]

    call(**refused_by_id)
    Assignment.objects.get(user=alice).save()  # before a first change nothing is remembered
    call(**refused_by_id)

    with CaptureQueriesContext(connection) as captured:
        call(**refused_by_id)
    assert queries(captured) == []

    AccessKey.objects.update(status=AccessKey.Status.INACTIVE)
    assert_refused(call())
    AccessKey.objects.update(status=AccessKey.Status.ACTIVE)
    assert call().status_code == 200
    User.objects.filter(pk=alice.pk).update(enabled=False)
    assert_refused(call())
    User.objects.filter(pk=alice.pk).update(enabled=True)
    Assignment.objects.all().delete()
    assert call().status_code == 403
    AccessKey.objects.all().delete()
    assert_refused(call())

"""Brief calls pass by the framework's handler and middlewares. Nobody outside can tell."""

from __future__ import annotations

import io
import json
import re

import pytest
from django.db import connection, transaction

from keys import material
from keys.models import Key
from kmsconsole import asgi, urls
from operations import brief
from operations.caller import EVERYTHING
from operations.models import Trace
from operations.rest import BriefCalls
from tests import factories
from tests.operations.stage import a_key, lasting_strong_room
from vault import hierarchy

__all__ = ["lasting_strong_room"]

HOST = "127.0.0.1:8000"
JSON = "application/json"


def environ_of(path, body=b"{}", *, method="POST", query="", **headers):
    named = {f"HTTP_{name.upper()}": value for name, value in {"host": HOST, **headers}.items() if value is not None}
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "CONTENT_TYPE": JSON,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        **named,
    }


def both(path, *arguments, **headers):
    """The answer of the short way and that of the long one."""
    parts = urls.BRIEF.parts_of(path)
    assert parts is not None, "the path is not one of a brief call"
    brief = asgi.brief_answer_of(urls.BRIEF, parts, environ_of(path, *arguments, **headers))
    return brief, asgi.answer_of(environ_of(path, *arguments, **headers))


def told(answer):
    """All that a client sees but for what each answer has for itself: ids of requests, fresh random bytes."""
    headers = {name.lower(): value for name, value in answer.headers}
    assert re.fullmatch("[0-9a-f]{32}", headers.pop("x-request-id"))
    body = re.sub(rb'("(?:cipher_text|request_id|random_data|signature)": ?)"[^"]+"', rb'\1"..."', answer.body)
    return answer.status, headers, body


@pytest.fixture
def alice(lasting_strong_room):
    """Lasting, for each request looks first whether its connection is as it should be: outside any transaction."""
    return factories.caller(factories.alice(), allowed=EVERYTHING)


@pytest.fixture
def token(alice):
    return factories.headers(factories.alice())["X-Auth-Token"]


@pytest.fixture
def path(alice):
    return lambda operation: f"/v1.0/{alice.project_id}/kms/{operation}"


def body_of(**members):
    return json.dumps(members).encode()


def test_a_success_is_told_alike(alice, token, path):
    key = a_key(alice)

    brief, long = both(path("encrypt-data"), body_of(key_id=key.key_id, plain_text="grüße"), x_auth_token=token)

    assert brief.status == 200
    assert told(brief) == told(long)
    assert json.loads(brief.body).keys() == {"key_id", "cipher_text"}


def test_its_headers_are_those_of_every_answer(alice, token, path, settings):
    settings.SECURE_HSTS_SECONDS = 31536000

    answer, _long = both(path("gen-random"), body_of(random_data_length="512"), x_auth_token=token)

    headers = dict(answer.headers)
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] == JSON
    assert int(headers["Content-Length"]) == len(answer.body)


REFUSALS = {
    "no token": (401, {"x_auth_token": None}),
    "a token of nobody": (401, {"x_auth_token": "A" * 43}),
    "a wrong signature": (401, {"x_auth_token": None, "authorization": "SDK-HMAC-SHA256 Access=A, Signature=b"}),
    "no JSON": (400, {"body": b"{"}),
    "two members of one name": (400, {"body": b'{"key_id":"a","key_id":"b"}'}),
    "a body too long": (400, {"body": b" " * 70_000}),
    "a length that is none": (400, {"content_length": "x"}),
    "another method": (405, {"method": "GET", "body": b"", "query": "limit=10"}),
    "a key that is not there": (404, {"body": body_of(key_id="0d0466b0-0d04-66b0-0d04-66b00d0466b0", plain_text="x")}),
    "no key at all": (400, {"body": b""}),
    "a strange host": (400, {"host": "evil.example"}),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_told_alike(case, alice, token, path):
    status, changed = REFUSALS[case]
    request = {"x_auth_token": token, **changed}
    length = request.pop("content_length", None)
    body = request.pop("body", b"{}")
    parts = urls.BRIEF.parts_of(path("encrypt-data"))

    def environ():
        made = environ_of(path("encrypt-data"), body, **request)
        return made if length is None else made | {"CONTENT_LENGTH": length}

    brief, long = asgi.brief_answer_of(urls.BRIEF, parts, environ()), asgi.answer_of(environ())

    assert brief.status == status, brief.body
    assert told(brief) == told(long)
    assert "error" in json.loads(brief.body) or "error_code" in json.loads(brief.body)


def test_another_project_than_the_tokens_is_refused_alike(alice, token):
    brief, long = both("/v1.0/0123456789abcdef0123456789abcdef/kms/describe-key", x_auth_token=token)

    assert brief.status == 403, brief.body
    assert told(brief) == told(long)


def test_one_call_too_many_is_told_when_to_come_again(alice, token, path, settings):
    settings.KMS_RATE_LIMITS = True
    settings.KMS_CALLS_PER_SECOND = 1
    body = body_of(random_data_length="512")

    answers = [answer for _ in range(3) for answer in both(path("gen-random"), body, x_auth_token=token)]

    for answer in answers[-2:]:  # the short way and the long one
        assert answer.status == 429
        assert int(dict(answer.headers)["Retry-After"]) >= 1


def test_a_sealed_service_says_so(alice, token, path, monkeypatch):
    key = a_key(alice)
    material.forget_opened()
    hierarchy.forget()
    monkeypatch.setattr(hierarchy, "_examine", lambda: "the root key is gone")

    brief, long = both(path("encrypt-data"), body_of(key_id=key.key_id, plain_text="x"), x_auth_token=token)

    assert brief.status == 503, brief.body
    assert told(brief) == told(long)


def test_what_would_have_to_write_is_left_to_a_thread_before_it_has_any_effect(alice, token, path):
    body = body_of(key_id="alias/obs/default", plain_text="x")
    there = path("encrypt-data")
    parts = urls.BRIEF.parts_of(there)

    with brief.without_waiting(), pytest.raises(brief.NeedsThread):
        asgi.brief_answer_of(urls.BRIEF, parts, environ_of(there, body, x_auth_token=token))
    assert not Key.objects.exists()
    assert not Trace.objects.exclude(name="createToken").exists()

    assert asgi.answer_of(environ_of(there, body, x_auth_token=token)).status == 200
    assert Key.objects.get().is_default


def begin():
    with transaction.atomic():
        pass


ON_SQLITE = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL takes no lock there")


@pytest.mark.parametrize("write", [pytest.param(begin, marks=ON_SQLITE), lambda: Key.objects.update(description="x")])
def test_between_two_others_a_call_only_reads(transactional_db, write):
    with brief.without_waiting():
        assert list(Key.objects.all()) == []
        with pytest.raises(brief.NeedsThread):
            write()

    write()


def test_what_changes_something_or_takes_long_is_no_brief_call(alice):
    for operation in ("create-key", "disable-key", "import-key-material", "get-parameters-for-import", "list-keys"):
        assert urls.BRIEF.parts_of(f"/v1.0/{alice.project_id}/kms/{operation}") is None


def test_where_nothing_is_brief_no_path_is_one():
    assert BriefCalls(()).parts_of("/v1.0/p/") is None


def test_every_operation_of_a_brief_path_is_brief():
    among = [operation for operation in urls.IN_PROJECTS if operation.path == "kms/encrypt-data"]
    slow = [*among, type(among[0])(**{**vars(among[0]), "method": "GET", "brief": False})]

    assert BriefCalls(tuple(among)).parts_of("/v1.0/p/kms/encrypt-data") is not None
    assert BriefCalls(tuple(slow)).parts_of("/v1.0/p/kms/encrypt-data") is None

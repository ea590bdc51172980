"""What every answer carries (SEC-070, SEC-071), and what the API does not pay for."""

from __future__ import annotations

import time
from ipaddress import ip_address

import pytest
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.http import HttpResponse
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from kmsconsole import middleware

PATHS = ("/healthz", "/no-such-page", "/v1.0/no-such-path", "/v3/no-such-path")


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_security_headers(client, path):
    answer = client.get(path)

    assert answer["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cache-Control"] == "no-store"
    assert answer["Server"] == "KMS Console"
    assert int(answer["Content-Length"]) == len(answer.content)


@pytest.mark.django_db
def test_every_answer_has_a_request_id_that_the_caller_cannot_choose(client):
    first, second = (client.get("/healthz", headers={"X-Request-Id": "mine"})["X-Request-Id"] for _ in range(2))

    assert len(first) == len(second) == 32
    assert len({first, second, "mine"}) == 3


@pytest.mark.django_db
def test_https_is_insisted_on_only_when_the_product_is_reached_by_it(client, settings):
    assert "Strict-Transport-Security" not in client.get("/healthz")

    settings.SECURE_HSTS_SECONDS = 31536000
    assert Client().get("/healthz")["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS[1:])
def test_a_strange_host_is_refused_on_every_path(client, path):
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.django_db
def test_a_strange_host_is_told_which_setting_lets_it_in(client):
    said = client.get("/console/login", headers={"Host": "kms.internal"}).content.decode()

    assert "KMS_ALLOWED_HOSTS" in said
    assert "kms.internal" not in said


@pytest.mark.django_db
def test_what_is_refused_at_the_door_writes_no_log(caplog):
    """Else anybody fills the disk, with words of his own."""
    strict = Client(enforce_csrf_checks=True)

    assert strict.get("/console/login", headers={"Host": "evil.example"}).status_code == 400
    strict.get("/console/login")  # the cookie, without which no body is read
    form = "application/x-www-form-urlencoded"
    assert strict.post("/console/login", "name=" + "x" * 80_000, content_type=form).status_code == 400
    assert strict.post("/console/login").status_code == 403

    assert caplog.records == []


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/v1.0/%00/kms/list-keys", "/v3/users/%00", "/console/kms/keys/%00", "/static/%00"])
def test_a_path_with_a_nul_is_refused_at_the_door(client, path, caplog):
    """Not every database takes it, even to look for."""
    assert client.get(path, headers={"X-Auth-Token": "any"}).status_code == 400
    assert caplog.records == []


@pytest.mark.django_db
def test_a_probe_may_come_by_any_name(client):
    assert client.get("/healthz", headers={"Host": "10.0.0.7"}).status_code in {200, 503}


def _request_through_console_only(path: str, method: str = "post", **kwargs):
    def view(request):
        return HttpResponse(str(hasattr(request, "session")))

    chain = middleware.ConsoleOnly(view)
    request = getattr(RequestFactory(enforce_csrf_checks=True), method)(path, **kwargs)
    request.request_id = ""
    return chain, request, view


@pytest.mark.parametrize(
    "path", ["/v1.0/p/kms/create-key", "/v3/auth/tokens", "/v1.0", "/v10/keys", "/v3.0/OS-USER/users/x", "/healthz"]
)
def test_the_api_has_no_session_and_no_csrf_check(path):
    chain, request, view = _request_through_console_only(path)

    assert chain.process_view(request, view, (), {}) is None
    assert chain(request).content == b"False"


@pytest.mark.parametrize("path", ["/keys", "/v1.0x", "/version"])
@pytest.mark.django_db
def test_pages_have_a_session_and_refuse_a_post_without_its_token(path):
    chain, request, view = _request_through_console_only(path)

    assert chain(request).content == b"True"
    assert chain.process_view(request, view, (), {}).status_code == 403


def test_a_body_that_no_page_accepts_is_refused_unread():
    read = []
    chain, request, _view = _request_through_console_only("/keys", data=b"", content_type="text/plain")
    request.META["CONTENT_LENGTH"] = str(3 * 1024 * 1024)
    request._stream = type("Stream", (), {"read": lambda *a: read.append(a) or b""})()

    assert chain(request).status_code == 400
    assert not read


class _NeedsMore:
    def __init__(self, get_response):
        self.get_response = get_response

    def process_exception(self, request, exception): ...


def test_a_middleware_that_would_be_silently_half_used_is_refused_at_start(settings):
    settings.CONSOLE_MIDDLEWARE = [f"{__name__}._NeedsMore"]

    with pytest.raises(ImproperlyConfigured, match="needs a hook"):
        middleware.ConsoleOnly(lambda request: HttpResponse())


def test_the_clients_address_is_the_last_one_that_our_proxy_wrote(settings):
    settings.KMS_TRUSTED_PROXY = True
    seen = []
    chain = middleware.TrustedProxy(lambda request: seen.append(request.META["REMOTE_ADDR"]) or HttpResponse())

    chain(RequestFactory().get("/", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.7"}))

    assert seen == ["192.0.2.7"]


@pytest.mark.parametrize(
    ("element", "address"),
    [
        ("192.0.2.7:51234", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:0DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:51234", "2001:db8::1"),
        ('"[2001:db8::1]:51234"', "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::ffff:192.0.2.7]:80", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        # No address: the proxy's own is the best that is known.
        ("unknown", "10.0.0.1"),
        ("_hidden", "10.0.0.1"),
        ("192.0.2.7:", "10.0.0.1"),
        ("192.0.2.7:port", "10.0.0.1"),
        ("192.0.2.256", "10.0.0.1"),
        ("[192.0.2.7", "10.0.0.1"),
        ("2001:db8::1]:80", "10.0.0.1"),
        ("9" * 5000, "10.0.0.1"),
        ("fe80::1%" + "x" * 5000 + " y", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_an_address_is_read_as_proxies_write_it_and_nonsense_is_not_believed(settings, element, address):
    settings.KMS_TRUSTED_PROXY = True
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": f"6.6.6.6, {element}"})

    middleware.name_the_client(request)

    assert request.META["REMOTE_ADDR"] == address


@given(st.text(max_size=80))
def test_what_is_taken_for_an_address_is_one_and_fits_its_column(element):
    found = middleware.parse_address(element)

    assert not found or (str(ip_address(found)) == found and len(found) <= 45)


def test_without_a_trusted_proxy_nobody_may_say_where_he_comes_from(settings):
    settings.KMS_TRUSTED_PROXY = False

    with pytest.raises(MiddlewareNotUsed):
        middleware.TrustedProxy(lambda request: HttpResponse())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "kind"), [("/v3/nothing", "application/json"), ("/nothing", "text/html; charset=utf-8")]
)
def test_an_unknown_path_is_answered_to_clients_and_to_people_in_their_own_way(client, path, kind):
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer["Content-Type"] == kind


@pytest.mark.parametrize("path", ["/" * 200_000, "/" * 100_000 + "a/" * 50_000, "/v1.0x" * 30_000])
def test_no_path_takes_long_to_be_told_from_the_api(path):
    began = time.process_time()

    assert not middleware.API_PATH.match(path)

    # In time that grows with the square of the length, it would take minutes.
    assert time.process_time() - began < 10


@pytest.mark.parametrize("path", ["//console/v1.0/keys", "//static/v1"])
def test_slashes_in_front_make_no_page_a_path_of_the_api(client, path):
    answer = client.post("/", PATH_INFO=path)  # the client itself would take it for a host

    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")

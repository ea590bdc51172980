"""The signature as such: the published vectors, the cloud's own signer on any request, and a strict reader."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime
from urllib.parse import quote, unquote, unquote_to_bytes

import pytest
from django.core.handlers.wsgi import WSGIRequest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import DerivationAKSKSigner
from hypothesis import assume, given
from hypothesis import strategies as st

from iam import signed
from kmscrypto import request_signing as signature
from kmscrypto.request_signing import Authorization, Scope, Unsigned
from operations.bodies import body_of
from tests.iam.signing import AK, HOST, SK, Pair, by_go, by_go_sdk, by_sdk

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PROJECT = "0d0466b0e7274d9cb35df84bb474a37f"
KEY = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
KMS = f"/v1.0/{PROJECT}/kms"
HEADERS = {"Content-Type": "application/json", "Host": HOST, "X-Project-Id": PROJECT}
NAMES = ("content-type", "host", "x-project-id", "x-sdk-date")

# Made by running the SDK's signer of huaweicloudsdkcore 3.1: request, sha256 of the canonical request, signature.
VECTORS = {
    "a body": (
        ("POST", f"{KMS}/create-key", "", b'{"key_alias": "vector"}'),
        "346e534b6185a7836fd732099965eb3010d4365afbfbc921a1ecceac706d8c74",
        "6e6204cd35771dacf106073920932e13d831b1106f6041770b283205e249c16c",
    ),
    "a query": (
        ("GET", f"{KMS}/aliases", f"key_id={KEY}&limit=10", b""),
        "16f939e4555bb402254de3e5ddfabc2f5eeaf4f4022d30f4ca21f5683c3d27de",
        "3979bca11e0a322b0a01c7cc18d31f5051f215504ba5032841a9c118d7dde25d",
    ),
    "an encoded path": (
        ("DELETE", f"{KMS}/{KEY}/tags/a%20b%3A%C3%BC", "", b""),
        "9c63a0919664bf03471374b3e59419d442e1785459ae452cd5076895d1dcacff",
        "69e565a8e704d3d2b6edd1c112a7c0322d94331b53a9b3c70c0fc1fdbdce77cf",
    ),
}


def received(method, target, headers, body=b""):
    """As the service reads what came over the wire: path decoded once, each character of the rest one byte."""
    path, _, query = target.partition("?")
    values = {name.lower(): value for name, value in headers.items()}
    return signature.Request(method, unquote(path), query, values, body)


@pytest.mark.parametrize(("request_", "digest", "expected"), VECTORS.values(), ids=VECTORS)
def test_the_published_vectors(request_, digest, expected):
    method, path, query, body = request_
    request = received(method, f"{path}?{query}", {**HEADERS, "X-Sdk-Date": "20260102T030405Z"}, body)
    authorization = Authorization(AK, NAMES, expected)

    assert hashlib.sha256(signature.canonical(request, authorization)).hexdigest() == digest
    assert signature.signature_of(request, authorization, SK.encode()) == expected
    assert signature.is_right(request, authorization, SK.encode())
    assert not signature.is_right(request, authorization, SK.encode()[:-1])


@pytest.mark.parametrize(("request_", "_digest", "expected"), VECTORS.values(), ids=VECTORS)
def test_the_installed_signer_still_makes_the_vectors(request_, _digest, expected):
    method, path, query, body = request_
    pairs = [tuple(pair.split("=")) for pair in query.split("&") if pair]

    signed = by_sdk(Pair(), method, path, at=AT, query=pairs, headers=HEADERS, body=body)

    assert signature.read(signed.header_params["Authorization"]) == Authorization(AK, NAMES, expected)


def test_the_canonical_request_line_by_line():
    request = received(
        "post", f"{KMS}/create-key", {**HEADERS, "X-Sdk-Date": "20260102T030405Z"}, b'{"key_alias": "vector"}'
    )

    assert signature.canonical(request, Authorization(AK, NAMES, "")).decode().split("\n") == [
        "POST",
        f"{KMS}/create-key/",
        "",
        "content-type:application/json",
        f"host:{HOST}",
        f"x-project-id:{PROJECT}",
        "x-sdk-date:20260102T030405Z",
        "",
        "content-type;host;x-project-id;x-sdk-date",
        "620022cd7ac6438aac064bb936f6020ae0b54974ee73a3aa1efdad7f68efcccd",
    ]


# --- the SDK's signer, on any request -----------------------------------------------------------------------------

# A client cannot send half a surrogate pair, nor a control character in a header.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PATHS = st.lists(TEXT | st.sampled_from(["..", ".", "%2F", "a/b", "%25", "+", "~", ":", "@"]), max_size=5).flatmap(
    lambda parts: st.sampled_from(["/".join(["", *(quote(part, safe=safe) for part in parts)]) for safe in ("", "~:@")])
)
QUERIES = st.lists(st.tuples(TEXT, TEXT), max_size=6)
HEADER_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,15}", fullmatch=True)
HEADER_VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
BODIES = st.binary(max_size=64) | st.just(b'{"key_alias": "vector"}')
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "get"])
SENT_ANYWAY = {"host", "x-sdk-date", "authorization", "x-sdk-content-sha256", "content-type"}


@st.composite
def header_sets(draw):
    """Any headers in any order, no two of which differ in case alone."""
    chosen = draw(st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=6, unique_by=lambda pair: pair[0].lower()))
    chosen = [(name, value) for name, value in chosen if name.lower() not in SENT_ANYWAY]
    return dict(draw(st.permutations([*chosen, ("Host", HOST), ("Content-Type", "application/json")])))


@given(METHODS, PATHS, QUERIES, header_sets(), BODIES)
def test_whatever_the_sdk_signs_is_right(method, path, query, headers, body):
    signed = by_sdk(Pair(), method, path or "/", at=AT, query=query, headers=headers, body=body)

    authorization = signature.read(signed.header_params["Authorization"])
    request = received(method, signed.uri, signed.header_params, body)

    assert signature.signed_at(request, authorization) == AT
    assert signature.is_right(request, authorization, SK.encode())


@given(METHODS, PATHS, QUERIES, BODIES)
def test_and_it_is_right_as_the_web_server_hands_it_on(method, path, query, body):
    """Of the address the server passes the path decoded and the query raw, each character one byte (PEP 3333)."""
    made = by_sdk(Pair(), method, path or "/", at=AT, query=query, headers=HEADERS, body=body)
    sent, _, raw = made.uri.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote_to_bytes(sent).decode("latin-1"),
        "QUERY_STRING": raw,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "CONTENT_TYPE": made.header_params["Content-Type"],
    } | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in made.header_params.items()}
    request = WSGIRequest(environ)

    authorization = signature.read(request.META["HTTP_AUTHORIZATION"])
    parts = signed._parts(request, authorization, body_of(request))

    assert signature.is_right(parts, authorization, SK.encode())


@given(PATHS, QUERIES, BODIES)
def test_one_more_slash_at_the_end_is_no_difference(path, query, body):
    assume(not unquote(path or "/").endswith("/"))
    signed = by_sdk(Pair(), "POST", path, at=AT, query=query, headers=HEADERS, body=body)
    authorization = signature.read(signed.header_params["Authorization"])

    sent, _, raw = signed.uri.partition("?")

    request = received("POST", f"{sent}/?{raw}", signed.header_params, body)
    assert signature.is_right(request, authorization, SK.encode())


@given(QUERIES.filter(bool), st.randoms())
def test_the_order_in_which_a_query_is_sent_is_no_difference(query, random):
    signed = by_sdk(Pair(), "GET", "/", at=AT, query=query, headers=HEADERS)
    authorization = signature.read(signed.header_params["Authorization"])
    pairs = signed.uri.partition("?")[2].split("&")
    random.shuffle(pairs)

    request = received("GET", f"/?{'&'.join(pairs)}", signed.header_params)

    assert signature.is_right(request, authorization, SK.encode())


@pytest.mark.parametrize(
    ("sent", "variants"),
    [
        ("/a%20b", ["/a b", "/%61%20b", "/a%20b/"]),
        ("/%C3%BC", ["/ü", "/%c3%bc", "/%c3%BC"]),
        ("/~a", ["/%7Ea", "/%7ea"]),
        ("/a:b@c", ["/a%3Ab%40c", "/a:b%40c"]),
        ("/a%2Fb", ["/a/b", "/a%2fb"]),  # the signer itself decodes before it splits
    ],
)
def test_ways_to_write_one_path_have_one_signature(sent, variants):
    signed = by_sdk(Pair(), "GET", sent, at=AT, headers=HEADERS)
    authorization = signature.read(signed.header_params["Authorization"])

    for path in [sent, *variants]:
        request = received("GET", path, signed.header_params)
        assert signature.is_right(request, authorization, SK.encode()), path


@pytest.mark.parametrize(
    ("sent", "other"),
    [("/a%2520b", "/a%20b"), ("/a//b", "/a/b"), ("/a", "/A"), ("/a", "/a//"), ("/a+b", "/a b"), ("/a/../b", "/b")],
)
def test_different_paths_have_different_signatures(sent, other):
    signed = by_sdk(Pair(), "GET", sent, at=AT, headers=HEADERS)
    authorization = signature.read(signed.header_params["Authorization"])

    assert signature.is_right(received("GET", sent, signed.header_params), authorization, SK.encode())
    assert not signature.is_right(received("GET", other, signed.header_params), authorization, SK.encode())


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ([("a", "")], ["a=", "a"]),
        ([("a", "b c")], ["a=b%20c", "a=b+c"]),
        ([("a", "1"), ("a", "0")], ["a=1&a=0", "a=0&a=1"]),
        ([("a", ["2", "1"])], ["a=1&a=2"]),
        ([("a", True)], ["a=true"]),
        ([("a", 10)], ["a=10"]),
        ([("", "")], ["="]),
        ([("a0", "x"), ("a:", "y")], ["a0=x&a%3A=y", "a%3A=y&a0=x"]),
        ([], ["", "&", "&&"]),
    ],
)
def test_ways_to_write_one_query_have_one_signature(query, same):
    signed = by_sdk(Pair(), "GET", "/", at=AT, query=query, headers=HEADERS)
    authorization = signature.read(signed.header_params["Authorization"])

    for raw in same:
        request = received("GET", f"/?{raw}", signed.header_params)
        assert signature.is_right(request, authorization, SK.encode()), raw


def test_a_query_that_is_not_utf_8_is_refused():
    with pytest.raises(Unsigned):
        signature.canonical(received("GET", "/?a=%FF", {}), Authorization(AK, (), ""))


# --- the Access dialect without a host ----------------------------------------------------------------------------

# Made by running the signer of huaweicloud-sdk-go-v3 (March 2026): target, body, signature.
GO_SDK_HEADERS = {
    "Content-Type": "application/json;charset=UTF-8",
    "User-Agent": "huaweicloud-usdk-go/3.0",
    "X-Project-Id": PROJECT,
}
GO_SDK_NAMES = ("user-agent", "x-project-id", "x-sdk-date")
GO_SDK_VECTORS = {
    "a body": (
        ("POST", f"{KMS}/create-key", b'{"key_alias":"vector"}\n'),
        "bd46c364f640dbd69fff018d82da9f4f2296dec7d7ba354ecc10f1210dd8148f",
    ),
    "a query": (
        ("GET", f"{KMS}/aliases?key_id={KEY}&limit=10&marker=%C3%BC%20y", b""),
        "03b1e26a8b478b74099037ca7dcedc3ac8c57b919ca9326a934f879e916a147f",
    ),
    "an encoded path": (
        ("DELETE", f"{KMS}/{KEY}/tags/a%20b:%C3%BC", b""),
        "411d55be3883baed8c364f3a703b124e94fc4b359aeb4a84aebb4131c6a4d371",
    ),
}


@pytest.mark.parametrize(("request_", "expected"), GO_SDK_VECTORS.values(), ids=GO_SDK_VECTORS)
def test_what_the_go_sdk_signs_is_right(request_, expected):
    method, target, body = request_
    headers = by_go_sdk(Pair(), method, target, at=AT, headers=GO_SDK_HEADERS, body=body)
    authorization = signature.read(headers["Authorization"])

    assert authorization == Authorization(AK, GO_SDK_NAMES, expected)
    for host in ({}, {"Host": HOST}, {"Host": "another"}):
        assert signature.is_right(received(method, target, headers | host, body), authorization, SK.encode())
    assert not signature.is_right(received(method, target, headers, body + b" "), authorization, SK.encode())


def test_a_host_that_is_signed_is_verified():
    signed = by_sdk(Pair(), "GET", "/", at=AT, headers=HEADERS)
    authorization = signature.read(signed.header_params["Authorization"])

    for host, is_right in ((HOST, True), ("another:8000", False)):
        request = received("GET", "/", {**signed.header_params, "Host": host})
        assert signature.is_right(request, authorization, SK.encode()) is is_right


# --- the Credential dialect ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("region", "service"), [("", ""), ("eu-de", "kms"), ("", "iam")])
def test_the_dialect_of_the_go_clients(region, service):
    path, body = f"{KMS}/list-keys", b'{"limit":"2"}\n'
    headers = by_go(
        Pair(), "POST", path, at=AT, headers={"Accept": "a   b\tc"}, body=body, region=region, service=service
    )

    authorization = signature.read(headers["Authorization"])

    assert authorization.scope == Scope("20260102", region, service)
    assert signature.is_right(received("POST", path, headers, body), authorization, SK.encode())
    assert not signature.is_right(received("POST", path, headers, body), authorization, b"another")


# Made by running the signer of golangsdk (gophertelekomcloud, snapshot of October 2024).
GO_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "Host": HOST,
    "User-Agent": "golangsdk/2.0.0",
    "X-Sdk-Date": "20261125T074219Z",
}
GO_NAMES = ("accept", "content-type", "host", "user-agent", "x-sdk-date")
GO_VECTORS = {
    "a query": (
        ("GET", "/v3/auth/domains?name=acme", b""),
        Scope("20261125", "", ""),
        "ab96aabfc569967efc9e142961e98a0293b397580a97b1227821756e6fd80075",
    ),
    "a body": (
        ("POST", f"{KMS}/list-keys", b'{"limit":"2"}\n'),
        Scope("20261125", "", ""),
        "670eb3e9ba54503c21f7510e396f9b8fb9a4eba180ede019a9bfc6edd06ee4fc",
    ),
    "an encoded path and query": (
        ("DELETE", f"{KMS}/K/tags/a%20b%3A%C3%BC%2Fx?marker=%C3%BC%20y&limit=1", b""),
        Scope("20261125", "eu-de", "kms"),
        "a36c5eee68cd9834440d1e0516e59d961b65b9a357938a16a812b82c2bf00581",
    ),
}


@pytest.mark.parametrize(("request_", "scope", "expected"), GO_VECTORS.values(), ids=GO_VECTORS)
def test_what_the_go_client_signs_is_right(request_, scope, expected):
    method, target, body = request_
    authorization = Authorization(AK, GO_NAMES, expected, scope)
    header = f"SDK-HMAC-SHA256 Credential={AK}/{scope}, SignedHeaders={';'.join(GO_NAMES)}, Signature={expected}"

    assert signature.read(header) == authorization
    assert signature.is_right(received(method, target, GO_HEADERS, body), authorization, SK.encode())
    assert not signature.is_right(received(method, target, GO_HEADERS, body + b" "), authorization, SK.encode())


@given(st.text(st.sampled_from(" \tabc"), max_size=20))
def test_runs_of_white_space_count_in_one_dialect_only(value):
    folded = " ".join(value.split())
    go = by_go(Pair(), "GET", "/", at=AT, headers={"X-A": value})
    sdk = by_sdk(Pair(), "GET", "/", at=AT, headers={**HEADERS, "X-A": value}).header_params

    for headers, same in ((go, True), (sdk, folded == value.strip())):
        authorization = signature.read(headers["Authorization"])
        assert signature.is_right(received("GET", "/", headers), authorization, SK.encode())
        changed = received("GET", "/", {**headers, "X-A": folded})
        assert signature.is_right(changed, authorization, SK.encode()) is same


def test_a_scope_of_another_day_is_refused():
    headers = by_go(Pair(), "GET", "/", at=AT)
    authorization = signature.read(headers["Authorization"].replace("/20260102/", "/20260103/"))

    with pytest.raises(Unsigned):
        signature.signed_at(received("GET", "/", headers), authorization)


# --- what is no signature -----------------------------------------------------------------------------------------

SIGNED = f"SignedHeaders=host;x-sdk-date, Signature={'a' * 64}"
NO_SIGNATURE = {
    "nothing": "",
    "the algorithm alone": "SDK-HMAC-SHA256",
    "another algorithm": f"SDK-HMAC-SM3 Access={AK}, {SIGNED}",
    "derived keys": f"V11-HMAC-SHA256 Credential={AK}/20260102/eu-de/kms, {SIGNED}",
    "Amazon's": f"AWS4-HMAC-SHA256 Credential={AK}/20260102/eu-de/kms/aws4_request, {SIGNED}",
    "lower case": f"sdk-hmac-sha256 Access={AK}, {SIGNED}",
    "no access key": f"SDK-HMAC-SHA256 {SIGNED}",
    "an empty access key": f"SDK-HMAC-SHA256 Access=, {SIGNED}",
    "an endless access key": f"SDK-HMAC-SHA256 Access={'A' * 65}, {SIGNED}",
    "an access key that is none": f"SDK-HMAC-SHA256 Access=a b, {SIGNED}",
    "an access key beyond ASCII": f"SDK-HMAC-SHA256 Access=ÄK, {SIGNED}",
    "both": f"SDK-HMAC-SHA256 Access={AK}, Credential={AK}/20260102///sdk_request, {SIGNED}",
    "a scope cut short": f"SDK-HMAC-SHA256 Credential={AK}/20260102/sdk_request, {SIGNED}",
    "a scope that ends otherwise": f"SDK-HMAC-SHA256 Credential={AK}/20260102///other, {SIGNED}",
    "a day that is none": f"SDK-HMAC-SHA256 Credential={AK}/2026-01-02///sdk_request, {SIGNED}",
    "digits of another script": f"SDK-HMAC-SHA256 Credential={AK}/２０２６０１０２///sdk_request, {SIGNED}",
    "no headers": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=, Signature={'a' * 64}",
    "host unsigned with a scope": f"SDK-HMAC-SHA256 Credential={AK}/20260102///sdk_request, "
    f"SignedHeaders=x-sdk-date, Signature={'a' * 64}",
    "date unsigned": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=host, Signature={'a' * 64}",
    "a header twice": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=host;host;x-sdk-date, Signature={'a' * 64}",
    "upper-case headers": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=Host;X-Sdk-Date, Signature={'a' * 64}",
    "a header that WSGI cannot tell": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=a_b;host;x-sdk-date, "
    f"Signature={'a' * 64}",
    "a short signature": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=host;x-sdk-date, Signature={'a' * 63}",
    "a long signature": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=host;x-sdk-date, Signature={'a' * 65}",
    "an upper-case signature": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=host;x-sdk-date, Signature={'A' * 64}",
    "another order": f"SDK-HMAC-SHA256 SignedHeaders=host;x-sdk-date, Access={AK}, Signature={'a' * 64}",
    "something behind": f"SDK-HMAC-SHA256 Access={AK}, {SIGNED} ",
    "a line break": f"SDK-HMAC-SHA256 Access={AK}, {SIGNED}\n",
    "two of them": f"SDK-HMAC-SHA256 Access={AK}, {SIGNED},SDK-HMAC-SHA256 Access={AK}, {SIGNED}",
    "too much": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=host;x-sdk-date;{';'.join(['a' * 100] * 60)}, "
    f"Signature={'a' * 64}",
}


@pytest.mark.parametrize("header", NO_SIGNATURE.values(), ids=NO_SIGNATURE)
def test_what_is_no_signature_is_refused(header):
    with pytest.raises(Unsigned):
        signature.read(header)


@given(st.text(max_size=200) | st.text(max_size=60).map(lambda text: f"SDK-HMAC-SHA256 Access={text}, {SIGNED}"))
def test_no_text_at_all_breaks_the_reader(header):
    try:
        read = signature.read(header)
    except Unsigned:
        return
    assert read.signed_headers == ("host", "x-sdk-date")


def test_what_the_sdk_sends_with_derived_keys_is_refused():
    request = SdkRequest(
        method="GET", schema="http", host=HOST, resource_path="/", query_params=[], header_params={}, body=""
    )
    signed = DerivationAKSKSigner(BasicCredentials(AK, SK, PROJECT)).sign(request, "kms", "eu-de")

    with pytest.raises(Unsigned):
        signature.read(signed.header_params["Authorization"])


@pytest.mark.parametrize(
    "date",
    ["", "20260102", "20260102T030405", "2026-01-02T03:04:05Z", "20261302T030405Z", "20260102T250405Z",
     "20260102T030460Z", " 20260102T030405Z", "20260102T030405Z\n", "２０２６0102T030405Z", "0" * 5000],
)  # fmt: skip
def test_what_is_no_time_is_refused(date):
    with pytest.raises(Unsigned):
        signature.signed_at(received("GET", "/", {"X-Sdk-Date": date}), Authorization(AK, NAMES, ""))


@pytest.mark.parametrize("name", ["content-type", "host", "x-project-id"])
def test_a_signed_header_that_is_not_there_is_refused(name):
    signed = by_sdk(Pair(), "GET", "/", at=AT, headers=HEADERS)
    authorization = signature.read(signed.header_params["Authorization"])
    left = {header: value for header, value in signed.header_params.items() if header.lower() != name}

    with pytest.raises(Unsigned):
        signature.is_right(received("GET", "/", left), authorization, SK.encode())


@pytest.mark.parametrize("said", ["UNSIGNED-PAYLOAD", "", "0" * 64, hashlib.sha256(b"{}").hexdigest().upper()])
def test_a_hash_of_the_body_that_is_not_its_hash_is_refused(said):
    request = received("POST", "/", {"x-sdk-content-sha256": said}, b"{}")

    with pytest.raises(Unsigned):
        signature.canonical(request, Authorization(AK, (), ""))


def test_the_hash_of_the_body_may_be_said_and_signed():
    said = {**HEADERS, "X-Sdk-Content-Sha256": hashlib.sha256(b"{}").hexdigest()}
    signed = by_sdk(Pair(), "POST", "/", at=AT, headers=said, body=b"{}")

    authorization = signature.read(signed.header_params["Authorization"])

    assert "x-sdk-content-sha256" in authorization.signed_headers
    assert signature.is_right(received("POST", "/", signed.header_params, b"{}"), authorization, SK.encode())

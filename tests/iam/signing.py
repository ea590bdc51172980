"""Signing as clients do: by the cloud's own SDK, and in the dialect of its Go clients by the rule as written."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, quote, unquote

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from iam import replay
from iam.services import access_keys
from operations import changes
from operations.caller import system
from tests import factories

AK, SK = "AKEXAMPLE0000000001", "skExample/Secret+0000000000000000000001"
HOST = "127.0.0.1:8000"


@dataclass(frozen=True)
class Pair:
    ak: str = AK
    sk: str = field(default=SK, repr=False)


def pair_of(user) -> Pair:
    """A new access key of the user."""
    created = access_keys.create(user, by=system(account_id=user.account_id))
    return Pair(created.access_key.ak, created.secret_key)


def stamp(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%SZ")


def by_sdk(
    pair: Pair,
    method: str,
    path: str,
    *,
    at: datetime,
    query: list[tuple[str, object]] = (),
    headers: dict[str, str] | None = None,
    body: bytes | str = b"",
    host: str = HOST,
) -> SdkRequest:
    """A request as the SDK's own signer leaves it: `header_params` and `uri` are what goes over the wire."""
    request = SdkRequest(
        method=method,
        schema="http",
        host=host,
        resource_path=path,
        query_params=list(query),
        header_params={"X-Sdk-Date": stamp(at), **(headers or {})},
        body=body,
    )
    return Signer(BasicCredentials(pair.ak, pair.sk, "0" * 32)).sign(request)


def by_go_sdk(
    pair: Pair, method: str, target: str, *, at: datetime, headers: dict[str, str], body: bytes = b""
) -> dict[str, str]:
    """The headers of a request as the cloud's Go SDK signs it: all but Content-Type, and no host."""
    path, _, query = target.partition("?")
    sent = {"X-Sdk-Date": stamp(at), **headers}
    values = {name.lower(): value.strip() for name, value in sent.items() if name.lower() != "content-type"}
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    canonical = "\n".join(
        [
            method,
            f"{quote(unquote(path), safe='/~').rstrip('/')}/",
            "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs),
            *(f"{name}:{values[name]}" for name in sorted(values)),
            "",
            ";".join(sorted(values)),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    signed = "\n".join(["SDK-HMAC-SHA256", stamp(at), hashlib.sha256(canonical.encode()).hexdigest()])
    signature = hmac.new(pair.sk.encode(), signed.encode(), hashlib.sha256).hexdigest()
    named = ";".join(sorted(values))
    return {**sent, "Authorization": f"SDK-HMAC-SHA256 Access={pair.ak}, SignedHeaders={named}, Signature={signature}"}


def by_go(
    pair: Pair,
    method: str,
    path: str,
    *,
    at: datetime,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    host: str = HOST,
    region: str = "",
    service: str = "",
) -> dict[str, str]:
    """The headers of a request in the Credential dialect, Authorization included."""
    path, _, query = path.partition("?")
    scope = f"{at:%Y%m%d}/{region}/{service}/sdk_request"
    sent = {"Host": host, "X-Sdk-Date": stamp(at), **(headers or {})}
    names = sorted(name.lower() for name in sent)
    values = {name.lower(): " ".join(value.split()) for name, value in sent.items()}
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    canonical = "\n".join(
        [
            method,
            f"{path.rstrip('/')}/",
            "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs),
            *(f"{name}:{values[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    key = f"SDK{pair.sk}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signed = "\n".join(["SDK-HMAC-SHA256", stamp(at), scope, digest])
    signature = hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()
    named = ";".join(names)
    sent["Authorization"] = (
        f"SDK-HMAC-SHA256 Credential={pair.ak}/{scope}, SignedHeaders={named}, Signature={signature}"
    )
    return sent


# --- for tests of what the service receives -----------------------------------------------------------------------


@pytest.fixture(autouse=True)
def own_memory(settings, tmp_path):
    """Signatures seen by other tests, at the same standing time, are none of this one's; nor is what was read of a
    database that has been emptied since, whose counts of change begin anew."""
    settings.KMS_HOME = tmp_path
    changes.forget()
    yield
    for table in replay._tables.values():
        table.close()
    replay._tables.clear()


@pytest.fixture
def alice(strong_room, the_clock):
    return factories.alice()


@pytest.fixture
def pair(alice):
    return pair_of(alice)


@pytest.fixture
def send(client):
    """Sends a request as it was signed, but for what the test changes on the way."""

    def send(method: str, target: str, headers: dict[str, str], body: bytes = b"", **extra):
        kept = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        # Django's client would leave it away where there is no body; others send it.
        content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
        extra |= {"CONTENT_TYPE": content_type} if content_type is not None else {}
        return client.generic(method, target, body, headers=kept, **{"REMOTE_ADDR": "192.0.2.9", **extra})

    return send

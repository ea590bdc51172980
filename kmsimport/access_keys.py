"""Requests signed with an access key and its secret key (AK/SK): `SDK-HMAC-SHA256` as the cloud's current SDKs do it.

How a request is spelt before it is signed stands in `kmscrypto.request_signing`, from which the service verifies too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from kmscrypto import request_signing
from kmscrypto.request_signing import ALGORITHM, Authorization
from kmsimport.connection import Request

# Beside these the headers may be changed on the way.
_SIGNED = ("content-type", "host", "x-project-id", "x-sdk-date", "x-security-token")


@dataclass(frozen=True)
class AccessKey:
    """`project_id` and `security_token` (of temporary credentials) are empty where there are none."""

    access_key: str
    secret_key: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    project_id: str = ""

    def headers_for(self, request: Request) -> Mapping[str, str]:
        """Signed for this very second."""
        parts = urlsplit(request.url)
        headers = {
            **request.headers,
            "Host": parts.netloc,
            "X-Sdk-Date": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
            "X-Project-Id": self.project_id,
            "X-Security-Token": self.security_token,
        }
        headers = {name: value for name, value in headers.items() if value}
        by_name = {name.lower(): value for name, value in headers.items()}
        names = tuple(name for name in _SIGNED if name in by_name)
        seen = request_signing.Request(request.method, unquote(parts.path), parts.query, by_name, request.body)
        unsigned = Authorization(self.access_key, names, signature="")
        signature = request_signing.signature_of(seen, unsigned, self.secret_key.encode())
        proof = f"{ALGORITHM} Access={self.access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
        return {**headers, "Authorization": proof}

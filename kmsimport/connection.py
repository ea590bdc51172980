"""HTTP as an API client needs it: JSON over verified TLS, no redirects, time limits, retries of what may be repeated.

The standard library only. `HTTPS_PROXY` and `NO_PROXY` are followed, as everywhere.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from kmsimport.faults import Exit, Fault, usage

MOST_BYTES = 1024 * 1024
PAUSES = (0.5, 2.0)  # seconds before the second and the third try
MOST_SECONDS_APART = 15 * 60
BUSY = frozenset({429, 502, 503, 504})

_HEADERS = {"Accept": "application/json", "User-Agent": "kms-import"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one where it is anything else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def clock_hint(self) -> str:
        """What to say where the two clocks are too far apart for a signature, as far as the answer tells."""
        try:
            apart = abs((parsedate_to_datetime(self.headers["Date"]) - datetime.now(UTC)).total_seconds())
        except (TypeError, ValueError):
            return ""
        if apart < MOST_SECONDS_APART:
            return ""
        return f"The clocks of this machine and the service are {apart / 60:.0f} minutes apart."

    @property
    def request_id(self) -> str:
        return self.headers.get("X-Request-Id", "")


class Unreachable(Fault):
    """No answer came. Whether the request arrived is not known."""

    def __init__(self, host: str, reason: str, *, hint: str = "", may_pass: bool = True) -> None:
        super().__init__(Exit.NETWORK, f"No answer from {host}: {reason}.", hint=hint)
        self.may_pass = may_pass


@dataclass(frozen=True)
class Request:
    """JSON for a service. The headers are those of this call alone."""

    method: str
    url: str
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Credentials(Protocol):
    """What makes a request the caller's own."""

    def headers_for(self, request: Request) -> Mapping[str, str]:
        """The request's headers, and those that prove who is asking. Made anew for each try."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry credentials to wherever it points."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Connection:
    """Where requests leave the machine. Headers are added by the caller; none is ever logged."""

    def __init__(self, *, ca_file: str | None, timeout: float, allow_http: bool) -> None:
        try:
            context = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError):
            raise usage(f"--ca-file {ca_file}: this is not a file of PEM certificates.") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        https = urllib.request.HTTPSHandler(context=context)
        self._opener = urllib.request.build_opener(https, _NoRedirects)
        # A proxy's "this machine" is another one.
        self._direct = urllib.request.build_opener(https, _NoRedirects, urllib.request.ProxyHandler({}))
        self._timeout = timeout
        self._allow_http = allow_http

    def send(self, request: Request, credentials: Credentials | None = None, *, repeatable: bool) -> Answer:
        """One request; a repeatable one up to three times. Raises Unreachable when no answer comes."""
        self.check(request.url)
        for pause in PAUSES if repeatable else ():
            try:
                answer = self._send_once(request, credentials)
            except Unreachable as unreachable:
                if not unreachable.may_pass:
                    raise
            else:
                if answer.status not in BUSY:
                    return answer
            time.sleep(pause)
        return self._send_once(request, credentials)

    def check(self, url: str) -> None:
        """Raises a Fault of USAGE for what is no address of a service, and for HTTP to another machine."""
        try:
            parts = urlsplit(url)
            fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.username
        except ValueError:
            fine = False
        if not fine:
            raise usage(f"{url[:200]} is not the address of a service.", "As in https://kms.eu-de.otc.t-systems.com")
        if parts.scheme == "http" and not self._allow_http and not _is_this_machine(parts.hostname or ""):
            raise usage(
                f"{url[:200]} is not encrypted: passwords and tokens could be read on the way.",
                "Use https, or allow it with --allow-http.",
            )

    def _send_once(self, request: Request, credentials: Credentials | None) -> Answer:
        headers = {**_HEADERS, **request.headers}
        if request.body:
            headers["Content-Type"] = "application/json"
        whole = replace(request, headers=headers)
        if credentials is not None:
            headers = dict(credentials.headers_for(whole))
        parts = urlsplit(request.url)
        opener = self._direct if _is_this_machine(parts.hostname or "") else self._opener
        # check() let http and https pass alone
        outgoing = urllib.request.Request(request.url, request.body or None, headers, method=request.method)  # noqa: S310
        try:
            with opener.open(outgoing, timeout=self._timeout) as response:
                return Answer(response.status, response.headers, response.read(MOST_BYTES))
        except urllib.error.HTTPError as answer:
            with answer:
                return Answer(answer.code, answer.headers, answer.read(MOST_BYTES))
        except urllib.error.URLError as cause:
            raise _unreachable(parts.netloc, cause.reason) from None
        except (OSError, http.client.HTTPException) as cause:
            raise _unreachable(parts.netloc, cause) from None


def _unreachable(host: str, reason: object) -> Unreachable:
    if isinstance(reason, ssl.SSLCertVerificationError):
        hint = "If its certificate is from an authority of your own, name that one: --ca-file FILE"
        words = f"its certificate is not trusted ({reason.verify_message})"
        return Unreachable(host, words, hint=hint, may_pass=False)
    if isinstance(reason, ssl.SSLError):
        return Unreachable(host, f"TLS failed ({reason.reason or 'no reason given'})", may_pass=False)
    if isinstance(reason, TimeoutError):
        return Unreachable(host, "it took too long", hint="Give it more time with --timeout SECONDS.")
    if isinstance(reason, socket.gaierror):
        return Unreachable(host, "there is no such host", may_pass=False)
    if isinstance(reason, OSError) and reason.strerror:
        return Unreachable(host, reason.strerror)
    return Unreachable(host, "the connection broke" if isinstance(reason, Exception) else str(reason))


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""A network between the command and the product that can be bad: it loses answers, refuses, is busy, or speaks TLS.

What it is not told to disturb, it hands on byte by byte to the real product.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import ipaddress
import json
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOSE = "lose the answer"
DROP = "lose the request"


@dataclass
class Refuse:
    """Answer so, instead of asking the product."""

    status: int
    body: dict = field(default_factory=dict)
    headers: dict = field(default_factory=dict)


def kms_error(code: str, status: int = 400) -> Refuse:
    return Refuse(status, {"error": {"error_code": code, "error_msg": "refused by the relay"}})


@dataclass
class Relay:
    url: str
    # What to do with the next calls of an operation, by the last part of its path; then the product answers again.
    faults: dict[str, list] = field(default_factory=dict)
    # As `faults`, for ever.
    always: dict[str, Refuse] = field(default_factory=dict)
    # A function over an answer's JSON.
    changes: dict[str, object] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict] = field(default_factory=list)

    def next_fault(self, name: str):
        waiting = self.faults.get(name)
        return waiting.pop(0) if waiting else self.always.get(name)


@contextlib.contextmanager
def relay_to(upstream: str, *, tls: ssl.SSLContext | None = None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    scheme = "http"
    if tls is not None:
        scheme, server.socket = "https", tls.wrap_socket(server.socket, server_side=True)
    server.relay = Relay(f"{scheme}://127.0.0.1:{server.server_port}")
    server.upstream = urlsplit(upstream).netloc
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.relay
    finally:
        server.shutdown()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        relay = self.server.relay
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name = urlsplit(self.path).path.rsplit("/", 1)[-1]
        relay.calls.append(name)
        relay.bodies.append(body)
        relay.headers.append(dict(self.headers))
        fault = relay.next_fault(name)
        if fault == DROP:
            return
        if isinstance(fault, Refuse):
            self.answer(fault.status, fault.headers, json.dumps(fault.body).encode())
            return
        connection = http.client.HTTPConnection(self.server.upstream, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if fault == LOSE:
            return
        if change := relay.changes.get(name):
            content = json.dumps(change(json.loads(content))).encode()
        kept = {name: value for name, value in response.getheaders() if name.lower().startswith(("x-", "content-type"))}
        self.answer(response.status, kept, content)

    do_GET = do_POST  # noqa: N815

    def answer(self, status, headers, content):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


def certificate(directory):
    """A server's context for 127.0.0.1, and the file of the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, private = directory / "ca.pem", directory / "private.pem"
    trusted.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted

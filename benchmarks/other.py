"""Another key service on the same machine, to stand beside: moto's, which imitates that of another cloud."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.load import Work

_SIGNED_FOR = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=00"


def _headers(operation: str) -> dict[str, str]:
    return {
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": _SIGNED_FOR,
        "X-Amz-Target": f"TrentService.{operation}",
    }


@contextmanager
def works() -> Iterator[list[Work]]:
    """Encrypt, GenerateDataKey and Sign, while its server runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-c", "from moto.server import main; main()", "-p", str(port)]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait(url)
            yield _works(url)
        finally:
            server.terminate()
            server.wait(timeout=30)


def _works(url: str) -> list[Work]:
    symmetric = _call(url, "CreateKey", {})["KeyMetadata"]["KeyId"]
    signing = _call(url, "CreateKey", {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})["KeyMetadata"]["KeyId"]
    message = base64.b64encode(b"x" * 32).decode()
    bodies = {
        "Encrypt": {"KeyId": symmetric, "Plaintext": message},
        "GenerateDataKey": {"KeyId": symmetric, "KeySpec": "AES_256"},
        "Sign": {"KeyId": signing, "Message": message, "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"},
    }

    def work(operation: str) -> Work:
        return Work(f"moto {operation}", url, [json.dumps(bodies[operation])], lambda _body: _headers(operation))

    return [work(operation) for operation in bodies]


def _call(url: str, operation: str, body: dict[str, str]) -> dict[str, dict[str, str]]:
    request = urllib.request.Request(url, json.dumps(body).encode(), _headers(operation))
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, dict[str, str]] = json.load(response)
    return answer


def _wait(url: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            _call(url, "ListKeys", {})
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("moto's server did not start")

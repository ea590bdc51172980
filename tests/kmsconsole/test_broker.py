"""Jobs through a Redis that is reached with TLS."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.services.product import ROOT, clean_environment
from tests.services.programs import find, free_port, stop, wait_until

CONNECT = "from kmsconsole.celery import app; app.connection_for_write().ensure_connection(max_retries=1, timeout=5)"


@pytest.fixture(scope="module")
def certificate(openssl, tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1",
         "-keyout", "key.pem", "-out", "certificate.pem"],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
    return directory / "certificate.pem"


@pytest.fixture(scope="module")
def port(certificate):
    """Of a Redis server with a certificate that no authority of this machine has signed."""
    port, directory = free_port(), certificate.parent
    program = find("redis-server", package="redis-server")
    log = directory / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [program, "--bind", "127.0.0.1", "--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no",
             "--tls-cert-file", "certificate.pem", "--tls-key-file", "key.pem", "--save", ""],
            cwd=directory, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        wait_until(lambda: "Ready to accept connections" in log.read_text(), process, log)
        yield port
    finally:
        stop(process)


def connect(url: str, home) -> subprocess.CompletedProcess[str]:
    settings = {"KMS_REDIS_URL": url, "KMS_HOME": str(home), "KMS_TEST_MODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", CONNECT], env=clean_environment(**settings), cwd=ROOT, capture_output=True, text=True
    )


def test_a_certificate_that_nobody_vouches_for_is_refused(port, tmp_path):
    refused = connect(f"rediss://localhost:{port}/0", tmp_path)

    assert refused.returncode
    assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr


def test_the_url_names_the_authority_to_trust(port, certificate, tmp_path):
    connected = connect(f"rediss://localhost:{port}/0?ssl_ca_certs={certificate}", tmp_path)

    assert not connected.returncode, connected.stderr

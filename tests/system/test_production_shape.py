"""Import and expiry through a deployment's own processes: web server, PostgreSQL, Redis, celery worker, celery beat."""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
from uuid import uuid4

import pytest
import redis
from kombu import Connection

from tests.system.deployment import PASSWORD, SERVICES, Deployment, eventually, rows

pytestmark = pytest.mark.system

ENABLED, PENDING_IMPORT = "2", "5"


def expiries(deployment: Deployment, key_id: str) -> list[tuple]:
    query = "SELECT kind, name FROM operations_trace WHERE resource_id = %s AND kind = 'SystemAction'"
    return rows(deployment, query, key_id)


def test_imported_material_is_used_and_then_expired_by_beat_and_worker(deployment, client):
    key_id, material = client.create_empty_key(), secrets.token_bytes(32)
    client.import_material(key_id, material, expiration_time=int(time.time()) + 10)
    assert client.state(key_id) == ENABLED
    plain = base64.b64encode(b"kept for ten seconds").decode()
    cipher = client.call("encrypt-data", key_id=key_id, plain_text=plain)["cipher_text"]
    assert client.call("decrypt-data", cipher_text=cipher)["plain_text"] == plain

    traces = eventually(lambda: expiries(deployment, key_id))

    assert client.state(key_id) == PENDING_IMPORT
    assert len(traces) == 1
    sealed = "SELECT count(*) FROM keys_keyversion WHERE key_id = (SELECT id FROM keys_key WHERE key_id = %s)"
    assert rows(deployment, f"{sealed} AND material_sealed IS NOT NULL", key_id) == [(0,)]
    client.call("decrypt-data", expect=400, cipher_text=cipher)
    client.import_material(key_id, material)
    assert client.call("decrypt-data", cipher_text=cipher)["plain_text"] == plain


def test_a_database_that_ends_its_connections_is_felt_by_no_client(deployment, client):
    key_id = client.call("create-key", key_alias=f"cut-{uuid4()}")["key_info"]["key_id"]
    for _ in range(8):  # so that both web processes and some of their threads have connections
        client.call("encrypt-data", key_id=key_id, plain_text="AAAA")
        client.call("list-keys")

    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    ended = rows(deployment, f"{cut} WHERE datname = current_database() AND pid <> pg_backend_pid()")

    assert len(ended) > 2
    for _ in range(8):
        client.call("encrypt-data", key_id=key_id, plain_text="AAAA")
        client.call("list-keys")
        client.call("update-key-description", key_id=key_id, key_description="still here")


@pytest.fixture
def no_worker(deployment):
    deployment.stop("worker")
    yield
    deployment.start("worker")


def test_expired_material_is_refused_to_the_second_while_no_worker_runs(deployment, client, no_worker):
    key_id = client.create_empty_key()
    expires_at = int(time.time()) + 6
    client.import_material(key_id, secrets.token_bytes(32), expiration_time=expires_at)
    client.call("encrypt-data", key_id=key_id, plain_text="AAAA")
    time.sleep(max(0.0, expires_at - time.time()))

    refused = client.call("encrypt-data", expect=400, key_id=key_id, plain_text="AAAA")

    assert refused["error"]["error_code"].startswith("KMS.")
    assert client.state(key_id) == PENDING_IMPORT
    assert expiries(deployment, key_id) == []
    _messages_carry_nothing(deployment)


def _messages_carry_nothing(deployment: Deployment) -> None:
    broker = redis.Redis.from_url(deployment.broker_url)
    waiting = eventually(lambda: broker.lrange("celery", 0, -1))
    for message in map(json.loads, waiting):
        assert message["content-type"] == "application/json"
        assert json.loads(base64.b64decode(message["body"]))[:2] == [[], {}]
    assert not broker.keys("celery-task-meta*")


class _Planted:
    """What a pickle of ours would do in a worker that reads pickles."""

    def __init__(self, file: str) -> None:
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


def test_a_pickled_message_is_not_opened(deployment, client, tmp_path):
    planted = tmp_path / "planted"
    with Connection(deployment.broker_url) as connection:
        producer = connection.Producer(serializer="pickle")
        headers = {"task": "imports.tasks.expire_material", "id": str(uuid4()), "lang": "py"}
        producer.publish([[_Planted(str(planted))], {}, {}], routing_key="celery", headers=headers)
    key_id = client.create_empty_key()
    client.import_material(key_id, secrets.token_bytes(32), expiration_time=int(time.time()) + 6)

    eventually(lambda: expiries(deployment, key_id))

    assert not planted.exists()


def test_the_health_checks_of_the_containers_pass(deployment):
    for service in ("web", "worker", "beat"):
        program, *arguments = SERVICES[service]["healthcheck"]["test"][1:]
        assert program == "python"
        done = deployment.run(service, deployment.image.python, *arguments)
        assert done.returncode == 0, done.stderr


def test_it_runs_with_what_the_image_holds_and_as_somebody_who_is_not_root(deployment):
    what = "import os, kombu.transport.redis; print(os.geteuid())"
    user = deployment.run("worker", deployment.image.python, "-c", what)
    development = deployment.run("worker", deployment.image.python, "-c", "import pytest")

    assert int(user.stdout) != 0
    assert "No module named 'pytest'" in development.stderr
    assert {process.poll() for process in deployment.running.values()} == {None}


def test_cookies_are_bound_to_https(deployment):
    answer = deployment.call("GET", "/console/login")

    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "__Host-kms-csrf=" in answer.headers["Set-Cookie"]
    assert "; Secure" in answer.headers["Set-Cookie"]


def test_the_deployment_passes_its_own_check(deployment):
    done = deployment.manage("web", "check", "--deploy", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr


def test_no_log_holds_a_password_or_a_token(deployment, client):
    logs = "".join(deployment.log(service).read_text() for service in ("web", "worker", "beat"))
    hidden = [PASSWORD, client.token, deployment.database_url, deployment.broker_url]
    hidden += [path.read_text() for path in (deployment.directory / "secrets").rglob("*") if path.is_file()]

    assert not [secret for secret in hidden if secret in logs]

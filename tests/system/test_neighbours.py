"""What the product does while a neighbour says nothing or is gone: it answers, says what is missing, and recovers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import pytest
import redis
import requests

from kmsconsole.celery import DUTIES
from tests.services.silence import silent
from tests.system.deployment import Client, Deployment, eventually, rows

pytestmark = pytest.mark.system

WEB_PROCESSES = 2  # the default of KMS_WEB_WORKERS


@dataclass
class Log:
    """What a service has logged since this was made."""

    deployment: Deployment
    service: str
    start: int = 0

    def __post_init__(self) -> None:
        self.start = len(self._text())

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self._text()[self.start :].splitlines() if line.startswith("{")]

    def count(self, message: str) -> int:
        return sum(line["message"] == message for line in self.lines())

    def tracebacks(self) -> list[dict]:
        return [line for line in self.lines() if "where" in line]

    def _text(self) -> str:
        return self.deployment.log(self.service).read_text()


@pytest.fixture(autouse=True)
def _afterwards_all_is_well(deployment, client, key_id):
    yield
    eventually(lambda: readiness(deployment) == "ok", seconds=90)
    jobs_are_done(deployment, client, key_id)


@pytest.fixture(scope="module")
def key_id(deployment, client) -> str:
    """Of a key. By then worker and beat have started too."""
    key_id = client.call("create-key", key_alias=f"neighbours-{uuid4()}")["key_info"]["key_id"]
    jobs_are_done(deployment, client, key_id)
    return key_id


def readiness(deployment: Deployment) -> str:
    answer = deployment.call("GET", "/readyz")
    told = answer.json()["status"]
    assert answer.status_code == (200 if told == "ok" else 503)
    return told


def api(client: Client, operation: str, **body: object) -> requests.Response:
    path = f"/v1.0/{client.project_id}/kms/{operation}"
    return client.deployment.call("POST", path, token=client.token, body=body)


def page(client: Client) -> requests.Response:
    headers = {"Cookie": "__Host-kms-session=of-nobody"}  # a session is looked for
    return client.deployment.call("GET", "/console/kms/keys", headers=headers)


def every_kind_of_call(client: Client, key_id: str) -> list:
    """What uses a key, what reads, what writes, what signs in, and a page."""
    user = {"name": "admin", "password": "no", "domain": {"name": "default-account"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return [
        lambda: api(client, "encrypt-data", key_id=key_id, plain_text="AAAA"),
        lambda: api(client, "list-keys"),
        lambda: api(client, "update-key-description", key_id=key_id, key_description="changed"),
        lambda: client.deployment.call("POST", "/v3/auth/tokens", body={"auth": {"identity": identity}}),
        lambda: page(client),
    ]


def refused_as_unavailable(answer: requests.Response) -> bool:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    if answer.headers["Content-Type"].startswith("application/json"):
        return answer.json()["error"]["error_code"] == "KMS.0104"
    assert "The database does not answer" in answer.text
    return True


def works_again(client: Client, key_id: str) -> bool:
    return api(client, "encrypt-data", key_id=key_id, plain_text="AAAA").status_code == 200


def jobs_are_done(deployment: Deployment, client: Client, key_id: str) -> None:
    """The worker, which nobody has started again, moves a trace that the web server has journaled."""
    marked = api(client, "encrypt-data", key_id=key_id, plain_text="AAAA").headers["X-Request-Id"]

    def is_moved() -> bool:
        assert deployment.running["worker"].poll() is None, "the worker has ended"
        return rows(deployment, "SELECT count(*) FROM operations_trace WHERE request_id = %s", marked) == [(1,)]

    eventually(is_moved, seconds=90)


def test_a_database_that_falls_silent(deployment, client, key_id, postgresql_server):
    web = Log(deployment, "web")
    with silent(postgresql_server.process.pid), ThreadPoolExecutor(40) as pool:
        # More than all threads of all processes, so that each of them waits for the database.
        stuck = [pool.submit(call) for call in every_kind_of_call(client, key_id) * 8]
        assert {deployment.call("GET", "/healthz").status_code for _ in range(20)} == {200}
        assert all(refused_as_unavailable(call.result()) for call in stuck)
        eventually(lambda: readiness(deployment) == "no database")
        assert all(refused_as_unavailable(call()) for call in every_kind_of_call(client, key_id))

    eventually(lambda: works_again(client, key_id))
    eventually(lambda: web.count("no database: this is over") == WEB_PROCESSES)
    assert web.count("no database: this begins") == WEB_PROCESSES
    assert not web.tracebacks()


def test_a_database_that_is_stopped_and_started(deployment, client, key_id, postgresql_server):
    web, worker = Log(deployment, "web"), Log(deployment, "worker")
    with postgresql_server.away():
        assert all(refused_as_unavailable(call()) for call in every_kind_of_call(client, key_id))
        eventually(lambda: readiness(deployment) == "no database")
        eventually(lambda: worker.count("no database: this begins"))
        assert deployment.call("GET", "/healthz").status_code == 200

    eventually(lambda: works_again(client, key_id))
    eventually(lambda: worker.count("no database: this is over"))
    assert not web.tracebacks() + worker.tracebacks()


def test_a_row_that_another_program_keeps_locked(deployment, client, key_id):
    with psycopg.connect(deployment.database_url) as other:
        other.execute("SELECT 1 FROM keys_key WHERE key_id = %s FOR UPDATE", [key_id])
        refused = api(client, "update-key-description", key_id=key_id, key_description="changed")
        assert works_again(client, key_id)

    assert (refused.status_code, refused.json()["error"]["error_code"]) == (503, "KMS.0104")
    assert api(client, "update-key-description", key_id=key_id, key_description="changed").status_code == 200


def test_a_broker_that_falls_silent(deployment, client, key_id, redis_server):
    web, beat = Log(deployment, "web"), Log(deployment, "beat")
    with silent(redis_server.process.pid):
        with ThreadPoolExecutor(60) as pool:
            probes = [pool.submit(deployment.call, "GET", "/readyz") for _ in range(60)]
            assert works_again(client, key_id)
            assert {probe.result().json()["status"] for probe in probes} <= {"ok", "no broker"}
        eventually(lambda: readiness(deployment) == "no broker")
        eventually(lambda: beat.count("no broker: this begins"))
        assert all(call().status_code in (200, 302, 401) for call in every_kind_of_call(client, key_id))

    eventually(lambda: readiness(deployment) == "ok")
    eventually(lambda: beat.count("no broker: this is over"))
    assert not web.tracebacks() + beat.tracebacks()


def test_a_broker_that_is_stopped_and_started(deployment, client, key_id, redis_server):
    worker = Log(deployment, "worker")
    with psycopg.connect(deployment.database_url) as other:
        # The worker is in the middle of a job when Redis goes: it cannot move a trace.
        other.execute("LOCK TABLE operations_trace IN ACCESS EXCLUSIVE MODE")
        api(client, "encrypt-data", key_id=key_id, plain_text="AAAA")
        eventually(lambda: rows(deployment, "SELECT 1 FROM pg_locks WHERE NOT granted"))
        with redis_server.away():
            other.rollback()
            eventually(lambda: readiness(deployment) == "no broker")
            assert all(call().status_code in (200, 302, 401) for call in every_kind_of_call(client, key_id))

    jobs_are_done(deployment, client, key_id)
    assert not worker.tracebacks()


def test_while_no_worker_reads_no_messages_pile_up(deployment, client, key_id, redis_server):
    beat, broker = Log(deployment, "beat"), redis.Redis.from_url(redis_server.url)
    with silent(deployment.running["worker"].pid):
        api(client, "encrypt-data", key_id=key_id, plain_text="AAAA")
        eventually(lambda: beat.count("jobs not read by any worker: this begins"))
        assert broker.llen("celery") == len(DUTIES)
        eventually(lambda: deployment.call("GET", "/readyz").json().get("warnings") == ["journal not moved"])
        assert broker.llen("celery") == len(DUTIES)

    eventually(lambda: beat.count("jobs not read by any worker: this is over"))

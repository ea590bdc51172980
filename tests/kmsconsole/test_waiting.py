"""Who waits for a lock, a slow database or a long computation waits alone: everybody else is answered meanwhile."""

from __future__ import annotations

import base64
import json
import secrets
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests

from kmsconsole import lanes
from kmscrypto import wrapping
from kmsimport.access_keys import AccessKey
from kmsimport.connection import Request
from tests.console.rest import Rest, b64, oaep
from tests.kmscrypto import keys as private_keys
from tests.services.product import running_console

pytestmark = pytest.mark.system


class Program:
    """The administrator's, with a token or with an access key of its own."""

    def __init__(self, console) -> None:
        self.console = console
        self.rest = Rest(console)
        made = json.loads(console.manage("create_access_key", console.user, "--format", "json"))
        self.access_key = AccessKey(made["ak"], made["sk"], project_id=self.rest.project_id)

    def url(self, operation: str) -> str:
        return f"{self.console.url}/v1.0/{self.rest.project_id}/kms/{operation}"

    def call(self, operation: str, **body) -> requests.Response:
        return requests.post(self.url(operation), json=body, headers={"X-Auth-Token": self.rest.token}, timeout=120)

    def signed(self, operation: str, **body) -> requests.Response:
        content = json.dumps(body).encode()
        plain = {"Content-Type": "application/json"}
        headers = self.access_key.headers_for(Request("POST", self.url(operation), content, plain))
        return requests.post(self.url(operation), content, headers=headers, timeout=120)

    def new_key(self) -> str:
        answer = self.call("create-key", key_alias=f"waiting-{secrets.token_hex(4)}")
        assert answer.status_code == 200, answer.text
        return answer.json()["key_info"]["key_id"]

    def is_healthy(self) -> bool:
        return requests.get(f"{self.console.url}/healthz", timeout=120).status_code == 200

    def last_use(self) -> str | None:
        rows = json.loads(self.console.manage("list_access_keys", "--format", "json"))
        return next(row["last_used"] for row in rows if row["ak"] == self.access_key.access_key)


# --- SQLite --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    with running_console(tmp_path_factory.mktemp("sqlite"), KMS_WEB_WORKERS="1", KMS_QUOTA_KEYS="200") as console:
        yield Program(console)


@pytest.fixture
def write_lock(program):
    """SQLite's, held by this process, which knows nothing of the product's queue."""
    holder = sqlite3.connect(program.console.home / "kms.sqlite3", isolation_level=None, timeout=30)
    holder.execute("BEGIN IMMEDIATE")
    yield holder
    holder.close()


def test_while_another_program_writes_for_long_signed_calls_are_answered_and_their_use_is_noted_later(program, request):
    key_id = program.new_key()
    assert program.last_use() is None
    holder = request.getfixturevalue("write_lock")
    with ThreadPoolExecutor() as others:
        # A change, which waits for the lock until it is refused; the first use of a default key, which makes that.
        change = others.submit(program.call, "update-key-description", key_id=key_id, key_description="x")
        first_use = others.submit(program.call, "encrypt-data", key_id="alias/obs/default", plain_text="x")
        used = [program.signed("encrypt-data", key_id=key_id, plain_text=f"text {n}") for n in range(3)]
        assert [answer.status_code for answer in used] == [200, 200, 200]
        assert program.is_healthy()

        refused = change.result()
        assert refused.status_code == 503
        assert refused.json()["error"]["error_code"] == "KMS.0104"
        assert int(refused.headers["Retry-After"]) > 0
        holder.execute("ROLLBACK")
        assert first_use.result().status_code in (200, 503)  # it waited as long as the change did

    assert program.call("encrypt-data", key_id="alias/obs/default", plain_text="x").status_code == 200
    end = time.monotonic() + 60
    while program.last_use() is None:
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_hundred_imports_at_once_hold_up_nobody(program):
    key_id, used_key = program.rest.empty_key("waiting-import", "RSA_4096"), program.new_key()
    offer = program.rest.offer(key_id)
    temporary = secrets.token_bytes(32)
    body = {
        "key_id": key_id,
        "import_token": offer["import_token"],
        "encrypted_key_material": b64(oaep(base64.b64decode(offer["public_key"]), temporary)),
        "encrypted_privatekey": b64(wrapping.wrap_private_key(temporary, private_keys.der(private_keys.rsa_key(4096)))),
    }
    with ThreadPoolExecutor(100) as crowd:
        imports = [crowd.submit(program.call, "import-key-material", **body) for _ in range(100)]
        answered = 0
        while not all(each.done() for each in imports):
            assert program.call("encrypt-data", key_id=used_key, plain_text="x").status_code == 200
            assert program.is_healthy()
            answered += 1

    codes = Counter(each.result().json().get("error", {}).get("error_code", "done") for each in imports)
    assert codes.pop("done") == 1
    assert set(codes) <= {"KMS.0310", "KMS.0104"}, codes  # what came too late, and what there was no room for
    assert answered > 0
    assert program.rest.state(key_id) == "2"


# --- PostgreSQL ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database_url(postgresql_server):
    return postgresql_server.create_database()


@pytest.fixture(scope="module")
def program_on_postgresql(tmp_path_factory, database_url):
    settings = {"KMS_WEB_WORKERS": "1", "KMS_DATABASE_URL": database_url, "KMS_QUOTA_KEYS": "200"}
    with running_console(tmp_path_factory.mktemp("postgresql"), **settings) as console:
        yield Program(console)


def test_while_a_table_is_locked_calls_on_keys_that_are_known_go_on(program_on_postgresql, database_url):
    program = program_on_postgresql
    waiting = lanes.OTHERS.threads // 2
    unknown = [program.new_key() for _ in range(waiting)]
    known = program.new_key()
    assert program.signed("encrypt-data", key_id=known, plain_text="x").status_code == 200
    with psycopg.connect(database_url) as other, ThreadPoolExecutor() as crowd:
        other.execute("LOCK TABLE keys_key IN ACCESS EXCLUSIVE MODE")
        blocked = [crowd.submit(program.call, "encrypt-data", key_id=each, plain_text="x") for each in unknown]
        used = [program.signed("encrypt-data", key_id=known, plain_text=f"text {n}") for n in range(3)]
        assert [answer.status_code for answer in used] == [200, 200, 200]
        assert program.is_healthy()
        other.rollback()

    assert {each.result().status_code for each in blocked} <= {200, 503}

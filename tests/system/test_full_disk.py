"""A disk that is full: what would have to be written is refused with 503, and nothing is lost."""

from __future__ import annotations

import json

import pytest
import requests

from tests.console.rest import Rest
from tests.services.product import running_console
from tests.services.small_disk import small_disk
from tests.system.deployment import eventually

pytestmark = pytest.mark.system


@pytest.fixture
def disk(tmp_path):
    directory = tmp_path / "disk"
    directory.mkdir()
    with small_disk(directory, megabytes=32) as small:
        yield small


def test_a_full_disk_is_named_and_felt_by_nothing_once_there_is_room(disk):
    with running_console(disk.directory, KMS_WEB_WORKERS="1") as console:
        client = Rest(console)
        key_id = client.call("create-key", key_alias="before")["key_info"]["key_id"]
        logged = len(console.log_text())

        def api(verb: str, **body) -> requests.Response:
            url = f"{console.url}/v1.0/{client.project_id}/kms/{verb}"
            return requests.post(url, json=body, headers={"X-Auth-Token": client.token}, timeout=60)

        def encrypt() -> requests.Response:
            return api("encrypt-data", key_id=key_id, plain_text="x")

        def get(path: str) -> requests.Response:
            return requests.get(f"{console.url}{path}", timeout=60, allow_redirects=False)

        with disk.full():
            # Until what is left of blocks that were begun is used up.
            eventually(lambda: encrypt().status_code == 503)
            eventually(lambda: api("create-key", key_alias="meanwhile").status_code == 503)
            for refused in (encrypt(), api("create-key", key_alias="meanwhile")):
                assert refused.json()["error"]["error_code"] == "KMS.0104"
                assert int(refused.headers["Retry-After"]) > 0
                assert "cipher_text" not in refused.text
            assert get("/healthz").status_code == 200
            eventually(lambda: get("/readyz").json()["status"] == "disk full")
            assert get("/readyz").status_code == 503
            assert get("/console/login").status_code in (200, 503)
            files = len(list((console.home / "journal").iterdir()))
            assert {encrypt().status_code for _ in range(20)} == {503}
            assert len(list((console.home / "journal").iterdir())) <= files

        eventually(lambda: encrypt().status_code == 200)
        eventually(lambda: get("/readyz").json()["status"] == "ok")
        assert api("create-key", key_alias="after").status_code == 200
        assert api("describe-key", key_id=key_id).status_code == 200

        lines = [json.loads(line) for line in console.log_text()[logged:].splitlines() if line.startswith("{")]
        said = [line["message"] for line in lines if "disk full" in line["message"]]
        assert said.count("disk full: this begins") == said.count("disk full: this is over") > 0
        assert len(said) <= 4  # of the web process, and of the jobs in the supervisor's
        assert not [line for line in lines if "where" in line]

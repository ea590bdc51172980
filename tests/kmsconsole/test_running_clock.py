"""The clock of a running product is moved from beside it, and all its processes go by it."""

from __future__ import annotations

import pytest
import requests

from tests.services.product import Console


@pytest.fixture
def console(console_server: Console):
    yield console_server
    console_server.manage("clock", "--reset")


def token_of(console: Console) -> tuple[str, str]:
    user = {"name": console.user, "password": console.password, "domain": {"name": console.account}}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "eu-de"}},
        }
    }
    answer = requests.post(f"{console.url}/v3/auth/tokens", json=body, timeout=20)
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Subject-Token"], answer.json()["token"]["project"]["id"]


def list_keys(console: Console, token: str, project: str) -> int:
    url = f"{console.url}/v1.0/{project}/kms/list-keys"
    return requests.post(url, json={}, headers={"X-Auth-Token": token}, timeout=20).status_code


def test_a_token_dies_when_the_clock_is_moved_past_its_end_and_lives_when_it_is_set_back(console):
    token, project = token_of(console)
    assert list_keys(console, token, project) == 200

    console.manage("clock", "--advance", "25h")
    assert {list_keys(console, token, project) for _ in range(6)} == {401}

    console.manage("clock", "--reset")
    assert {list_keys(console, token, project) for _ in range(6)} == {200}


def test_due_jobs_run_beside_the_product(console):
    said = console.manage("run_due_jobs")

    assert "imports.tasks.expire_material: 0" in said
    assert "keys.tasks.delete_due_keys: 0" in said

"""The cloud's SDK for Node.js, unmodified: tests/wire/node, run once against the running product."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.services import programs

pytestmark = pytest.mark.system

PROGRAM = Path(__file__).parent / "node/calls.js"


@pytest.fixture(scope="module")
def answers(wire, huawei_key) -> dict:
    node = programs.find("node", package="nodejs")
    if not (PROGRAM.parent / "node_modules").is_dir():
        programs.missing(f"the SDK is not installed: npm ci --prefix {PROGRAM.parent}")
    environment = {
        "PATH": os.environ["PATH"],
        "AK": huawei_key.ak,
        "SK": huawei_key.sk,
        "PROJECT_ID": huawei_key.project_id,
        "DOMAIN_ID": wire.domain_id,
        "ENDPOINT": wire.console.url,
    }

    done = subprocess.run([node, PROGRAM], env=environment, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_signed_call_of_each_method_and_shape(answers, wire):
    assert answers["projects"] == [wire.project_id]
    assert (answers["description"], answers["text"]) == ("für Node", "hello")
    assert answers["aliases"] == [True]
    assert answers["tags"] == [{"key": "team", "value": "pay"}]


def test_refusals_as_the_sdk_raises_them(answers):
    """Of a nested error the SDK reads the status alone; `error_fields` is no more to it than code and message."""
    assert (answers["refused"]["name"], answers["refused"]["status"]) == ("ClientRequestException", 400)
    assert "hyphens" not in answers["refused"]["shown"]
    assert (answers["unsigned"]["name"], answers["unsigned"]["status"]) == ("ClientRequestException", 401)
    assert "APIGW.0301" in answers["unsigned"]["shown"]

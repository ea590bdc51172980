"""`openstack kms …`, the unmodified command line, configured by OS_* variables as its manual says."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.wire.doctests import Reader, lines
from tests.wire.openstack import REGION, unique

pytestmark = pytest.mark.system

PROGRAMS = Path(sys.executable).parent
PAGE = Path(__file__).resolve().parents[2] / "docs/use/api.md"


@dataclass
class Commands:
    environment: dict[str, str]
    directory: Path

    def run(self, *words: str) -> subprocess.CompletedProcess:
        command = [PROGRAMS / "openstack", *words]
        return subprocess.run(command, env=self.environment, cwd=self.directory, capture_output=True, text=True)

    def say(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, *words: str):
        return json.loads(self.say(*words, "-f", "json"))


@pytest.fixture
def commands(wire, tmp_path):
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "OS_AUTH_URL": f"{wire.console.url}/v3",
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": wire.user,
        "OS_PASSWORD": wire.password,
        "OS_USER_DOMAIN_NAME": wire.console.account,
        "OS_PROJECT_NAME": REGION,
        "OS_PROJECT_DOMAIN_NAME": wire.console.account,
        "OS_REGION_NAME": REGION,
    }
    return Commands(environment, tmp_path)


def test_keys_are_listed(wire, commands):
    alias = unique("cli")
    key_id = wire.answer("create-key", {"key_alias": alias})["key_info"]["key_id"]

    listed = commands.ask("kms", "cmk", "list", "--state", "2", "--limit", "3")

    assert listed[0] == {"ID": key_id, "key_alias": alias, "key_state": "2"}


def test_a_key_is_led_through_its_states_by_its_alias(wire, commands):
    alias = unique("cli")
    key_id = wire.answer("create-key", {"key_alias": alias})["key_info"]["key_id"]
    wire.answer("disable-key", {"key_id": key_id})

    def state_after(*words: str) -> str:
        assert commands.say("kms", "cmk", *words) == ""
        return wire.answer("describe-key", {"key_id": key_id})["key_info"]["key_state"]

    assert state_after("enable", alias) == "2"
    assert state_after("delete", alias, "7") == "4"
    assert state_after("cancel", "delete", alias) == "3"


def test_quotas_are_listed(commands):
    quotas = {quota["type"]: quota["quota"] for quota in commands.ask("kms", "quota", "list")}

    assert quotas == {"CMK": 1000, "grant_per_CMK": 100}


def test_a_key_that_does_not_exist_ends_the_command_with_an_error(commands):
    refused = commands.run("kms", "cmk", "show", unique("nobody"))

    assert refused.returncode == 1
    assert "No Key found for" in refused.stderr


def test_the_lines_for_users_work_as_they_are_written(wire, tmp_path):
    console = wire.console
    reader = Reader(
        tmp_path,
        PATH=f"{PROGRAMS}:/usr/bin:/bin",
        ENDPOINT=console.url,
        ACCOUNT=console.account,
        KMS_USER=wire.user,
        PASSWORD=wire.password,
    )
    typed = [line for line in lines(PAGE.read_text()) if line.heading == "openstack"]

    for line in typed:
        reader.type(line)

    assert len(typed) == 2

"""Go programs against the running product: tests/wire/golang, compiled here and run test by test."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.services import programs
from tests.services.programs import GO_LIBRARIES

pytestmark = pytest.mark.system

SOURCES = Path(__file__).parent / "golang"
TESTS = re.findall(r"^func (Test\w+)", "".join(p.read_text() for p in sorted(SOURCES.glob("*_test.go"))), re.MULTILINE)


@pytest.fixture(scope="session")
def go_tests(go, tmp_path_factory) -> Path:
    """The compiled tests. The libraries are those of the system's packages: nothing is downloaded."""
    program = tmp_path_factory.mktemp("go") / "wire.test"
    environment = os.environ | {"GOPATH": str(GO_LIBRARIES), "GO111MODULE": "off", "GOFLAGS": "", "CGO_ENABLED": "0"}
    command = [go, "test", "-c", "-o", program, "."]

    built = subprocess.run(command, cwd=SOURCES, env=environment, capture_output=True, text=True)

    assert built.returncode == 0, built.stdout + built.stderr
    return program


def test_the_sources_are_formatted(go):
    gofmt = programs.find("gofmt", package="golang-go")

    assert subprocess.run([gofmt, "-l", SOURCES], capture_output=True, text=True, check=True).stdout == ""


@pytest.mark.parametrize("name", TESTS)
def test_go(wire, go_tests, access_key, name):
    environment = {
        "OS_AUTH_URL": f"{wire.console.url}/v3",
        "OS_REGION_NAME": "eu-de",
        "OS_USERNAME": wire.user,
        "OS_PASSWORD": wire.password,
        "OS_DOMAIN_NAME": wire.console.account,
        "OS_PROJECT_NAME": "eu-de",
        "OS_ACCESS_KEY": access_key["ak"],
        "OS_SECRET_KEY": access_key["sk"],
        "KMS_TEST_URL": wire.console.url,
        "KMS_TEST_PROJECT_ID": wire.project_id,
    }

    done = subprocess.run(
        [go_tests, "-test.run", f"^{name}$", "-test.v"], env=environment, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"--- PASS: {name}" in done.stdout

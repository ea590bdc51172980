"""An installation without its servers, and a program that races on its database, in processes that can be killed."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.product import ROOT, clean_environment


def installations(program: str):
    """A fixture of a module: an installation on SQLite, then one on PostgreSQL, with this program running on each."""

    @pytest.fixture(scope="module", params=["sqlite", "postgresql"])
    def installation(request, tmp_path_factory):
        settings = {}
        if request.param == "postgresql":
            settings["KMS_DATABASE_URL"] = request.getfixturevalue("postgresql_server").create_database()
        running = Installation(tmp_path_factory.mktemp(request.param), program=program, **settings)
        yield running
        running.close()

    return installation


def serve(*what: Callable) -> None:
    """The program's half of `Installation.run`: reads a name and arguments on each line, and answers with a line."""
    known = {each.__name__: each for each in what}
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(known[name](*arguments)), flush=True)


class Installation:
    """A database with an account and an open strong room, and a program that races on it."""

    def __init__(self, home: Path, *, program: str, **settings: str) -> None:
        self._module = program
        self.environment = clean_environment(
            DJANGO_SETTINGS_MODULE="kmsconsole.settings",
            KMS_HOME=str(home),
            KMS_SECRET_KEY=secrets.token_urlsafe(50),
            KMS_TEST_MODE="1",
            KMS_RATE_LIMITS="off",
            KMS_QUOTA_KEYS="100000",
            KMS_LOG_LEVEL="ERROR",
            KMS_TRACE_JOURNAL="0",
            **settings,
        )
        self.errors = home / "errors.log"
        self._program = self._start()
        self.run("prepare")

    def run(self, *what: object):
        self._program.stdin.write(json.dumps(what) + "\n")
        self._program.stdin.flush()
        answer = self._program.stdout.readline()
        assert answer, self.errors.read_text()[-4000:]
        return json.loads(answer)

    def kill_a_sweep(self, *, after: float) -> None:
        """Starts one in a process of its own, and kills it that long after it has begun."""
        process = self._start("sweep")
        assert process.stdout.readline() == "ready\n"
        time.sleep(after)
        process.kill()
        process.communicate()

    def close(self) -> None:
        self._program.communicate()

    def _start(self, *arguments: str) -> subprocess.Popen:
        with self.errors.open("a") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", self._module, *arguments],
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

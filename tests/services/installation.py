"""An installation without its servers, and a program that races on its database, in processes that can be killed."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from pathlib import Path

from tests.services.product import ROOT, clean_environment


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

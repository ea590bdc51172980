"""The one command behind `make run`: prepares what is missing, then serves.

Without a broker it is also the clock of the jobs.
"""

import errno
import fcntl
import os
import socket
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from kmsconsole import preparation, server
from kmsconsole.celery import app
from kmsconsole.embedded import EmbeddedBeat
from vault.errors import VaultError

BEAT_STOP_SECONDS = 10.0


class Command(BaseCommand):
    help = "Serve the console until Ctrl-C. At the first start, prepare database, root key and administrator."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        embedded = settings.KMS_REDIS_URL is None
        home = preparation.make_home()
        with _bound_socket() as bound:
            if not embedded:
                self._run(bound, beat=None)
                return
            with _lock(home):
                told = self._prepare()
                self._announce(told)
                self._run(bound, beat=EmbeddedBeat(app))

    def _prepare(self) -> list[str]:
        preparation.ensure_secret_key()
        preparation.migrate()
        try:
            preparation.ensure_root_key()
        except VaultError as error:
            raise CommandError(str(error)) from None
        preparation.collect_static()
        if reason := preparation.seal_reason():
            self.stderr.write(f"KMS Console starts SEALED, and no key can be used. {reason}")
            return []
        return preparation.bootstrap()

    def _announce(self, told: list[str]) -> None:
        if settings.KMS_TEST_MODE:
            self.stderr.write("Test mode: the clock of this installation can be moved. Do not keep real keys in it.")
        if told:
            self.stdout.write(_framed(told))
        self.stdout.write(f"KMS Console: {settings.KMS_ADDRESS}  (stop with Ctrl-C)")
        self.stdout.flush()

    def _run(self, bound: socket.socket, *, beat: EmbeddedBeat | None) -> None:
        server.load_for_workers()
        web = server.Supervisor(bound, workers=settings.KMS_WEB_WORKERS)
        web.start()
        if beat:
            beat.start()
        web.run()
        if beat:
            beat.stop(seconds=BEAT_STOP_SECONDS)


def _lock(home: Path) -> IO[str]:
    """Held while the product runs, and by the kernel's doing never longer; two clocks on one database would be one too
    many."""
    file = (home / "serve.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = file.read().strip() or "unknown"
        file.close()
        raise CommandError(f"Another KMS Console (process {pid}) already runs on {home}: stop it first.") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _bound_socket() -> socket.socket:
    """Taken at once, so that a port which is not free is found before anything is prepared."""
    try:
        return server.bound_socket(settings.KMS_HOST, settings.KMS_PORT)
    except OSError as error:
        where = f"{settings.KMS_HOST}:{settings.KMS_PORT}"
        if error.errno == errno.EADDRINUSE:
            raise CommandError(f"Something else listens at {where} already: stop it, or set PORT.") from None
        raise CommandError(f"Cannot listen at {where}: {error.strerror}.") from None


def _framed(lines: list[str]) -> str:
    width = max(map(len, lines))
    edge = "─" * (width + 2)
    return "\n".join([f"┌{edge}┐", *(f"│ {line:<{width}} │" for line in lines), f"└{edge}┘"])

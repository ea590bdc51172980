"""For containers: the passwords of a deployment, made once, each in the directory of who reads it."""

import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from vault import files

READABLE = 0o444  # database and broker read as users of their own; only they mount the directory


class Command(BaseCommand):
    help = "Make the secrets of a deployment below DIRECTORY (app, database, broker); keeps those that are there."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--database-host", default="database")
        parser.add_argument("--broker-host", default="broker")

    def handle(self, *args: Any, directory: Path, database_host: str, broker_host: str, **options: Any) -> None:
        app, database, broker = (directory / name for name in ("app", "database", "broker"))
        for place in (app, database, broker):
            place.mkdir(parents=True, exist_ok=True)
        _once(app / "secret-key", secrets.token_urlsafe(64), mode=0o400)
        password = _once(database / "password", secrets.token_urlsafe(32), mode=READABLE)
        _once(app / "database-url", f"postgres://kms:{password}@{database_host}:5432/kms", mode=0o400)
        password = _once(broker / "password", secrets.token_urlsafe(32), mode=READABLE)
        # Jobs only: nothing in the broker need outlive it, as each sweep looks for whatever is due.
        conf = f'requirepass {password}\nsave ""\nappendonly no\nmaxmemory 128mb\nmaxmemory-policy noeviction\n'
        _once(broker / "redis.conf", conf, mode=READABLE)
        _once(app / "broker-url", f"redis://:{password}@{broker_host}:6379/0", mode=0o400)


def _once(file: Path, content: str, *, mode: int) -> str:
    """Write `content` unless the file is there and holds something; what the file holds."""
    if file.exists() and (present := file.read_text()):
        return present
    files.write(file, content.encode(), mode=mode)
    return content

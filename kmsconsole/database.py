"""DATABASES entries for the two databases the product runs on.

Each is set to be durable before it answers: what was acknowledged survives a power cut.
"""

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote

from django.core.exceptions import ImproperlyConfigured

# As long again as a writer waits in the queue before it (kmsconsole.sqlite).
BUSY_SECONDS = 10

# PostgreSQL, in seconds: for a connection to be made, a lock to be free, a statement to end; for a transaction in which
# its program does nothing, and which may hold locks; and for any answer at all, the server's own word included.
CONNECT_SECONDS = 4
LOCK_SECONDS = 10
STATEMENT_SECONDS = 30
IDLE_TRANSACTION_SECONDS = 60
ANSWER_SECONDS = 35

_SERVER_BOUNDS = {
    "lock_timeout": LOCK_SECONDS,
    "statement_timeout": STATEMENT_SECONDS,
    "idle_in_transaction_session_timeout": IDLE_TRANSACTION_SECONDS,
}
# What libpq is told; a network that drops what is sent is noticed by the kernel. All can be set in KMS_DATABASE_URL.
_CLIENT_BOUNDS = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": ANSWER_SECONDS * 1000,
    "options": " ".join(f"-c {name}={seconds}s" for name, seconds in _SERVER_BOUNDS.items()),
}

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # in WAL mode only FULL survives a power cut
    "PRAGMA secure_delete = ON",  # erased material leaves no bytes in the file (SEC-036)
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 67108864",
)


def sqlite(file: Path) -> dict[str, Any]:
    """The embedded database. Transactions take the write lock at once, so none fails half way for want of it."""
    return {
        "ENGINE": "kmsconsole.sqlite",
        "NAME": file,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": BUSY_SECONDS,
            "transaction_mode": "IMMEDIATE",
            "init_command": ";".join(SQLITE_PRAGMAS),
        },
        # A file rather than shared memory: tests meet the same locks and the same journal as the product.
        "TEST": {"NAME": file.with_name("test.sqlite3")},
    }


def postgresql(url: SplitResult) -> dict[str, Any]:
    """PostgreSQL; the query of the address becomes connection options (`?sslmode=verify-full`)."""
    name = unquote(url.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured("KMS_DATABASE_URL must name a database: postgres://user:password@host:5432/NAME.")
    return {
        "ENGINE": "kmsconsole.postgresql",
        "NAME": name,
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": unquote(url.hostname or ""),
        "PORT": str(url.port or ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": _CLIENT_BOUNDS | dict(parse_qsl(url.query)),
        "WAIT_SECONDS": ANSWER_SECONDS,
    }


def from_url(url: SplitResult) -> dict[str, Any]:
    """`postgres://…` or `sqlite:///absolute/path`."""
    if url.scheme != "sqlite":
        return postgresql(url)
    if url.netloc or not url.path.startswith("/"):
        raise ImproperlyConfigured(
            "KMS_DATABASE_URL for SQLite must be sqlite:// and an absolute path: sqlite:///srv/kms.sqlite3."
        )
    return sqlite(Path(unquote(url.path)))

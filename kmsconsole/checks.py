"""Faults of a deployment, each named before it serves anybody (SEC-092).

`manage.py check --deploy` reports them; a production process with an error among them does not start.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register, run_checks
from django.core.checks import Warning as Advice
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from kmsconsole.schema import is_migrated

SHORTEST_SECRET_KEY = 50
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "glusterfs", "ceph", "afs"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CONSOLE_GUARDS = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
)


@register(Tags.security)
def console_is_guarded(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What Django's own checks look for in MIDDLEWARE and cannot see, as it stands behind ConsoleOnly."""
    missing = [path for path in CONSOLE_GUARDS if path not in settings.CONSOLE_MIDDLEWARE]
    required = {"kmsconsole.middleware.ConsoleOnly", "kmsconsole.middleware.SecurityHeaders"}
    missing += sorted(required - set(settings.MIDDLEWARE))
    return [Error(f"{path} does not stand before the console.", id="kmsconsole.E001") for path in missing]


@register(Tags.security, deploy=True)
def deployment_is_sound(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    return [*_service_faults(), *_root_key_faults(), *_broker_faults(), *_database_faults()]


def refuse_faulty_start() -> None:
    """Stops a production process that has a fault; the sentence names each of them."""
    if not settings.KMS_PRODUCTION:
        return
    faults = [
        message
        for message in run_checks(include_deployment_checks=True)
        if message.is_serious() and not message.is_silenced()
    ]
    if faults:
        raise ImproperlyConfigured(" ".join(f"{message.msg} ({message.id})" for message in faults))


def _service_faults() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        yield Error("DEBUG shows source and settings to strangers.", id="kmsconsole.E010")
    if settings.KMS_TEST_MODE:
        yield Error("KMS_TEST_MODE lets anybody on the host move the product's clock.", id="kmsconsole.E011")
    if not settings.KMS_SECRET_KEY or len(settings.KMS_SECRET_KEY) < SHORTEST_SECRET_KEY:
        hint = "Make one with: openssl rand -base64 60"
        fault = f"KMS_SECRET_KEY is shorter than {SHORTEST_SECRET_KEY} characters."
        yield Error(fault, hint=hint, id="kmsconsole.E012")
    if "*" in settings.ALLOWED_HOSTS:
        yield Error("KMS_ALLOWED_HOSTS must name the hosts, not *.", id="kmsconsole.E013")
    if not settings.KMS_PUBLIC_URL.startswith("https://"):
        yield Error("KMS_PUBLIC_URL must be the https:// address that users see.", id="kmsconsole.E014")
    if not settings.KMS_TRUSTED_PROXY:
        yield Error(
            "KMS_TRUSTED_PROXY is off: the product speaks plain HTTP and needs a proxy that ends TLS before it.",
            id="kmsconsole.E015",
        )


def _root_key_faults() -> Iterator[CheckMessage]:
    if settings.KMS_ROOT_KEY_PROVIDER == "env":
        yield Advice("KMS_ROOT_KEY is visible to whoever may look at the process: prefer a file.", id="kmsconsole.W020")
    if settings.KMS_ROOT_KEY_PROVIDER != "file":
        return
    file = Path(settings.KMS_ROOT_KEY_FILE)
    try:
        status = file.stat()
    except OSError:
        # Not a fault of the configuration: the service comes up sealed and says what to do (SEC-005).
        yield Advice(f"There is no root key at {file}: the service will be sealed.", id="kmsconsole.W021")
        return
    if not stat.S_ISREG(status.st_mode):
        yield Error(f"The root key {file} is not a regular file.", id="kmsconsole.E022")
    elif status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Error(f"The root key {file} can be used by others: chmod 600 it.", id="kmsconsole.E023")
    elif _is_sample(file):
        yield Error(f"The root key {file} is a sample, not a random key.", id="kmsconsole.E024")


def _is_sample(file: Path) -> bool:
    """Whether the key repeats itself: 32 random bytes, in any encoding, hold more different characters than four."""
    try:
        return len(set(file.read_bytes().strip())) <= 4
    except OSError:
        return False


def _broker_faults() -> Iterator[CheckMessage]:
    if settings.KMS_REDIS_URL is None:
        if settings.KMS_PRODUCTION:
            yield Error("KMS_REDIS_URL must be set.", id="kmsconsole.E030")
        return
    broker = urlsplit(settings.KMS_REDIS_URL)
    if not broker.password and broker.hostname not in LOOPBACK:
        yield Error("The broker of KMS_REDIS_URL takes jobs from anybody: give it a password.", id="kmsconsole.E031")


def _database_faults() -> Iterator[CheckMessage]:
    if connection.vendor == "sqlite":
        file_system = _file_system_of(Path(str(connection.settings_dict["NAME"])).parent)
        if file_system in NETWORK_FILE_SYSTEMS:
            yield Advice(f"SQLite on {file_system} loses data: use a local disk or PostgreSQL.", id="kmsconsole.W040")
    try:
        migrated = is_migrated()
    except DatabaseError:
        yield Error("The database of KMS_DATABASE_URL does not answer.", id="kmsconsole.E041")
        return
    if not migrated:
        yield Error("The database is not migrated: run manage.py prepare.", id="kmsconsole.E042")


def _file_system_of(directory: Path) -> str:
    """The kind of the mount that holds `directory`; empty where the system does not tell."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return ""
    place = os.path.realpath(directory)
    holding = [(point, kind) for _, point, kind, *_ in mounts if os.path.commonpath([point, place]) == point]
    return max(holding, key=lambda mount: len(mount[0]))[1] if holding else ""

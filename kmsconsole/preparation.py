"""What must be true before the console can be used, brought about step by step. A step with nothing to do does nothing.

`serve` takes these steps at every start of the embedded product, `prepare` once for a whole deployment.
"""

import hashlib
import logging
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection

from kmsconsole import __version__
from kmsconsole.schema import is_migrated
from vault import files, hierarchy, initialisation
from vault.models import Canary, ProjectKey, ServiceKey

log = logging.getLogger(__name__)

STATIC_STAMP = ".made-of"


def make_home() -> Path:
    """The directory of all state, open to nobody else."""
    home = Path(settings.KMS_HOME)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def ensure_secret_key() -> None:
    """The embedded product makes its own; a deployment is given one."""
    if settings.KMS_SECRET_KEY:
        return
    file = Path(settings.OWN_SECRET_KEY_FILE)
    if file.exists():
        log.warning("%s was damaged and is made anew: everybody has to sign in again.", file.name)
    value = secrets.token_urlsafe(64)
    files.write(file, value.encode())
    # Settings were read before the file existed; web workers are forked from this process or read the file themselves.
    settings.SECRET_KEY = settings.KMS_SECRET_KEY = value


def migrate() -> None:
    if not is_migrated():
        with _without_bounds():
            call_command("migrate", interactive=False, verbosity=0)


def _without_bounds() -> AbstractContextManager[None]:
    """A migration may take longer than any call should."""
    if connection.vendor == "postgresql":
        return connection.without_bounds()  # type: ignore[attr-defined, no-any-return]  # kmsconsole.postgresql
    return nullcontext()


def ensure_root_key() -> None:
    """Initialise the vault of a database that nothing was ever sealed in; never of any other (SEC-005)."""
    if not any(model.objects.exists() for model in (Canary, ServiceKey, ProjectKey)):
        initialisation.initialise(use_existing_root=True)


def bootstrap() -> list[str]:
    """Create the first region, project, enterprise project and administrator, if there are none.

    Returns what the operator must be told, which holds the one-time password; nothing if all was there.
    """
    told = StringIO()
    call_command("bootstrap", stdout=told)
    return told.getvalue().splitlines()


def collect_static() -> None:
    """Hash and compress the static files, if they are not those of the last time."""
    root = Path(settings.STATIC_ROOT)
    stamp = root / STATIC_STAMP
    fingerprint = _static_fingerprint()
    if stamp.is_file() and stamp.read_bytes() == fingerprint.encode():
        return
    call_command("collectstatic", interactive=False, clear=root.exists(), verbosity=0)
    files.write(stamp, fingerprint.encode())


def seal_reason() -> str:
    return hierarchy.seal_reason()


def _static_fingerprint() -> str:
    digest = hashlib.sha256(f"{__version__} {settings.STORAGES['staticfiles']['BACKEND']}".encode())
    for line in sorted(_static_sources()):
        digest.update(line.encode())
    return digest.hexdigest()


def _static_sources() -> Iterator[str]:
    for finder in get_finders():
        for path, storage in finder.list(None):
            status = Path(storage.path(path)).stat()
            yield f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n"

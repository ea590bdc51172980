"""A strong room of its own for each test: a home, a root key source, an empty vault in the database."""

import base64
import secrets
from pathlib import Path

import pytest

from vault import hierarchy, initialisation, roots
from vault.models import Canary, ProjectKey, ServiceKey
from vault.sealing import Binding

ROWS = (Canary, ServiceKey, ProjectKey)
SETTINGS = ("KMS_ROOT_KEY_PROVIDER", "KMS_ROOT_KEY_COMMAND", "KMS_ROOT_KEY_FILE")


@pytest.fixture
def home(tmp_path, settings):
    """A KMS_HOME without a root key; root keys come from files; this process remembers nothing."""
    directory = tmp_path / "home"
    directory.mkdir()
    settings.KMS_HOME = directory
    settings.KMS_ROOT_KEY_PROVIDER = "file"
    settings.KMS_ROOT_KEY_FILE = directory / "root.key"
    hierarchy.forget()
    yield directory
    hierarchy.forget()


@pytest.fixture
def hardware_module(home, settings, soft_token):
    """Root keys come from a PKCS#11 token, under a label of this test's own. The value is that label."""
    label = f"root-{secrets.token_hex(4)}"
    for name, value in soft_token.settings(home / "pin", label).items():
        setattr(settings, name, value)
    return label


@pytest.fixture
def empty_vault(home, db):
    clear()
    return home


@pytest.fixture
def vault(empty_vault):
    """An initialised strong room; the value is its home."""
    initialisation.initialise()
    return empty_vault


@pytest.fixture
def committed_vault(home, transactional_db):
    """As `vault`, but seen by other threads, connections and processes."""
    clear()
    initialisation.initialise()
    yield home
    hierarchy.forget()


@pytest.fixture
def environment_without_root_keys(monkeypatch):
    """The environment provider, as a process finds it that has been given no root key yet."""
    monkeypatch.setattr(roots.EnvironmentSource, "_taken", {})
    for name in (roots.EnvironmentSource.CURRENT, roots.EnvironmentSource.INCOMING):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def new_root():
    return base64.b64encode(secrets.token_bytes(32))


def write_root(path, content, mode=0o600):
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def clear():
    for model in ROWS:
        model.objects.all().delete()


def snapshot():
    """Every byte of the vault's tables."""
    return sorted(b"|".join(map(as_bytes, row)) for model in ROWS for row in model.objects.values_list())


def as_bytes(value):
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def a_binding(object_id="4f3c", project="p1", **changes):
    place = {"kind": "key-version", "purpose": "material", "region": "eu-de", "project": project, "version": 1}
    return Binding(object_id=object_id, **(place | changes))


def files(directory):
    return sorted(path.name for path in directory.iterdir())


def descriptor_count():
    return len(list(Path("/proc/self/fd").iterdir()))

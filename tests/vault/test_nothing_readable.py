"""No key and no sealed plaintext stands readable in the database, a log or an error (SEC-002, SEC-008)."""

import base64
import logging
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from tests.vault.conftest import ROWS, a_binding, snapshot
from vault import hierarchy, process, rootfile, rotation, sealing
from vault.errors import OpenFailed
from vault.hierarchy import ServicePurpose
from vault.models import Canary, ProjectKey, ServiceKey

PLAINTEXT = b"the material of a key, 32 bytes.."


def every_byte_of_the_database():
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))
    return b"".join(snapshot())


def spellings(secret):
    return (secret, secret.hex().encode(), base64.b64encode(secret), base64.b64encode(secret).rstrip(b"="))


def test_no_key_stands_in_the_database_or_the_log(committed_vault, caplog):
    caplog.set_level(logging.DEBUG)
    root = bytes(rootfile.read(committed_vault / "root.key"))
    blob = sealing.seal(a_binding(), PLAINTEXT)
    project_key = hierarchy.project_key("eu-de", "p1")
    with pytest.raises(OpenFailed) as refused:
        sealing.open(a_binding(project="p2"), blob)
    secrets = [root, project_key.material, PLAINTEXT, *map(hierarchy.service_key, ServicePurpose)]
    rotation.rotate()
    secrets.append(bytes(rootfile.read(committed_vault / "root.key")))

    written = every_byte_of_the_database()

    assert b"service_key" in written or b"fingerprint" in written  # it is the database that we looked at
    for secret in secrets:
        for spelling in spellings(secret):
            assert spelling not in written
            assert spelling.decode("latin-1") not in caplog.text
            assert spelling.decode("latin-1") not in str(refused.value)


def test_no_column_could_hold_a_plaintext_key():
    columns = {(model.__name__, field.name) for model in ROWS for field in model._meta.get_fields() if field.concrete}

    common = {"id", "root_id", "wrapped", "created_at"}
    key = common | {"version", "retired_at"}
    assert columns == {
        *((Canary.__name__, name) for name in common),
        *((ServiceKey.__name__, name) for name in key | {"purpose"}),
        *((ProjectKey.__name__, name) for name in key | {"region", "project", "wraps"}),
    }


def test_nothing_is_put_into_djangos_cache(vault):
    cache.clear()
    sealing.open(a_binding(), sealing.seal(a_binding(), PLAINTEXT))
    hierarchy.service_key(ServicePurpose.IAM)

    assert "locmem" in settings.CACHES["default"]["BACKEND"].lower()
    assert len(cache._cache) == 0


def test_core_dumps_are_off_in_every_process_that_loads_the_app():
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)


def test_a_hardened_process_is_not_dumpable():
    script = (
        "import ctypes; from vault import process; process.harden(); process.harden();"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE
    )
    root = Path(process.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root)

    assert done.stdout.strip() == "0"

"""Settings as a whole: what a set of variables makes of the product, in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import argon2
import pytest
from django.utils.module_loading import import_string

from kmsconsole import env
from tests.services.product import ROOT, clean_environment

DOCUMENT = ROOT / "docs/operate/settings.md"

PRODUCTION = {
    "KMS_PRODUCTION": "1",
    "KMS_DATABASE_URL": "postgres://kms:secret@database.example:5432/kms",
    "KMS_REDIS_URL": "redis://:secret@broker.example:6379/0",
    "KMS_SECRET_KEY": "k" * 60,
    "KMS_ALLOWED_HOSTS": "kms.example",
    "KMS_PUBLIC_URL": "https://kms.example",
    "KMS_ROOT_KEY_FILE": "/run/kms/root.key",
    "KMS_TRUSTED_PROXY": "1",
}

_PRINT = """
import json, sys
from django.conf import settings
print(json.dumps({name: getattr(settings, name, None) for name in sys.argv[1:]}, default=str))
"""


def settings_under(*names: str, **variables: str) -> dict:
    done = _settings_process(*names, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal_under(**variables: str) -> str:
    """What `manage.py` says before it gives up."""
    environment = clean_environment(**variables)
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "check"], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    return done.stderr.strip()


def _settings_process(*names: str, **variables: str):
    environment = clean_environment(DJANGO_SETTINGS_MODULE="kmsconsole.settings", **variables)
    return subprocess.run(
        [sys.executable, "-c", _PRINT, *names], env=environment, cwd=ROOT, capture_output=True, text=True
    )


def test_every_variable_is_documented_with_its_kind_and_no_other_is():
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| (\w+) \|", DOCUMENT.read_text(), flags=re.MULTILINE)

    assert dict(rows) == {variable.name: variable.kind for variable in env.declared.values()}


def test_documented_defaults_are_the_defaults():
    row = re.compile(r"^\| `([A-Z0-9_]+)` \| \w+ \| `([^`]+)` \|", flags=re.MULTILINE)
    documented = dict(row.findall(DOCUMENT.read_text()))

    for name, shown in documented.items():
        default = env.declared[name].default
        expected = {True: "1", False: "0"}.get(default, str(default)) if isinstance(default, bool) else str(default)
        if isinstance(default, timedelta):
            shown, expected = str(env.parse_duration(shown)), str(default)
        assert shown in {expected, "PORT"} or shown.startswith("KMS_HOME"), name


def test_nothing_need_be_set(tmp_path):
    settings = settings_under("KMS_HOST", "KMS_PORT", "DATABASES", "KMS_REDIS_URL", KMS_HOME=str(tmp_path))

    assert (settings["KMS_HOST"], settings["KMS_PORT"], settings["KMS_REDIS_URL"]) == ("127.0.0.1", 8000, None)
    assert settings["DATABASES"]["default"]["NAME"] == str(tmp_path / "kms.sqlite3")


def test_the_port_follows_PORT():
    assert settings_under("KMS_PORT", PORT="9001") == {"KMS_PORT": 9001}


@pytest.mark.parametrize(
    "name",
    ["KMS_DATABASE_URL", "KMS_REDIS_URL", "KMS_SECRET_KEY", "KMS_ALLOWED_HOSTS", "KMS_PUBLIC_URL", "KMS_ROOT_KEY_FILE"],
)
def test_production_wants_everything_named(name):
    variables = {key: value for key, value in PRODUCTION.items() if key != name}

    assert refusal_under(**variables) == f"KMS Console cannot start: {name} must be set."


def test_production_wants_https():
    assert "KMS_PUBLIC_URL must be an address beginning with https://." in refusal_under(
        **PRODUCTION | {"KMS_PUBLIC_URL": "http://kms.example"}
    )


def test_test_mode_is_refused_in_production():
    assert "must not be set together with KMS_PRODUCTION" in refusal_under(**PRODUCTION, KMS_TEST_MODE="1")


def test_rate_limits_are_off_in_test_mode_only():
    assert "KMS_RATE_LIMITS can be off in test mode only" in refusal_under(KMS_RATE_LIMITS="off")
    assert settings_under("KMS_RATE_LIMITS", KMS_RATE_LIMITS="off", KMS_TEST_MODE="1") == {"KMS_RATE_LIMITS": False}


def test_passwords_are_hashed_with_argon2id_at_a_price():
    """SEC-040; in this process a cheaper one is set for the tests."""
    first, *_ = settings_under("PASSWORD_HASHERS")["PASSWORD_HASHERS"]
    cost = import_string(first)().params()

    assert cost.type is argon2.Type.ID
    assert cost.memory_cost >= 19 * 1024
    assert cost.time_cost >= 2


def test_production_cookies_are_bound_to_the_host_and_to_https():
    settings = settings_under(
        "SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS",
        **PRODUCTION,
    )  # fmt: skip

    assert settings == {
        "SESSION_COOKIE_NAME": "__Host-kms-session",
        "CSRF_COOKIE_NAME": "__Host-kms-csrf",
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_HSTS_SECONDS": 31536000,
    }


def test_the_parts_of_a_database_address_are_decoded():
    url = "postgresql://kms%40x:p%2Fw@db.example:5433/keys?sslmode=verify-full"

    database = settings_under("DATABASES", **PRODUCTION | {"KMS_DATABASE_URL": url})["DATABASES"]["default"]

    assert (database["USER"], database["PASSWORD"], database["HOST"], database["PORT"], database["NAME"]) == (
        "kms@x", "p/w", "db.example", "5433", "keys",
    )  # fmt: skip
    assert database["OPTIONS"]["sslmode"] == "verify-full"


def test_every_wait_for_postgresql_has_a_bound_that_its_address_may_change():
    url = "postgresql://kms:secret@db.example/keys"

    usual = settings_under("DATABASES", **PRODUCTION | {"KMS_DATABASE_URL": url})["DATABASES"]["default"]
    other = settings_under("DATABASES", **PRODUCTION | {"KMS_DATABASE_URL": f"{url}?connect_timeout=9"})["DATABASES"]

    assert usual["OPTIONS"]["connect_timeout"] == 4
    for bound in ("statement_timeout=30s", "lock_timeout=10s", "idle_in_transaction_session_timeout=60s"):
        assert f"-c {bound}" in usual["OPTIONS"]["options"]
    assert other["default"]["OPTIONS"]["connect_timeout"] == "9"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgres://u:p@h:5432", "KMS_DATABASE_URL must name a database"),
        ("sqlite://relative.db", "must be sqlite:// and an absolute path"),
    ],
)
def test_an_unusable_database_address_is_explained(url, sentence):
    assert sentence in refusal_under(KMS_DATABASE_URL=url)


@pytest.mark.django_db
def test_sqlite_writes_through_and_wipes_what_it_deletes():
    from django.db import connection

    with connection.cursor() as cursor:
        found = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "secure_delete", "foreign_keys", "journal_mode", "busy_timeout")}  # noqa: E501  # fmt: skip

    assert found == {
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "journal_mode": "wal",
        "busy_timeout": 10000,
    }


def test_no_secret_stands_in_the_repository():
    assert not list(Path(ROOT).glob("*.key"))
    assert "SECRET_KEY = " not in (ROOT / "pyproject.toml").read_text()

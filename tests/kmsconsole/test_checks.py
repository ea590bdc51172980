"""One start per fault of a deployment (SEC-092): each is named, and none of them gets to serve."""

from __future__ import annotations

import base64
import secrets

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from kmsconsole import checks


@pytest.fixture
def sound(settings, tmp_path):
    """A deployment without fault, on this process's database."""
    root_key = tmp_path / "root.key"
    root_key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    root_key.chmod(0o600)
    settings.KMS_PRODUCTION = True
    settings.KMS_TEST_MODE = False
    settings.KMS_SECRET_KEY = settings.SECRET_KEY = secrets.token_urlsafe(60)
    settings.ALLOWED_HOSTS = ["kms.example"]
    settings.KMS_PUBLIC_URL = "https://kms.example"
    settings.KMS_TRUSTED_PROXY = True
    settings.KMS_REDIS_URL = "redis://:secret@broker.example:6379/0"
    settings.KMS_ROOT_KEY_FILE = root_key
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    return settings


def heard() -> list[str]:
    return [message.id for message in run_checks(include_deployment_checks=True) if not message.is_silenced()]


@pytest.mark.django_db
def test_a_sound_deployment_has_no_fault_and_no_warning(sound):
    assert heard() == []
    checks.refuse_faulty_start()


def _world_readable(settings):
    settings.KMS_ROOT_KEY_FILE.chmod(0o644)


def _sample(settings):
    settings.KMS_ROOT_KEY_FILE.write_text("A" * 43 + "=")


def _no_file(settings):
    settings.KMS_ROOT_KEY_FILE.unlink()
    settings.KMS_ROOT_KEY_FILE.mkdir(mode=0o700)


def _without_csrf(settings):
    settings.CONSOLE_MIDDLEWARE = [path for path in settings.CONSOLE_MIDDLEWARE if "csrf" not in path]


FAULTS = [
    ("kmsconsole.E001", "CsrfViewMiddleware", _without_csrf),
    ("kmsconsole.E010", "DEBUG", lambda settings: setattr(settings, "DEBUG", True)),
    ("kmsconsole.E011", "KMS_TEST_MODE", lambda settings: setattr(settings, "KMS_TEST_MODE", True)),
    ("kmsconsole.E012", "KMS_SECRET_KEY", lambda settings: setattr(settings, "KMS_SECRET_KEY", "short")),
    ("kmsconsole.E013", "KMS_ALLOWED_HOSTS", lambda settings: setattr(settings, "ALLOWED_HOSTS", ["*"])),
    ("kmsconsole.E014", "KMS_PUBLIC_URL", lambda settings: setattr(settings, "KMS_PUBLIC_URL", "http://kms.example")),
    ("kmsconsole.E015", "KMS_TRUSTED_PROXY", lambda settings: setattr(settings, "KMS_TRUSTED_PROXY", False)),
    ("kmsconsole.E022", "regular file", _no_file),
    ("kmsconsole.E023", "chmod 600", _world_readable),
    ("kmsconsole.E024", "sample", _sample),
    ("kmsconsole.E030", "KMS_REDIS_URL", lambda settings: setattr(settings, "KMS_REDIS_URL", None)),
    ("kmsconsole.E031", "password", lambda settings: setattr(settings, "KMS_REDIS_URL", "redis://broker.example/0")),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "named", "spoil"), FAULTS, ids=[code for code, _, _ in FAULTS])
def test_a_fault_is_named_and_stops_the_start(sound, code, named, spoil):
    spoil(sound)

    with pytest.raises(ImproperlyConfigured) as refusal:
        checks.refuse_faulty_start()

    assert f"({code})" in str(refusal.value)
    assert named in str(refusal.value)


@pytest.mark.django_db
def test_a_broker_on_the_same_machine_needs_no_password(sound):
    sound.KMS_REDIS_URL = "redis://127.0.0.1:6379/0"

    checks.refuse_faulty_start()


@pytest.mark.django_db
def test_a_database_that_is_not_migrated_stops_the_start(sound):
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="keys").delete()

    with pytest.raises(ImproperlyConfigured, match=r"manage\.py prepare"):
        checks.refuse_faulty_start()


@pytest.mark.django_db
def test_sqlite_on_a_network_disk_is_warned_of(sound, monkeypatch):
    monkeypatch.setattr(checks, "_file_system_of", lambda directory: "nfs4")

    assert heard() == ["kmsconsole.W040"]


@pytest.mark.django_db
def test_a_missing_root_key_is_warned_of_and_the_service_comes_up_sealed(sound):
    sound.KMS_ROOT_KEY_FILE.unlink()

    assert heard() == ["kmsconsole.W021"]
    checks.refuse_faulty_start()


@pytest.mark.django_db
def test_a_fault_of_a_deployment_does_not_stop_the_embedded_product(sound):
    sound.KMS_PRODUCTION = False
    sound.DEBUG = True

    checks.refuse_faulty_start()


def test_the_mount_that_holds_a_directory_is_found(tmp_path):
    assert checks._file_system_of(tmp_path)

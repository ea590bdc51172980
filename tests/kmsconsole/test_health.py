"""What a probe is told, and that it is told no more than that (SEC-094)."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from kmsconsole import health
from operations import journal
from operations.models import JournalPosition
from vault import hierarchy, initialisation

pytestmark = pytest.mark.django_db


@pytest.fixture
def unsealed():
    initialisation.initialise(use_existing_root=True)
    hierarchy.forget()
    yield
    hierarchy.forget()


@pytest.fixture
def sealed():
    hierarchy.forget()
    yield
    hierarchy.forget()


def answer(path: str) -> tuple[int, dict]:
    response = Client().get(path)
    return response.status_code, response.json()


def test_a_process_that_lives_is_healthy_and_asks_nothing(sealed, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert answer("/healthz") == (200, {"status": "ok"})


def test_a_usable_console_is_ready(unsealed):
    assert answer("/readyz") == (200, {"status": "ok"})


def test_a_sealed_console_is_not(sealed):
    assert answer("/readyz") == (503, {"status": "sealed"})


def test_a_database_that_does_not_answer_is_told_in_two_words(unsealed):
    def refuse(execute, sql, params, many, context):
        raise OperationalError("password authentication failed for user kms")

    with connection.execute_wrapper(refuse):
        assert answer("/readyz") == (503, {"status": "no database"})


def test_a_database_of_an_older_release_is_not_usable(unsealed):
    health._migrated.cache_clear()
    MigrationRecorder.Migration.objects.filter(app="keys").delete()

    assert answer("/readyz") == (503, {"status": "not migrated"})
    health._migrated.cache_clear()


def test_a_broker_that_is_away_makes_the_process_unready(unsealed, settings):
    settings.KMS_REDIS_URL = "redis://127.0.0.1:1/0"

    assert answer("/readyz") == (503, {"status": "no broker"})


def test_a_broker_that_answers_makes_the_process_ready(unsealed, settings, redis_server):
    settings.KMS_REDIS_URL = redis_server.url

    assert answer("/readyz") == (200, {"status": "ok"})


def test_a_root_key_file_that_is_gone_is_a_warning_while_the_process_has_its_key(unsealed, settings, tmp_path):
    assert not hierarchy.is_sealed()
    settings.KMS_ROOT_KEY_FILE = tmp_path / "moved-away"

    assert answer("/readyz") == (200, {"status": "ok", "warnings": ["root key file missing"]})


def test_traces_that_no_sweep_moves_are_a_warning(settings, tmp_path):
    settings.KMS_HOME, settings.KMS_JOB_INTERVAL = tmp_path, -1  # any wait is too long
    journal.folder().mkdir()
    check = health.JournalIsMoved()
    assert check() == ""

    file = journal.folder() / "0.jsonl"
    file.write_bytes(b"{}\n")
    assert check() == "journal not moved"

    JournalPosition.objects.create(file=file.name, offset=3)
    assert check() == ""


def test_a_probe_only_reads():
    assert Client().post("/healthz").status_code == 405

"""What a probe is told, and that it is told no more than that (SEC-094)."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from kmsconsole import health
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


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_usable_console_is_healthy_and_ready(unsealed, path):
    assert answer(path) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_sealed_console_says_so(sealed, path):
    assert answer(path) == (503, {"status": "sealed"})


def test_a_database_that_does_not_answer_is_told_in_two_words(unsealed):
    def refuse(execute, sql, params, many, context):
        raise DatabaseError("password authentication failed for user kms")

    with connection.execute_wrapper(refuse):
        assert answer("/healthz") == (503, {"status": "no database"})


def test_a_database_of_an_older_release_is_not_usable(unsealed, monkeypatch):
    from django.db.migrations.recorder import MigrationRecorder

    health._migrated.cache_clear()
    MigrationRecorder.Migration.objects.filter(app="keys").delete()

    assert answer("/healthz") == (503, {"status": "not migrated"})
    health._migrated.cache_clear()


def test_a_broker_that_is_away_makes_the_process_unready_and_leaves_the_console_usable(unsealed, settings, monkeypatch):
    from kmsconsole.celery import app

    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    settings.KMS_REDIS_URL = "redis://127.0.0.1:1/0"

    assert answer("/readyz") == (503, {"status": "no broker"})
    assert answer("/healthz") == (200, {"status": "ok"})


def test_a_broker_that_answers_makes_the_process_ready(unsealed, settings, monkeypatch, redis_server):
    from kmsconsole.celery import app

    monkeypatch.setattr(app.conf, "broker_url", redis_server.url)
    settings.KMS_REDIS_URL = redis_server.url

    assert answer("/readyz") == (200, {"status": "ok"})


def test_a_probe_only_reads():
    assert Client().post("/healthz").status_code == 405

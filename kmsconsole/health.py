"""Whether the console can be used (`/healthz`), and whether this process should be given traffic (`/readyz`).

An answer has one word: strangers learn no detail (SEC-094).
"""

from functools import cache

from celery.exceptions import OperationalError as BrokerError
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu.exceptions import OperationalError as ConnectionRefused

from kmsconsole.celery import app
from kmsconsole.schema import is_migrated
from operations.rest import reading_only
from vault import hierarchy

OK = "ok"
NO_DATABASE = "no database"
NOT_MIGRATED = "not migrated"
SEALED = "sealed"
NO_BROKER = "no broker"


@reading_only
def healthz(request: HttpRequest) -> HttpResponse:
    return _answer(console_state())


@reading_only
def readyz(request: HttpRequest) -> HttpResponse:
    state = console_state()
    return _answer(broker_state() if state == OK else state)


def console_state() -> str:
    """OK, or the first thing that keeps the console from being used."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated():
            _migrated.cache_clear()
            return NOT_MIGRATED
        return SEALED if hierarchy.is_sealed() else OK
    except DatabaseError:
        return NO_DATABASE


def broker_state() -> str:
    if settings.KMS_REDIS_URL is None:
        return OK
    try:
        with app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (BrokerError, ConnectionRefused, OSError):
        return NO_BROKER
    return OK


# Once true it stays true for the life of a process: the code it would have to match is the code it runs.
_migrated = cache(is_migrated)


def _answer(state: str) -> HttpResponse:
    return JsonResponse({"status": state}, status=200 if state == OK else 503)

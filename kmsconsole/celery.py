"""The Celery app and the beat schedule, as one table.

A task finds what is due and performs an operation for each; a message carries ids at most and is a hint, never an order
(SEC-080, SEC-081). Losing, repeating or forging one changes nothing.
"""

import os
import ssl
from dataclasses import dataclass
from datetime import timedelta

from celery import Celery
from celery.signals import beat_init, worker_init
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from kmsconsole.checks import refuse_faulty_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kmsconsole.settings")


@dataclass(frozen=True)
class Duty:
    """One row of the beat table: a task, its period in sweeps of KMS_JOB_INTERVAL, and why it exists."""

    task: str
    every: int
    why: str


DUTIES = (
    Duty("operations.tasks.drain_journal", 1, "Move journaled traces into the trace table."),
    Duty(
        "imports.tasks.expire_wrapping_keys", 1, "Erase the private half of wrapping keys that are over 24 hours old."
    ),
    Duty("imports.tasks.expire_material", 1, "Erase material past its expiry; its key goes to Pending import."),
    Duty("keys.tasks.delete_due_keys", 1, "Delete keys whose waiting period is over."),
    Duty("keys.tasks.rotate_due_keys", 1, "Give keys with a rotation policy new material when their period is over."),
    Duty("projects.tasks.rotate_project_keys", 10, "Replace project keys that have served their time."),
    Duty("iam.tasks.forget_expired", 10, "Forget tokens, sessions and counters that no longer say anything."),
    Duty("imports.tasks.purge_import_sessions", 60, "Delete the rows of wrapping keys that ended long ago."),
    Duty("operations.tasks.purge_traces", 60, "Delete traces older than KMS_KEEP_TRACES, where that is set."),
)


def period(duty: Duty) -> timedelta:
    return timedelta(seconds=duty.every * settings.KMS_JOB_INTERVAL)


# In seconds: how long Redis may take to accept a connection or to answer.
BROKER_SECONDS = 5

_uses_tls = (settings.KMS_REDIS_URL or "").startswith("rediss:")

app = Celery("kmsconsole", set_as_current=True, task_cls="kmsconsole.jobs:Job")
app.conf.update(
    broker_url=settings.KMS_REDIS_URL or "memory://",
    broker_transport="kmsconsole.broker:Transport" if settings.KMS_REDIS_URL else None,
    # Celery's own default for rediss:// accepts any certificate. What the query of the URL says takes precedence.
    broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED} if _uses_tls else None,
    task_always_eager=settings.KMS_REDIS_URL is None,
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_soft_time_limit=240,
    task_time_limit=300,
    task_create_missing_queues=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,  # nobody gives a worker orders through the broker
    broker_connection_timeout=BROKER_SECONDS,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # however long it is away
    broker_transport_options={
        "socket_connect_timeout": BROKER_SECONDS,
        "socket_timeout": BROKER_SECONDS,
        "socket_keepalive": True,
        # A worker's connection that has been silent for longer than this is made anew.
        "health_check_interval": BROKER_SECONDS,
    },
    beat_scheduler="kmsconsole.jobs:Scheduler",
    timezone="UTC",
    enable_utc=True,
    # What no worker reads does not pile up: the scheduler sees to that.
    beat_schedule={duty.task: {"task": duty.task, "schedule": period(duty)} for duty in DUTIES},
)
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def _refuse_faulty_start(**kwargs: object) -> None:
    try:
        refuse_faulty_start()
    except ImproperlyConfigured as fault:
        # Celery logs what a signal handler raises and goes on; it lets an exit through.
        raise SystemExit(f"KMS Console cannot start: {fault}") from None

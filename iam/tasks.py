"""The clock's face of iam: tidying up what has long stopped to count."""

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session

from iam import sessions, throttle
from iam.models import Token
from operations import clock, limits, sweeps, timekeeping


@shared_task  # type: ignore[untyped-decorator]
@timekeeping.on_trusted_clock
def forget_expired() -> None:
    """Deletes expired tokens, sessions and counters. Each was refused from the second it ended; this frees room.

    Tokens stay for KMS_KEEP_TOKENS, so that a client is told that its token has expired. Sessions go at once.
    """
    now = clock.now()
    sweeps.purge(Token.objects.filter(expires_at__lte=now - settings.KMS_KEEP_TOKENS))
    sweeps.purge(Session.objects.filter(expire_date__lt=now))
    sessions.forget_old()
    throttle.forget_old()
    limits.forget_old()

"""The clock's face of iam: tidying up what has long stopped to count."""

from celery import shared_task
from django.contrib.sessions.models import Session

from iam import sessions, throttle
from iam.models import Token
from operations import clock, limits


@shared_task  # type: ignore[untyped-decorator]
def forget_expired() -> None:
    """Deletes expired tokens, sessions and counters. Each was refused from the second it ended; this frees room."""
    now = clock.now()
    Token.objects.filter(expires_at__lte=now).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    sessions.forget_old()
    throttle.forget_old()
    limits.forget_old()

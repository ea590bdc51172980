"""Beat without a broker: a thread of the process that supervises the embedded product.

Tasks run in that thread, one after another (`task_always_eager`). One supervisor holds one KMS_HOME, so there is
exactly one clock and no lease is needed.
"""

import logging
import threading
from collections.abc import Callable

from celery import Celery
from celery.beat import Scheduler
from django.db import connections

from kmscrypto.priority import give_way

# Jobs give way to those who wait for an answer. Not by much: some hold the database's lock while they write.
NICENESS = 5

logger = logging.getLogger(__name__)


class EmbeddedBeat(threading.Thread):
    """Ticks the beat schedule of `app` until it is stopped.

    The schedule starts anew with the process: a sweep finds whatever is due, so nothing is lost by forgetting the last.
    """

    def __init__(self, app: Celery) -> None:
        super().__init__(name="beat", daemon=True)
        self._app = app
        # A Celery worker does this as it starts. A task that nobody imported is unknown here, and would be sent to a
        # broker that is not there. Not in the thread: a fork in the middle of an import would leave its lock held.
        app.loader.import_default_modules()
        self._stopped = threading.Event()

    def run(self) -> None:
        self._app.set_current()
        give_way(NICENESS)
        scheduler = Scheduler(app=self._app)
        seconds: float | None = 1.0
        while not self._stopped.wait(1.0 if seconds is None else min(seconds, 1.0)):
            seconds = _guarded(scheduler.tick)

    def stop(self, *, seconds: float) -> None:
        """Ask the thread to end and wait that long for the task it may be running."""
        self._stopped.set()
        self.join(timeout=seconds)


def _guarded(tick: Callable[[], float]) -> float | None:
    # The one broad `except` of the jobs: a clock that dies of one bad hour would stop every later sweep.
    try:
        return tick()
    except Exception:
        logger.exception("The job clock failed; it goes on.")
        return None
    finally:
        # The supervisor may fork a web worker at any time, and a connection must not be carried over a fork.
        connections.close_all()

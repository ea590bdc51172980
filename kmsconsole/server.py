"""The web server: granian, set for this product. `serve` runs it; nothing else listens."""

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module

from django.conf import settings
from django.db import connections
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from kmsconsole import logs

TARGET = "kmsconsole.rsgi:application"
REQUESTS_PER_WORKER = 1024
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
HEADER_BYTES = 16 * 1024  # SEC-075
HEADER_SECONDS = 10
STOP_SECONDS = 20
# Requests leave few cycles: looking for them every 700 objects costs a tenth of a call.
OBJECTS_BETWEEN_COLLECTIONS = 10_000


def web_server(*, on_startup: Callable[[], None], on_shutdown: Callable[[], None]) -> MPServer:
    """The server, not yet listening. `on_startup` runs in the supervising process before the first worker starts."""
    server = MPServer(
        target=TARGET,
        address=settings.KMS_HOST,
        port=settings.KMS_PORT,
        interface=Interfaces.RSGI,
        workers=settings.KMS_WEB_WORKERS,
        loop=Loops.asyncio,
        backpressure=REQUESTS_PER_WORKER,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=HEADER_BYTES),
        websockets=False,
        log_level=LogLevels.error,
        log_dictconfig=logs.configuration(settings.KMS_LOG_LEVEL),
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )
    server.on_startup(on_startup)
    # A closed terminal ends the product; granian would start its workers anew.
    server.on_startup(lambda: signal.signal(signal.SIGHUP, server.signal_handler_interrupt))
    server.on_shutdown(on_shutdown)
    return server


def share_memory_with_workers() -> None:
    """Load the application once and let every worker inherit its pages: it then costs little memory and starts at once.

    A forked worker must inherit no connection; elsewhere than on Linux workers load the application themselves.
    """
    if sys.platform != "linux":
        return
    multiprocessing.set_start_method("fork", force=True)
    os.register_at_fork(after_in_child=_follow_the_supervisor)
    import_module(TARGET.partition(":")[0])
    connections.close_all()
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 10, 10)


def _follow_the_supervisor() -> None:
    """In a worker, right after the fork: stop when the supervisor says so or is gone, and at no other's word."""
    # Ctrl-C in a terminal goes to the whole process group. A worker that is told to stop twice at a time may miss both.
    os.setpgrp()
    # Until a worker has handlers of its own it would take the supervisor's for them, and a word to stop would be lost.
    for word in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(word, signal.SIG_DFL)
    # Killed outright, a supervisor tells nobody; workers without one would go on serving, with no clock for the jobs.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

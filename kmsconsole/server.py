"""The web server: `serve` runs it, and nothing else listens.

One process listens and forks the web processes, which serve; in each runs uvicorn, set for this product.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from importlib import import_module

import uvicorn
from django.db import connections

log = logging.getLogger(__name__)

# Set in a web process that has closed its listener and answers what it still has.
stopping = threading.Event()

TARGET = "kmsconsole.asgi:application"
PROTOCOL = "kmsconsole.connection:Connection"
CONNECTIONS = 1024  # of one web process
IDLE_SECONDS = 60  # after that a connection without a request is closed
WAITING_CONNECTIONS = 1024
STOP_SECONDS = 15  # for what is being served to be answered
RESPAWN_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_WORDS_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Requests leave few cycles: looking for them every 700 objects costs a tenth of a call.
OBJECTS_BETWEEN_COLLECTIONS = 10_000
OPEN_FILES = CONNECTIONS + 1024


def bound_socket(host: str, port: int) -> socket.socket:
    """Nobody is let in yet. Raises OSError where the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, the event loop has answers sent without waiting for more (TCP_NODELAY).
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def load_for_workers() -> None:
    """Load the application once and let every web process inherit its pages: it costs little memory and starts at
    once. A forked process must inherit no connection.
    """
    for name in (TARGET, PROTOCOL):
        import_module(name.partition(":")[0])
    connections.close_all()
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 10, 10)
    _allow_open_files()


def _allow_open_files() -> None:
    """As many as CONNECTIONS need, or as the system lets us."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


class Supervisor:
    """Forks the web processes, puts another in the place of each that ends, and ends them all when told to."""

    def __init__(self, bound: socket.socket, *, workers: int) -> None:
        self._socket = bound
        self._count = workers
        self._workers: dict[int, float] = {}  # process id, and when it started
        # The interpreter writes the number of every signal there; reading it needs no polling and loses none.
        self._heard, self._tells = os.pipe()
        os.set_blocking(self._tells, False)
        signal.set_wakeup_fd(self._tells)
        for word in (*_WORDS_TO_STOP, signal.SIGCHLD):
            signal.signal(word, lambda *_: None)

    def start(self) -> None:
        self._socket.listen(WAITING_CONNECTIONS)
        self._fill_up()

    def run(self) -> None:
        """Returns when this process is told to stop and no web process runs any more."""
        while True:
            (word,) = os.read(self._heard, 1)
            if word in _WORDS_TO_STOP:
                break
            for ended in self._ended():
                log.error("a web process ended; another takes its place")
                time.sleep(max(0.0, RESPAWN_SECONDS - (time.monotonic() - ended)))
            self._fill_up()
        self._stop()

    def _fill_up(self) -> None:
        while len(self._workers) < self._count:
            # A word that comes before the new process has left our handlers behind waits until it has.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, _WORDS_TO_STOP)
            pid = os.fork()
            if not pid:
                self._become_a_worker(before)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._workers[pid] = time.monotonic()

    def _become_a_worker(self, heeded: set[int]) -> None:
        # Never return into what the supervisor was doing, whatever happens.
        try:
            signal.set_wakeup_fd(-1)
            follow_the_supervisor()
            signal.pthread_sigmask(signal.SIG_SETMASK, heeded)
            os.close(self._heard)
            os.close(self._tells)
            _serve(self._socket)
        except BaseException:
            log.exception("a web process failed")
            os._exit(1)
        os._exit(0)

    def _ended(self) -> list[float]:
        """When the processes that have ended were started; they are forgotten."""
        return [self._workers.pop(pid) for pid in list(self._workers) if os.waitpid(pid, os.WNOHANG)[0]]

    def _stop(self) -> None:
        self._socket.close()  # the web processes close theirs: from then on nobody is let in
        self._tell(signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS + 1
        while self._workers and time.monotonic() < end:
            self._ended()
            time.sleep(0.02)
        self._tell(signal.SIGKILL)
        for pid in self._workers:
            os.waitpid(pid, 0)

    def _tell(self, word: signal.Signals) -> None:
        for pid in self._workers:
            os.kill(pid, word)


def follow_the_supervisor() -> None:
    """In a web process, right after the fork: stop when the supervisor says so or is gone, and at no other's word."""
    # Ctrl-C in a terminal goes to the whole process group.
    os.setpgrp()
    # Until this process has handlers of its own it would take the supervisor's for them, and a word would be lost.
    for word in (*_WORDS_TO_STOP, signal.SIGCHLD):
        signal.signal(word, signal.SIG_DFL)
    # Killed outright, a supervisor tells nobody; workers without one would go on serving, with no clock for the jobs.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # The loop takes in as many connections at a time as the server says may wait. It is told one, or the first
        # process to look would take them all; how many may wait is said again here.
        for listening in sockets or ():
            listening.listen(WAITING_CONNECTIONS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        stopping.set()
        await super().shutdown(sockets)


def _serve(bound: socket.socket) -> None:
    config = uvicorn.Config(
        TARGET,
        http=PROTOCOL,
        ws="none",
        loop="asyncio",
        interface="asgi3",
        lifespan="on",
        backlog=1,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        log_config=None,
        # What is refused is in the traces; a line for each as well would let anybody fill the disk.
        log_level=logging.ERROR,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    _Server(config).run([bound])

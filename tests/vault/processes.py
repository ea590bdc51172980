"""Real processes for the tests: forked, with database connections of their own, and killed without warning."""

import os
import signal
import sys
import time
from contextlib import contextmanager

from django.db import connections

from vault import hierarchy

FILE_EVENTS = {"open", "os.link", "os.rename", "os.remove"}


def fork(work):
    """Starts `work` in a process that knows nothing of ours; returns its id."""
    connections.close_all()
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        hierarchy.forget()
        work()
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def wait(process):
    """The exit status; negative if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def kill_after(process, seconds):
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    return wait(process)


def dying_before_file_operation(number, directory, work):
    """`work`, killed when it has opened, linked, renamed or removed `number` files of a directory and wants another."""
    left = number

    def hook(event, arguments):
        nonlocal left
        if event in FILE_EVENTS and any(str(argument).startswith(str(directory)) for argument in arguments):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def run():
        sys.addaudithook(hook)
        work()

    return run


@contextmanager
def running(work, *, ready, stop):
    """`work` in a process of its own, from when it makes the file `ready` until it finds `stop`; it must end well."""
    process = fork(work)
    while not ready.exists():
        assert os.waitpid(process, os.WNOHANG) == (0, 0), "it ended before it was ready"
        time.sleep(0.01)
    try:
        yield
    finally:
        stop.touch()
        status = wait(process)
    assert status == 0

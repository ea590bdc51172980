"""Threads that give way to others on a busy machine."""

import os
import sys
import threading


def give_way(niceness: int) -> None:
    """Gives this thread at least that niceness (sched(7)); there is no way back. Linux only: elsewhere niceness is the
    whole process's, and nothing happens.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(niceness, os.getpriority(os.PRIO_PROCESS, thread)))

"""Threads that give way to others on a busy machine. There is no way back for them.

Linux only: elsewhere these are the whole process's, and nothing happens.
"""

import os
import sys
import threading

NICEST = 19


def give_way(niceness: int) -> None:
    """Gives this thread at least that niceness (sched(7))."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(niceness, os.getpriority(os.PRIO_PROCESS, thread)))


def take_idle_time() -> None:
    """Has this thread run when nothing else would, and stop for whatever wakes (SCHED_IDLE, sched(7)).

    The nicest of ordinary threads gets a processor as soon as others wait for a disk, and keeps it for a millisecond or
    two after they could go on.
    """
    if sys.platform == "linux":
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        except OSError:  # some sandboxes know no other policy than the ordinary one
            give_way(NICEST)

"""Ties a process to its parent: when the parent dies, however it dies, the child does too."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_it() -> None:
    """Has the kernel send SIGKILL when the parent ends (Linux; elsewhere a closing pipe must do)."""
    if sys.platform != "linux":
        return
    before = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != before:  # it died between the two calls, so that no signal will come
        os.kill(os.getpid(), signal.SIGKILL)

"""Ties a process to its parent: when the parent dies, however it dies, the child does too."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Has the kernel send a signal when the parent ends (Linux; elsewhere a closing pipe must do). ``parent`` is its
    process id, as the parent itself gave it: the caller may have been orphaned already."""
    if _LIBC is None:
        return
    _LIBC.prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before the call, so that no signal will come
        os.kill(os.getpid(), number)

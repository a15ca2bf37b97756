"""Has the kernel end a task before its worker, and before the server that forks tasks, when the machine has no memory
left: of those two all tasks die."""

import os
from contextlib import suppress

FILE = "/proc/self/oom_score_adj"
ADDED_SCORE = 500
"""Thousandths of the machine's memory that the process counts as if it took them beside its own."""
MAX_SCORE = 1000


def offer_itself() -> None:
    """Raises this process's score, which everybody may do; nothing where there is none (outside Linux)."""
    with suppress(OSError, ValueError):
        file = os.open(FILE, os.O_RDWR)  # a Path's ways take a quarter of a megabyte of a forked process
        try:
            score = int(os.pread(file, 16, 0))
            os.pwrite(file, b"%d" % min(MAX_SCORE, score + ADDED_SCORE), 0)
        finally:
            os.close(file)

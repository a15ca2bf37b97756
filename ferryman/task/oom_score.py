"""Has the kernel end a task before its worker, and before the server that forks tasks, when the machine has no memory
left: of those two all tasks die."""

from contextlib import suppress
from pathlib import Path

FILE = Path("/proc/self/oom_score_adj")
RAISED = 500
"""Thousandths of the machine's memory that the process counts as if it took them beside its own."""
MOST = 1000


def offer_itself() -> None:
    """Raises this process's score, which everybody may do; nothing where there is none (outside Linux)."""
    with suppress(OSError, ValueError):
        FILE.write_text(str(min(MOST, int(FILE.read_text()) + RAISED)))

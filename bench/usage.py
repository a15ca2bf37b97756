"""What a program and all its processes have used so far, from Linux's /proc: CPU seconds, memory."""

import os
from pathlib import Path

from ferryman.stack.runtime.reaper import descendants

_TICK = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """The program and its descendants."""
    return [pid, *descendants(pid)]


def cpu_seconds(pid: int) -> float:
    """User and system time of the living processes of the tree and of those they have waited for."""
    return sum(_ticks(each) for each in tree(pid)) / _TICK


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in fields[11:15])


def memory_mb(pid: int) -> float:
    """The proportional set size of the tree in MB: what is shared by n processes counts as an n-th for each."""
    return sum(_pss_kb(each) for each in tree(pid)) / 1000


def _pss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)

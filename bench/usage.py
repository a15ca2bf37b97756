"""What a program and all its processes use, from Linux's /proc: CPU seconds, memory, threads, descriptors."""

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


def own_cpu_seconds(pid: int) -> float:
    """User and system time of one process alone."""
    return _ticks(pid, 13) / _TICK


def _ticks(pid: int, end: int = 15) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in fields[11:end])


def memory_mb(pid: int) -> float:
    """The proportional set size of the tree in MB: what is shared by n processes counts as an n-th for each."""
    return sum(_kb(each, "Pss:") for each in tree(pid)) / 1000


def private_mb(pid: int) -> float:
    """What one process shares with no other, in MB."""
    return (_kb(pid, "Private_Clean:") + _kb(pid, "Private_Dirty:")) / 1000


def _kb(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def threads(pid: int) -> int:
    """The threads of one process."""
    return _entries(pid, "task")


def descriptors(pid: int) -> int:
    """The open descriptors of one process."""
    return _entries(pid, "fd")


def _entries(pid: int, folder: str) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/{folder}"))
    except OSError:
        return 0

"""What a process takes of its machine, as the kernel counts it."""

import gc
import math
import os
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LOOK_SECONDS = 5.0
PAGE = os.sysconf("SC_PAGE_SIZE")


def memory(pid: int | str = "self") -> int:
    """Bytes that a process has in memory for itself; 0 for one that is gone, and outside Linux."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * PAGE


def cpu() -> float:
    """Seconds of CPU that this process has taken, the kernel's for it with them."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def threads() -> int:
    """Threads of this process, with those of C libraries; outside Linux without."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()


@dataclass(slots=True)
class Usage:
    """The same figures of this process, looked at every five seconds at most: a look takes system calls."""

    clock: Callable[[], float] = time.monotonic
    """Monotonic seconds."""
    memory: int = 0
    cpu: float = 0.0
    threads: int = 0
    _next: float = -math.inf

    def look(self) -> "Usage":
        """Itself, not older than that."""
        now = self.clock()
        if now >= self._next:
            self._next = now + LOOK_SECONDS
            self.memory, self.cpu, self.threads = memory(), round(cpu(), 2), threads()
        return self


@dataclass(slots=True)
class CollectorTime:
    """The time that Python's collector takes in this process, from ``watch`` on."""

    seconds: float = 0.0
    _began: float = field(default=0.0)

    def watch(self) -> None:
        """Begins to take the time."""
        gc.callbacks.append(self._told)

    def _told(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.seconds += time.perf_counter() - self._began

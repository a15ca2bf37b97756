"""Processes that are known by more than their number, which may be another's when they are gone.

It may even be that of another's thread: the kernel sends such a signal to the thread's whole process. So whoever kills
what he has seen some time ago hits strangers, most likely those that begin many threads.
"""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


def born(pid: int) -> str | None:
    """When a process began, in ticks of the kernel; None if it has ended."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else rest[18]


@dataclass(frozen=True)
class Known:
    """One process, and no other one that gets its number."""

    pid: int
    born: str | None

    @classmethod
    def of(cls, pid: int) -> "Known":
        """The one that has this number now."""
        return cls(pid, born(pid))

    @property
    def lives(self) -> bool:
        return self.born is not None and born(self.pid) == self.born

    def kill(self) -> None:
        """SIGKILL, if it still lives."""
        if self.lives:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

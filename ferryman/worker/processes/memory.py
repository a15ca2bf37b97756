"""How much memory a process takes, as the kernel counts it, and the wait until that is too much.

What counts is what nothing but the process holds: anonymous pages, in memory or swapped out. The pages that it has in
common with the server that forked it, and has not changed, are among them. It is looked at from the worker: a process
that is busy allocating in a C library runs no thread of its own. A limit of the kernel's (RLIMIT_DATA, RLIMIT_AS) would
count what allocators reserve and never use, and make innocent records fail with MemoryError.
"""

import asyncio
from pathlib import Path

POLL_SECONDS = 0.25
"""Seconds between two looks. A process may take some more in between."""
COUNTED = ("RssAnon:", "VmSwap:")


def bytes_taken(pid: int) -> int:
    """The bytes that a process takes; 0 for one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(COUNTED))


async def exceeds(pid: int, limit: int) -> int:
    """Waits until a process takes more than ``limit`` bytes; how many it takes then."""
    while (found := bytes_taken(pid)) <= limit:
        await asyncio.sleep(POLL_SECONDS)
    return found

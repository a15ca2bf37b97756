"""Named crash points: at every durable step a test can have the process killed, as a power cut would.

``FERRYMAN_CRASH_AT=sql.after_commit:3`` kills the process with SIGKILL at the third time it reaches that point;
``FERRYMAN_CRASH_LOG=FILE:5`` notes each such death in FILE and lets there be five of them, so that restarted processes
die again until then. Without the first variable a point costs one comparison.
"""

import os
import signal
from pathlib import Path

_name, _, _count = os.environ.get("FERRYMAN_CRASH_AT", "").partition(":")
_left = int(_count or 1)
_log, _, _times = os.environ.get("FERRYMAN_CRASH_LOG", "").rpartition(":")


def crash_point(name: str) -> None:
    """Dies here if this is the point, and the time, that the environment names."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left == 0 and _may_die():
        os.kill(os.getpid(), signal.SIGKILL)


def _may_die() -> bool:
    if not _log:
        return True
    log = Path(_log)
    deaths = len(log.read_text().splitlines()) if log.exists() else 0
    if deaths >= int(_times):
        return False
    with log.open("a") as file:
        file.write(f"{_name} {os.getpid()}\n")
        file.flush()
        os.fsync(file.fileno())
    return True

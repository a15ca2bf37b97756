"""Named crash points: at every durable step a test can have the process killed, as a power cut would.

``FERRYMAN_CRASH_AT=sql.after_commit:3`` kills the process with SIGKILL at the third time it reaches that point;
``FERRYMAN_CRASH_LOG=FILE:5`` notes each such death in FILE and lets there be five of them, so that restarted processes
die again until then. With several points, ``sql.before_rows:2,sql.after_commit:2``, and the log, they take turns: each
death, of whichever of the worker's tasks, is at the next one. ``FERRYMAN_CRASH_WITH=SIGSTOP`` makes sleepers of the
dead, for whoever tests what they do when they wake up. Without the first variable a point costs one look-up.
"""

import fcntl
import os
import signal
from collections import Counter

_words = [word.partition(":") for word in os.environ.get("FERRYMAN_CRASH_AT", "").split(",") if word]
_turns = [(name, int(count or 1)) for name, _, count in _words]
_names = frozenset(name for name, _ in _turns)
_reached = Counter[str]()
_signal = signal.Signals[os.environ.get("FERRYMAN_CRASH_WITH", "SIGKILL")]
_log, _, _times = os.environ.get("FERRYMAN_CRASH_LOG", "").rpartition(":")


def crash_point(name: str) -> None:
    """Dies here if this is the point, and the time, that the environment names."""
    if name not in _names:
        return
    _reached[name] += 1
    if _is_due(name, 0) if not _log else _may_die(name):
        os.kill(os.getpid(), _signal)


def _is_due(name: str, deaths: int) -> bool:
    point, times = _turns[deaths % len(_turns)]
    return name == point and _reached[name] >= times


def _may_die(name: str) -> bool:
    """Notes the death. The lock keeps another task's process from dying in the same turn."""
    with open(_log, "a+") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.seek(0)
        deaths = len(log.readlines())
        if deaths >= int(_times) or not _is_due(name, deaths):
            return False
        log.write(f"{name} {os.getpid()}\n")
        log.flush()
        os.fsync(log.fileno())
    return True

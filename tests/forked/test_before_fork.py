"""What the server that forks does once for all: it is ready to fork afterwards."""

import subprocess
import sys

READY = """
import os
from ferryman.forked import before_fork
before_fork.prepare()
print(len(os.listdir("/proc/self/task")), end="")
"""


def test_no_thread_of_a_client_is_left() -> None:
    """A fork takes only its own thread along: locks of others would stay held for ever."""
    ran = subprocess.run([sys.executable, "-c", READY], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("1", "")

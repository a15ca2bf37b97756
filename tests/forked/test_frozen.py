"""A process in which nothing can run ends by itself, and says where it stood."""

import subprocess
import sys

FROZEN = """
import ctypes
from ferryman.forked import frozen

frozen.SECONDS = 1.0
frozen.watch()

def call_that_never_returns():
    ctypes.PyDLL(None).sleep(3600)  # a PyDLL keeps the interpreter

call_that_never_returns()
"""


def test_whoever_keeps_the_interpreter_for_ever_takes_the_process_with_it() -> None:
    ran = subprocess.run([sys.executable, "-c", FROZEN], capture_output=True, text=True, timeout=600)
    assert ran.returncode == 1
    assert "Timeout" in ran.stderr
    assert "in call_that_never_returns" in ran.stderr

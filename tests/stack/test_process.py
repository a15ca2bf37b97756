"""A program of the embedded world is paused and goes on, with all that it has started."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferryman.stack.runtime.process import Launch, Process
from ferryman.stack.runtime.reaper import descendants
from tests.running import until

CHILDREN = 16
BUSY = f"""
import os
for _ in range({CHILDREN}):
    if os.fork() == 0:
        while True:
            pass
os.wait()
"""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Process]:
    """A program whose children take all the time that they get, so that each of them has to wait for its turn."""
    process = Process(Launch((sys.executable, "-c", BUSY)), tmp_path / "log")
    try:
        until(lambda: len(descendants(process.pid)) == CHILDREN)
        yield process
    finally:
        process.kill()


def states(process: Process) -> set[str]:
    found = [Path(f"/proc/{pid}/stat").read_text() for pid in (process.pid, *descendants(process.pid))]
    return {each.rpartition(")")[2].split()[0] for each in found}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_when_a_program_is_paused_nothing_of_it_runs_any_more_and_all_of_it_goes_on_when_it_is_resumed(
    busy: Process,
) -> None:
    busy.pause()
    assert states(busy) == {"T"}
    busy.pause()
    assert states(busy) == {"T"}
    busy.resume()
    until(lambda: "T" not in states(busy))

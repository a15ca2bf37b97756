"""The memory of a process, as the worker sees it from outside."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ferryman.worker.processes import memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
TAKES = """
import sys
taken = []
print("ready", flush=True)
for line in sys.stdin:
    taken.append(b"x" * int(line))
    print("taken", flush=True)
"""


@contextmanager
def taker() -> Iterator["subprocess.Popen[str]"]:
    """A process that takes as many bytes as it is told."""
    with subprocess.Popen([sys.executable, "-c", TAKES], stdin=-1, stdout=-1, text=True) as process:
        says(process, "ready")
        yield process
        process.kill()


def says(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"{word}\n"


def take(process: "subprocess.Popen[str]", count: int) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{count}\n")
    process.stdin.flush()
    says(process, "taken")


def test_what_a_process_takes_counts_and_what_it_only_reserves_does_not() -> None:
    with taker() as process:
        before = memory.bytes_taken(process.pid)
        take(process, 40_000_000)
        assert 40_000_000 <= memory.bytes_taken(process.pid) - before < 60_000_000


def test_one_that_has_ended_takes_nothing() -> None:
    with taker() as process:
        process.kill()
        process.wait()
        assert memory.bytes_taken(process.pid) == 0


def test_the_wait_ends_when_it_is_too_much() -> None:
    async def story(process: "subprocess.Popen[str]") -> int:
        limit = memory.bytes_taken(process.pid) + 20_000_000
        waiting = asyncio.create_task(memory.exceeds(process.pid, limit))
        await asyncio.sleep(0)
        assert not waiting.done()
        take(process, 40_000_000)
        return await waiting - limit

    with taker() as process:
        assert asyncio.run(story(process)) > 15_000_000

"""Nothing of a stack outlives the process that started it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ferryman.stack.runtime.reaper import descendants
from tests.process_identity import Known

OWN = """
import json, os, sys, time
from ferryman.stack import Stack
from ferryman.stack.runtime.reaper import descendants
stack = Stack(sys.argv[1:])
stack.start()
print(json.dumps({"pids": descendants(os.getpid()), "directory": str(stack.directory)}), flush=True)
"""
WAIT = "time.sleep(600)"
WAIT_WITH_A_FORK = "os.fork(); time.sleep(600)"
WAIT_PAUSED = "stack['postgres'].pause(); print(flush=True); time.sleep(600)"
START_IN_A_THREAD = """
import threading
starter = threading.Thread(target=lambda: exec(own))
starter.start()
starter.join()
import time
time.sleep(600)
"""


class Owner:
    """A process that owns a stack: it, everything below it, and the stack's directory."""

    def __init__(self, script: str, *components: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, *components], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stdout
        said = json.loads(self.process.stdout.readline())
        self.below: list[int] = said["pids"]
        self.known = [Known.of(pid) for pid in self.below]
        self.directory = Path(said["directory"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def clear(self) -> None:
        """End whatever a failed test left."""
        self.kill()
        assert self.process.stdout
        self.process.stdout.close()
        for each in self.known:
            each.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


Own = Callable[..., Owner]


@pytest.fixture
def own() -> Iterator[Own]:
    """Starts owners."""
    owners: list[Owner] = []

    def start(script: str, *components: str) -> Owner:
        owners.append(Owner(script, *components))
        return owners[-1]

    yield start
    for owner in owners:
        owner.clear()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def nothing_left(owner: Owner) -> bool:
    return not any(each.lives for each in owner.known) and not owner.directory.exists()


linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@linux_only
def test_a_killed_stack_leaves_no_process_and_no_file(own: Own) -> None:
    owner = own(OWN + WAIT, "kafka", "registry", "postgres", "payments")
    commands = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in owner.below]
    assert commands.count("java") == 2
    assert commands.count("postgres") > 3
    owner.kill()
    assert within(300, lambda: nothing_left(owner))


@linux_only
def test_a_fork_of_the_owner_does_not_keep_the_stack_alive(own: Own) -> None:
    owner = own(OWN + WAIT_WITH_A_FORK, "payments")
    assert within(300, lambda: len(descendants(owner.process.pid)) > len(owner.below))
    fork = set(descendants(owner.process.pid)) - set(owner.below)
    owner.kill()
    try:
        assert within(300, lambda: nothing_left(owner))
    finally:
        for pid in fork:
            os.kill(pid, signal.SIGKILL)


@linux_only
def test_the_thread_that_started_the_stack_may_end_before_it(own: Own) -> None:
    owner = own(f"own = '''{OWN}'''\n{START_IN_A_THREAD}", "payments")
    assert not within(1.5, lambda: not all(is_alive(pid) for pid in owner.below))
    owner.kill()
    assert within(300, lambda: nothing_left(owner))


@linux_only
def test_a_paused_component_ends_with_its_owner(own: Own) -> None:
    owner = own(OWN + WAIT_PAUSED, "postgres")
    assert owner.process.stdout
    owner.process.stdout.readline()
    owner.kill()
    assert within(300, lambda: nothing_left(owner))


@linux_only
def test_a_reapers_death_takes_its_component_along(own: Own) -> None:
    owner = own(OWN + WAIT, "postgres")
    reaper = owner.below[0]
    assert b"reaper.py" in Path(f"/proc/{reaper}/cmdline").read_bytes()
    os.kill(reaper, signal.SIGKILL)
    assert within(300, lambda: not any(each.lives for each in owner.known))

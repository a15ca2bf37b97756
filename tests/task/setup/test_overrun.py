"""A connector's call that has not come back when the task may be another's ends with its process."""

import subprocess
import sys

import pytest

from ferryman.task.setup import overrun

STORY = """
import threading, time
from ferryman.task.setup import overrun
from ferryman.leases import lease
from ferryman.task.setup.control import Control
from ferryman.leases.lease import Lease

control = Control(lambda event, facts: None, Lease(lease.now(), lease.now() + {over}))
control.acting = {acting}
threading.Thread(target=overrun.watch, args=(control,), daemon=True).start()
{then}
"""


def ended(acting: bool, over: float = 0.2, then: str = "time.sleep(600)") -> int:
    story = STORY.format(acting=acting, over=over, then=then)
    return subprocess.run([sys.executable, "-c", story], check=False, timeout=120, capture_output=True).returncode


def test_a_call_that_is_still_running_ends_with_its_process() -> None:
    assert ended(acting=True) == overrun.EXIT_CODE


@pytest.mark.parametrize("over", [-1.0, 0.1])
def test_a_task_that_only_waits_is_left_alone(over: float) -> None:
    assert ended(acting=False, over=over, then="time.sleep(2 * overrun.LONGEST_LOOK)") == 0


def test_a_call_goes_on_whose_lease_was_renewed() -> None:
    then = "control.renew(Lease(lease.now() + 600, lease.now() + 600)); time.sleep(2 * overrun.LONGEST_LOOK)"
    assert ended(acting=True, over=5.0, then=then) == 0

"""The lease of a task: its ends, the message that renews it, and what a task without one does."""

import json
import threading

import pytest

from ferryman.leases import lease
from ferryman.leases.lease import UNLIMITED, Lease
from ferryman.task.setup.control import Control


def control(granted: Lease = UNLIMITED) -> Control:
    return Control(lambda event, facts: None, granted)


def test_the_clock_goes_on() -> None:
    before = lease.now()
    assert lease.now() >= before


@pytest.mark.parametrize("granted", [UNLIMITED, Lease(3.5), Lease(3.5, 4.25)])
def test_a_lease_is_the_same_after_its_way_through_the_pipe(granted: Lease) -> None:
    assert Lease.load(json.loads(json.dumps(granted.dump()))) == granted


def test_a_task_is_parked_when_its_lease_has_ended() -> None:
    assert not control().parked
    assert not control(Lease(lease.now() + 1000)).parked
    assert control(Lease(lease.now())).parked


def test_a_renewal_ends_the_parking() -> None:
    task = control(Lease(0.0))
    threading.Timer(0.02, task.renew, [UNLIMITED]).start()
    assert task.may_act()
    assert not task.parked


def test_a_parked_task_that_is_to_stop_waits_no_longer() -> None:
    task = control(Lease(0.0))
    threading.Timer(0.02, task.wish, ["stop"]).start()
    assert not task.may_act()


def test_a_task_acts_only_while_its_connector_is_called() -> None:
    task = control()

    def call() -> None:
        with task.acting_now():
            assert task.acting
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        call()
    assert not task.acting

"""Leases: renewed while the worker lives, for the tasks that run and those that start."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from ferryman.leases import lease
from ferryman.leases.lease import Lease
from ferryman.worker.leases import LEASE_SECONDS, RENEWAL_SECONDS, Leases, own_life
from tests.worker.played_worker import PlayedWorker, until
from tests.worker.simulated_time import simulated


def told(story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await story()

    simulated(whole())


def test_a_lease_is_renewed_well_before_it_ends_until_the_worker_does() -> None:
    times = list[float]()

    async def story() -> None:
        loop = asyncio.get_running_loop()
        renewing = Leases(lambda lease: times.append(loop.time()))
        renewing.start()
        await asyncio.sleep(100)
        await renewing.stop()
        known = len(times)
        await asyncio.sleep(100)
        assert len(times) == known

    told(story)
    assert times[0] == 0
    assert max(later - earlier for earlier, later in pairwise(times)) < LEASE_SECONDS / 3
    assert len(times) == pytest.approx(100 / RENEWAL_SECONDS, abs=2)


def test_who_was_never_started_can_be_stopped() -> None:
    told(lambda: Leases(lambda lease: None).stop())


def test_a_renewal_that_goes_wrong_is_logged_and_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    renewed = list[Lease]()

    def renew(granted: Lease) -> None:
        renewed.append(granted)
        raise OSError("broken pipe")

    async def story() -> None:
        renewing = Leases(renew)
        renewing.start()
        await asyncio.sleep(10)
        await renewing.stop()

    told(story)
    assert len(renewed) >= 4
    assert "leases could not be renewed" in caplog.messages


def test_a_worker_that_is_alone_grants_its_own_life_and_nobody_else_gets_its_tasks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease, "now", lambda: 50.0)
    granted = own_life()
    assert granted == Lease(ends=50.0 + LEASE_SECONDS)
    assert Lease.load(granted.dump()) == granted


def test_what_runs_is_renewed_and_what_starts_has_the_lease_of_that_moment(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(lease, "now", loop.time)
        worker = PlayedWorker(tmp_path, monkeypatch)  # type: ignore[arg-type]
        worker.resources.lease = own_life
        renewing = Leases(worker.plane.reconciler.renew)
        renewing.start()
        (first,) = await worker.created("c")
        await asyncio.sleep(20)
        assert first.leases[-1][0] == pytest.approx(loop.time() + LEASE_SECONDS, abs=RENEWAL_SECONDS + 0.2)
        # One that takes its time to end leaves its successor none of its old lease.
        worker.forks.habits["c"].ends_in = 4
        began = loop.time()
        await worker.commands.restart_task("c", 0)
        await worker.runs("c")
        (second,) = worker.forks.live("c")
        assert second.played.spec is not None
        assert second.played.spec.lease[0] >= began + 4 + LEASE_SECONDS  # type: ignore[operator]
        # And so has one that follows a process which died, when its pipe was not there to be renewed over.
        await asyncio.sleep(100)
        second.dies(-9)
        await until(lambda: len(worker.forks.of("c")) == 3)
        await worker.runs("c")
        (third,) = worker.forks.live("c")
        assert third.played.spec is not None
        assert third.played.spec.lease[0] >= loop.time() + LEASE_SECONDS - RENEWAL_SECONDS - 0.5  # type: ignore[operator]
        await renewing.stop()

    told(story)

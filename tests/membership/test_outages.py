"""Members and a coordinator that is away: what is lost when, and how they come back."""

import pytest

from tests.membership.workers import client, group
from tests.reliability.links.broker import Broker
from tests.reliability.links.proxy import Fault
from tests.running import until


@pytest.mark.parametrize("fault", ["cut", "half-open"])
def test_a_worker_whose_network_is_cut_is_out_after_its_session_and_comes_back(
    fault: Fault, own_broker: Broker, unique: str
) -> None:
    with group(own_broker.address, unique, a=3, b=3) as workers:
        stays = workers.join("w1")
        cut = workers.join("w2", client=client(own_broker.proxied, "w2"))
        workers.settle()
        own_broker.link.suffer(fault)
        try:
            until(lambda: cut.times("lost"), 60, "the news")
            until(lambda: len(stays.held.tasks) == 6, 60, "the takeover")
        finally:
            own_broker.link.heal()
        assert "no heartbeat was answered for 6000 ms" in cut.last("lost")
        assert workers.members["w2"].leader_url is None or len(cut.held.tasks) == 3
        workers.settle()
        assert stays.times("lost") == 0


def test_a_leader_that_was_cut_off_does_not_hold_its_own_work_back(own_broker: Broker, unique: str) -> None:
    with group(own_broker.address, unique, a=3, b=3) as workers:
        only = workers.join("w1", client=client(own_broker.proxied, "w1"), max_delay=3_600_000)
        workers.settle()
        own_broker.link.suffer("cut")
        try:
            until(lambda: only.times("lost"), 60, "the news")
        finally:
            own_broker.link.heal()
        workers.settle()


def test_a_restart_of_the_broker_within_the_session_moves_nothing(own_broker: Broker, unique: str) -> None:
    with group(own_broker.address, unique, a=3, b=3) as workers:
        for name in ("w1", "w2"):
            workers.join(name, session_timeout=240_000)
        workers.settle()
        had = {name: worker.held for name, worker in workers.workers.items()}
        given_up = {name: worker.times("revoked") for name, worker in workers.workers.items()}
        own_broker.component.kill()
        last = {name: worker.beats[-1] for name, worker in workers.workers.items()}
        own_broker.component.start()
        for name, worker in workers.workers.items():
            until(lambda name=name, worker=worker: worker.beats[-1] > last[name], 60, "a heartbeat")  # type: ignore[misc]
            assert worker.held == had[name]
            assert (worker.times("lost"), worker.times("revoked")) == (0, given_up[name])
        workers.change(a=3, b=3, c=2)
        workers.settle()


def test_a_worker_that_is_started_before_its_broker_joins_when_that_is_there(own_broker: Broker, unique: str) -> None:
    own_broker.component.kill()
    try:
        with group(own_broker.address, unique, a=1) as workers:
            workers.join("w1")
            until(lambda: workers.members["w1"].failure, 60, "the reason")
            own_broker.component.start()
            workers.settle()
            assert workers.members["w1"].failure is None
    finally:
        if not own_broker.component.pid:
            own_broker.component.start()

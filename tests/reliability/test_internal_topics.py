"""The internal topics of a worker outlive outages and restarts of their broker: nothing is lost, all goes on."""

import pytest

from ferryman.errors import Indeterminate, RetriableError
from ferryman.facts.states import State
from ferryman.facts.statuses import Statuses, StoredStatus, TaskStatusRecord
from ferryman.internal_topics import of_worker
from tests.internal_topics.logs import SOON, Received, arrives, config_logs, distributed, make
from tests.reliability.links.broker import Broker

SHORT = 0.5
"""Seconds for what is known not to come."""


def test_a_log_goes_on_when_its_broker_is_back_and_has_what_was_written_meanwhile(
    broken_broker: Broker, unique: str
) -> None:
    worker = distributed(broken_broker.proxied, unique)
    with config_logs(1, worker) as [(log, received)]:
        log.send([(b"k", b"1")], SOON)
        arrives(received, b"1")
        other = of_worker.config_log(distributed(broken_broker.address, unique), Received())
        other.start()
        broken_broker.link.suffer("cut")
        try:
            other.send([(b"k", b"2")], SOON)
            with pytest.raises(RetriableError):
                log.read_to_end(SHORT)
            with pytest.raises(Indeterminate, match="not acknowledged"):
                log.send([(b"k", b"3")], SHORT)
            assert log.failure is None
        finally:
            broken_broker.link.heal()
            other.close()
        log.read_to_end(SOON)
        assert received.values[:2] == [b"1", b"2"]
        log.read_up_to(log.send([(b"k", b"4")], SOON), SOON)
        assert received.values[-1] == b"4"


def test_a_restart_of_the_broker_loses_nothing_and_a_leader_claims_its_right_again(
    broken_broker: Broker, unique: str
) -> None:
    worker = distributed(broken_broker.address, unique, exactly_once_source_support="preparing")
    leader = of_worker.leader_writer(worker)
    assert leader is not None
    with config_logs(1, worker) as [(log, received)]:
        leader.claim(SOON)
        log.read_up_to(leader.send([(b"k", b"1")], SOON), SOON)
        broken_broker.component.kill()
        with pytest.raises(RetriableError):
            leader.send([(b"k", b"2")], SHORT)
        assert not leader.claimed
        broken_broker.component.start()
        leader.claim(SOON)
        log.read_up_to(leader.send([(b"k", b"3")], SOON), SOON)
        arrives(received, b"1", b"3")


def test_of_statuses_that_wait_for_the_broker_the_last_is_what_is_known_in_the_end(
    broken_broker: Broker, unique: str
) -> None:
    worker = distributed(broken_broker.proxied, unique)
    make(broken_broker.address, worker.distributed.status_storage_topic)
    writer = of_worker.status_writer(worker, Statuses().may_put)
    broken_broker.link.suffer("cut")
    try:
        for state in (State.RUNNING, State.PAUSED, State.FAILED):
            writer.put(TaskStatusRecord("c", 0, StoredStatus(state, "w:1", 1)))
        assert not writer.flush(SHORT)
    finally:
        broken_broker.link.heal()
    assert writer.close(SOON)
    received = Received()
    log = of_worker.status_log(worker, received)
    log.start()
    log.close()
    assert b'"FAILED"' in (received.values[-1] or b"")

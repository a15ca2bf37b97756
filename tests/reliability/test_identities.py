"""Two tasks with one identity, and transactions that outlive their producer: one owner goes on, nothing is doubled."""

import signal
from pathlib import Path

from tests.connectors.stripe.stripe_stub import serving
from tests.reliability.flows import Table, committed, events, gateway, keys, pay, rows, sql_sink, stripe_source
from tests.reliability.test_zombies import go_on, says, stop, two_workers
from tests.running import Worker, create_topic, produce, send, until

SAME = {"consumer.override.group.instance.id": "the-one"}
INTERVAL = {"transaction.boundary": "interval"}


def test_of_two_tasks_with_one_identity_one_fails_and_stays_away(
    tmp_path: Path, kafka: str, postgres: str, unique: str
) -> None:
    """The zombie is fenced, or takes the identity back when the database refuses its rows: either way one goes on."""
    create_topic(kafka, unique, 2)
    config, table = sql_sink(unique, postgres) | SAME, Table(postgres, unique)
    with two_workers(tmp_path, kafka, unique) as (first, second):
        first.create(config)
        produce(kafka, unique, rows(0, 100), keys(range(100)))
        until(lambda: len(table.ids()) == 100 and committed(first, unique) == 100)
        stop(first, unique)
        try:
            second.create(config)
            produce(kafka, unique, rows(100, 200), keys(range(100)))
            until(lambda: len(table.ids()) == 200)
        finally:
            go_on(first, unique)
        failed = until(lambda: next((one for one in (first, second) if "FAILED" in one.states(unique)), None), 30)
        assert "FencedError" in failed.trace(unique)
        produce(kafka, unique, rows(200, 300), keys(range(100)))
        until(lambda: len(table.ids()) >= 300 and committed(second, unique) == 300)
        assert table.ids() == list(range(300))
        assert sorted([*first.states(unique), *second.states(unique)]) == ["FAILED", "RUNNING", "RUNNING", "RUNNING"]


def test_a_zombie_source_with_an_open_transaction_does_not_commit_it(tmp_path: Path, kafka: str, unique: str) -> None:
    create_topic(kafka, unique, 2)
    stub = gateway()
    with serving(stub), two_workers(tmp_path, kafka, unique) as (first, second):
        longer = INTERVAL | {"transaction.boundary.interval.ms": "10000"}
        first.create(stripe_source(unique, stub.url) | longer)
        first.running(unique)
        expected = pay(stub, 0, 60)
        asked, stopped = len(stub.requests), list[int]()
        until(lambda: len(stub.requests) > asked + 2, 20, "the events to be in the open transaction")
        task = first.pids(unique)[-1]

        def freeze() -> None:
            send(task, signal.SIGSTOP)
            stopped.append(task)

        expected += pay(stub, 60, 90)
        stub.meanwhile.append(freeze)
        until(lambda: stopped, 20, "the task to ask the gateway")
        stop(first, unique)
        try:
            second.create(stripe_source(unique, stub.url))
            until(lambda: events(kafka, unique) == expected, 60, "the successor to hand over what the zombie has")
            expected += pay(stub, 90, 120)
            until(lambda: events(kafka, unique) == expected, 60, "the successor to go on")
        finally:
            go_on(first, unique)
        assert "another process writes the source offsets" in first.trace(unique)
        expected += pay(stub, 120, 150)
        until(lambda: len(events(kafka, unique)) >= len(expected))
        assert events(kafka, unique) == expected
        assert second.states(unique) == ["RUNNING", "RUNNING"]


def test_an_interval_longer_than_a_transaction_may_last_is_shortened(kafka: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    stub = gateway()
    expected = pay(stub, 0, 60)
    longer = INTERVAL | {
        "transaction.boundary.interval.ms": "600000",
        "producer.override.transaction.timeout.ms": "4000",
    }
    with serving(stub):
        running.create(stripe_source(unique, stub.url) | longer)
        until(lambda: events(kafka, unique) == expected, 30)
        assert says(running, "transaction.boundary.interval.ms is 2000")

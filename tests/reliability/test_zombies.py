"""A worker and its task are stopped past the session timeout, another takes over, and the stopped ones wake up.

What a zombie still has in hand is refused: by the database's offset row, by the group, by the transaction's epoch.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from tests.connectors.stripe.stripe_stub import StripeStub, serving
from tests.reliability.flows import Table, committed, events, gateway, keys, pay, rows, sql_sink, stripe_source
from tests.running import Worker, consume, create_topic, produce, send, settings, until, worker

QUICK = {"consumer_session_timeout_ms": "1500", "consumer_heartbeat_interval_ms": "300"}
MEMBERSHIP = {
    "dynamic": {"consumer.override.group.instance.id": ""},
    "static": {},
}
SAME = {"consumer.override.group.instance.id": "the-one"}


@contextmanager
def two_workers(directory: Path, kafka: str, name: str) -> Iterator[tuple[Worker, Worker]]:
    """Two standalone workers that share group.id, as nobody should run them for long."""
    chosen = settings(kafka, name, **QUICK)
    with worker(directory, chosen) as first, worker(directory, chosen) as second:
        yield first, second


def stop(running: Worker, name: str) -> None:
    """SIGSTOP for a worker and its only task."""
    for pid in _pids(running, name):
        send(pid, signal.SIGSTOP)


def go_on(running: Worker, name: str) -> None:
    """SIGCONT for both."""
    for pid in _pids(running, name):
        send(pid, signal.SIGCONT)


def _pids(running: Worker, name: str) -> list[int]:
    assert running.process is not None
    return [running.process.pid, *running.pids(name)[-1:]]


def says(running: Worker, text: str) -> bool:
    return text in running.said


@pytest.mark.parametrize("membership", MEMBERSHIP)
def test_a_zombie_with_rows_in_hand_does_not_write_them(
    tmp_path: Path, kafka: str, postgres: str, unique: str, membership: str
) -> None:
    create_topic(kafka, unique, 2)
    config = sql_sink(unique, postgres, retry_backoff_ms="0") | MEMBERSHIP[membership]
    table = Table(postgres, unique)
    with two_workers(tmp_path, kafka, unique) as (first, second):
        first.create(config)
        produce(kafka, unique, rows(0, 100), keys(range(100)))
        until(lambda: len(table.ids()) == 100)
        with table.held_offsets() as held:
            produce(kafka, unique, rows(100, 200), keys(range(100)))
            hanging = until(table.waiting, 20, "the task to be in the middle of its transaction")
            stop(first, unique)
            # Its connection is cut, so that its transaction does not keep the offset's row until the server ends it.
            held.execute(sa.text(f"SELECT pg_terminate_backend({hanging[0]}, 5000)"))
        try:
            second.create(config)
            until(lambda: len(table.ids()) == 200, 60, "the successor to write what the zombie has in hand")
            produce(kafka, unique, rows(200, 300), keys(range(100)))
            until(lambda: len(table.ids()) == 300)
        finally:
            go_on(first, unique)
        # It tries again only after it has listened to the group, which has given its rows to the successor.
        until(lambda: says(first, f"Cannot write to {unique}"), 30, "the zombie to go on")
        produce(kafka, unique, rows(300, 400), keys(range(100)))
        until(lambda: len(table.ids()) >= 400 and committed(second, unique) == 400)
        assert table.ids() == list(range(400))
        assert first.states(unique) == second.states(unique) == ["RUNNING", "RUNNING"]


@pytest.mark.parametrize("membership", MEMBERSHIP)
def test_an_idle_zombie_rejoins_its_group(
    tmp_path: Path, kafka: str, postgres: str, unique: str, membership: str
) -> None:
    create_topic(kafka, unique, 2)
    config, table = sql_sink(unique, postgres) | MEMBERSHIP[membership], Table(postgres, unique)
    with two_workers(tmp_path, kafka, unique) as (first, second):
        first.create(config)
        produce(kafka, unique, rows(0, 100), keys(range(100)))
        until(lambda: len(table.ids()) == 100)
        stop(first, unique)
        try:
            second.create(config)
            produce(kafka, unique, rows(100, 200), keys(range(100)))
            until(lambda: len(table.ids()) == 200)
        finally:
            go_on(first, unique)
        produce(kafka, unique, rows(200, 300), keys(range(100)))
        until(lambda: len(table.ids()) >= 300 and committed(second, unique) == 300)
        assert table.ids() == list(range(300))
        assert first.states(unique) == second.states(unique) == ["RUNNING", "RUNNING"]


@pytest.mark.parametrize("boundary", ["poll"])
def test_a_zombie_source_with_events_in_hand_does_not_write_them(
    tmp_path: Path, kafka: str, unique: str, boundary: str
) -> None:
    """The source is stopped between request and answer; with boundary interval a transaction of its own is open."""
    create_topic(kafka, unique, 2)
    stub = gateway()
    with serving(stub), two_workers(tmp_path, kafka, unique) as (first, second):
        config = stripe_source(unique, stub.url, transaction_boundary="poll")
        first.create(config)
        expected = pay(stub, 0, 60)
        until(lambda: events(kafka, unique) == expected)
        if boundary == "interval":
            longer = {"transaction.boundary": "interval", "transaction.boundary.interval.ms": "10000"}
            first.call("PUT", f"/connectors/{unique}/config", config | longer, expect=200)
            first.running(unique)
            asked = len(stub.requests)
            expected += pay(stub, 60, 90)
            until(lambda: len(stub.requests) > asked + 2, 20, "the events to be in the open transaction")
        task = first.pids(unique)[-1]
        stopped: list[int] = []

        def freeze() -> None:
            send(task, signal.SIGSTOP)
            stopped.append(task)

        expected += pay(stub, 90, 120)
        stub.meanwhile.append(freeze)
        until(lambda: stopped, 20, "the task to ask the gateway")
        stop(first, unique)
        try:
            second.create(config)
            until(lambda: events(kafka, unique) == expected, 60, "the successor to hand over what the zombie has")
            expected += pay(stub, 120, 150)
            until(lambda: events(kafka, unique) == expected, 60, "the successor to go on")
        finally:
            go_on(first, unique)
        assert "another process writes the source offsets" in first.trace(unique)
        expected += pay(stub, 150, 180)
        until(lambda: len(events(kafka, unique)) >= len(expected))
        assert events(kafka, unique) == expected
        assert second.states(unique) == ["RUNNING", "RUNNING"]


@pytest.mark.parametrize("plugin", ["FileStreamSource", "StripeSource"])
def test_a_source_that_slept_through_its_transaction_goes_on_by_itself(
    tmp_path: Path, kafka: str, admin: AdminClient, running: Worker, unique: str, plugin: str
) -> None:
    """The broker ends the transaction and fences its producer; nobody else is there, so the task reads its offsets."""
    create_topic(kafka, unique, 2)
    stub, file = gateway(), tmp_path / "in.txt"
    with serving(stub):
        running.create(
            stripe_source(unique, stub.url)
            | {"connector.class": plugin, "file": str(file), "transaction.boundary": "interval"}
            | {"transaction.boundary.interval.ms": "1500", "producer.override.transaction.timeout.ms": "3000"}
        )
        expected = _appear(stub, file, 0, 60)
        until(lambda: _written(admin, unique), 30, "records in an open transaction")
        stop(running, unique)
        try:
            until(lambda: _settled(admin, unique), 30, "the broker to end the transaction")
            expected += _appear(stub, file, 60, 120)
        finally:
            go_on(running, unique)
        until(lambda: len(consume(kafka, unique)) >= len(expected))
        assert sorted(_id(message.value() or b"") for message in consume(kafka, unique)) == expected
        assert running.states(unique) == ["RUNNING", "RUNNING"]
        assert running.pids(unique)[1:] == []


def _appear(stub: StripeStub, file: Path, first: int, last: int) -> list[str]:
    ids = pay(stub, first, last)
    with file.open("a") as out:
        out.writelines(f"{id}\n" for id in ids)
    return ids


def _id(value: bytes) -> str:
    return str(json.loads(value)["id"]) if value.startswith(b"{") else value.decode()


def _ends(admin: AdminClient, topic: str, isolation: IsolationLevel) -> list[int]:
    asked = {TopicPartition(topic, number): OffsetSpec.latest() for number in (0, 1)}  # type: ignore[no-untyped-call]
    return [future.result().offset for future in admin.list_offsets(asked, isolation_level=isolation).values()]


def _written(admin: AdminClient, topic: str) -> int:
    """How many records there are, committed or not."""
    return sum(_ends(admin, topic, IsolationLevel.READ_UNCOMMITTED))


def _settled(admin: AdminClient, topic: str) -> bool:
    """Whether no transaction is open."""
    return _written(admin, topic) == sum(_ends(admin, topic, IsolationLevel.READ_COMMITTED))

"""A source's transactions, and other people's: aborted when they fail, waited for, and held back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from tests.plugin_folder import installed
from tests.reliability.flows import STRING
from tests.reliability.links.broker import Broker
from tests.running import Worker, consume, create_topic, fresh, settings, until, worker

PLUGIN = """
import os
from ferryman.api import Source
from ferryman.config import Int, Str, key
from ferryman.connector import SourceConfig
from ferryman.record import Record

class FailingConfig(SourceConfig):
    topic: Str = key()
    gate: Str = key()
    too_large: Int = key(0)

class FailingSource(Source[FailingConfig]):
    config_class = FailingConfig
    polls = 0

    def poll(self):
        self.polls += 1
        if self.polls > 1:
            if os.path.exists(self.config.gate):
                raise ValueError("the source is broken")
            self.context.stopping(0.05)
            return []
        return [Record(topic=self.config.topic, value=f"{number}", source_partition={"a": 1},
                       source_offset={"n": number}) for number in range(10)] + [
                Record(topic=self.config.topic, value="x" * self.config.too_large)] * (self.config.too_large > 0)

class SteadySource(FailingSource):
    def poll(self):
        self.context.stopping(0.01)
        return [Record(topic=self.config.topic, value="x")]

    def stop(self):
        print("the plugin was told to stop", flush=True)
"""


ENDING = """
from ferryman.api import Source
from ferryman.config import Str, key
from ferryman.connector import SourceConfig
from ferryman.record import Record

class EndingConfig(SourceConfig):
    topic: Str = key()

class EndingSource(Source[EndingConfig]):
    config_class = EndingConfig
    told = 0

    @classmethod
    def ends_transactions(cls, config):
        return True

    def start(self):
        self.next = (self.context.offset({"a": 1}) or {"n": 0})["n"]

    def poll(self):
        # Ten records in two polls: 0 to 3 are committed, 4 and 5 taken back, 6 and 7 committed with the second poll;
        # 8 and 9 stay open.
        # A session that ended in between (a broker under load may lose track of a transaction) goes on in the middle.
        later = {7: range(7, 8), 8: range(8, 10)}.get(self.next, range(0))
        numbers = range(self.next, 7) if self.next < 7 else later
        if not numbers:
            self.context.stopping(0.05)
            return []
        self.next = numbers.stop
        records = [Record(topic=self.config.topic, value=f"{number}", source_partition={"a": 1},
                          source_offset={"n": number + 1}) for number in numbers]
        if 3 in numbers:
            self.context.transaction.commit_after(records[numbers.index(3)])
        if 5 in numbers:
            self.context.transaction.abort_after(records[numbers.index(5)])
        if numbers.start == 7:
            self.context.transaction.commit()
        return records
"""


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with the plugins on its path."""
    directory = tmp_path_factory.mktemp("failing")
    installed(directory, "ending", ENDING, "EndingSource")
    home = installed(directory, "failing", PLUGIN, "FailingSource", "SteadySource")
    with worker(directory, settings(kafka, fresh("failing")), PYTHONPATH=str(home)) as one:
        yield one


def source(name: str, kind: str, **more: str) -> dict[str, str]:
    return {
        "name": name,
        "connector.class": kind,
        "topic": name,
        "value.converter": STRING,
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def ends(admin: AdminClient, topic: str, isolation: IsolationLevel) -> int:
    asked = {TopicPartition(topic, 0): OffsetSpec.latest()}  # type: ignore[no-untyped-call]
    (future,) = admin.list_offsets(asked, isolation_level=isolation).values()
    return int(future.result().offset)


def readable_to_its_end(admin: AdminClient, topic: str) -> bool:
    """Whether no transaction is open."""
    return ends(admin, topic, IsolationLevel.READ_COMMITTED) == ends(admin, topic, IsolationLevel.READ_UNCOMMITTED)


@pytest.mark.parametrize("too_large", ["0", "5000"])
def test_a_source_that_fails_aborts_its_transaction(
    tmp_path: Path, kafka: str, admin: AdminClient, running: Worker, unique: str, too_large: str
) -> None:
    """Of its own accord, or because the broker refuses a record: readers do not wait for transaction.timeout.ms."""
    create_topic(kafka, unique, max_message_bytes="4000")
    gate = tmp_path / "gate"
    config = source(unique, "FailingSource", too_large=too_large, transaction_boundary="interval", gate=str(gate))
    config |= {"transaction.boundary.interval.ms": "300000", "producer.override.transaction.timeout.ms": "900000"}
    config |= {"producer.override.batch.size": "1000"}
    if too_large != "0":
        config["transaction.boundary"] = "poll"
    running.create(config)
    until(lambda: ends(admin, unique, IsolationLevel.READ_UNCOMMITTED) > 0, 60, "records in an open transaction")
    gate.touch()
    trace = running.trace(unique)
    assert ("the source is broken" if too_large == "0" else "max.message.bytes is the limit") in trace

    until(lambda: readable_to_its_end(admin, unique), 60, "the transaction to be aborted")
    assert consume(kafka, unique) == []


def test_a_source_stops_in_order_though_the_broker_answers_no_commit(
    tmp_path: Path, broken_broker: Broker, unique: str
) -> None:
    create_topic(broken_broker.address, unique)
    home = installed(tmp_path / "plugins", "steady", PLUGIN, "FailingSource", "SteadySource")
    config = settings(broken_broker.proxied, unique) | {"task.shutdown.graceful.timeout.ms": "10000"}
    with worker(tmp_path, config, PYTHONPATH=str(home)) as running:
        running.create(source(unique, "SteadySource", gate=""))
        until(lambda: consume(broken_broker.address, unique), 60, "records")
        broken_broker.link.suffer("half-open")
        try:
            running.delete(unique)
            until(lambda: "the plugin was told to stop" in running.said, 60, "its end")
            assert "that the broker has not accepted will come again" in running.said
        finally:
            broken_broker.link.heal()


def test_a_source_ends_its_transactions_itself(kafka: str, admin: AdminClient, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    running.create(source(unique, "EndingSource", transaction_boundary="connector"))
    until(lambda: [message.value() for message in consume(kafka, unique)] == [b"0", b"1", b"2", b"3", b"6", b"7"], 60)
    until(lambda: not readable_to_its_end(admin, unique), 60, "the records that stay open")
    assert running.call("GET", f"/connectors/{unique}/offsets")["offsets"][0]["offset"] == {"n": 8}
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    until(lambda: running.states(unique) == ["STOPPED"])
    until(lambda: readable_to_its_end(admin, unique), 60, "what was open to be aborted")
    assert len(consume(kafka, unique)) == 6
    assert running.call("GET", f"/connectors/{unique}/offsets")["offsets"][0]["offset"] == {"n": 8}


def test_another_producers_open_transaction_on_the_offsets_topic_is_waited_for(
    tmp_path: Path, kafka: str, unique: str
) -> None:
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-offsets", cleanup_policy="compact")
    file = tmp_path / "in.txt"
    file.write_text("one\ntwo\nthree\n")
    other = Producer({"bootstrap.servers": kafka, "transactional.id": unique, "transaction.timeout.ms": 300_000})
    other.init_transactions(60)
    other.begin_transaction()
    key = json.dumps([unique, {"filename": str(file)}]).encode()
    other.produce(f"{unique}-offsets", json.dumps({"position": 4}).encode(), key)
    other.flush(60)
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(source(unique, "FileStreamSource", file=str(file)))
        said = f"another producer's transaction is open at {unique}-offsets-0@0"
        until(lambda: said in running.said, 60, "what it waits for")
        assert "FAILED" not in running.states(unique)
        assert consume(kafka, unique) == []
        other.commit_transaction(60)
        until(lambda: len(consume(kafka, unique)) == 2, 60)
        assert [message.value() for message in consume(kafka, unique)] == [b"two", b"three"]
        assert running.pids(unique)[1:] == []


def test_a_source_that_is_faster_than_its_producer_is_held_back(
    tmp_path: Path, kafka: str, running: Worker, unique: str
) -> None:
    """Twenty times what buffer.memory holds, in one poll."""
    create_topic(kafka, unique)
    file = tmp_path / "in.txt"
    lines = [f"{number:05}" + "x" * 10_000 for number in range(400)]
    file.write_text("".join(f"{line}\n" for line in lines))
    more = {"producer.override.buffer.memory": "204800", "producer.override.queue.buffering.max.messages": "7"}
    running.create(source(unique, "FileStreamSource", file=str(file), batch_size="2000") | more)
    until(lambda: len(consume(kafka, unique)) == 400, 60)
    assert [message.value() for message in consume(kafka, unique)] == [line.encode() for line in lines]
    assert running.states(unique) == ["RUNNING", "RUNNING"]

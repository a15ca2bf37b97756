"""Records read again beside the group: as far as is wanted, and none of it twice."""

import os
import time
from collections.abc import Sequence

import pytest
from confluent_kafka import Consumer

from ferryman.chain.chain import assembled
from ferryman.config import Config
from ferryman.record import Data, Payload, TopicPartition
from ferryman.task.crash_evidence import at_work
from ferryman.task.crash_evidence.at_work import CONVERT, AtWork, Note, Offsets
from ferryman.task.crash_evidence.guilty import Guilty
from ferryman.task.sink import history
from ferryman.task.sink.history import Reader
from tests.chain.parts import TextConverter
from tests.kafka.cluster_in_memory import Cluster
from tests.kafka.fake_consumer import FakeConsumer
from tests.running import create_topic, produce

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


def reader(cluster: Cluster) -> Reader:
    text = TextConverter(Config(), "value")
    made = FakeConsumer(cluster, tells_ends=True)
    return Reader(lambda: made, assembled(text, text, text))  # type: ignore[arg-type, return-value]


def values(reader: Reader, wanted: dict[TopicPartition, int]) -> dict[TopicPartition, list[object]]:
    """All that there is up to the wanted offsets."""
    found: dict[TopicPartition, list[object]] = {source: [] for source in wanted}
    lacking = dict(wanted)
    while lacking:
        for source, batches, reached in reader.read(lacking, time.monotonic() + 60):
            found[source] += [record.value for batch in batches for record in batch.records()]
            if reached >= wanted[source]:
                del lacking[source]
    return found


def test_each_partition_is_read_as_far_as_is_wanted_and_further_later() -> None:
    cluster = Cluster()
    cluster.create("t", 2)
    for number in range(6):
        cluster.append(A, f"a{number}".encode())
        cluster.append(B, f"b{number}".encode())
    made = reader(cluster)
    made.begin(A, 1)
    made.begin(B, 0)
    assert values(made, {A: 3, B: 1}) == {A: ["a1", "a2"], B: ["b0"]}
    assert values(made, {A: 6}) == {A: ["a3", "a4", "a5"]}
    made.end(A)
    assert values(made, {B: 2}) == {B: ["b1"]}


def test_records_that_kill_a_process_are_left_out_untouched_and_what_is_converted_is_noted() -> None:
    cluster, noted = Cluster(), list[Note | None]()
    cluster.create("t")
    for number in range(4):
        cluster.append(A, f"a{number}".encode())
    descriptor = at_work.shared()
    task, worker = AtWork(descriptor), AtWork(descriptor)
    os.close(descriptor)

    class Watched(TextConverter):
        def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
            noted.append(worker.read())
            return super().to_data(topic, payloads)

    made, text, watched = (
        FakeConsumer(cluster, tells_ends=True),
        TextConverter(Config(), "key"),
        Watched(Config(), "value"),
    )
    guilty = [Guilty("t", 0, 2, "VALUE_CONVERTER", "x", "was killed"), Guilty("u", 0, 1, "VALUE_CONVERTER", "x", "")]
    reader = Reader(lambda: made, assembled(text, watched, text), task, guilty)  # type: ignore[arg-type, return-value]
    reader.begin(A, 0)
    assert values(reader, {A: 4}) == {A: ["a0", "a1", "a3"]}
    assert noted[0] == Note(CONVERT, [Offsets("t", 0, 0, 3)])


def test_an_end_without_a_record_is_reached() -> None:
    cluster = Cluster()
    cluster.create("t")
    cluster.append(A, b"only")
    made = reader(cluster)
    made.begin(A, 1)
    cluster.append(A, b"more")
    assert values(made, {A: 2}) == {A: ["more"]}


def test_what_had_come_too_early_goes_on_to_come_when_partitions_were_added_and_taken_away(
    kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 10)
    monkeypatch.setattr(history, "MAX_RECORDS_AHEAD", 10)
    first, second = (TopicPartition(unique, number) for number in (0, 1))
    create_topic(kafka, unique, partitions=2)
    for partition in (0, 1):
        produce(kafka, unique, [str(number).encode() for number in range(40)], partition=partition)
    config = {"bootstrap.servers": kafka, "group.id": unique, "enable.partition.eof": True}
    text = TextConverter(Config(), "value")
    made = Reader(lambda: Consumer(config), assembled(text, text, text))
    made.begin(first, 0)
    assert values(made, {first: 1}) == {first: ["0"]}
    while made._paused != {first}:
        made._poll(1)  # the rest comes too early
    made.begin(second, 0)
    assert len(values(made, {first: 40, second: 1})[first]) == 39
    made.end(first)
    made.begin(first, 0)
    assert len(values(made, {first: 40})[first]) == 40
    made.close()

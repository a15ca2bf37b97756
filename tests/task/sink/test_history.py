"""Records read again beside the group: as far as is wanted, and none of it twice."""

import time

from ferryman.chain.chain import assembled
from ferryman.config import Config
from ferryman.record import TopicPartition
from ferryman.task.sink.history import Reader
from tests.chain.parts import TextConverter
from tests.kafka.cluster_in_memory import Cluster
from tests.kafka.fake_consumer import FakeConsumer

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


def test_an_end_without_a_record_is_reached() -> None:
    cluster = Cluster()
    cluster.create("t")
    cluster.append(A, b"only")
    made = reader(cluster)
    made.begin(A, 1)
    cluster.append(A, b"more")
    assert values(made, {A: 2}) == {A: ["more"]}

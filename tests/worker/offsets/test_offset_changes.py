"""Offsets of a PATCH request: which positions they mean, and in whose words they are refused."""

from typing import Any

import pytest

from ferryman.errors import RequestError
from ferryman.record import TopicPartition
from ferryman.worker.herder import PartitionOffset
from ferryman.worker.offsets.offset_changes import check, positions

P0 = {"kafka_topic": "t", "kafka_partition": 0}


def test_offsets_are_positions_and_null_forgets() -> None:
    changes = [
        PartitionOffset(P0, {"kafka_offset": 5}),
        PartitionOffset({"kafka_topic": "t", "kafka_partition": "1"}, {"kafka_offset": "7"}),
        PartitionOffset({"kafka_topic": "u", "kafka_partition": 2}, None),
    ]
    assert positions(changes) == {
        TopicPartition("t", 0): 5,
        TopicPartition("t", 1): 7,
        TopicPartition("u", 2): None,
    }


@pytest.mark.parametrize(
    ("partition", "offset", "complaint"),
    [
        (None, None, "partition for a sink connector offset cannot be null or missing"),
        ({}, None, "must contain the keys 'kafka_topic' and 'kafka_partition'"),
        ({"kafka_topic": "t"}, None, "must contain the keys"),
        ({"kafka_partition": 0}, None, "must contain the keys"),
        ({"kafka_topic": None, "kafka_partition": 0}, None, "Kafka topic names must be valid strings"),
        ({"kafka_topic": "t", "kafka_partition": None}, None, "Kafka partitions must be valid numbers"),
        ({"kafka_topic": "t", "kafka_partition": "x"}, None, "Failed to parse .* partition value .* 'x'"),
        (P0, {}, "should either be null or contain the key 'kafka_offset'"),
        (P0, {"kafka_offset": "x"}, "Failed to parse .* offset value .* 'x'"),
        (P0, {"kafka_offset": None}, "Failed to parse .* offset value .* 'null'"),
        (P0, {"kafka_offset": 1 << 63}, "Failed to parse .* offset value .* '9223372036854775808'"),
        (P0, {"kafka_offset": " 1"}, "Failed to parse .* offset value .* ' 1'"),
        ({"kafka_topic": "t", "kafka_partition": 1 << 31}, None, "Failed to parse .* '2147483648'"),
        ({"kafka_topic": "t", "kafka_partition": True}, None, "Failed to parse .* partition value .* 'true'"),
        ({"kafka_topic": "t", "kafka_partition": [0]}, None, r"Failed to parse .* partition value .* '\[0\]'"),
        (P0, {"kafka_offset": 1.5}, "need to be integers"),
    ],
)
def test_what_is_no_offset_of_a_sink_is_refused(partition: Any, offset: Any, complaint: str) -> None:
    with pytest.raises(RequestError, match=complaint) as raised:
        positions([PartitionOffset(partition, offset)])
    assert raised.value.status == 400


@pytest.mark.parametrize(
    ("partition", "offset"),
    [
        (P0, {"kafka_offset": -5}),
        ({"kafka_topic": "t", "kafka_partition": -1}, None),
        ({"kafka_topic": "", "kafka_partition": 0}, {"kafka_offset": 5}),
    ],
)
def test_what_no_topic_has_is_refused_in_words_of_the_request(partition: Any, offset: Any) -> None:
    wanted = positions([PartitionOffset(partition, offset)])
    with pytest.raises(RequestError, match=r"^Failed to alter consumer group offsets for connector c [(]") as raised:
        check("c", wanted)
    assert raised.value.status == 500

"""What TransformationIntegrationTest and kafkatest ask of a worker: transforms, on sinks and on sources."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.kafkatest.configs import sink, source
from tests.kafkatest.connect import Config, Connect
from tests.kafkatest.report.differences import DROPPED_BY_A_SOURCE
from tests.kafkatest.test_offsets_api import of_sink, of_source, stand_at
from tests.running import consume, create_topic, produce, until

RECORDS = 300
PARTITIONS = 3


def filtering(config: Config, predicate: str, **more: str) -> Config:
    """A config that drops what a predicate holds for."""
    return {
        **config,
        "transforms": "filter",
        "transforms.filter.type": "Filter",
        "transforms.filter.predicate": "chosen",
        "predicates": "chosen",
        "predicates.chosen.type": predicate,
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def fill(kafka: str, topic: str, values: Sequence[bytes | None]) -> None:
    """The values in turns into a new topic's partitions."""
    create_topic(kafka, topic, PARTITIONS)
    for number in range(PARTITIONS):
        produce(kafka, topic, values[number::PARTITIONS], partition=number)


def test_what_a_sink_gets_of_two_topics_is_filtered_by_their_names(connect: Connect, kafka: str, unique: str) -> None:
    foo, bar = f"{unique}-foo", f"{unique}-bar"
    for topic in (foo, bar):
        fill(kafka, topic, [f"{topic}-{number}".encode() for number in range(RECORDS)])
    config = filtering(sink(foo, bar, tasks_max="1"), "TopicNameMatches", predicates_chosen_pattern=".*-bar")
    connect.configure(unique, config)
    connect.runs(unique, 1)
    until(lambda: len(connect.obtained(unique)) >= RECORDS, what="all records of the one topic")
    ends = [of_sink(topic, number, RECORDS // PARTITIONS) for topic in (bar, foo) for number in range(PARTITIONS)]
    stand_at(connect, unique, sorted(ends, key=lambda each: str(each["partition"]["kafka_partition"])))
    assert sorted(connect.obtained(unique)) == sorted(f"{foo}-{number}" for number in range(RECORDS))


def test_tombstones_are_filtered_from_what_a_sink_gets(connect: Connect, kafka: str, unique: str) -> None:
    fill(kafka, unique, [None if number % 2 else f"value-{number}".encode() for number in range(RECORDS)])
    connect.configure(unique, filtering(sink(unique, tasks_max="1"), "RecordIsTombstone"))
    connect.runs(unique, 1)
    stand_at(connect, unique, [of_sink(unique, number, RECORDS // PARTITIONS) for number in range(PARTITIONS)])
    assert sorted(connect.obtained(unique)) == sorted(f"value-{number}" for number in range(0, RECORDS, 2))


def test_a_source_writes_only_records_with_a_header_to_the_topic_that_it_creates(
    connect: Connect, kafka: str, unique: str
) -> None:
    more = {"transforms.filter.negate": "true", "predicates.chosen.name": "header-8"}
    counting = source(unique, tasks_max="1", throughput="-1", max_messages=str(RECORDS))
    creation = {
        "topic.creation.default.replication.factor": "-1",
        "topic.creation.default.partitions": str(PARTITIONS),
    }
    config = {**filtering({**counting, **creation}, "HasHeaderKey"), **more, "name": unique}
    assert connect.validated(config) == {}
    connect.configure(unique, config)
    connect.runs(unique, 1)
    end = RECORDS if connect.whose.differs(DROPPED_BY_A_SOURCE) else 8
    stand_at(connect, unique, [of_source(unique, 0, end)])
    (message,) = consume(kafka, unique)
    headers: Any = message.headers()
    assert [name for name, _ in headers] == ["header-8"]
    assert message.value() == f"value-{unique}-0-8".encode()


def test_lines_become_structs_with_the_time_of_their_records(
    connect: Connect, kafka: str, unique: str, tmp_path: Path
) -> None:
    lines = ["foo", "bar", "baz"]
    (tmp_path / "input").write_text("".join(f"{line}\n" for line in lines))
    create_topic(kafka, unique)
    hoist, insert = (
        "org.apache.kafka.connect.transforms." + each for each in ("HoistField$Value", "InsertField$Value")
    )
    connect.configure(
        unique,
        {
            "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
            "file": str(tmp_path / "input"),
            "topic": unique,
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "true",
            "transforms": "hoist,insert",
            "transforms.hoist.type": hoist,
            "transforms.hoist.field": "content",
            "transforms.insert.type": insert,
            "transforms.insert.timestamp.field": "the_time",
        },
    )
    until(lambda: len(consume(kafka, unique)) >= len(lines), what="the lines", pause=0.5)
    content = {"type": "string", "optional": False, "field": "content"}
    time = {
        "type": "int64",
        "optional": True,
        "field": "the_time",
        "name": "org.apache.kafka.connect.data.Timestamp",
        "version": 1,
    }
    for message, line in zip(consume(kafka, unique), lines, strict=True):
        value = json.loads(message.value() or b"")
        assert value["schema"] == {"type": "struct", "fields": [content, time], "optional": False}
        assert value["payload"] == {"content": line, "the_time": message.timestamp()[1]}

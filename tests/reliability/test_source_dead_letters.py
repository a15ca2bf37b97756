"""Records of a source that errors.tolerance=all skips: in the dead letter queue, each once, whenever the task dies."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ferryman.converters.json import JsonConverter, JsonConverterConfig
from tests.plugin_folder import installed
from tests.running import Worker, consume, create_topic, fresh, settings, until, worker

PLUGIN = """
from ferryman.api import Source
from ferryman.config import Int, Str, key
from ferryman.connector import SourceConfig
from ferryman.record import Header, Record
from ferryman.schema import INT64, STRING, Field, Schema, Type

NUMBERED = Schema(Type.STRUCT, fields=(Field("n", INT64), Field("text", STRING)))

class NumbersConfig(SourceConfig):
    topic: Str = key()
    count: Int = key()

class NumbersSource(Source[NumbersConfig]):
    config_class = NumbersConfig

    def start(self):
        self.next = (self.context.offset({"numbers": 1}) or {"n": 0})["n"]

    def poll(self):
        numbers = range(self.next, min(self.next + 10, self.config.count))
        if not numbers:
            self.context.stopping(0.05)
        self.next += len(numbers)
        return [self.record(number) for number in numbers]

    def record(self, number):
        # Of ten, one fits no schema, one is refused by the transform, one is too large for the producer.
        value = {"n": "none" if number % 10 == 3 else number, "text": "x" * (20_000 if number % 10 == 7 else 5)}
        if number % 10 == 5:
            value, schema = f"refuse {number}", STRING
        else:
            schema = NUMBERED
        astray = (Header("astray", True),) if number % 10 == 9 else ()
        return Record(topic=self.config.topic, key=str(number), key_schema=STRING, value=value, value_schema=schema,
                      headers=(Header("number", number, INT64), *astray),
                      source_partition={"numbers": 1}, source_offset={"n": number + 1})
"""
REFUSED = (3, 5, 7)
STAGES = {3: "VALUE_CONVERTER", 5: "TRANSFORMATION", 7: "KAFKA_PRODUCE", 9: "KAFKA_PRODUCE"}
ROUTED = {
    "transforms": "n,r",
    "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
    "transforms.r.regex": ".*",
    "transforms.r.replacement": "$0 of orders",
    "transforms.r.predicate": "astray",
    "predicates": "astray",
    "predicates.astray.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
    "predicates.astray.name": "astray",
}
"""One of ten goes to a topic that cannot be."""
POINTS = ["source.before_produce", "source.after_produce", "source.before_commit", "source.after_commit"]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with the plugin on its path."""
    directory = tmp_path_factory.mktemp("numbers")
    home = installed(directory, "numbered", PLUGIN, "NumbersSource")
    with worker(directory, settings(kafka, fresh("numbers")), PYTHONPATH=str(home)) as one:
        yield one


def numbers(name: str, count: int, **more: str) -> dict[str, str]:
    return {
        "name": name,
        "connector.class": "NumbersSource",
        "topic": name,
        "count": str(count),
        "header.converter": "org.apache.kafka.connect.storage.SimpleHeaderConverter",
        "transforms": "n",
        "transforms.n.type": "org.apache.kafka.connect.transforms.InsertField$Value",
        "transforms.n.static.field": "by",
        "transforms.n.static.value": "us",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": f"{name}-dead",
        "errors.deadletterqueue.topic.replication.factor": "1",
        "producer.override.max.request.size": "10000",
    } | {key.replace("_", "."): value for key, value in more.items()}


def good(kafka: str, topic: str) -> Counter[int]:
    return Counter(json.loads(message.value() or b"")["n"] for message in consume(kafka, topic))


def letters(kafka: str, topic: str) -> list[tuple[dict[str, str], Any]]:
    """The headers and the value of each."""
    found = []
    for message in consume(kafka, topic):
        given: Any = message.headers()
        found.append(({name: value.decode() for name, value in given}, message.value()))
    return found


def number(headers: dict[str, str]) -> int:
    return int(headers["number"])


def over(running: Worker, name: str) -> dict[str, Any] | None:
    offsets = running.call("GET", f"/connectors/{name}/offsets")["offsets"]
    return offsets[0]["offset"] if offsets else None


def test_what_is_skipped_can_be_read_back_and_tells_where_it_comes_from_and_why(
    kafka: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(numbers(unique, 10, errors_deadletterqueue_context_headers_enable="true") | ROUTED)
    until(lambda: over(running, unique) == {"n": 10}, 60)
    assert good(kafka, unique) == Counter(set(range(10)) - set(STAGES))
    found = {number(headers): (headers, value) for headers, value in letters(kafka, f"{unique}-dead")}
    assert sorted(found) == list(STAGES)
    for at, (headers, _) in found.items():
        assert headers["__connect.errors.topic"] == unique
        assert headers["__connect.errors.stage"] == STAGES[at]
        assert json.loads(headers["__ferryman.errors.source.offset"]) == {"n": at + 1}
    read_back = JsonConverter(JsonConverterConfig(), "value")
    assert read_back.to_data("", [found[5][1]])[0].rows().values == ["refuse 5"]
    assert json.loads(found[3][1] or b"")["payload"] == {"n": "none", "text": "xxxxx"}
    assert found[3][0]["__ferryman.errors.left.out"] == "value.schema"
    assert "of orders" in found[9][0]["__connect.errors.exception.message"]
    assert found[7][1] is None
    assert found[7][0]["__ferryman.errors.left.out.because.of"] == "producer.override.max.request.size"


def test_letters_records_and_offsets_are_there_once_whenever_the_task_is_killed(
    tmp_path: Path, kafka: str, unique: str
) -> None:
    home = installed(tmp_path, "numbered", PLUGIN, "NumbersSource")
    turns = ",".join(f"{point}:2" for point in POINTS)
    more = {"FERRYMAN_CRASH_AT": turns, "FERRYMAN_CRASH_LOG": f"{tmp_path / 'crashes'}:{len(POINTS)}"}
    create_topic(kafka, unique)
    with worker(tmp_path, settings(kafka, unique), PYTHONPATH=str(home), **more) as running:
        running.create(numbers(unique, 200))
        until(lambda: over(running, unique) == {"n": 200}, 90)
    deaths = (tmp_path / "crashes").read_text().splitlines()
    assert [line.split()[0] for line in deaths] == POINTS
    assert good(kafka, unique) == Counter(each for each in range(200) if each % 10 not in REFUSED)
    dead = Counter(number(headers) for headers, _ in letters(kafka, f"{unique}-dead"))
    assert dead == Counter(each for each in range(200) if each % 10 in REFUSED)


def test_without_tolerance_the_record_stays_in_the_source_and_no_queue_is_made(
    kafka: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(numbers(unique, 10, errors_tolerance="none"))
    assert "Tolerance exceeded in error handler" in running.trace(unique)
    assert "errors.deadletterqueue.topic.name has no effect with errors.tolerance=none" in running.said
    assert consume(kafka, unique) == []
    assert over(running, unique) is None


def test_a_letter_that_the_broker_refuses_fails_the_task_and_names_the_queue_and_its_limit(
    kafka: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-dead", max_message_bytes="100")
    running.create(numbers(unique, 10))
    trace = running.trace(unique)
    assert f"a dead letter was not written to {unique}-dead" in trace
    assert f"{unique}-dead's max.message.bytes is the limit" in trace
    assert consume(kafka, unique) == []
    assert over(running, unique) is None

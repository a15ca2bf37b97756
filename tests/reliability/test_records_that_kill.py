"""Records that kill the process which works on them, on a real worker: which are found guilty, and what becomes of the
others."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.sql.sql_task import CONFLUENT, query
from tests.plugin_folder import installed
from tests.reliability.flows import Config, Table, committed, lines, row, sql_sink, tolerant
from tests.running import Worker, borrowed, consume, create_topic, fresh, produce, send, settings, until, worker

PLUGINS = """
import ctypes, os, signal
from ferryman.api import Sink, Source, Transform
from ferryman.config import Config, Int, Str, key
from ferryman.connector import SinkConfig, SourceConfig
from ferryman.conversion import Converter
from ferryman.record import Record
from ferryman.converters.string import StringConverter

def does(what):
    if "abort" in what:
        os.abort()
    if "read" in what:
        ctypes.string_at(0)
    if "divide" in what:
        signal.raise_signal(signal.SIGFPE)
    if "grow" in what:
        taken = []
        while True:
            taken.append(b"x" * 50_000_000)

class DeadlyTransform(Transform[Config]):
    config_class = Config

    def apply(self, record):
        text = record.value if isinstance(record.value, str) else str(record.value.get("text"))
        if text.startswith("deadly"):
            does(text)
        return record

class DeadlyConverter(StringConverter):
    classes = ()

    def from_data(self, topic, data):
        for value in data.rows().values:
            if str(value).startswith("deadly"):
                does(value)
        return super().from_data(topic, data)

    def to_data(self, topic, payloads):
        for payload in payloads:
            if payload is not None and payload.startswith(b"deadly"):
                does(payload.decode())
        return super().to_data(topic, payloads)

class LinesConfig(SinkConfig):
    file: Str = key()
    dies: Str = key("of nothing")

class LinesSink(Sink[LinesConfig]):
    config_class = LinesConfig

    def put(self, records):
        for record in records:
            if record.value == self.config.dies:
                does(record.value)
        with open(self.config.file, "a") as file:
            file.writelines(f"{record.value}\\n" for record in records)

class WordsConfig(SourceConfig):
    topic: Str = key()
    words: Str = key()
    at_once: Int = key(10)
    dies: Int = key(0)

class WordsSource(Source[WordsConfig]):
    config_class = WordsConfig

    def start(self):
        self.next = (self.context.offset({"words": 1}) or {"n": 0})["n"]

    def poll(self):
        if self.config.dies and self.next >= self.config.dies:
            os.abort()
        words = self.config.words.split(",")[self.next : self.next + self.config.at_once]
        if not words:
            self.context.stopping(0.05)
        self.next += len(words)
        return [Record(topic=self.config.topic, value=word, source_partition={"words": 1},
                       source_offset={"n": self.next}) for word in words]
"""
POINTS = """
[ferryman.connectors]
LinesSink = deadly:LinesSink
WordsSource = deadly:WordsSource
[ferryman.transforms]
DeadlyTransform = deadly:DeadlyTransform
[ferryman.converters]
DeadlyConverter = deadly:DeadlyConverter
"""
DEADLY: Config = {"transforms": "deadly", "transforms.deadly.type": "DeadlyTransform"}
LIMIT: Config = {"ferryman.task.memory.max.bytes": "300000000"}
SMALL: Config = {"consumer.override.max.poll.records": "8"}


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with the plugins on its path."""
    name = fresh("deadly")
    folder = tmp_path_factory.mktemp(name)
    path = installed(folder, "deadly", PLUGINS)
    (path / "deadly-1.0.dist-info" / "entry_points.txt").write_text(POINTS)
    with worker(folder, settings(kafka, name), PYTHONPATH=str(path)) as one:
        yield one


@pytest.fixture
def running(lasting: Worker, unique: str) -> Iterator[Worker]:
    with borrowed(lasting, unique) as one:
        yield one


def to_lines(name: str, file: Path, **more: str) -> Config:
    return {
        "name": name,
        "connector.class": "LinesSink",
        "topics": name,
        "file": str(file),
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def words(name: str, *words: str, **more: str) -> Config:
    """A source whose polls give all of their records the offset behind them."""
    return {
        "name": name,
        "connector.class": "WordsSource",
        "topic": name,
        "words": ",".join(words),
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def headers(kafka: str, queue: str) -> dict[int, dict[str, bytes]]:
    """The context of the dead letters, by the offsets of their records."""
    found: dict[int, dict[str, Any]] = {}
    for letter in consume(kafka, queue):
        context: dict[str, Any] = {
            name.removeprefix("__connect.errors."): value for name, value in dict(letter.headers() or []).items()
        }
        assert int(context["offset"]) not in found
        found[int(context["offset"])] = context | {"value": letter.value()}
    return found


def test_records_that_kill_a_transform_are_dead_lettered_and_all_others_arrive_exactly_once(
    kafka: str, postgres: str, running: Worker, unique: str
) -> None:
    """Two deadly ones next to each other, one further on, one that eats memory; into a sink that is exactly once."""
    create_topic(kafka, unique)
    queue, deadly = f"{unique}-dlq", {3: "abort", 4: "read", 17: "divide", 30: "grow"}
    values = [row(number, f"deadly {deadly[number]}" if number in deadly else "fine") for number in range(40)]
    produce(kafka, unique, values)
    running.create(sql_sink(unique, postgres) | tolerant(queue) | DEADLY | LIMIT | SMALL)
    until(lambda: committed(running, unique) == 40, 180)
    assert Table(postgres, unique).ids() == [number for number in range(40) if number not in deadly]
    letters = headers(kafka, queue)
    assert {offset: letter["value"] for offset, letter in letters.items()} == {
        number: values[number] for number in deadly
    }
    assert {letter["stage"] for letter in letters.values()} == {b"TRANSFORMATION"}
    assert {letter["class.name"] for letter in letters.values()} == {b"DeadlyTransform"}
    reasons = {offset: letter["exception.message"].decode() for offset, letter in letters.items()}
    assert "was killed by SIGABRT" in reasons[3]
    assert "was killed by SIGSEGV" in reasons[4]
    assert "was killed by SIGFPE" in reasons[17]
    assert "ferryman.task.memory.max.bytes is 300,000,000" in reasons[30]
    assert running.states(unique) == ["RUNNING", "RUNNING"]


def test_one_that_kills_a_converter_is_named_and_others_are_not_touched(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    other, queue = f"{unique}-other", f"{unique}-dlq"
    for name in (unique, other):
        create_topic(kafka, name)
    running.create(to_lines(other, tmp_path / "other"))
    produce(kafka, unique, [b"one", b"two", b"deadly abort", b"four"])
    running.create(to_lines(unique, tmp_path / "out", value_converter="DeadlyConverter") | tolerant(queue))
    until(lambda: committed(running, unique) == 4, 120)
    assert lines(tmp_path / "out") == [b"one", b"two", b"four"]
    (letter,) = headers(kafka, queue).values()
    assert (letter["offset"], letter["stage"]) == (b"2", b"VALUE_CONVERTER")
    produce(kafka, other, [b"late"])
    until(lambda: lines(tmp_path / "other") == [b"late"], 60)
    assert len(running.pids(other)) == 1


def test_in_a_run_into_the_live_table_they_overtake_nothing_and_are_found_beyond_its_bounds_too(
    kafka: str, postgres: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"old", b"deadly abort", b"kept", b"deadly read"], [b"a", b"a", b"b", b"b"])
    live = {
        "name": unique,
        "connector.class": CONFLUENT,
        "topics": unique,
        "connection.url": postgres,
        "insert.mode": "upsert",
        "pk.mode": "record_key",
        "pk.fields": "id",
        "auto.create": "true",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "DeadlyConverter",
        "transforms": "hoist",
        "transforms.hoist.type": "org.apache.kafka.connect.transforms.HoistField$Value",
        "transforms.hoist.field": "text",
    }
    running.create(live | tolerant(f"{unique}-dlq"))
    until(lambda: committed(running, unique) == 4, 180)
    query(postgres, f'DELETE FROM "{unique}"')
    run, bounds = f"{unique}-run", {unique: {"0": [0, 3]}}
    body = {"name": run, "offsets": bounds, "config": tolerant(f"{unique}-again")}
    running.call("POST", f"/connectors/{unique}/backfill", body, expect=202)
    until(lambda: running.call("GET", f"/connectors/{run}/status").get("run", {}).get("complete"), 180, what="its end")
    assert running.call("GET", f"/connectors/{run}/status")["run"]["records_refused"] == 1
    assert sorted(query(postgres, f'SELECT id, text FROM "{unique}"')) == [("a", "old"), ("b", "kept")]
    places = [dict(letter.headers() or [])["__connect.errors.offset"] for letter in consume(kafka, f"{unique}-again")]
    assert set(places) == {b"1"}, "once more for each death since"


def test_without_tolerance_the_task_fails_and_names_the_record(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"one", b"deadly read", b"three"])
    running.create(to_lines(unique, tmp_path / "out") | DEADLY)
    trace = running.trace(unique)
    assert f"record {unique}-0@1 failed in stage TRANSFORMATION with class DeadlyTransform" in trace
    assert "was killed by SIGSEGV" in trace
    assert committed(running, unique) <= 1
    assert "restart" not in running.call("GET", f"/connectors/{unique}/status")["tasks"][0]


def test_what_kills_the_sink_is_not_tried_apart_and_the_task_fails_naming_the_range(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"one", b"abort", b"three"])
    running.create(to_lines(unique, tmp_path / "out", dies="abort") | tolerant(f"{unique}-dlq"))
    trace = running.trace(unique)
    assert f"was killed by SIGABRT, for the third time while its sink was putting {unique}-0@0..2" in trace
    assert "restart" in running.call("GET", f"/connectors/{unique}/status")["tasks"][0]
    assert not lines(tmp_path / "out")
    assert not consume(kafka, f"{unique}-dlq")


def test_whoever_is_killed_from_outside_makes_no_record_suspect(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    """Even while it works on the same records, again and again."""
    create_topic(kafka, unique)
    running.create(to_lines(unique, tmp_path / "out") | DEADLY | tolerant(f"{unique}-dlq"))
    running.running(unique)
    for count in range(1, 5):
        until(lambda: len(running.pids(unique)) == count, 60)  # noqa: B023
        send(running.pids(unique)[-1], signal.SIGKILL)
    produce(kafka, unique, [b"one"])
    until(lambda: lines(tmp_path / "out") == [b"one"], 120)
    assert "tried separately" not in running.said


def test_a_stop_while_records_are_tried_apart_ends_the_search(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [json.dumps({"text": number}).encode() for number in range(20)] + [b"deadly abort"])
    running.create(to_lines(unique, tmp_path / "out") | DEADLY)
    until(lambda: f"probe of task {unique}-0 runs as process" in running.said, 120)
    running.delete(unique)
    assert not [pid for pid in running.pids(unique) if Path(f"/proc/{pid}").exists()]


# Sources.


def test_records_that_kill_a_sources_process_are_dead_lettered_and_all_others_arrive_exactly_once(
    kafka: str, running: Worker, unique: str
) -> None:
    """Two next to each other in the first poll, one in the second that eats memory, among others that are alike."""
    queue = f"{unique}-dlq"
    create_topic(kafka, unique)
    given = ["a", "a", "deadly abort", "deadly read", "a", "b"] + ["c"] * 4 + ["d", "deadly grow", "e"]
    running.create(words(unique, *given) | DEADLY | LIMIT | tolerant(queue))
    until(lambda: len(consume(kafka, unique)) == 10, 180)
    assert [each.value() for each in consume(kafka, unique)] == [
        word.encode() for word in given if not word.startswith("deadly")
    ]
    found = [(dict(letter.headers() or []), json.loads(letter.value() or b"")) for letter in consume(kafka, queue)]
    assert [value["payload"] for _, value in found] == ["deadly abort", "deadly read", "deadly grow"]
    context: list[dict[str, Any]] = [
        {name.removeprefix("__connect.errors."): value for name, value in each.items()} for each, _ in found
    ]
    assert {each["stage"] for each in context} == {b"TRANSFORMATION"}
    assert {each["class.name"] for each in context} == {b"DeadlyTransform"}
    ways = ("was killed by SIGABRT", "was killed by SIGSEGV", "ferryman.task.memory.max.bytes is 300,000,000")
    for way, each in zip(ways, context, strict=True):
        assert way in each["exception.message"].decode()
    running.running(unique)


def test_without_tolerance_a_source_fails_and_names_the_converter_and_the_place(
    kafka: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(words(unique, "a", "deadly read", "b", value_converter="DeadlyConverter"))
    trace = running.trace(unique)
    assert "failed in stage VALUE_CONVERTER with class DeadlyConverter" in trace
    assert '({"words": 1} at {"n": 3})' in trace
    assert "was killed by SIGSEGV" in trace
    assert not consume(kafka, unique)


def test_a_source_whose_poll_dies_makes_no_record_suspect(kafka: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    running.create(words(unique, "a", "b", "c", at_once="1", dies="2") | tolerant(f"{unique}-dlq"))
    until(lambda: len(running.pids(unique)) > 4, 120)
    assert "tried one by one" not in running.said
    assert [each.value() for each in consume(kafka, unique)] == [b"a", b"b"]

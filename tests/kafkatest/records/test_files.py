"""What kafkatest's connect_test asks of a standalone worker: lines from one file to another, whatever they are written
as, and bad ones put aside."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.kafkatest.configs import STRING
from tests.kafkatest.connect import Config, Connect, Node, worker_settings
from tests.kafkatest.whose import Whose
from tests.running import consume, create_topic, produce, until

pytestmark = pytest.mark.modes("standalone")
SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
JSON = "org.apache.kafka.connect.json.JsonConverter"
FIRST, SECOND = ["foo", "bar", "baz"], ["razz", "ma", "tazz"]
SCHEMA = {"type": "string", "optional": False}
SCHEMAS: Mapping[str, Config] = {
    "JSON with schemas": {"key.converter.schemas.enable": "true", "value.converter.schemas.enable": "true"},
    "JSON without schemas": {"key.converter.schemas.enable": "false", "value.converter.schemas.enable": "false"},
    "text": {"key.converter": STRING, "value.converter": STRING},
}


class Lines:
    """A worker that takes its connectors from its command line, and the two files."""

    def __init__(self, whose: Whose, kafka: str, folder: Path, topic: str) -> None:
        self.folder, self.topic, self.sent = folder, topic, list[str]()
        (folder / "input").touch()
        settings = worker_settings(kafka, topic) | {"key.converter": JSON, "value.converter": JSON}
        self.node = Node(whose, folder, settings)

    def start(self, converters: Config) -> None:
        # A converter's keys count only beside its name.
        common = {"tasks.max": "1", "key.converter": JSON, "value.converter": JSON, **converters}
        self._file("source", {"connector.class": SOURCE, "topic": self.topic, "file": "input", **common})
        self._file("sink", {"connector.class": SINK, "topics": self.topic, "file": "output", **common})
        self.node.launch(self.folder / "source.properties", self.folder / "sink.properties")
        until(self.node.healthy, what="the worker's start")

    def _file(self, name: str, config: Config) -> None:
        lines = {**config, "name": f"{self.topic}-{name}", "file": str(self.folder / config["file"])}
        (self.folder / f"{name}.properties").write_text("".join(f"{key}={value}\n" for key, value in lines.items()))

    def send(self, lines: list[str]) -> None:
        self.sent += lines
        with (self.folder / "input").open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def all_there(self) -> None:
        output = self.folder / "output"
        wanted = "".join(f"{line}\n" for line in self.sent)
        until(lambda: output.exists() and output.read_text() == wanted, what=f"{self.sent} in {output}")


@pytest.fixture
def lines(whose: Whose, kafka: str, unique: str, tmp_path: Path) -> Iterator[Lines]:
    create_topic(kafka, unique)
    found = Lines(whose, kafka, tmp_path, unique)
    yield found
    found.node.stop()


@pytest.mark.parametrize("written", SCHEMAS)
def test_lines_that_are_added_before_and_after_a_restart_are_in_the_other_file_once(
    lines: Lines, kafka: str, written: str
) -> None:
    lines.start(SCHEMAS[written])
    lines.send(FIRST)
    lines.all_there()
    lines.node.stop()
    lines.start(SCHEMAS[written])
    lines.send(SECOND)
    lines.all_there()
    values = [(message.value() or b"").decode() for message in consume(kafka, lines.topic)]
    expected: list[Any] = list(lines.sent)
    if written == "JSON with schemas":
        expected = [{"schema": SCHEMA, "payload": line} for line in expected]
    assert [value if written == "text" else json.loads(value) for value in values] == expected


@pytest.mark.parametrize("tolerated", [True, False])
def test_bad_lines_are_put_aside_all_where_they_are_tolerated_and_else_the_first(
    connect: Connect, kafka: str, unique: str, tmp_path: Path, tolerated: bool
) -> None:
    create_topic(kafka, unique)
    good, bad = '{{"some_key":{}}}', '{{"some_key:{}}}'
    produce(kafka, unique, [(bad if number % 2 else good).format(number).encode() for number in range(1000)])
    letters = f"{unique}-errors"
    connect.configure(
        unique,
        {
            "connector.class": SINK,
            "tasks.max": "1",
            "topics": unique,
            "file": str(tmp_path / "output"),
            **dict.fromkeys(("key.converter", "value.converter"), JSON),
            **{f"{side}.converter.schemas.enable": "false" for side in ("key", "value")},
            "errors.tolerance": "all" if tolerated else "none",
            "errors.deadletterqueue.topic.name": letters,
            "errors.deadletterqueue.topic.replication.factor": "1",
        },
    )
    if tolerated:
        wanted = "".join(f"{{some_key={number}}}\n" for number in range(0, 1000, 2))
        until(lambda: (tmp_path / "output").exists() and (tmp_path / "output").read_text() == wanted)
    else:
        connect.becomes(unique, "RUNNING", ["FAILED"])
    put_aside = [bad.format(number).encode() for number in range(1, 1000, 2)][: None if tolerated else 1]
    assert [message.value() for message in consume(kafka, letters)] == put_aside

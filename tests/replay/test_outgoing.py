"""What of a letter goes to a topic: of a sink the record as it was, of a source what the connector makes of it now."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ferryman.chain.narrowing import Failure, Stage
from ferryman.converters.simple_header import SimpleHeaderConverter
from ferryman.dead_letters.letter import DeadLetter, parsed
from ferryman.errors import ConfigError, DataError, RequestError
from ferryman.record import Coordinates, Header, Payload, Record
from ferryman.replay.outgoing import OfSource, Outgoing, of_sink
from ferryman.schema import INT64, STRING, Field, Schema, Type
from ferryman.task.errors.source_letter import SourceWriter
from tests.plugin_folder import installed
from tests.reliability.test_source_dead_letters import PLUGIN, letters, numbers, over
from tests.replay.test_into_a_table import replay, shown
from tests.running import Worker, consume, create_topic, settings, until, worker

NUMBERED = Schema(Type.STRUCT, fields=(Field("n", INT64),))
CONFIG = {
    "name": "c",
    "connector.class": "of.others",
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "header.converter": "org.apache.kafka.connect.storage.SimpleHeaderConverter",
}
ROUTED = {"transforms": "r", "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter"}
ROUTED |= {"transforms.r.regex": "(.*)", "transforms.r.replacement": "to-$1"}
DROPPED = {"transforms": "r", "transforms.r.type": "org.apache.kafka.connect.transforms.Filter"}


def letter(**more: Any) -> DeadLetter:
    """A source's letter as its task writes it."""
    record = Record(
        topic="t",
        key="k",
        key_schema=STRING,
        value={"n": 5},
        value_schema=NUMBERED,
        headers=(Header("h", 7, INT64),),
        timestamp=11,
        source_partition={"p": 1},
        source_offset={"o": 2},
    )
    changed = Record(**{**{name: getattr(record, name) for name in record.__slots__}, **more})
    failure = Failure([changed], 0, Stage.TRANSFORMATION, "x", DataError("no"))
    made = SourceWriter(SimpleHeaderConverter(SimpleHeaderConverter.config_class(), "header"), True, "c", 0)
    found = made.letter(failure)
    headers = [(name, value.encode() if isinstance(value, str) else value) for name, value in found.headers]
    return parsed(Coordinates("dlq", 0, 3), found.timestamp, found.key, found.value, headers)


def unedited(topic: str, value: Payload) -> Payload:
    return value


def going(config: dict[str, str], **more: Any) -> list[Outgoing]:
    one = letter(**more)
    original = one.original("")
    assert original is not None
    return list(OfSource.of(unedited, CONFIG | config, {}).going(one, original.topic))


def test_a_sinks_record_goes_as_it_was_and_says_how_often_it_was_tried() -> None:
    headers = [("own", b"1"), ("__connect.errors.topic", b"t"), ("__ferryman.errors.attempts", b"1")]
    one = parsed(Coordinates("dlq", 0, 3), 11, b"k", b"v", headers)
    tried = ("__ferryman.errors.attempts", b"2")
    assert of_sink(unedited)(one, "t") == [Outgoing("t", None, b"k", b"v", [("own", b"1"), tried], 11)]


def test_a_sources_record_goes_as_its_converters_write_it_to_where_it_was_to_go() -> None:
    assert going({}) == [Outgoing("t", None, b"k", b'{"n":5}', [("h", b"7")], 11)]
    assert going({}, partition=3)[0].partition == 3
    assert going({}, value=None, value_schema=None, headers=())[0][3:5] == (None, ())


def test_a_sources_record_goes_through_its_transforms() -> None:
    assert [each.topic for each in going(ROUTED)] == ["to-t"]
    assert going(DROPPED) == []
    cast = {"transforms": "c", "transforms.c.type": "org.apache.kafka.connect.transforms.Cast$Value"}
    with pytest.raises(DataError):
        going(cast | {"transforms.c.spec": "int8"}, value={"n": 500})


def test_a_letter_that_is_none_of_a_sources_is_refused() -> None:
    one = OfSource.of(lambda topic, value: b"{", CONFIG, {})
    with pytest.raises(DataError):
        one.going(letter(), "t")


def test_transforms_of_others_run_in_tasks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ("transformation", "of.others.Mask", "others", "Mask")
    monkeypatch.setattr("ferryman.task.setup.plugins.named", lambda raw, worker: [row])
    with pytest.raises(RequestError, match=r"of\.others\.Mask runs in tasks only"):
        OfSource.of(unedited, CONFIG, {})


def test_a_config_that_is_wrong_by_now_is_refused() -> None:
    with pytest.raises(ConfigError, match="Class nope could not be found"):
        OfSource.of(unedited, CONFIG | {"value.converter": "nope"}, {})


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with a source of others on its path."""
    directory = tmp_path_factory.mktemp("numbers")
    home = installed(directory, "numbered", PLUGIN, "NumbersSource")
    with worker(directory, settings(kafka, f"replayed-{uuid.uuid4().hex[:10]}"), PYTHONPATH=str(home)) as one:
        yield one


def test_letters_of_a_source_go_to_their_topic_once_when_the_cause_is_mended(
    numbered: Worker, kafka: str, unique: str
) -> None:
    create_topic(kafka, unique)
    config = numbers(unique, 20, errors_deadletterqueue_context_headers_enable="true")
    config["errors.deadletterqueue.topic.name"] = f"{unique}-dlq"
    numbered.create(config)
    until(lambda: over(numbered, unique) == {"n": 20})
    assert len(letters(kafka, f"{unique}-dlq")) == 6
    (first, second) = [
        name for name, one in sorted(shown(numbered, unique).items()) if one["stage"] == "TRANSFORMATION"
    ]
    refused = replay(numbered, unique, 200, letters=[first], to_topic=True)
    assert (refused["letters"], refused["passed_over"], refused["complete"]) == (0, {"refused": 1}, True)
    assert f"dead letter {unique}-dlq-{first.replace('-', '@')} is not sent" in numbered.said

    plain = {name: value for name, value in config.items() if not name.startswith("transforms")}
    numbered.call("PUT", f"/connectors/{unique}/config", plain, expect=200)
    assert "to_topic" in replay(numbered, unique, 400, letters=[first])["message"]
    edited = numbered.call("GET", f"/connectors/{unique}/dead-letters/{first}?edit=.%2B%22!%22")["edited"]
    assert edited["decoded"] == "refuse 5!"
    assert replay(numbered, unique, 200, letters=[first], to_topic=True, edit='.+"!"')["letters"] == 1
    rest = replay(numbered, unique, 200, all=True, to_topic=True)
    assert (rest["letters"], rest["passed_over"]) == (1, {"incomplete": 4, "replayed": 1})
    sent = consume(kafka, unique)[14:]
    assert [json.loads(each.value() or b"") for each in sent] == ["refuse 5!", "refuse 15"]
    assert [each.headers() for each in sent] == [[("number", b"5")], [("number", b"15")]]
    assert [each.key() for each in sent] == [b"5", b"15"]
    assert shown(numbered, unique)[second]["replayed"]["topic"] == unique
    assert "sent to" in replay(numbered, unique, 409, letters=[second], to_topic=True)["message"]

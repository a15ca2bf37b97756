"""What goes to topics of letters by plugins' code: values as an edit makes them, records of sources made again."""

import json
from typing import Any

import pytest

from ferryman.chain.narrowing import Failure, Stage
from ferryman.converters.simple_header import SimpleHeaderConverter
from ferryman.dead_letters.letter import DeadLetter, parsed
from ferryman.errors import ConfigError, DataError
from ferryman.plugin_process import answer, process, resending
from ferryman.record import Coordinates, Header, Record
from ferryman.schema import INT64, STRING, Field, Schema, Type
from ferryman.settings import settings
from ferryman.settings.config_providers import Resolution
from ferryman.task.errors.source_letter_writer import SourceLetterWriter

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


def of_source(**more: Any) -> DeadLetter:
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
    made = SourceLetterWriter(SimpleHeaderConverter(SimpleHeaderConverter.config_class(), "header"), True, "c", 0)
    found = made.letter(failure)
    headers = [(name, value.encode() if isinstance(value, str) else value) for name, value in found.headers]
    return parsed(Coordinates("dlq", 0, 3), found.timestamp, found.key, found.value, headers)


def of_sink(value: bytes | None) -> DeadLetter:
    return parsed(Coordinates("dlq", 0, 3), 11, b"k", value, [("own", b"1"), ("__connect.errors.topic", b"t")])


def answers(letters: list[DeadLetter], is_sink: bool, edit: str = "", **config: str) -> Any:
    """What a process says of them, whose records are of the topic t."""
    given = CONFIG | {key.replace("_", "."): value for key, value in config.items()}
    homed = [(letter, "t") for letter in letters]
    question = resending.question(homed, "c", Resolution(given), is_sink, edit)
    told = settings.parse({"key.converter": "StringConverter", "value.converter": "StringConverter"})
    return answer.unpack(process.answer_to(json.dumps(question), told))


def going(config: dict[str, str], edit: str = "", **more: Any) -> list[resending.Made]:
    (found,) = answers([of_source(**more)], False, edit, **config)
    if "refused" in found:
        raise DataError(found["refused"])
    return [resending.outgoing_record(row) for row in found["made"]]


def test_a_sources_record_goes_as_its_converters_write_it_to_where_it_was_to_go() -> None:
    assert going({}) == [("t", None, b"k", b'{"n":5}', [("h", b"7")], 11)]
    assert going({}, partition=3)[0][1] == 3
    assert going({}, value=None, value_schema=None, headers=())[0][3:5] == (None, [])
    assert going({}, edit=".n = 6")[0][3] == b'{"n":6}'


def test_a_sources_record_goes_through_its_transforms() -> None:
    assert [topic for topic, *_ in going(ROUTED)] == ["to-t"]
    assert going(DROPPED) == []
    cast = {"transforms": "c", "transforms.c.type": "org.apache.kafka.connect.transforms.Cast$Value"}
    with pytest.raises(DataError):
        going(cast | {"transforms.c.spec": "int8"}, value={"n": 500})


def test_one_that_cannot_go_holds_none_of_the_others_up() -> None:
    strange = parsed(Coordinates("dlq", 0, 4), 11, b"k", b"{", [("__connect.errors.topic", b"t")])
    first, second = answers([strange, of_source()], is_sink=False)
    assert first.keys() == {"refused"}
    assert second.keys() == {"made"}
    bad, good, none = answers([of_sink(b"{"), of_sink(b'{"n":1}'), of_sink(None)], is_sink=True, edit=".n = 2")
    assert bad.keys() == {"refused"}
    assert [resending.outgoing_record(each["made"][0])[3] for each in (good, none)] == [b'{"n":2}', None]


def test_what_grows_without_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resending, "MAX_LETTER_BYTES", 100)
    assert answers([of_sink(b'"x"')], is_sink=True, edit=". * 99") == [
        {"refused": "the record would have 101 bytes; at most 100 are allowed"}
    ]


def test_a_config_that_is_wrong_by_now_is_refused() -> None:
    for is_sink in (True, False):
        with pytest.raises(ConfigError, match="Class nope could not be found"):
            answers([], is_sink, edit=".", value_converter="nope")

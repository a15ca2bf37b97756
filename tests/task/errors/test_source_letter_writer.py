"""A source's dead letter: JsonConverter reads the record back from it as it was, or it says what is missing."""

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ferryman.chain.narrowing import Failure, Stage
from ferryman.config import Config
from ferryman.conversion import Converter
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.converters.simple_header import SimpleHeaderConverter, SimpleHeaderConverterConfig
from ferryman.errors import DataError, RetriableError
from ferryman.record import Data, Header, Payload, Record
from ferryman.schema import BYTES, DECIMAL, INT32, INT64, STRING, TIMESTAMP, Field, Schema, Type
from ferryman.task.errors.letter_writer import Size
from ferryman.task.errors.source_letter_writer import SourceLetter, SourceLetterWriter

WHOLE = Schema(
    Type.STRUCT,
    fields=(
        Field("id", INT64),
        Field("amount", Schema(Type.BYTES, name=DECIMAL, version=1, parameters=(("scale", "2"),))),
        Field("at", Schema(Type.INT64, name=TIMESTAMP, version=1)),
        Field("raw", BYTES),
        Field("small", Schema(Type.INT16, optional=True, default=7)),
    ),
)
VALUE = {
    "id": 1 << 60,
    "amount": Decimal("12.50"),
    "at": datetime(2026, 1, 2, tzinfo=UTC),
    "raw": b"\xff\x00",
    "small": None,
}


def record(**more: Any) -> Record:
    source = {"source_partition": {"file": "ä", "raw": b"\x01"}, "source_offset": {"at": 3}}
    given: dict[str, Any] = {"topic": "orders", "value": VALUE, "value_schema": WHOLE}
    return Record(**(given | source | more))


def letter(
    given: Record, size: Size = Size.WHOLE, context: bool = False, header: Converter[Any] | None = None
) -> SourceLetter:
    writer = SourceLetterWriter(
        header or SimpleHeaderConverter(SimpleHeaderConverterConfig(), "header"), context, "c", 4
    )
    return writer.letter(Failure([given], 0, Stage.VALUE_CONVERTER, "io.Avro", DataError("no")), size, "the limit")


def headers(found: SourceLetter) -> dict[str, Any]:
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in found.headers}


def read_back(payload: Payload) -> tuple[Schema | None, Any]:
    config = JsonConverterConfig.parse({"replace.null.with.default": "false"})
    rows = JsonConverter(config, "value").to_data("dead", [payload])[0].rows()
    return rows.schema, rows.values[0]


def test_key_and_value_are_read_back_with_their_types_whatever_the_connectors_converters() -> None:
    found = letter(record(key=5, key_schema=INT32, timestamp=77))
    assert read_back(found.value) == (WHOLE, VALUE)
    assert read_back(found.key) == (INT32, 5)
    assert found.timestamp == 77


@pytest.mark.parametrize("value", [None, "text", 5, 1.5, True, {"a": [1, {"b": None}]}])
def test_what_has_no_schema_is_read_back_too(value: Any) -> None:
    assert read_back(letter(record(value=value, value_schema=None)).value) == (None, value)


def test_a_letter_always_tells_where_its_record_comes_from_and_was_to_go() -> None:
    assert headers(letter(record(partition=2))) == {
        "__connect.errors.topic": "orders",
        "__connect.errors.partition": "2",
        "__ferryman.errors.source.partition": '{"file":"ä","raw":"AQ=="}',
        "__ferryman.errors.source.offset": '{"at":3}',
    }
    assert headers(letter(record(source_partition=None, source_offset=None))) == {"__connect.errors.topic": "orders"}


def test_with_context_headers_it_tells_the_reason_in_kafka_connects() -> None:
    found = headers(letter(record(), context=True))
    assert found["__connect.errors.connector.name"] == "c"
    assert found["__connect.errors.task.id"] == "4"
    assert found["__connect.errors.stage"] == "VALUE_CONVERTER"
    assert found["__connect.errors.class.name"] == "io.Avro"
    assert found["__connect.errors.exception.class.name"] == "org.apache.kafka.connect.errors.DataException"
    assert found["__connect.errors.exception.message"] == "no"
    assert "DataError: no" in found["__connect.errors.exception.stacktrace"]


@pytest.mark.parametrize("size", Size)
@pytest.mark.parametrize("context", [True, False])
def test_it_says_when_its_record_was_refused_if_it_says_why(size: Size, context: bool) -> None:
    before = time.time()
    told = headers(letter(record(), size, context)).get("__ferryman.errors.time")
    assert (told is not None) is context
    assert told is None or before - 1 <= int(told) / 1000 <= time.time()


def test_its_own_headers_are_there_as_the_header_converter_writes_them() -> None:
    given = record(headers=(Header("a", 5, INT32), Header("a", "b", STRING)))
    assert letter(given).headers[:2] == (("a", b"5"), ("a", b"b"))


class Choosy(Converter[Config]):
    """Writes text only; of ``away`` it says that its registry is."""

    def from_data(self, topic: str, data: Data) -> list[Payload]:
        (value,) = data.rows().values
        if value == "away":
            raise RetriableError("registry away")
        if not isinstance(value, str):
            raise DataError("no text")
        return [value.encode()]


def test_a_header_that_cannot_be_written_is_left_out_and_named() -> None:
    given = record(headers=(Header("bad", 5), Header("good", "x")))
    found = headers(letter(given, header=Choosy(Config(), "header")))
    assert found["good"] == "x"
    assert "bad" not in found
    assert found["__ferryman.errors.left.out"] == "headers.bad"
    assert found["__ferryman.errors.left.out.because.of"] == "no text"


def test_a_registry_that_is_away_is_no_reason_to_leave_a_header_out() -> None:
    with pytest.raises(RetriableError):
        letter(record(headers=(Header("h", "away"),)), header=Choosy(Config(), "header"))


def test_a_value_that_does_not_fit_its_schema_is_there_without_it() -> None:
    found = letter(record(value="no number", value_schema=INT64))
    assert json.loads(found.value or b"") == {"schema": None, "payload": "no number"}
    assert headers(found)["__ferryman.errors.left.out"] == "value.schema"


@pytest.mark.parametrize("side", ["key", "value"])
def test_what_is_no_json_at_all_is_left_out_and_the_rest_is_there(side: str) -> None:
    found = letter(record(**{"key": 1, side: object(), f"{side}_schema": INT64}))
    assert (found.key if side == "key" else found.value) is None
    assert (found.value if side == "key" else found.key) is not None
    assert headers(found)["__ferryman.errors.left.out"] == f"{side}.schema,{side}"
    assert headers(found)["__ferryman.errors.left.out.because.of"]


def test_a_smaller_letter_says_what_is_missing_and_why() -> None:
    given = record(key="k", headers=(Header("own", "x"),))
    size = len(letter(given).value or b"")
    small = letter(given, Size.NO_VALUE, context=True)
    assert (small.value, small.key) == (None, b'{"schema":null,"payload":"k"}')
    assert headers(small).items() >= {"own": "x", "__connect.errors.stage": "VALUE_CONVERTER"}.items()
    assert headers(small)["__ferryman.errors.left.out"] == "value"
    smallest = letter(given, Size.COORDINATES, context=True)
    assert (smallest.value, smallest.key) == (None, None)
    told = headers(smallest)
    assert told.pop("__ferryman.errors.time").isdecimal()
    assert told == {
        "__connect.errors.topic": "orders",
        "__ferryman.errors.source.partition": '{"file":"ä","raw":"AQ=="}',
        "__ferryman.errors.source.offset": '{"at":3}',
        "__ferryman.errors.left.out": "key,value,headers",
        "__ferryman.errors.left.out.because.of": "the limit",
        "__ferryman.errors.value.bytes": str(size),
    }


@pytest.mark.parametrize(("given", "written"), [(None, 0), (-5, 0), (12, 12)])
def test_a_timestamp_that_is_none_is_left_to_the_producer(given: int | None, written: int) -> None:
    assert letter(record(timestamp=given)).timestamp == written


def test_a_letter_can_be_produced_whatever_its_record_was_refused_for() -> None:
    odd: Any = {"topic": None, "timestamp": 1.5, "headers": (Header("a\ud800", "x", STRING),)}
    found = letter(record(**odd))
    assert found.timestamp == 0
    assert headers(found)["a?"] == "x"
    assert headers(found)["__connect.errors.topic"] == "None"
    assert headers(found)["__ferryman.errors.timestamp"] == "1.5"

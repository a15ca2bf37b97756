"""Values without a schema in Avro: there, back, and what they cannot be."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from ferryman.converters.avro import AvroConverter, AvroConverterConfig
from ferryman.errors import DataError
from ferryman.record import Rows
from tests.schema_registry.registry_server import FakeRegistry, running

VALUES = [
    {"a": 1, "b": [1.5, None, "x", True], "c": {"d": {}}, "e": None},
    [],
    "text",
    1 << 62,
    False,
    {1: "one", "two": 2},
]


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running() as found:
        yield found


def converter(registry: FakeRegistry, **keys: str) -> AvroConverter:
    raw = {"schema.registry.url": registry.url, **{name.replace("_", "."): value for name, value in keys.items()}}
    return AvroConverter(AvroConverterConfig.parse(raw), "value")


def test_they_pass_there_and_back(registry: FakeRegistry) -> None:
    used = converter(registry)
    payloads = used.from_data("t", Rows(None, [*VALUES, None]))
    assert payloads[-1] is None
    first, second = used.to_data("t", payloads)
    assert first == Rows(None, VALUES)
    assert second == Rows(None, [None])


def test_the_record_is_confluents_to_the_letter(registry: FakeRegistry) -> None:
    (payload,) = converter(registry).from_data("t", Rows(None, ["a"]))
    assert payload == b"\x00\x00\x00\x00\x01" + b"\x00" * 6 + b"\x02\x02a" + b"\x00\x00"
    schema = registry.schemas[1]["schema"]
    assert schema.startswith(
        '{"type":"record","name":"Anything","namespace":"io.confluent.connect.avro","fields":['
        '{"name":"boolean","type":["null","boolean"],"default":null},'
    )
    assert [field["name"] for field in json.loads(schema)["fields"]] == [
        "boolean",
        "bytes",
        "double",
        "float",
        "int",
        "long",
        "string",
        "array",
        "map",
    ]


@pytest.mark.parametrize(("value", "name"), [(b"x", r"\[B"), (date(2020, 1, 1), r"java\.util\.Date")])
def test_what_java_has_no_place_for_there_is_a_data_error(registry: FakeRegistry, value: Any, name: str) -> None:
    with pytest.raises(DataError, match=f"Unknown Java type for schemaless data: class {name}"):
        converter(registry).from_data("t", Rows(None, [{"a": value}]))


def test_depth_has_a_limit_in_both_directions(registry: FakeRegistry) -> None:
    value: Any = 1
    for _ in range(5_000):
        value = [value]
    with pytest.raises(DataError, match="nested more than 100 levels deep"):
        converter(registry).from_data("t", Rows(None, [value]))
    used = converter(registry)
    (flat,) = used.from_data("t", Rows(None, [[]]))
    assert flat is not None
    level = b"\x00" * 7 + b"\x02\x02"
    with pytest.raises(DataError, match="nested more than 100 levels deep"):
        used.to_data("t", [flat[:5] + level * 5_000])


def test_they_cannot_be_written_with_the_schema_of_somebody_else(registry: FakeRegistry) -> None:
    registry.add("string", "t-value")
    used = converter(registry, auto_register_schemas="false", use_latest_version="true")
    with pytest.raises(DataError, match="without a schema"):
        used.from_data("t", Rows(None, ["x"]))

"""Records that contain themselves: read and written, compared, and never deeper than anybody needs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ferryman.converters.avro import AvroConverter, AvroConverterConfig
from ferryman.errors import DataError
from ferryman.formats.avro.schemas.schema_reader import reading
from ferryman.formats.polars_types import dtype
from ferryman.plugins import catalog
from ferryman.record import Record, Rows
from ferryman.schema import INT32, struct
from tests.converters.test_avro import encode, framed
from tests.schema_registry.registry_server import FakeRegistry, running

TREE = {
    "type": "record",
    "name": "Tree",
    "namespace": "n",
    "fields": [
        {"name": "v", "type": "int"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "price", "type": ["null", "double"], "default": None},
        {"name": "left", "type": ["null", "Tree"], "default": None},
        {"name": "kids", "type": {"type": "array", "items": "n.Tree"}},
        {"name": "by", "type": {"type": "map", "values": "Tree"}},
        {"name": "either", "type": ["null", "string", "Tree"], "default": None},
    ],
}
LIST = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"], "default": None}]}


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running() as found:
        yield found


def converter(registry: FakeRegistry) -> AvroConverter:
    return AvroConverter(AvroConverterConfig.parse({"schema.registry.url": registry.url}), "value")


def leaf(number: int, **more: Any) -> dict[str, Any]:
    bare = {"v": number, "day": date(2020, 1, 2), "price": None, "left": None, "kids": [], "by": {}, "either": None}
    return {**bare, **more}


WRITTEN = leaf(1, left=leaf(2, price=1.5), kids=[leaf(3, either="s"), leaf(4)], by={"k": leaf(5)}, either=leaf(6))
READ = leaf(
    1,
    left=leaf(2, price=1.5),
    kids=[leaf(3, either={"string": "s"}), leaf(4)],
    by={"k": leaf(5)},
    either={"Tree": leaf(6)},
)


@pytest.mark.parametrize("count", [1, 200])
def test_a_tree_is_read(registry: FakeRegistry, count: int) -> None:
    (piece,) = converter(registry).to_data("t", framed(registry.add(TREE), encode(TREE, [WRITTEN]) * count))
    assert piece.rows().values == [READ] * count


def test_a_tree_that_was_read_is_written_and_read_again(registry: FakeRegistry) -> None:
    used = converter(registry)
    payloads = framed(registry.add(TREE, "t-value"), encode(TREE, [WRITTEN]))
    (piece,) = used.to_data("t", payloads)
    (again,) = used.to_data("t", used.from_data("t", piece))
    assert again.rows().values == [READ]
    fields = json.loads(registry.schemas[2]["schema"])["fields"]
    assert fields[3] == {"name": "left", "type": ["null", "Tree"], "default": None}


def test_the_schema_inside_has_the_fields_of_the_one_around_it() -> None:
    schema = reading(TREE).schema
    inner = schema.by_name["left"].schema
    assert inner.optional
    assert inner.name == "n.Tree"
    assert list(inner.by_name) == list(schema.by_name)
    assert inner.by_name["left"].schema is inner


def test_schemas_that_contain_themselves_are_compared_and_hashed() -> None:
    one, other = reading(TREE).schema, reading(TREE).schema
    assert one == other
    assert hash(one) == hash(other)
    assert one != reading(LIST).schema
    assert one != replace(one, name="another")
    assert "Tree" in repr(one)


def test_two_records_that_contain_each_other_are_read(registry: FakeRegistry) -> None:
    egg = {"type": "record", "name": "Egg", "fields": [{"name": "hen", "type": ["null", "Hen"]}]}
    hen = {"type": "record", "name": "Hen", "fields": [{"name": "egg", "type": ["null", egg]}]}
    value = {"egg": {"hen": {"egg": None}}}
    (piece,) = converter(registry).to_data("t", framed(registry.add(hen), encode(hen, [value])))
    assert piece.rows().values == [value]


@pytest.mark.parametrize(("depth", "sound"), [(99, True), (100, False), (5_000, False), (1_000_000, False)])
def test_depth_has_a_limit(registry: FakeRegistry, depth: int, sound: bool) -> None:
    payloads = framed(registry.add(LIST), [b"\x02" * depth + b"\x00"])
    if sound:
        assert len(converter(registry).to_data("t", payloads)) == 1
    else:
        with pytest.raises(DataError, match="nested more than 100 levels deep"):
            converter(registry).to_data("t", payloads)


def test_a_record_without_end_is_a_data_error(registry: FakeRegistry) -> None:
    endless = {"type": "record", "name": "X", "fields": [{"name": "x", "type": "X"}]}
    with pytest.raises(DataError, match="nested more than 100 levels deep"):
        converter(registry).to_data("t", framed(registry.add(endless), [b""]))


def test_a_value_too_deep_to_be_written_is_a_data_error_and_no_crash() -> None:
    script = """
from ferryman.plugins import catalog
from ferryman.formats.avro.schemas.schema_reader import reading
from ferryman.formats.avro.schemas.schema_writer import writing
from ferryman.converters.avro import _Own
from ferryman.formats.avro.rows_reader import parse
from ferryman.formats.polars_types import dtype
from ferryman.errors import DataError
schema = reading({"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}).schema
how = writing(schema)
own = _Own(how, parse(how.plain), "", None)
value = None
for _ in range(20_000):
    value = {"next": value}
try:
    own.encode(value)
except DataError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600)
    assert "The value is nested too deeply" in done.stdout


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x02",
        b"\x02\x00\x04",
        b"\x02\x00\x00\x00" + b"\xff" * 9 + b"\x01",
        b"\x02\x00\x00\x00" + b"\xff" * 11,
        b"\x02\x00\x00\x00\x01\x02",
        b"\x02\x00\x00\x00\x00\x02\x01",
        b"\x02\x00\x00\x00\x00\x00\x02\x04\xff\xff",
        b"\x02\x00\x00\x00\x00\x00\x06",
        b"\x02\xfe\xff\xff\xff\x0f\x00\x00\x00\x00\x00",
        b"\x02\x00\x00\x00\x00\x00\x00\x00",
    ],
)
def test_what_is_no_tree_is_a_data_error(registry: FakeRegistry, body: bytes) -> None:
    with pytest.raises(DataError):
        converter(registry).to_data("t", framed(registry.add(TREE), [body]))


def test_a_struct_of_that_name_that_is_not_recursive_is_another(registry: FakeRegistry) -> None:
    assert reading(LIST).schema.by_name["next"].schema != struct({"next": INT32}, name="L")
    payloads = converter(registry).from_data("t", Rows(struct({"next": INT32}, name="L"), [{"next": 1}]))
    assert payloads[0] is not None


def test_such_a_record_has_a_text_in_a_header() -> None:
    found = reading(LIST)
    plugin = catalog.find("converter", "org.apache.kafka.connect.storage.SimpleHeaderConverter")
    assert plugin is not None
    made = plugin(plugin.config_class.parse({}), "header")
    value = {"next": {"next": None}}
    assert made.from_data("t", Rows(found.schema, [value])) == [b'{"next":{"next":null}}']


def converted(name: str, keys: dict[str, str]) -> Any:
    """A record of that kind as another converter writes it."""
    plugin = catalog.find("converter", name)
    assert plugin is not None
    made = plugin(plugin.config_class.parse(keys), "value")
    return made.from_data("t", Rows(reading(LIST).schema, [{"next": {"next": None}}]))


def test_such_a_record_is_json_without_its_schema_and_a_data_error_with_it() -> None:
    json_converter = "org.apache.kafka.connect.json.JsonConverter"
    assert converted(json_converter, {"schemas.enable": "false"}) == [b'{"next":{"next":null}}']
    with pytest.raises(DataError, match="contains itself"):
        converted(json_converter, {})


def test_such_a_record_has_a_text() -> None:
    assert converted("org.apache.kafka.connect.storage.StringConverter", {}) == [b"Struct{next=Struct{}}"]


def test_such_a_record_cannot_be_flattened_and_has_no_column() -> None:
    schema = reading(LIST).schema
    plugin = catalog.find("transformation", "org.apache.kafka.connect.transforms.Flatten$Value")
    assert plugin is not None
    with pytest.raises(DataError, match="contains itself"):
        plugin(plugin.config_class.parse({}), "value").apply(
            Record(topic="t", partition=0, value={"next": None}, value_schema=schema)
        )
    with pytest.raises(DataError, match="contains itself"):
        dtype(schema)

"""Avro schemas as Connect's and back, as Confluent's AvroData maps them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from ferryman.converters.avro import AvroConverter, AvroConverterConfig
from ferryman.errors import DataError
from ferryman.formats.avro.schemas.connect_properties import PLAIN, Options
from ferryman.formats.avro.schemas.names import scrubbed
from ferryman.formats.avro.schemas.schema_reader import MAX_DEPTH, reading
from ferryman.formats.avro.schemas.schema_writer import writing
from ferryman.record import Rows
from ferryman.schema import (
    BYTES,
    DATE,
    DECIMAL,
    INT8,
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    TIMESTAMP_SCHEMA,
    Field,
    Schema,
    Type,
    array,
    decimal,
    mapping,
    struct,
)
from tests.converters.test_avro import encode, framed
from tests.schema_registry.registry_server import FakeRegistry, running

AVRO = "io.confluent.connect.avro"
ENHANCED = Options(enhanced=True)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running() as found:
        yield found


def converter(registry: FakeRegistry, **keys: str) -> AvroConverter:
    raw = {"schema.registry.url": registry.url, **{name.replace("_", "."): value for name, value in keys.items()}}
    return AvroConverter(AvroConverterConfig.parse(raw), "value")


def record(*fields: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "namespace": "n", "fields": list(fields), **more}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def read_field(kind: Any, options: Options = PLAIN, **more: Any) -> Schema:
    """What becomes of the only field of a record."""
    (found,) = reading(record(field("f", kind, **more)), options=options).schema.fields
    return found.schema


def text(schema: Schema, options: Options = PLAIN) -> str:
    return json.dumps(writing(schema, options=options).registered, separators=(",", ":"))


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("int", INT32),
        ({"type": "int", "connect.type": "int8"}, INT8),
        ({"type": "int", "logicalType": "date"}, Schema(Type.INT32, name=DATE, version=1)),
        ({"type": "int", "connect.name": DATE, "connect.version": 1}, Schema(Type.INT32, name=DATE, version=1)),
        ({"type": "int", "logicalType": "unheard-of"}, INT32),
        ({"type": "long", "logicalType": "timestamp-millis"}, TIMESTAMP_SCHEMA),
        ({"type": "long", "logicalType": "timestamp-micros"}, INT64),
        ({"type": "long", "logicalType": "local-timestamp-millis"}, INT64),
        ({"type": "string", "logicalType": "uuid"}, STRING),
        (
            {"type": "string", "avro.java.string": "String"},
            Schema(Type.STRING, parameters=(("avro.java.string", "String"),)),
        ),
        (
            {"type": "long", "connect.name": "io.debezium.time.MicroTimestamp", "connect.version": 1},
            Schema(Type.INT64, name="io.debezium.time.MicroTimestamp", version=1),
        ),
        (["null", "string"], OPTIONAL_STRING),
        (["string"], STRING),
        ({"type": "array", "items": "int"}, array(INT32)),
        ({"type": "map", "values": ["null", "string"]}, mapping(STRING, OPTIONAL_STRING)),
        (
            {"type": "fixed", "name": "F", "size": 3},
            Schema(Type.BYTES, name="n.F", parameters=(("connect.fixed.size", "3"),)),
        ),
        (
            {"type": "enum", "name": "other.E", "symbols": ["A", "B"], "doc": "why", "default": "A"},
            Schema(
                Type.STRING,
                name="other.E",
                parameters=(
                    (f"{AVRO}.enum.doc.E", "why"),
                    (f"{AVRO}.enum.default.E", "A"),
                    (f"{AVRO}.Enum", "other.E"),
                    (f"{AVRO}.Enum.A", "A"),
                    (f"{AVRO}.Enum.B", "B"),
                ),
            ),
        ),
        (
            {"type": "string", "connect.doc": "d", "connect.version": 3, "connect.name": "x.Y"},
            Schema(Type.STRING, name="x.Y", version=3, doc="d"),
        ),
        (
            {"type": "int", "connect.parameters": {"a": "b"}, "connect.default": 7},
            Schema(Type.INT32, parameters=(("a", "b"),), default=7),
        ),
    ],
)
def test_avro_types_are_read_as_confluents_converter_reads_them(kind: Any, schema: Schema) -> None:
    assert read_field(kind) == schema


def test_a_named_map_of_pairs_and_one_by_reference_are_maps() -> None:
    entry = record(field("key", "int"), field("value", "string"))
    own = {**entry, "name": "MapEntry", "namespace": AVRO}
    pairs = {"type": "array", "items": own}
    again = {"type": "array", "items": f"{AVRO}.MapEntry"}
    marked = {"type": "array", "items": {**entry, "name": "Named", "connect.internal.type": "MapEntry"}}
    fields = reading(record(field("a", pairs), field("b", again), field("c", marked))).schema.fields
    assert [each.schema for each in fields] == [mapping(INT32, STRING)] * 3
    other = {"type": "array", "items": {**entry, "name": "MapEntry"}}
    assert read_field(other).type is Type.ARRAY


def test_docs_are_kept_as_parameters() -> None:
    schema = reading(record(field("f", "int", doc="of f"), doc="of R")).schema
    assert schema.doc is None
    assert schema.parameters == ((f"{AVRO}.record.doc", "of R"), (f"{AVRO}.field.doc.f", "of f"))
    bare = reading(record(field("f", "int", doc="of f", default=1), doc="of R"), options=Options(meta_data=False))
    assert bare.schema == struct({"f": Schema(Type.INT32, default=1)}, name="n.R")


@pytest.mark.parametrize(
    ("kind", "given", "default"),
    [
        ("int", 5, 5),
        ("double", 5, 5.0),
        ("bytes", "\u00ff", b"\xff"),
        ({"type": "int", "logicalType": "date"}, 1, date(1970, 1, 2)),
        ({"type": "int", "logicalType": "time-millis"}, 1, time(microsecond=1000)),
        ({"type": "long", "logicalType": "timestamp-millis"}, 0, datetime(1970, 1, 1, tzinfo=UTC)),
        ({"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 1}, "\u0001", Decimal("0.1")),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "A", "A"),
        ({"type": "array", "items": "int"}, [1, 2], [1, 2]),
        ({"type": "map", "values": "long"}, {"a": 1}, {"a": 1}),
        (["string", "int"], "x", {"string": "x"}),
        ({"type": "int", "connect.default": 3}, 5, 5),
    ],
)
def test_a_fields_default_becomes_its_schemas(kind: Any, given: Any, default: Any) -> None:
    found = read_field(kind, default=given)
    assert found.default == default
    assert found.parameter(f"{AVRO}.field.default") == (None if "connect.default" in kind else "true")


@pytest.mark.parametrize("kind", [["string", "null"], ["null", "string"], ["string"]])
def test_the_default_of_a_union_with_null_is_not_taken_over(kind: Any) -> None:
    assert read_field(kind, default=None if kind[0] == "null" else "x").default is None


def test_a_default_that_does_not_fit_is_left_out() -> None:
    assert read_field({"type": "bytes", "logicalType": "decimal", "precision": 5}, default=7).default is None


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "int", "connect.type": "int9"},
        {"type": "int", "logicalType": "date", "connect.name": "another"},
        {"type": "int", "logicalType": "date", "connect.version": 2},
        {"type": "int", "connect.version": "1"},
        {"type": "int", "connect.name": 1},
        {"type": "int", "connect.parameters": {"a": 1}},
        {"type": "int", "connect.parameters": "a"},
        ["int", {"type": "int", "connect.type": "int8"}],
        [{"type": "fixed", "name": "a.F", "size": 1}, {"type": "fixed", "name": "b.F", "size": 1}],
        {"type": "array", "items": {"type": "record", "name": f"{AVRO}.MapEntry", "fields": [field("k", "int")]}},
        {"type": "array", "items": {"type": "record", "name": "Empty", "fields": []}},
        {"type": "array", "items": {"type": "fixed", "name": "Nothing", "size": 0}},
    ],
)
def test_what_has_no_schema_of_connects_is_a_data_error(kind: Any) -> None:
    with pytest.raises(DataError):
        read_field(kind)


def test_types_in_one_another_end_somewhere() -> None:
    kind: Any = "int"
    for _ in range(MAX_DEPTH + 1):
        kind = {"type": "array", "items": kind}
    with pytest.raises(DataError, match="nested more than 100 levels deep"):
        reading(kind)


def test_enhanced_support_keeps_full_names_in_unions() -> None:
    kinds = [{"type": "fixed", "name": "a.F", "size": 1}, {"type": "fixed", "name": "b.F", "size": 1}]
    assert [each.name for each in read_field(kinds, ENHANCED).fields] == ["a.F", "b.F"]


def test_a_singleton_union_may_stay_a_union() -> None:
    found = read_field(["int"], Options(flatten=False))
    assert found == Schema(Type.STRUCT, name=f"{AVRO}.Union", fields=(Field("int", INT32.as_optional()),))


def test_legacy_decimals_without_a_logical_type_are_decimals(registry: FakeRegistry) -> None:
    kind = {"type": "bytes", "connect.name": DECIMAL, "connect.version": 1, "connect.parameters": {"scale": "2"}}
    schema = record(field("f", kind))
    (piece,) = converter(registry).to_data("t", framed(registry.add(schema), [b"\x04\x04\xce"]))
    assert piece.rows().values == [{"f": Decimal("12.30")}]
    assert read_field(kind) == decimal(2)


INNER = struct({"x": INT32}, name="a.b.Inner")
STATE = Schema(
    Type.STRING,
    name="s.State",
    parameters=((f"{AVRO}.Enum", "s.State"), (f"{AVRO}.Enum.NEW", "NEW"), (f"{AVRO}.Enum.DONE", "DONE")),
)
FIXED = Schema(Type.BYTES, name="s.Three", parameters=(("connect.fixed.size", "3"),))
CHOICE = Schema(
    Type.STRUCT,
    name=f"{AVRO}.Union",
    optional=True,
    fields=(Field("int", INT32.as_optional()), Field("Inner", INNER.as_optional()), Field("string", OPTIONAL_STRING)),
)


@pytest.mark.parametrize(
    ("schema", "options", "expected"),
    [
        (INT8, Options(), '{"type":"int","connect.type":"int8"}'),
        (INT8, Options(meta_data=False), '"int"'),
        (OPTIONAL_STRING, Options(), '["null","string"]'),
        (
            Schema(Type.STRING, optional=True, default="x"),
            Options(),
            '[{"type":"string","connect.default":"x"},"null"]',
        ),
        (
            decimal(2),
            Options(),
            '{"type":"bytes","scale":2,"precision":64,"connect.version":1,"connect.parameters":{"scale":"2"},'
            f'"connect.name":"{DECIMAL}","logicalType":"decimal"}}',
        ),
        (
            TIMESTAMP_SCHEMA,
            Options(),
            '{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp",'
            '"logicalType":"timestamp-millis"}',
        ),
        (
            struct({"a": INNER, "b": INNER.as_optional(), "c": struct({"x": INT32}), "d": struct({"x": INT32})}),
            Options(),
            f'{{"type":"record","name":"ConnectDefault","namespace":"{AVRO}","fields":['
            '{"name":"a","type":{"type":"record","name":"Inner","namespace":"a.b",'
            '"fields":[{"name":"x","type":"int"}],"connect.name":"a.b.Inner"}},'
            '{"name":"b","type":["null","a.b.Inner"],"default":null},'
            '{"name":"c","type":{"type":"record","name":"ConnectDefault2","fields":[{"name":"x","type":"int"}]}},'
            '{"name":"d","type":"ConnectDefault2"}]}',
        ),
        (
            STATE,
            ENHANCED,
            '{"type":"enum","name":"State","namespace":"s","symbols":["NEW","DONE"],"connect.parameters":'
            f'{{"{AVRO}.Enum":"s.State","{AVRO}.Enum.NEW":"NEW","{AVRO}.Enum.DONE":"DONE"}},"connect.name":"s.State"}}',
        ),
        (
            STATE,
            Options(),
            '{"type":"string","connect.parameters":'
            f'{{"{AVRO}.Enum":"s.State","{AVRO}.Enum.NEW":"NEW","{AVRO}.Enum.DONE":"DONE"}},"connect.name":"s.State"}}',
        ),
        (
            FIXED,
            Options(),
            '{"type":"fixed","name":"Three","namespace":"s","size":3,"connect.parameters":{"connect.fixed.size":"3"},'
            '"connect.name":"s.Three"}',
        ),
        (
            CHOICE,
            Options(),
            '["null","int",{"type":"record","name":"Inner","namespace":"a.b","fields":[{"name":"x","type":"int"}],'
            '"connect.name":"a.b.Inner"},"string"]',
        ),
        (
            mapping(OPTIONAL_STRING, INT32),
            Options(),
            f'{{"type":"array","items":{{"type":"record","name":"MapEntry","namespace":"{AVRO}","fields":['
            '{"name":"key","type":["null","string"],"default":null},{"name":"value","type":"int"}]}}',
        ),
        (mapping(OPTIONAL_STRING, INT32), Options(optional_map_keys=True), '{"type":"map","values":"int"}'),
        (
            replace(mapping(INT32, INT32), name="k.Named"),
            Options(),
            '{"type":"array","items":{"type":"record","name":"Named","namespace":"k","fields":['
            '{"name":"key","type":"int"},{"name":"value","type":"int"}],"connect.internal.type":"MapEntry"},'
            '"connect.name":"k.Named"}',
        ),
        (
            struct({"a-b": INT32}, name="n.1x"),
            Options(scrub=True),
            '{"type":"record","name":"x1x","namespace":"n","fields":[{"name":"a_b","type":"int"}],"connect.name":"n.1x"}',
        ),
    ],
)
def test_connects_schemas_are_written_to_the_letter(schema: Schema, options: Options, expected: str) -> None:
    assert text(schema, options) == expected


def test_docs_and_defaults_of_an_avro_schema_are_written_as_they_were() -> None:
    avro = record(
        field("a", "int", doc="of a", default=5),
        field("e", {"type": "enum", "name": "E", "doc": "of E", "symbols": ["A"], "default": "A"}),
        doc="of R",
    )
    schema = reading(avro).schema
    found = writing(schema, options=ENHANCED).registered
    assert found["doc"] == "of R"
    assert found["fields"][0] == {"name": "a", "type": "int", "doc": "of a", "default": 5}
    assert {key: found["fields"][1]["type"][key] for key in ("name", "doc", "default")} == {
        "name": "E",
        "doc": "of E",
        "default": "A",
    }
    assert reading(found).schema.fields[0] == schema.fields[0]


EVERY = struct(
    {
        "state": STATE,
        "last": STATE.as_optional(),
        "raw": FIXED,
        "choice": CHOICE,
        "required": replace(CHOICE, optional=False),
        "choices": array(CHOICE),
        "by": mapping(STRING, CHOICE),
        "keyed": mapping(INT32, BYTES),
        "price": decimal(-2),
    },
    name="n.Every",
)
VALUES: list[dict[str, Any]] = [
    {
        "state": "NEW",
        "last": None,
        "raw": b"abc",
        "choice": None,
        "required": {"int": 5},
        "choices": [{"Inner": {"x": 1}}, None],
        "by": {"k": {"string": ""}},
        "keyed": {1: b"\x00"},
        "price": Decimal("12E+2"),
    },
    {
        "state": "DONE",
        "last": "NEW",
        "raw": b"\x00\xff\x00",
        "choice": {"string": "s"},
        "required": {"Inner": {"x": -1}},
        "choices": [],
        "by": {},
        "keyed": {},
        "price": Decimal("-1E+2"),
    },
]


def test_unions_enums_and_fixed_values_pass_there_and_back(registry: FakeRegistry) -> None:
    used = converter(registry, enhanced_avro_schema_support="true")
    full = replace(CHOICE, fields=(CHOICE.fields[0], Field("a.b.Inner", INNER.as_optional()), CHOICE.fields[2]))
    told = replace(full, parameters=((f"{AVRO}.field.default", "true"),))  # null is the field's default
    names = {
        "choice": told,
        "required": replace(full, optional=False),
        "choices": array(full),
        "by": mapping(STRING, full),
    }
    schema = replace(EVERY, fields=tuple(Field(each.name, names.get(each.name, each.schema)) for each in EVERY.fields))
    values = json.loads(json.dumps(VALUES, default=repr).replace('"Inner"', '"a.b.Inner"'))
    for value, sound in zip(values, VALUES, strict=True):
        value |= {name: sound[name] for name in ("raw", "keyed", "price")}
    (piece,) = used.to_data("t", used.from_data("t", Rows(schema, values)))
    assert piece.rows().values == values
    assert piece.schema == replace(schema, version=1)


def test_without_enhanced_support_enums_are_written_as_texts(registry: FakeRegistry) -> None:
    used = converter(registry)
    (piece,) = used.to_data("t", used.from_data("t", Rows(EVERY, VALUES)))
    assert piece.rows().values == VALUES
    assert json.loads(registry.schemas[1]["schema"])["fields"][0]["type"]["type"] == "string"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (FIXED, b"ab"),
        (replace(CHOICE, optional=False), {}),
        (replace(CHOICE, optional=False), {"other": 1}),
        (CHOICE, "no struct"),
        (STATE, "NEVER"),
        (STATE, 0),
    ],
)
def test_a_value_that_its_type_does_not_have_is_a_data_error(
    registry: FakeRegistry, schema: Schema, value: Any
) -> None:
    with pytest.raises(DataError, match="Failed to serialize Avro data"):
        converter(registry, enhanced_avro_schema_support="true").from_data("t", Rows(schema, [value]))


def test_null_stays_null_where_defaults_are_ignored(registry: FakeRegistry) -> None:
    schema = struct({"a": Schema(Type.INT32, optional=True, default=7)})
    for ignored, found in (("false", 7), ("true", None)):
        used = converter(registry, ignore_default_for_nullables=ignored)
        (piece,) = used.to_data("t", used.from_data("t", Rows(schema, [{"a": None}])))
        assert piece.rows().values == [{"a": found}]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ok_1", "ok_1"), ("a b", "a_b"), ("1a", "x1a"), ("é", "_C3_A9"), ("a.b-c", "a_b_c"), ("", "")],
)
def test_names_are_scrubbed_as_by_confluents_converter(name: str, expected: str) -> None:
    assert scrubbed(name) == expected


@pytest.mark.parametrize(
    "kind",
    ["string", "bytes", {"type": "array", "items": "long"}, {"type": "map", "values": "int"}],
    ids=lambda kind: str(kind)[:20],
)
@pytest.mark.parametrize("claim", [1 << 20, 1 << 33, (1 << 62) - 1, -1, -(1 << 62)])
@pytest.mark.parametrize("beside", [0, 100])
def test_a_payload_that_claims_more_than_it_has_is_a_data_error(
    registry: FakeRegistry, kind: Any, claim: int, beside: int
) -> None:
    schema = record(field("f", kind))
    lie = encode("long", [claim])[0] + (b"\x02" if claim < 0 else b"") + b"xx"
    payloads = framed(registry.add(schema), [b"\x00"] * beside + [lie])
    with pytest.raises(DataError):
        converter(registry).to_data("t", payloads)


FIXED_DECIMAL = {"type": "fixed", "name": "F", "size": 4, "logicalType": "decimal", "precision": 6, "scale": 2}


def test_a_fixed_decimal_stays_one_of_its_size(registry: FakeRegistry) -> None:
    used = converter(registry)
    number = registry.add(record(field("d", FIXED_DECIMAL)))
    (piece,) = used.to_data("t", framed(number, [b"\xff\xff\xff\x80"]))
    schema = piece.rows().schema
    assert schema is not None
    assert dict(schema.fields[0].schema.parameters) == {
        "scale": "2",
        "connect.decimal.precision": "6",
        "connect.fixed.size": "4",
    }
    assert piece.rows().values == [{"d": Decimal("-1.28")}]
    (payload,) = used.from_data("t", piece)
    assert payload is not None
    assert payload[5:] == b"\xff\xff\xff\x80"
    with pytest.raises(DataError, match="does not fit a fixed size of 4"):
        used.from_data("t", Rows(schema, [{"d": Decimal("99999999.99")}]))


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (struct({"a.b": INT32}), "does not allow the name 'a.b'"),
        (struct({"a": struct({"x": INT32}, name="n")}, name="n"), "Two different schemas have the name n"),
        (
            Schema(Type.STRUCT, name=f"{AVRO}.Union", fields=(Field("a", STRING), Field("b", STRING))),
            "two types that become the same type in Avro: string, string",
        ),
    ],
)
def test_what_avro_cannot_have_is_refused_before_the_registry_is_asked(
    registry: FakeRegistry, schema: Schema, reason: str
) -> None:
    with pytest.raises(DataError, match=reason):
        converter(registry).from_data("t", Rows(schema, [{}]))
    assert registry.requests == []


def test_fields_that_are_scrubbed_to_the_same_name_are_refused(registry: FakeRegistry) -> None:
    used = converter(registry, scrub_invalid_names="true")
    with pytest.raises(DataError, match="same name in Avro: a_b, a_b"):
        used.from_data("t", Rows(struct({"a-b": INT32, "a.b": INT32}), [{"a-b": 1, "a.b": 2}]))

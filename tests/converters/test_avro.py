"""AvroConverter: the wire format, columns guarded against shifted bytes, rows, and the registry behind it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import polars as pl
import pytest

from ferryman.converters.avro import AvroConverter, AvroConverterConfig
from ferryman.errors import ConfigError, DataError, RefusedError, RetriableError
from ferryman.formats.avro import columns_reader
from ferryman.formats.avro.schemas.schema_reader import reading
from ferryman.record import Columns, Rows
from ferryman.schema import (
    DATE_SCHEMA,
    FLOAT64,
    INT8,
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    Schema,
    Type,
    array,
    decimal,
    mapping,
    struct,
)
from tests.schema_registry.registry_server import FakeRegistry, running

PAYMENT = {
    "type": "record",
    "name": "Payment",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "who", "type": ["null", "string"], "default": None},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "DONE"]}},
        {"name": "last", "type": ["null", "State"], "default": None},
    ],
}
MOMENT = datetime(2023, 11, 14, 22, 13, 20, 123000, UTC)


def payment(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "who": None if number % 3 else f"name {number}",
        "amount": Decimal(number).scaleb(-2),
        "at": MOMENT,
        "day": date(1969, 12, 31),
        "clock": time(1, 2, 3, 4000),
        "state": "DONE",
        "last": "NEW" if number % 2 else None,
    }


def encode(schema: Any, values: Sequence[Any]) -> list[bytes]:
    parsed = fastavro.parse_schema(json.loads(json.dumps(schema)))
    bodies = []
    for value in values:
        stream = BytesIO()
        fastavro.schemaless_writer(stream, parsed, value)
        bodies.append(stream.getvalue())
    return bodies


def framed(number: int, bodies: Sequence[bytes]) -> list[bytes | None]:
    return [b"\x00" + number.to_bytes(4, "big", signed=True) + body for body in bodies]


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running() as found:
        yield found


def converter(registry: FakeRegistry, **keys: str) -> AvroConverter:
    raw = {"schema.registry.url": registry.url, **{name.replace("_", "."): value for name, value in keys.items()}}
    return AvroConverter(AvroConverterConfig.parse(raw), "value")


def test_a_long_run_of_one_schema_comes_as_columns_with_the_values_of_the_rows(registry: FakeRegistry) -> None:
    values = [payment(number) for number in range(200)]
    payloads = framed(registry.add(PAYMENT), encode(PAYMENT, values))

    (columns,) = converter(registry).to_data("t", payloads)
    (rows,) = converter(registry).to_data("t", payloads[:10])

    assert isinstance(columns, Columns)
    assert isinstance(rows, Rows)
    assert columns.rows().values == values
    assert rows.values == values[:10]
    assert columns.schema == rows.schema
    assert columns.frame.schema["amount"] == pl.Decimal(38, 2)
    assert columns.frame.schema["at"] == pl.Datetime("ms", "UTC")


def test_the_connect_schema_has_names_logical_types_and_enum_symbols(registry: FakeRegistry) -> None:
    (piece,) = converter(registry).to_data("t", framed(registry.add(PAYMENT), encode(PAYMENT, [payment(1)])))

    assert piece.schema is not None
    assert piece.schema.name == "shop.Payment"
    fields = {name: field.schema for name, field in piece.schema.by_name.items()}
    assert fields["who"] == OPTIONAL_STRING
    assert fields["at"] == TIMESTAMP_SCHEMA
    assert fields["amount"].parameter("connect.decimal.precision") == "10"
    assert fields["state"].parameter("io.confluent.connect.avro.Enum") == "shop.State"
    assert fields["last"].optional


def test_nulls_and_changes_of_schema_make_consecutive_pieces(registry: FakeRegistry) -> None:
    other = {"type": "record", "name": "Other", "fields": [{"name": "x", "type": "int"}]}
    first = framed(registry.add(PAYMENT), encode(PAYMENT, [payment(1), payment(2)]))
    second = framed(registry.add(other), encode(other, [{"x": 5}]))

    pieces = converter(registry).to_data("t", [*first, None, None, *second])

    assert [len(piece) for piece in pieces] == [2, 2, 1]
    assert pieces[1] == Rows(None, [None, None])
    assert pieces[2].rows().values == [{"x": 5}]


BREAKAGES = {
    "a surplus byte in one message": lambda bodies: [*bodies[:7], bodies[7] + b"\x00", *bodies[8:]],
    "a missing byte": lambda bodies: [*bodies[:7], bodies[7][:-1], *bodies[8:]],
    "an empty message": lambda bodies: [*bodies[:7], b"", *bodies[8:]],
    "a message twice in one": lambda bodies: [*bodies[:7], bodies[7] * 2, *bodies[8:]],
    "a byte moved to its neighbour": lambda bodies: [
        *bodies[:7],
        bodies[7][:-1],
        bodies[7][-1:] + bodies[8],
        *bodies[9:],
    ],
    "two messages in one and an empty one": lambda bodies: [*bodies[:7], bodies[7] + bodies[8], b"", *bodies[9:]],
    "the end of one swapped with the end of another": lambda bodies: [
        *bodies[:7],
        bodies[7] + bodies[9][-2:],
        bodies[8],
        bodies[9][:-2],
        *bodies[10:],
    ],
    "a length that reaches into the next message": lambda bodies: [
        *bodies[:7],
        bytes([bodies[7][0]]) + b"\x7e" + bodies[7][2:],
        *bodies[8:],
    ],
    "a body that swallows its own marker": lambda bodies: [*bodies[:-1], bodies[-1][:1] + b"\x80\x01" + bodies[-1][2:]],
}
NOTE = {"type": "record", "name": "Note", "fields": [{"name": "n", "type": "int"}, {"name": "s", "type": "string"}]}


@pytest.mark.parametrize("breakage", BREAKAGES, ids=str)
def test_shifted_bytes_never_pass_as_columns(registry: FakeRegistry, breakage: str) -> None:
    bodies = encode(NOTE, [{"n": number % 50, "s": f"text {number}"} for number in range(100)])
    broken = BREAKAGES[breakage](bodies)
    found = reading(NOTE)

    assert not columns_reader.decode(found, bodies)[1]
    assert columns_reader.decode(found, broken)[1]
    with pytest.raises(DataError):
        converter(registry).to_data("t", framed(registry.add(NOTE), broken))


def test_a_marker_of_another_batch_inside_the_data_is_not_taken_for_one() -> None:
    found = reading(NOTE)
    markers = columns_reader.Markers(1 << 60).first(100)
    bodies = encode(NOTE, [{"n": number % 50, "s": "x"} for number in range(100)])
    disguised = [*bodies[:7], bodies[7] + markers[7] + bodies[8], *bodies[9:], bodies[0]]

    assert 7 in columns_reader.decode(found, disguised)[1]


def test_the_marker_itself_in_the_data_shifts_the_numbers() -> None:
    found = reading(NOTE)
    stolen = columns_reader._MARKERS.first(100)
    bodies = encode(NOTE, [{"n": number % 50, "s": "x"} for number in range(100)])
    # Even a writer who knew the salt could only make one message look like two, and then the count is wrong.
    smuggled = [*bodies[:7], bodies[7] + stolen[7] + bodies[8], *bodies[8:]]

    assert 7 in columns_reader.decode(found, smuggled)[1]


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "The payload is empty"),
        (b"\x00\x00\x00", "too few for a schema id"),
        (b"\x01\x00\x00\x00\x01abc", "Unknown magic byte!"),
        (b"\x00\x00\x00\x00\x00abc", "The schema id 0"),
        (b"\x00\xff\xff\xff\xffabc", "The schema id -1"),
        (b"\x00\x00\x00\x03\xe7abc", "does not know the schema id 999"),
    ],
)
def test_a_payload_that_is_not_framed_is_a_data_error(registry: FakeRegistry, payload: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"Failed to deserialize Avro data from topic t: .*{message}"):
        converter(registry).to_data("t", [payload])


def test_bytes_after_the_value_are_a_data_error_in_rows_too(registry: FakeRegistry) -> None:
    (body,) = encode(NOTE, [{"n": 1, "s": "x"}])
    with pytest.raises(DataError, match="continues after the end"):
        converter(registry).to_data("t", framed(registry.add(NOTE), [body + b"\x00"]))


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_registry_that_fails_is_retriable_and_not_remembered(registry: FakeRegistry, status: int) -> None:
    payloads = framed(registry.add(NOTE), encode(NOTE, [{"n": 1, "s": "x"}]))
    avro = converter(registry)
    registry.failing = status
    with pytest.raises(RetriableError):
        avro.to_data("t", payloads)
    registry.failing = None
    assert avro.to_data("t", payloads)[0].rows().values == [{"n": 1, "s": "x"}]


def test_an_unknown_id_is_asked_for_again_and_a_known_one_never(registry: FakeRegistry) -> None:
    avro = converter(registry)
    payloads = framed(1, encode(NOTE, [{"n": 1, "s": "x"}]))
    with pytest.raises(DataError):
        avro.to_data("t", payloads)
    registry.add(NOTE)
    avro.to_data("t", payloads)
    avro.to_data("t", payloads)
    asked = [path for _, path, _ in registry.requests]
    assert asked == ["/schemas/ids/1", "/schemas/ids/1", "/schemas/ids/1/versions"]


def test_an_unreachable_registry_is_retriable_and_the_next_address_is_tried(registry: FakeRegistry) -> None:
    payloads = framed(registry.add(NOTE), encode(NOTE, [{"n": 1, "s": "x"}]))
    dead = "http://user:geheim@127.0.0.1:1"
    with pytest.raises(RetriableError) as caught:
        converter(registry, schema_registry_url=dead).to_data("t", payloads)
    assert "geheim" not in str(caught.value)
    assert converter(registry, schema_registry_url=f"{dead},{registry.url}").to_data("t", payloads)


def test_credentials_come_from_the_address_or_from_the_user_info(registry: FakeRegistry) -> None:
    payloads = framed(registry.add(NOTE), encode(NOTE, [{"n": 1, "s": "x"}]))
    in_address = registry.url.replace("http://", "http://me:secret@")
    converter(registry, schema_registry_url=in_address).to_data("t", payloads)
    keys = {"basic_auth_credentials_source": "USER_INFO", "basic_auth_user_info": "me:secret"}
    converter(registry, **keys).to_data("t", payloads)
    assert [authorization for _, _, authorization in registry.requests] == ["Basic bWU6c2VjcmV0"] * 4


def test_refused_credentials_fail_the_task(registry: FakeRegistry) -> None:
    registry.failing = 401
    with pytest.raises(RefusedError, match="check its credentials"):
        converter(registry).to_data("t", framed(1, [b"x"]))


def test_a_schema_that_the_registry_refuses_is_a_data_error_that_names_the_subject(registry: FakeRegistry) -> None:
    for registry.refusing in (409, 422):
        with pytest.raises(DataError, match="subject t-value: incompatible"):
            converter(registry).from_data("t", Rows(struct({"a": INT32}), [{"a": 1}]))


def test_without_auto_register_only_a_known_schema_is_written(registry: FakeRegistry) -> None:
    rows = Rows(struct({"a": INT32}), [{"a": 1}])
    with pytest.raises(DataError, match="subject t-value"):
        converter(registry, auto_register_schemas="false").from_data("t", rows)
    written = converter(registry).from_data("t", rows)
    assert converter(registry, auto_register_schemas="false").from_data("t", rows) == written


EVERYTHING = struct(
    {
        "i8": INT8,
        "i64": INT64,
        "f": FLOAT64,
        "s": Schema(Type.STRING, default="none"),
        "os": OPTIONAL_STRING,
        "od": Schema(Type.STRING, optional=True, default="dflt"),
        "b": Schema(Type.BYTES),
        "d": decimal(3),
        "day": DATE_SCHEMA,
        "clock": TIME_SCHEMA,
        "at": TIMESTAMP_SCHEMA,
        "list": array(OPTIONAL_STRING),
        "map": mapping(STRING, INT32),
        "pairs": mapping(INT32, STRING, optional=True),
        "inner": struct({"x": INT32}, name="a.Inner"),
        "again": struct({"x": INT32}, name="a.Inner", optional=True),
    },
    name="a.Outer",
)
FULL = {
    "i8": -1,
    "i64": 1 << 60,
    "f": 1.5,
    "s": "é",
    "os": None,
    "od": "given",
    "b": b"\x00\xff",
    "d": Decimal("-12.345"),
    "day": date(2020, 2, 29),
    "clock": time(23, 59, 59, 999000),
    "at": MOMENT,
    "list": ["a", None],
    "map": {"k": 1},
    "pairs": {1: "one"},
    "inner": {"x": 1},
    "again": {"x": 2},
}


def test_a_schema_has_the_version_that_its_subject_gave_it(registry: FakeRegistry) -> None:
    avro = converter(registry)
    for fields in ({"a": INT32}, {"a": INT32, "b": OPTIONAL_STRING}):
        (piece,) = avro.to_data("t", avro.from_data("t", Rows(struct(fields), [{"a": 1}])))
        assert piece.schema is not None
        assert piece.schema.version == len(fields)
    (piece,) = avro.to_data("another", avro.from_data("t", Rows(struct({"a": INT32}), [{"a": 1}])))
    assert piece.schema is not None
    assert piece.schema.version is None


def test_what_is_written_is_read_back_with_the_same_schema(registry: FakeRegistry) -> None:
    avro = converter(registry)
    payloads = avro.from_data("t", Rows(EVERYTHING, [FULL]))
    (piece,) = avro.to_data("t", payloads)

    assert piece.rows().values == [FULL]
    assert piece.schema == replace(EVERYTHING, version=1)
    assert registry.subjects == [("t-value", 1)]


def test_a_default_stands_in_for_null_when_writing(registry: FakeRegistry) -> None:
    schema = struct({"od": Schema(Type.STRING, optional=True, default="dflt"), "n": Schema(Type.INT32, optional=True)})
    avro = converter(registry)
    (piece,) = avro.to_data("t", avro.from_data("t", Rows(schema, [{}])))
    assert piece.rows().values == [{"od": "dflt", "n": None}]


@pytest.mark.parametrize("value", [{"a": None}, {}, {"a": 1 << 40}, {"a": "x"}, {"a": True}, "no struct", None])
def test_a_value_that_does_not_fit_its_schema_is_a_data_error(registry: FakeRegistry, value: Any) -> None:
    with pytest.raises(DataError, match="Failed to serialize Avro data from topic t"):
        converter(registry).from_data("t", Rows(struct({"a": INT32}), [value]))


def test_null_without_a_schema_is_a_null_payload_and_asks_nobody(registry: FakeRegistry) -> None:
    assert converter(registry).from_data("t", Rows(None, [None, None])) == [None, None]
    assert registry.requests == []


def test_a_union_of_several_types_is_a_struct_with_a_field_for_each(registry: FakeRegistry) -> None:
    inner = {"type": "record", "name": "In", "namespace": "x", "fields": [{"name": "a", "type": "int"}]}
    schema = {
        "type": "record",
        "name": "U",
        "fields": [{"name": "u", "type": ["null", "int", "long", "string", inner]}],
    }
    values = [{"u": None}, {"u": 5}, {"u": 1 << 40}, {"u": "s"}, {"u": {"a": 7}}]

    (piece,) = converter(registry).to_data("t", framed(registry.add(schema), encode(schema, values)))

    found = [row["u"] for row in piece.rows().values]
    assert found == [None, {"int": 5}, {"long": 1 << 40}, {"string": "s"}, {"In": {"a": 7}}]
    assert reading(schema).reason == "field u: a union of several types"


@pytest.mark.parametrize(
    "kind",
    ["null", ["null"], {"type": "map", "values": "nothing"}, {"type": "record", "name": "R", "fields": "x"}],
)
def test_a_schema_that_cannot_be_read_is_a_data_error(registry: FakeRegistry, kind: Any) -> None:
    schema = {"type": "record", "name": "T", "fields": [{"name": "x", "type": kind}]}
    with pytest.raises(DataError):
        converter(registry).to_data("t", framed(registry.add(schema), [b"x"]))


def test_a_schema_of_another_kind_is_a_data_error(registry: FakeRegistry) -> None:
    with pytest.raises(DataError, match="of type PROTOBUF"):
        converter(registry).to_data("t", framed(registry.add(NOTE, schemaType="PROTOBUF"), [b"x"]))


IN_A_HEADER = "io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer"


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"schema.registry.url": "localhost:8081"}, "schema.registry.url"),
        ({"schema.registry.ssl.truststore.location": "/x"}, "schema.registry.ssl.truststore.location"),
        ({"value.subject.name.strategy": "a.RecordNameStrategy"}, "value.subject.name.strategy"),
        ({"generalized.sum.type.support": "true"}, "generalized.sum.type.support"),
        ({"context.name.strategy": "a.B"}, "context.name.strategy"),
        ({"apicurio.registry.as-confluent": "false"}, "apicurio.registry.as-confluent"),
        ({"apicurio.registry.global-id": "7"}, "apicurio.registry.global-id"),
        ({"basic.auth.credentials.source": "SASL_INHERIT"}, "sasl.jaas.config"),
        ({"bearer.auth.credentials.source": "STATIC_TOKEN"}, "bearer.auth.token"),
        ({"bearer.auth.credentials.source": "OAUTHBEARER"}, "bearer.auth.credentials.source"),
        ({"bearer.auth.client.secret": "x"}, "bearer.auth.client.secret"),
        ({"schema.registry.ssl.truststore.type": "JKS"}, "schema.registry.ssl.truststore.type"),
        ({"schema.registry.ssl.keystore.location": __file__}, "schema.registry.ssl.keystore.location"),
        ({"schema.registry.ssl.keystore.key": "x"}, "schema.registry.ssl.keystore.key"),
        ({"proxy.host": "proxy"}, "proxy.port"),
        ({"basic.auth.credentials.source": "USER_INFO"}, "basic.auth.user.info"),
        ({"key.schema.id.serializer": IN_A_HEADER}, "key.schema.id.serializer"),
        ({"value.schema.id.serializer": IN_A_HEADER}, "value.schema.id.serializer"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(keys: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        AvroConverterConfig.parse({"schema.registry.url": "http://localhost", **keys})
    assert named in [problem.key for problem in caught.value.problems]


def test_an_id_of_eight_bytes_is_told_as_what_apicurio_writes(registry: FakeRegistry) -> None:
    (found,) = converter(registry).decode("t", [b"\x00" + (7).to_bytes(8, "big") + b"\x02"]).failures
    assert "apicurio.registry.as-confluent=true" in str(found[1])

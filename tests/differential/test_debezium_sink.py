"""Debezium's own JDBC sink beside ours: the same records, and then the same rows in both databases."""

import datetime as dt
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from ferryman.record import Record
from ferryman.record import batches as gathered
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
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
    struct,
)
from tests.connectors.sql.sql_task import DEBEZIUM, World, query
from tests.differential import debezium_sink, search

T, D = "io.debezium.time.", "io.debezium.data."
KEY = struct({"id": INT64}, name="k")
ROW = struct({"id": INT64, "item": OPTIONAL_STRING, "n": INT32.as_optional()}, name="v", optional=True)
ENVELOPE = struct({"before": ROW, "after": ROW, "source": struct({"db": STRING}), "op": STRING}, name="v.Envelope")


@dataclass
class Sides:
    """The two sinks, each with a database of its own."""

    ours: str
    theirs: str
    config: dict[str, str]
    records: list[list[Record]] = field(default_factory=list)

    def run(self) -> None:
        """Each list of records is one put."""
        config = {"connector.class": DEBEZIUM, "topics": "orders", **self.config}
        with debezium_sink.sink(self.theirs, config) as task:
            for records in self.records:
                debezium_sink.put(task, records)
        world = World(self.ours, config)
        world.begin()
        for records in self.records:
            offsets = [record.offset or 0 for record in records]
            polled = world.batch([None] * (offsets[-1] + 1)).polled
            world.running.put_batches(list(gathered(records, polled, offsets)))
        world.kill()

    def differences(self, text: str) -> list[tuple[Any, Any]]:
        ours, theirs = query(self.ours, text), query(self.theirs, text)
        assert len(ours) == len(theirs), (ours, theirs)
        return [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]


@pytest.fixture
def sides(postgres: str, unique: str, long: bool) -> Iterator[Sides]:
    """Two empty databases."""
    if not long:
        pytest.skip("Debezium's sink is 58 MB of jars; --long runs it")
    owner = sa.create_engine(postgres, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with owner.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{unique}x"')
    theirs = sa.make_url(postgres).set(database=f"{unique}x").render_as_string(hide_password=False)
    yield Sides(postgres, theirs, {})
    with owner.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{unique}x" WITH (FORCE)')


def record(offset: int, number: int, value: Any, schema: Schema | None, key: Schema | None = KEY) -> Record:
    return Record(
        topic="orders",
        partition=0,
        offset=offset,
        timestamp=0,
        key={"id": number},
        key_schema=key,
        value=value,
        value_schema=schema,
    )


def row(draw: random.Random, number: int) -> dict[str, Any]:
    return {"id": number, "item": draw.choice([None, "", "a", "é'\\"]), "n": draw.choice([None, 0, -5, 2**31 - 1])}


def history(draw: random.Random, flat: bool, with_keys: bool) -> list[list[Record]]:
    """What a table's topic might hold: changes, deletes, and tombstones after them."""
    found: list[list[Record]] = []
    offset = 0
    for _ in range(draw.randint(2, 6)):
        puts = []
        for _ in range(draw.randint(1, 12)):
            number, after = draw.randint(0, 5), row(draw, draw.randint(0, 5))
            after["id"] = number
            op = draw.choice("crud" if not flat else "cd")
            if flat:
                value, schema = (None if op == "d" else after), ROW
            else:
                gone = op == "d"
                value = {
                    "before": after if op in "ud" else None,
                    "after": None if gone else after,
                    "source": {"db": "x"},
                    "op": op,
                }
                schema = ENVELOPE
            puts.append(record(offset, number, value, schema))
            offset += 1
            if op == "d" and with_keys and draw.random() < 0.5:
                puts.append(record(offset, number, None, None))
                offset += 1
        found.append(puts)
    return found


MODES: Sequence[Mapping[str, str]] = (
    {"primary.key.mode": "record_key", "delete.enabled": "true"},
    {"primary.key.mode": "record_key"},
    {"primary.key.mode": "record_value", "primary.key.fields": "id"},
    {"primary.key.mode": "record_key", "primary.key.fields": "id", "field.exclude.list": "orders:n"},
    {"primary.key.mode": "record_key", "quote.identifiers": "true", "collection.name.format": "t_${topic}"},
)


@pytest.mark.parametrize("keys", MODES, ids=str)
@pytest.mark.parametrize("flat", [False, True])
def test_changes_and_deletes_leave_the_same_rows(sides: Sides, keys: Mapping[str, str], flat: bool) -> None:
    seed = search.seed_of(True)
    print(f"seed {seed}")
    sides.config = {"insert.mode": "upsert", "schema.evolution": "basic", **keys}
    with_keys = keys["primary.key.mode"] == "record_key"
    if not with_keys and flat:
        pytest.skip("their sink meets a null reference there")
    sides.records = history(random.Random(seed), flat, with_keys)
    sides.run()
    table = "t_orders" if "collection.name.format" in keys else "orders"
    assert sides.differences(f"SELECT * FROM {table} ORDER BY id") == []
    columns = f"SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = '{table}' ORDER BY 1"
    assert sides.differences(columns) == []
    search.count("debezium_sink", sum(map(len, sides.records)))


def of(kind: Type, name: str, **parameters: str) -> Schema:
    return Schema(kind, optional=True, name=name, parameters=tuple(parameters.items()))


US = 1_709_251_198_123_456
VALUES: Mapping[str, tuple[Schema, Sequence[Any]]] = {
    "date": (of(Type.INT32, f"{T}Date"), [0, 19782, -719162, 2932896]),
    "time_ms": (of(Type.INT32, f"{T}Time"), [0, 86398123, 86399999]),
    "time_us": (of(Type.INT64, f"{T}MicroTime"), [0, 86398123456, 86399999999]),
    "time_ns": (of(Type.INT64, f"{T}NanoTime"), [0, 86398123456000]),
    "at_ms": (of(Type.INT64, f"{T}Timestamp"), [0, -1, US // 1000, 253402300799999]),
    "at_us": (of(Type.INT64, f"{T}MicroTimestamp"), [0, -1, US, 253402300799999999]),
    "at_ns": (of(Type.INT64, f"{T}NanoTimestamp"), [0, -1000, US * 1000]),
    "zoned": (of(Type.STRING, f"{T}ZonedTimestamp"), ["2024-02-29T23:59:58.123456Z", "2024-03-01T01:59:58+02:00"]),
    "clock": (of(Type.STRING, f"{T}ZonedTime"), ["23:59:58Z", "23:59:58.5+02:00"]),
    "span": (of(Type.INT64, f"{T}MicroDuration"), [0, 90_000_000, 1_500_000, 86_400_000_000]),
    "year_": (of(Type.INT32, f"{T}Year"), [2024]),
    "uuid": (of(Type.STRING, f"{D}Uuid"), ["0b5a8b0e-5d4c-4c5e-9d2e-1f2a3b4c5d6e"]),
    "json": (of(Type.STRING, f"{D}Json"), ['{"a": [1, null]}', "1"]),
    "enum_": (of(Type.STRING, f"{D}Enum", allowed="pen,ink"), ["pen"]),
    "flags": (of(Type.STRING, f"{D}EnumSet", allowed="a,b,c"), ["a,c", ""]),
    "bits": (of(Type.BYTES, f"{D}Bits", length="10"), [b"\x05\x02", b"\x00", b"\xff\x03"]),
    "any_bits": (of(Type.BYTES, f"{D}Bits", length="2147483647"), [b"\x05", b"\x80\x01"]),
    "connect_date": (DATE_SCHEMA.as_optional(), [dt.date(2024, 2, 29), dt.date(1970, 1, 1)]),
    "connect_time": (TIME_SCHEMA.as_optional(), [dt.time(23, 59, 58, 123000), dt.time(0)]),
    "connect_at": (TIMESTAMP_SCHEMA.as_optional(), [dt.datetime(2024, 2, 29, 23, 59, 58, 123000, dt.UTC)]),
    "connect_decimal": (decimal(3, optional=True), [Decimal("1.250"), Decimal("-99999999999999999.999")]),
    "bytes_": (BYTES.as_optional(), [b"\x00\xff", b""]),
    "bool_": (BOOLEAN.as_optional(), [True, False]),
    "int8_": (INT8.as_optional(), [-128, 127]),
    "int16_": (INT16.as_optional(), [-32768, 32767]),
    "real_": (FLOAT32.as_optional(), [0.5, -1.25]),
    "double_": (FLOAT64.as_optional(), [0.1, 1e300, float("inf")]),
    "ints": (array(INT32, optional=True), [[1, 2], []]),
    "texts": (array(STRING, optional=True), [["a,b", '"', ""]]),
}
CREATED_OTHERWISE = {"span", "texts", "ints", "connect_decimal"}
"""Columns of which ours has another, wider type, or the same by another name."""


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_values_of_every_type_are_stored_the_same_in_columns_of_the_same_types(
    sides: Sides, wrapped: bool, zone: str
) -> None:
    sides.config = {"insert.mode": "insert", "primary.key.mode": "record_key", "schema.evolution": "basic"}
    sides.config |= {"use.time.zone": zone}
    schema = struct({"id": INT64} | {name: found[0] for name, found in VALUES.items()}, name="v", optional=True)
    longest = max(len(values) for _, values in VALUES.values())
    rows = [
        {"id": index} | {name: values[index] if index < len(values) else None for name, (_, values) in VALUES.items()}
        for index in range(longest + 1)
    ]
    envelope = struct({"before": schema, "after": schema, "op": STRING}, name="v.Envelope")
    events = [{"before": None, "after": each, "op": "c"} for each in rows] if wrapped else rows
    sides.records = [
        [
            record(index, index, value, envelope if wrapped else schema.as_optional(False))
            for index, value in enumerate(events)
        ]
    ]
    sides.run()
    for name in VALUES:
        assert sides.differences(f"SELECT id, {name}::text FROM orders ORDER BY id") == [], name
    kinds = "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = 'orders' ORDER BY 1"
    found = [pair for pair in sides.differences(kinds) if pair[0][0] not in CREATED_OTHERWISE]
    assert [(ours, theirs) for ours, theirs in found if (ours[1], theirs[1]) != ("text", "varchar")] == []
    search.count("debezium_sink", len(rows) * len(VALUES))

"""Under the class name of Debezium's sink: change events, flat records and Debezium's types, as it has them."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ferryman.api import BadRecords
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.errors import ConfigError, DataError
from ferryman.record import Rows
from ferryman.schema import BYTES, INT32, INT64, OPTIONAL_STRING, STRING, TIMESTAMP_SCHEMA, Schema, Type, array, struct
from tests.connectors.sql.databases import DATABASES, url_of
from tests.connectors.sql.sql_task import DEBEZIUM, World

KEY = struct({"id": INT64})
ROW = struct({"id": INT64, "item": OPTIONAL_STRING}, name="shop.orders.Value", optional=True)
SOURCE = struct({"table": STRING})
ENVELOPE = struct(
    {"before": ROW, "after": ROW, "source": SOURCE, "op": STRING, "ts_ms": INT64}, name="shop.orders.Envelope"
)
UPSERT = {
    "connector.class": DEBEZIUM,
    "insert.mode": "upsert",
    "primary.key.mode": "record_key",
    "schema.evolution": "basic",
    "delete.enabled": "true",
}


def named(kind: Type, name: str, **parameters: str) -> Schema:
    return Schema(kind, optional=True, name=name, parameters=tuple(parameters.items()))


def event(op: str, number: int, item: str | None = None) -> dict[str, Any]:
    """A change of a row."""
    row = {"id": number, "item": item}
    return {
        "before": row if op in "ud" else None,
        "after": None if op in "dtm" else row,
        "source": {"table": "orders"},
        "op": op,
        "ts_ms": 1,
    }


@pytest.fixture
def world(request: pytest.FixtureRequest, database: str) -> Iterator[World]:
    world = World(url_of(database, request), UPSERT, key_schema=KEY, value_schema=ENVELOPE)
    yield world
    world.kill()


def put(world: World, events: Sequence[dict[str, Any] | None], as_columns: bool = False) -> None:
    keys = [None if value is None else {"id": (value["after"] or value["before"])["id"]} for value in events]
    known = next(key for key in keys if key)
    world.put(events, [key or known for key in keys], as_columns=as_columns)


@pytest.mark.parametrize("as_columns", [False, True])
@pytest.mark.parametrize("database", DATABASES)
def test_change_events_become_rows_and_deletes(world: World, database: str, as_columns: bool) -> None:
    put(world, [event("r", 1, "a"), event("c", 2, "b"), event("c", 3, "c"), event("u", 1, "z")], as_columns)
    put(world, [event("d", 2), event("c", 4, "d"), event("d", 3), event("c", 3, "again")], as_columns)
    assert world.query("SELECT id, item FROM orders ORDER BY id") == [(1, "z"), (3, "again"), (4, "d")]
    put(world, [event("d", 1), event("d", 4)], as_columns)
    assert world.query("SELECT id, item FROM orders ORDER BY id") == [(3, "again")]
    assert world.stored() == 10


@pytest.mark.parametrize("as_columns", [False, True])
@pytest.mark.parametrize("database", DATABASES)
def test_deletes_are_passed_over_unless_they_are_enabled(world: World, database: str, as_columns: bool) -> None:
    world.config = UPSERT | {"delete.enabled": "false"}
    put(world, [event("c", 1, "a"), event("d", 1), event("c", 2, "b"), event("d", 2)], as_columns)
    put(world, [event("d", 1)], as_columns)
    assert world.query("SELECT id FROM orders ORDER BY id") == [(1,), (2,)]
    assert world.stored() == 5


@pytest.mark.parametrize("database", ["postgresql"])
def test_what_says_nothing_of_a_row_is_passed_over(world: World, database: str) -> None:
    nothing = [{**event("c", 1), "op": op, "after": None} for op in ("t", "m")]
    world.begin()
    keys = Rows(KEY, [{"id": 9}] * 2)
    world.running.put_batches([replace(world.batch(nothing), key=keys)])
    changed = replace(world.batch([{}], at=2), value=Rows(struct({}, name="x.SchemaChangeValue"), [{}]))
    world.running.put_batches([changed])
    assert world.query("SELECT count(*) FROM information_schema.tables WHERE table_name = 'orders'") == [(0,)]
    assert world.stored() == 3


@pytest.mark.parametrize("database", ["postgresql"])
def test_a_tombstone_after_a_delete_is_one_more_delete_of_its_key(world: World, database: str) -> None:
    put(world, [event("c", 1, "a"), event("c", 2, "b"), event("d", 1), None])
    tombstone = replace(world.batch([None], [{"id": 2}], at=4), value=Rows(None, [None]))
    world.running.put_batches([tombstone])
    assert world.query("SELECT id FROM orders") == []


@pytest.mark.parametrize("as_columns", [False, True])
@pytest.mark.parametrize("database", DATABASES)
def test_a_delete_tells_its_row_by_what_it_was_where_the_key_is_in_the_value(
    world: World, database: str, as_columns: bool
) -> None:
    world.config = UPSERT | {"primary.key.mode": "record_value", "primary.key.fields": "id"}
    world.key_schema = None
    world.put([event("c", 1, "a"), event("c", 2, "b"), {**event("d", 1, "a")}], as_columns=as_columns)
    world.put([event("d", 2, "b")], as_columns=as_columns)
    assert world.query("SELECT id FROM orders") == []


@pytest.mark.parametrize("database", ["postgresql"])
def test_an_event_without_its_row_is_that_records_error(world: World, database: str) -> None:
    world.begin()
    events = [event("c", 1, "a"), {**event("u", 2), "after": None}, event("c", 3, "c")]
    assert world.narrowed(world.batch(events, [{"id": number} for number in range(3)])) == [1]
    assert "no row after the change" in world.reported[0][1]


@pytest.mark.parametrize("database", ["postgresql"])
def test_flat_records_are_written_as_they_are_and_null_values_delete(world: World, database: str) -> None:
    world.value_schema = ROW
    world.put([{"id": 1, "item": "a"}, {"id": 2, "item": "b"}, None], [{"id": 1}, {"id": 2}, {"id": 1}])
    assert world.query("SELECT id, item FROM orders") == [(2, "b")]


@pytest.mark.parametrize("database", ["postgresql"])
def test_events_in_cloud_events_are_unwrapped(world: World, database: str) -> None:
    world.value_schema = struct({"id": STRING, "data": ENVELOPE}, name="shop.orders.CloudEvents.Envelope")
    world.put([{"id": "x", "data": event("c", 1, "a")}], [{"id": 1}])
    assert world.query("SELECT id, item FROM orders") == [(1, "a")]


T, D = "io.debezium.time.", "io.debezium.data."
MOMENT_US = 1_709_251_198_123_456
UUID = "0b5a8b0e-5d4c-4c5e-9d2e-1f2a3b4c5d6e"
BIT_TEXTS = {"postgresql": "1000000101", "mariadb": r"b'\x02\x05'"}
TYPES: Sequence[tuple[str, Schema, Any, str | Mapping[str, str]]] = (
    ("date", named(Type.INT32, f"{T}Date"), 19782, "2024-02-29"),
    ("long_ago", named(Type.INT32, f"{T}Date"), -719162, "0001-01-01"),
    ("ms", named(Type.INT32, f"{T}Time"), 86398123, "23:59:58.123000"),
    ("us", named(Type.INT64, f"{T}MicroTime"), 86398123456, "23:59:58.123456"),
    ("ns", named(Type.INT64, f"{T}NanoTime"), 86398123456000, "23:59:58.123456"),
    ("at_ms", named(Type.INT64, f"{T}Timestamp"), MOMENT_US // 1000, "2024-02-29 23:59:58.123000"),
    ("at_us", named(Type.INT64, f"{T}MicroTimestamp"), MOMENT_US, "2024-02-29 23:59:58.123456"),
    ("before", named(Type.INT64, f"{T}MicroTimestamp"), -1, "1969-12-31 23:59:59.999999"),
    ("at_ns", named(Type.INT64, f"{T}NanoTimestamp"), MOMENT_US * 1000, "2024-02-29 23:59:58.123456"),
    ("zoned", named(Type.STRING, f"{T}ZonedTimestamp"), "2024-03-01T01:59:58.123456+02:00", {
        "postgresql": "2024-02-29 23:59:58.123456+00:00"}),
    ("clock", named(Type.STRING, f"{T}ZonedTime"), "23:59:58.5+02:00", {"postgresql": "23:59:58.500000+02:00"}),
    ("span", named(Type.INT64, f"{T}MicroDuration"), 90_000_000, {"postgresql": "0:01:30", "mariadb": "90000000"}),
    ("ago", named(Type.INT64, f"{T}MicroDuration"), -1_500_000, {"postgresql": "-1 day, 23:59:58.500000"}),
    ("year_", named(Type.INT32, f"{T}Year"), 2024, "2024"),
    ("uuid", named(Type.STRING, f"{D}Uuid"), UUID, UUID),
    ("json", named(Type.STRING, f"{D}Json"), '{"a":[1]}', {"postgresql": "{'a': [1]}", "mariadb": '{"a":[1]}'}),
    ("xml", named(Type.STRING, f"{D}Xml"), "<a>1</a>", {"mariadb": "<a>1</a>", "sqlite": "<a>1</a>"}),
    ("enum_", named(Type.STRING, f"{D}Enum", allowed="pen,ink"), "ink", "ink"),
    ("flags", named(Type.STRING, f"{D}EnumSet", allowed="a,b,c"), "a,c", {"postgresql": "a,c"}),
    ("bits", named(Type.BYTES, f"{D}Bits", length="10"), b"\x05\x02", BIT_TEXTS),
    ("many", named(Type.BYTES, f"{D}Bits", length="2147483647"), b"\x05", {"postgresql": "101"}),
)  # fmt: skip


@pytest.mark.parametrize("as_columns", [False, True])
@pytest.mark.parametrize("database", DATABASES)
def test_debeziums_types_become_columns_of_their_kind(world: World, database: str, as_columns: bool) -> None:
    fields = [(name, schema, value, _expected(text, database)) for name, schema, value, text in TYPES]
    fields = [each for each in fields if each[3] is not None]
    world.value_schema = struct({"id": INT64} | {name: schema for name, schema, _, _ in fields})
    values = [{"id": 1} | {name: value for name, _, value, _ in fields}]
    values += [{"id": 2} | dict.fromkeys((name for name, *_ in fields), None)]
    world.put(values, [{"id": 1}, {"id": 2}], as_columns=as_columns)
    names = ", ".join(f'"{name}"' for name, *_ in fields)
    stored, nulls = world.query(f"SELECT {names} FROM orders ORDER BY id")
    shown = {name: str(value) for (name, *_), value in zip(fields, stored, strict=True)}
    expected = {name: text for name, _, _, text in fields}
    assert {name: _padded(text) for name, text in shown.items()} == {n: _padded(str(t)) for n, t in expected.items()}
    assert set(nulls) == {None}


def _expected(text: str | Mapping[str, str], database: str) -> str | None:
    return text if isinstance(text, str) else text.get(database)


def _padded(text: str) -> str:
    """Drivers leave out fractions of zero."""
    return text.rstrip("0").rstrip(".") if ":" in text and "+" not in text else text


@pytest.mark.parametrize("database", DATABASES)
def test_decimals_of_any_scale_keep_their_digits(world: World, database: str) -> None:
    decimal = struct({"scale": INT32, "value": BYTES}, name=f"{D}VariableScaleDecimal", optional=True)
    world.value_schema = struct({"id": INT64, "n": decimal})
    given = [(2, 12345), (0, -7), (5, 1), (3, -123456789012345)]
    values = [
        {"id": index, "n": {"scale": scale, "value": number.to_bytes(8, "big", signed=True)}}
        for index, (scale, number) in enumerate(given)
    ]
    world.put(values, [{"id": value["id"]} for value in values])
    found = [Decimal(str(row[0])) for row in world.query("SELECT n FROM orders ORDER BY id")]
    assert found == [Decimal(number).scaleb(-scale) for scale, number in given]


def test_arrays_of_debeziums_types_are_arrays_of_their_kind(postgres: str) -> None:
    world = World(postgres, UPSERT, key_schema=KEY)
    date, uuid = Schema(Type.INT32, name=f"{T}Date"), Schema(Type.STRING, name=f"{D}Uuid")
    world.value_schema = struct({"id": INT64, "days": array(date), "ids": array(uuid, optional=True)})
    world.put([{"id": 1, "days": [0, 19782], "ids": None}], [{"id": 1}])
    assert world.query("SELECT days::text, ids FROM orders") == [("{1970-01-01,2024-02-29}", None)]
    kinds = world.query(
        "SELECT data_type, udt_name FROM information_schema.columns WHERE table_name='orders' ORDER BY 2"
    )
    assert {kind for kind in kinds if kind[0] == "ARRAY"} == {("ARRAY", "_date"), ("ARRAY", "_uuid")}
    world.kill()


def test_keys_of_debeziums_types_find_their_rows(postgres: str) -> None:
    uuid = "0b5a8b0e-5d4c-4c5e-9d2e-1f2a3b4c5d6e"
    world = World(postgres, UPSERT, key_schema=struct({"day": Schema(Type.INT32, name=f"{T}Date"), "u": STRING}))
    world.value_schema = struct({"item": STRING})
    world.put([{"item": "a"}, {"item": "b"}], [{"day": 0, "u": uuid}, {"day": 0, "u": uuid}])
    assert world.query("SELECT day::text, u, item FROM orders") == [("1970-01-01", uuid, "b")]
    world.kill()


def test_a_default_of_debeziums_types_becomes_the_columns(postgres: str) -> None:
    world = World(postgres, UPSERT, key_schema=KEY)
    world.value_schema = struct({"id": INT64, "day": replace(named(Type.INT32, f"{T}Date"), default=1)})
    world.put([{"id": 1, "day": None}], [{"id": 1}])
    world.query("INSERT INTO orders (id) VALUES (2)")
    assert world.query("SELECT day::text FROM orders") == [("1970-01-02",), ("1970-01-02",)]
    world.kill()


@pytest.mark.parametrize("name", ["Point", "Geometry", "Geography"])
def test_geometry_is_refused_by_its_name(postgres: str, name: str) -> None:
    world = World(postgres, UPSERT, key_schema=KEY)
    shape = struct({"wkb": BYTES, "srid": INT32}, name=f"{D}geometry.{name}", optional=True)
    world.value_schema = struct({"id": INT64, "place": shape})
    with pytest.raises(DataError, match=rf"type io\.debezium\.data\.geometry\.{name}.*field\.exclude\.list.*place"):
        world.put([{"id": 1, "place": None}], [{"id": 1}])
    world.kill()


def test_what_has_no_zone_is_not_moved_by_the_time_zone(postgres: str) -> None:
    world = World(postgres, UPSERT | {"use.time.zone": "America/New_York"}, key_schema=KEY)
    world.value_schema = struct(
        {"id": INT64, "connects": TIMESTAMP_SCHEMA, "debeziums": Schema(Type.INT64, name=f"{T}Timestamp")}
    )
    moment = dt.datetime(2024, 2, 29, 23, 59, 58, 123000, tzinfo=dt.UTC)
    world.put([{"id": 1, "connects": moment, "debeziums": MOMENT_US // 1000}], [{"id": 1}])
    text = "2024-02-29 23:59:58.123"
    assert world.query("SELECT connects::text, debeziums::text FROM orders") == [(text, text)]
    world.kill()


def test_fields_are_taken_and_left_out_as_the_lists_say(postgres: str) -> None:
    for number, (keys, names) in enumerate((
        ({"field.include.list": "orders:id,item"}, {"id", "item"}),
        ({"field.include.list": "id,others:item"}, {"id"}),
        ({"field.exclude.list": "orders:item, x"}, {"id", "more"}),
        ({"field.exclude.list": "item", "field.include.list": "item"}, {"id", "more"}),
    )):  # fmt: skip
        world = World(postgres, UPSERT | {"table.name.format": f"t{number}"} | keys, key_schema=KEY)
        world.value_schema = struct({"id": INT64, "item": STRING, "more": STRING})
        world.put([{"id": 1, "item": "a", "more": "b"}], [{"id": 1}], at=number)
        found = world.query(f"SELECT column_name FROM information_schema.columns WHERE table_name = 't{number}'")
        assert {row[0] for row in found} == names, keys
        world.kill()


BASIC = {"name": "n", "connector.class": DEBEZIUM, "topics": "a", "connection.url": "jdbc:postgresql://db/x"}


@pytest.mark.parametrize(
    ("keys", "key", "reason"),
    [
        ({"truncate.enabled": "true"}, "truncate.enabled", "passed over"),
        ({"collection.name.format": "${source.table}"}, "table.name.format", "only \\$\\{topic\\}"),
        ({"cloud.events.schema.name.pattern": ".*X"}, "cloud.events.schema.name.pattern", "Debezium's default"),
        ({"field.include.list": "a:b:c"}, "field.include.list", "topic:field"),
        ({"primary.key.mode": "record_header"}, "pk.mode", "headers"),
        ({"delete.enabled": "true"}, "delete.enabled", "record_key"),
    ],
)
def test_what_would_be_written_otherwise_is_refused_by_its_key(keys: Mapping[str, str], key: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        SqlSinkConfig.parse({**BASIC, **keys})
    assert key in {problem.key for problem in caught.value.problems}


def test_a_delete_may_be_known_by_its_value_under_debeziums_name_alone() -> None:
    keys = {"delete.enabled": "true", "pk.mode": "record_value", "pk.fields": "id"}
    SqlSinkConfig.parse(BASIC | keys)
    with pytest.raises(ConfigError, match="record_key"):
        SqlSinkConfig.parse(BASIC | keys | {"connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector"})


@pytest.mark.parametrize("database", ["postgresql"])
def test_other_sinks_names_take_debeziums_types_as_the_numbers_that_they_are(world: World, database: str) -> None:
    world.config = {"auto.create": "true"}
    world.value_schema = struct({"id": INT64, "at": Schema(Type.INT64, name=f"{T}MicroTimestamp")})
    world.put([{"id": 1, "at": 5}], [{"id": 1}])
    assert world.query("SELECT at FROM orders") == [(5,)]


FAR_OFF = [
    (named(Type.INT64, "io.debezium.time.MicroTimestamp"), 9223371331200000000),  # PostgreSQL's infinity
    (named(Type.INT64, "io.debezium.time.Timestamp"), 2**63 - 1),
    (named(Type.INT32, "io.debezium.time.Date"), -(2**31)),
    (named(Type.BYTES, "io.debezium.data.Bits", length="3"), b"\xff"),
]


@pytest.mark.parametrize("as_columns", [False, True])
@pytest.mark.parametrize(("kind", "value"), FAR_OFF, ids=lambda each: getattr(each, "name", ""))
@pytest.mark.parametrize("database", ["sqlite"])
def test_a_value_that_cannot_be_written_out_is_that_records_error(
    world: World, database: str, kind: Schema, value: Any, as_columns: bool
) -> None:
    row = struct({"id": INT64, "x": kind}, name="shop.orders.Value", optional=True)
    world.value_schema = struct({"before": row, "after": row, "op": STRING}, name="shop.orders.Envelope")
    world.begin()
    events = [
        {"before": None, "after": {"id": number, "x": value if number == 1 else None}, "op": "c"} for number in range(3)
    ]
    batch = world.batch(events, [{"id": number} for number in range(3)], as_columns=as_columns)
    with pytest.raises(BadRecords, match=f"{world.source}@1: A value is no {kind.name}"):
        world.running.put_batches([batch])


@pytest.mark.parametrize("as_columns", [False, True])
@pytest.mark.parametrize("database", ["sqlite"])
def test_a_delete_that_does_not_tell_its_row_is_passed_over(world: World, database: str, as_columns: bool) -> None:
    world.config = UPSERT | {"primary.key.mode": "record_value", "primary.key.fields": "id"}
    put(world, [event("c", 1, "a"), event("c", 2, "b")], as_columns)
    world.put([event("d", 1) | {"before": None}, event("d", 2)], [{"id": 1}, {"id": 2}], as_columns=as_columns)
    assert world.query("SELECT id FROM orders") == [(1,)]


@pytest.mark.parametrize("as_columns", [False, True])
def test_the_ends_of_time_are_stored_as_postgresql_has_them(postgres: str, as_columns: bool) -> None:
    world = World(postgres, UPSERT, key_schema=KEY)
    world.value_schema = struct({"id": INT64, "x": named(Type.STRING, "io.debezium.time.ZonedTimestamp")})
    texts = ["infinity", "-infinity", "2024-02-29T12:00:00Z"]
    world.put(
        [{"id": number, "x": text} for number, text in enumerate(texts)],
        [{"id": number} for number in range(3)],
        as_columns=as_columns,
    )
    assert world.query("SELECT x::text FROM orders ORDER BY id") == [
        ("infinity",),
        ("-infinity",),
        ("2024-02-29 12:00:00+00",),
    ]
    world.kill()

"""The SQL sink's types: what is stored for each, the same from rows and from columns."""

import datetime as dt
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman.connectors.sql.dialects import kept_stages
from ferryman.connectors.sql.dialects.postgresql.unstaged import direct
from ferryman.errors import DataError
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
from tests.connectors.sql.sql_task import WITHOUT_STAGING, World, go

UTC = dt.UTC
MOMENT = dt.datetime(2024, 2, 29, 23, 59, 58, 123000, tzinfo=UTC)
NUMBERS = {"i8": INT8, "i16": INT16, "i32": INT32, "i64": INT64, "f32": FLOAT32, "f64": FLOAT64, "yes": BOOLEAN}
OTHERS = {
    "text": STRING,
    "raw": BYTES,
    "price": decimal(2),
    "day": DATE_SCHEMA,
    "clock": TIME_SCHEMA,
    "at": TIMESTAMP_SCHEMA,
}
ALL = struct({name: schema.as_optional() for name, schema in (NUMBERS | OTHERS).items()})
FULL: dict[str, Any] = {
    "i8": -128,
    "i16": 32767,
    "i32": -(2**31),
    "i64": 2**63 - 1,
    "f32": 0.5,
    "f64": 0.1,
    "yes": True,
    "text": 'a"b\\N,\n\r\t\\.é😀',
    "raw": b"\x00\xff\\x",
    "price": Decimal("-12345678901234567890.12"),
    "day": dt.date(1, 1, 1),
    "clock": dt.time(23, 59, 59, 999000),
    "at": MOMENT,
}


@pytest.fixture(params=["by way of a staging table", *WITHOUT_STAGING])
def world(postgres: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A database and a sink on it, stopped at the end; rows go in as those of few tables, or as those of many."""
    go(request.param, monkeypatch)
    world = World(postgres, {"auto.create": "true"}, value_schema=ALL)
    yield world
    world.kill()


def both(world: World, *values: Any) -> None:
    """Puts the same records as rows and as columns."""
    world.put(list(values))
    world.put(list(values), as_columns=True)


def test_every_type_becomes_a_native_type_of_postgresql(world: World) -> None:
    both(world, FULL)
    stored = dict(FULL) | {"at": MOMENT.replace(tzinfo=None)}
    assert world.query("SELECT * FROM orders") == [tuple(stored.values())] * 2
    types = world.query("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'orders'")
    assert dict(types) == {
        "i8": "smallint",
        "i16": "smallint",
        "i32": "integer",
        "i64": "bigint",
        "f32": "real",
        "f64": "double precision",
        "yes": "boolean",
        "text": "text",
        "raw": "bytea",
        "price": "numeric",
        "day": "date",
        "clock": "time without time zone",
        "at": "timestamp without time zone",
    }


def test_a_large_value_is_compressed_once_by_the_table_that_keeps_it(world: World) -> None:
    world.put([{"text": "x" * 100_000}])

    staging = """
        SELECT a.attstorage FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE starts_with(c.relname, 'ferryman_stage_') AND left(a.attname, 1) = 'c' AND a.attlen = -1"""
    external = {"e"} if direct.MANY_LOADS > 1 and kept_stages.KEPT_STAGES > 0 else set()
    assert {str(storage) for (storage,) in world.query(staging)} == external
    assert world.query("SELECT text, pg_column_size(text) < 50000 FROM orders") == [("x" * 100_000, True)]


def test_null_and_empty_are_different_things(world: World) -> None:
    both(
        world,
        dict.fromkeys(FULL),
        {"text": "", "raw": b""},
        {"text": "\\N", "raw": b"\\N"},
        {"text": "NULL", "raw": b"x"},
    )
    assert world.query("SELECT text, raw FROM orders") == [(None, None), ("", b""), ("\\N", b"\\N"), ("NULL", b"x")] * 2
    assert world.query("SELECT count(*) FROM orders WHERE i8 IS NULL AND at IS NULL AND yes IS NULL") == [(8,)]


def test_floats_that_are_no_numbers_are_stored(world: World) -> None:
    both(world, {"f32": math.nan, "f64": math.inf}, {"f32": -math.inf, "f64": 1e-300})
    found = world.query("SELECT f32, f64 FROM orders")
    assert str(found) == str([(math.nan, math.inf), (-math.inf, 1e-300)] * 2)


def test_arrays_are_native_arrays(world: World) -> None:
    items = {
        "texts": array(STRING.as_optional()),
        "numbers": array(INT32),
        "prices": array(decimal(2)),
        "raws": array(BYTES),
        "moments": array(TIMESTAMP_SCHEMA),
        "days": array(DATE_SCHEMA),
        "flags": array(BOOLEAN),
        "grid": array(array(INT32)),
    }
    world.value_schema = struct(items)
    value = {
        "texts": ['a"b\\c,{}', "", None, "NULL", " "],
        "numbers": [1, 2],
        "prices": [Decimal("1.10")],
        "raws": [b"\x00\\", b""],
        "moments": [MOMENT],
        "days": [dt.date(2024, 1, 1)],
        "flags": [True, False],
        "grid": [[1, 2], [3, 4]],
    }
    both(world, value, {name: [] for name in items})
    stored = dict(value) | {"moments": [MOMENT.replace(tzinfo=None)]}
    assert world.query("SELECT * FROM orders WHERE numbers[1] = 1") == [tuple(stored.values())] * 2
    assert world.query("SELECT count(*) FROM orders WHERE numbers = '{}' AND texts = '{}' AND grid = '{}'") == [(2,)]


def test_columns_without_a_zone_hold_the_wall_clock_of_db_timezone(world: World) -> None:
    world.config = {"auto.create": "true", "db.timezone": "America/New_York"}
    world.value_schema = struct({"at": TIMESTAMP_SCHEMA, "day": DATE_SCHEMA, "clock": TIME_SCHEMA})
    value = {"at": MOMENT, "day": dt.date(2024, 2, 29), "clock": dt.time(12)}
    both(world, value)
    local = (MOMENT.replace(hour=18, tzinfo=None), dt.date(2024, 2, 28), dt.time(7))
    assert world.query("SELECT * FROM orders") == [local] * 2
    world.config |= {"date.timezone": "UTC"}
    world.begin()
    world.query("TRUNCATE orders")
    both(world, value)
    assert world.query("SELECT day FROM orders") == [(dt.date(2024, 2, 29),)] * 2


def test_columns_with_a_zone_hold_the_instant(world: World) -> None:
    world.query("CREATE TABLE orders (at timestamptz)")
    world.config = {"db.timezone": "America/New_York"}
    world.value_schema = struct({"at": TIMESTAMP_SCHEMA})
    both(world, {"at": MOMENT})
    assert [row[0].astimezone(UTC) for row in world.query("SELECT at FROM orders")] == [MOMENT] * 2


def test_defaults_become_defaults_of_the_columns(world: World) -> None:
    defaults = dict(FULL) | {"price": Decimal("1.50"), "text": "it's %d :x"}
    fields = {
        name: Schema(each.type, name=each.name, parameters=each.parameters, default=defaults[name])
        for name, each in (NUMBERS | OTHERS).items()
    }
    world.value_schema = struct({"id": INT32, **fields})
    world.put([{"id": 1}])
    world.query("INSERT INTO orders (id) VALUES (2)")
    expected = tuple((dict(defaults) | {"at": MOMENT.replace(tzinfo=None)}).values())
    assert world.query("SELECT * FROM orders ORDER BY id") == [(1, *expected), (2, *expected)]


def test_structs_and_maps_need_a_json_column(world: World) -> None:
    inner = struct({"name": STRING, "price": decimal(2), "raw": BYTES, "at": TIMESTAMP_SCHEMA})
    world.value_schema = struct({"id": INT32, "detail": inner, "tags": array(STRING)})
    value = {"id": 1, "detail": {"name": 'a"', "price": Decimal("1.10"), "raw": b"\x01", "at": MOMENT}, "tags": ["x"]}
    with pytest.raises(DataError, match=r"A field of type STRUCT.*Flatten.*\(field detail\)"):
        world.put([value])
    world.query("CREATE TABLE orders (id int, detail jsonb, tags json)")
    world.end_offset = 0
    both(world, value)
    detail = {"name": 'a"', "price": 1.10, "raw": "AQ==", "at": "2024-02-29T23:59:58.123000Z"}
    assert world.query("SELECT * FROM orders") == [(1, detail, ["x"])] * 2
    world.value_schema = struct({"id": INT32, "detail": mapping(STRING, INT64)})
    both(world, {"id": 2, "detail": {"a": 1}})
    assert world.query("SELECT detail FROM orders WHERE id = 2") == [({"a": 1},)] * 2


def test_text_goes_into_uuid_enum_and_json_columns(world: World) -> None:
    world.query("CREATE TYPE mood AS ENUM ('good', 'bad')")
    world.query("CREATE TABLE orders (id uuid, mood mood, doc jsonb)")
    world.value_schema = struct({"id": STRING, "mood": STRING, "doc": STRING})
    both(world, {"id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "mood": "good", "doc": '{"a": [1]}'})
    assert world.query("SELECT id::text, mood::text, doc FROM orders")[0][1:] == ("good", {"a": [1]})


def test_a_value_that_does_not_fit_is_a_data_error_without_the_value(world: World) -> None:
    for bad in ({"i8": 300}, {"i64": 2**63}, {"text": 5}, {"text": "\ud800"}, {"i32": "canary"}, {"day": "canary"}):
        with pytest.raises(DataError) as caught:
            world.put([FULL | bad])
        assert "canary" not in str(caught.value)
        assert next(iter(bad)) in str(caught.value)


def test_sqlite_gets_what_its_jdbc_driver_would_store(tmp_path: Any) -> None:
    world = World(f"jdbc:sqlite:{tmp_path}/x.db", {"auto.create": "true"}, value_schema=ALL)
    value = FULL | {"price": Decimal("12.50")}
    both(world, value)
    day = (dt.date(1, 1, 1) - dt.date(1970, 1, 1)).days * 86_400_000
    numbers = {"yes": 1, "price": 12.5, "day": day, "clock": 86_399_999, "at": round(MOMENT.timestamp() * 1000)}
    assert world.query("SELECT * FROM orders") == [tuple((value | numbers).values())] * 2
    world.kill()


def test_sqlite_gets_text_for_columns_declared_as_dates_and_times(tmp_path: Any) -> None:
    world = World(f"jdbc:sqlite:{tmp_path}/x.db", {"db.timezone": "Europe/Berlin", "date.timezone": "UTC"})
    world.value_schema = struct({"at": TIMESTAMP_SCHEMA, "day": DATE_SCHEMA, "clock": TIME_SCHEMA})
    world.query("CREATE TABLE orders (at DATETIME, day DATE, clock TIME)")
    both(world, {"at": MOMENT, "day": dt.date(2024, 2, 29), "clock": dt.time(1, 2, 3)})
    expected = ("2024-03-01 00:59:58.123", "2024-02-29", "02:02:03.000")
    assert world.query("SELECT * FROM orders") == [expected] * 2
    world.kill()


def test_sqlite_refuses_what_it_would_store_as_null(tmp_path: Any) -> None:
    world = World(f"jdbc:sqlite:{tmp_path}/x.db", {"auto.create": "true"}, value_schema=ALL)
    with pytest.raises(DataError, match="NaN"):
        world.put([{"f64": math.nan}])
    world.kill()


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
VALUES = st.fixed_dictionaries(
    {
        "i8": st.none() | st.integers(-128, 127),
        "i64": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f32": st.none() | st.floats(width=32),
        "f64": st.none() | st.floats(),
        "yes": st.none() | st.booleans(),
        "text": st.none() | TEXT,
        "raw": st.none() | st.binary(max_size=8),
        "price": st.none() | st.decimals(-(10**15), 10**15, places=2),
        "day": st.none() | st.dates(),
        "clock": st.none()
        | st.times().map(lambda each: each.replace(microsecond=each.microsecond // 1000 * 1000, fold=0)),
        "at": st.none()
        | st.datetimes(timezones=st.just(UTC)).map(
            lambda each: each.replace(microsecond=each.microsecond // 1000 * 1000, fold=0)
        ),
        "texts": st.none() | st.lists(st.none() | TEXT, max_size=3),
    }
)
FIELDS = NUMBERS | OTHERS | {"texts": array(Schema(Type.STRING, optional=True))}
NAMES = ["f32::float8" if name == "f32" else name for name in FIELDS]
MORE = struct({name: schema.as_optional() for name, schema in FIELDS.items()})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(VALUES, min_size=1, max_size=5))
def test_rows_and_columns_store_the_same_values_and_give_them_back(world: World, values: list[dict[str, Any]]) -> None:
    world.value_schema = MORE
    both(world, *values)
    # As float8: a float4 is printed with just enough digits to tell it from other float4s.
    found = world.query(f"SELECT {', '.join(NAMES)} FROM orders")
    world.query("TRUNCATE orders")
    plain = [value | {"at": value["at"] and value["at"].replace(tzinfo=None)} for value in values]
    expected = [tuple(value.get(each.name) for each in MORE.fields) for value in plain]
    assert list(map(repr, found)) == list(map(repr, expected * 2))

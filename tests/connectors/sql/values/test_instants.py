"""Instants and clocks as text, in a zone that is not UTC: what was meant is stored, or nothing."""

import datetime as dt
from collections.abc import Iterator

import pytest

from ferryman.errors import DataError
from ferryman.schema import INT32, STRING, TIMESTAMP_SCHEMA, decimal, struct
from tests.connectors.sql.databases import url_of
from tests.connectors.sql.sql_task import World

COLUMNS = {
    "postgresql": ("timestamp", "timestamptz", "SELECT clock, instant AT TIME ZONE 'UTC' FROM orders"),
    "mariadb": ("datetime(6)", "timestamp(6) NULL", "SELECT clock, from_unixtime(unix_timestamp(instant)) FROM orders"),
}
"""A column without a zone, one with, and what reads the first as it is and the second in UTC."""

MEANT = (dt.datetime.fromisoformat("2025-12-31 17:00"), dt.datetime.fromisoformat("2025-12-31 22:00"))
"""What New York's clock showed at one moment, and UTC's."""


@pytest.fixture(params=COLUMNS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A database and a sink whose clock is New York's."""
    world = World(url_of(request.param, request), {"db.timezone": "America/New_York"})
    clock, instant, _ = COLUMNS[request.param]
    world.query(f"CREATE TABLE orders (clock {clock}, instant {instant})")
    yield world
    world.kill()


def read(world: World) -> list[tuple[dt.datetime, ...]]:
    return world.query(COLUMNS["mariadb" if "mysql" in world.url else "postgresql"][2])


SAME = [
    "2026-01-01T00:00:00+02:00",
    "2025-12-31T22:00:00Z",
    "2025-12-31 17:00:00.000-05",
    "2026-01-01 03:30:00 +0530",
    "2025-12-31 17:00:00",
]
"""That moment, with its offset from UTC, or as the clock showed it."""


def test_text_with_an_offset_is_an_instant_and_text_without_one_the_clock_of_db_timezone(world: World) -> None:
    world.value_schema = struct({"clock": STRING, "instant": STRING})
    for as_columns in (False, True):
        world.put([{"clock": text, "instant": text} for text in SAME], as_columns=as_columns)
    assert read(world) == [MEANT] * 2 * len(SAME)


def test_a_timestamp_is_the_same_instant_as_its_text(world: World) -> None:
    world.value_schema = struct({"clock": TIMESTAMP_SCHEMA, "instant": TIMESTAMP_SCHEMA})
    moment = dt.datetime(2025, 12, 31, 22, tzinfo=dt.UTC)
    world.put([{"clock": moment, "instant": moment}])
    assert read(world) == [MEANT]


def test_what_the_clock_never_showed_or_showed_twice_is_no_instant(world: World) -> None:
    world.value_schema = struct({"clock": STRING, "instant": STRING.as_optional()})
    for text in ("2026-03-08 02:30:00", "2026-11-01 01:30:00"):
        world.put([{"clock": text, "instant": None}])
        with pytest.raises(DataError, match="takes timestamps that the clock shows, and shows once"):
            world.put([{"clock": text, "instant": text}], at=world.positions[world.source])


def test_what_only_looks_like_a_timestamp_to_a_database_is_refused(world: World) -> None:
    world.value_schema = struct({"clock": STRING})
    for text in ("10:30+02:00", "08:30Z", "03:30-05:00", "now", "yesterday", "20260101", "1767225600"):
        with pytest.raises(DataError, match=r"orders-0@0 to orders: the column clock .* takes timestamps, as 2024"):
            world.put([{"clock": text}], at=0)


def test_numbers_are_no_timestamps(world: World) -> None:
    for schema, value in ((INT32, 240318), (decimal(0), None)):
        world.value_schema = struct({"clock": schema.as_optional()})
        with pytest.raises(DataError, match=r"The field is of type .*TimestampConverter.*\(field clock\)"):
            world.put([{"clock": value}], at=0)


def test_a_time_of_day_with_an_offset_goes_where_offsets_are_kept(postgres: str) -> None:
    world = World(postgres, {"db.timezone": "America/New_York"}, value_schema=struct({"a": STRING}))
    world.query("CREATE TABLE orders (a timetz)")
    texts = ["10:30+02:00", "08:30Z", "03:30-05:00"]
    world.put([{"a": text} for text in texts])
    assert world.query("SELECT a::text FROM orders") == [("10:30:00+02",), ("08:30:00+00",), ("03:30:00-05",)]
    with pytest.raises(DataError, match="takes times with their offset"):
        world.put([{"a": "10:30"}])
    world.kill()

"""When the S3 sink closes files, and how much they may hold until then."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl
import pytest

from ferryman.connectors.s3.commit.schema_change import Compatibility, ends_file, projected
from ferryman.connectors.s3.layout.rotation import Rotation
from ferryman.formats.avro.schemas.connect_properties import ENUM_DOC, FIELD_DEFAULT, RECORD_DOC
from ferryman.java.joda_time import zone
from ferryman.record import Columns, Rows
from ferryman.schema import (
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    RecursiveSchema,
    Schema,
    Type,
    array,
    decimal,
    struct,
)
from tests.connectors.s3.archives import BY_FIELD, BY_RECORD_TIME, HOUR, NOON, PARQUET, numbered, write
from tests.connectors.s3.s3_task import P0, Log, World
from tests.connectors.sink_world import batch_at


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


def test_the_records_own_time_closes_files(world: World) -> None:
    world.more = {**BY_RECORD_TIME, "rotate.interval.ms": "600000", "flush.size": "1000"}
    at = [NOON, NOON + 599_999, NOON + 600_000, NOON + HOUR, NOON + 60_000, NOON + 60_001]
    found = write(world, *(Log({"id": number}, when) for number, when in enumerate(at)))
    assert sorted([each["id"] for each in records] for records in found.values()) == [[0, 1], [2], [3]]


def test_several_paths_may_stay_open(world: World) -> None:
    world.more = {
        **BY_RECORD_TIME,
        "rotate.interval.ms": "36000000",
        "rotate.file.on.partition.change": "false",
        "flush.size": "4",
    }
    at = [NOON, NOON + HOUR, NOON, NOON + HOUR]
    found = write(world, *(Log({"id": number}, when) for number, when in enumerate(at)))
    assert sorted([each["id"] for each in records] for records in found.values()) == [[0, 2], [1, 3]]


def test_too_many_open_files_close_them_all(world: World) -> None:
    world.more = {**BY_FIELD, "partitioner.max.open.files": "2", "flush.size": "1000"}
    found = write(world, *(Log({"id": number, "kind": kind}) for number, kind in enumerate("ababca")))
    assert sorted([each["id"] for each in records] for records in found.values()) == [[0, 2], [1, 3]]


def test_the_end_of_a_run_closes_files_that_no_rule_would(world: World) -> None:
    world.more = {"flush.size": "1000"}
    assert write(world, *numbered(2)) == {}
    world.running.end()
    world.commit()
    assert [[each["id"] for each in records] for records in world.contents().values()] == [[0, 1]]
    assert world.archived()[P0] == 2


def test_the_wall_clock_closes_files_without_a_new_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [NOON / 1000 + 5]
    monkeypatch.setattr("ferryman.connectors.s3.sink.time.time", lambda: now[0])
    world.more = {"rotate.schedule.interval.ms": "60000", "timezone": "UTC", "flush.size": "1000"}
    assert write(world, *numbered(2)) == {}
    now[0] = NOON / 1000 + 59
    world.commit()
    assert world.objects() == []
    now[0] = NOON / 1000 + 60
    world.commit()
    assert list(world.contents().values()) == [[{"id": 0}, {"id": 1}]]


@pytest.mark.parametrize(
    ("hours", "zone_name", "now", "due"),
    [
        (7, "UTC", "2026-01-31T13:59:59", "2026-01-31T14:00:00"),
        (7, "UTC", "2026-01-31T14:00:00", "2026-01-31T21:00:00"),
        (7, "UTC", "2026-01-31T22:00:00", "2026-02-01T00:00:00"),
        (48, "UTC", "2026-01-31T22:00:00", "2026-02-01T00:00:00"),
        # Days of 23 and of 25 hours.
        (6, "Europe/Zurich", "2026-03-29T20:30:00", "2026-03-30T00:00:00"),
        (6, "Europe/Zurich", "2026-10-25T17:30:00", "2026-10-25T23:00:00"),
        (6, "Europe/Zurich", "2026-10-25T23:30:00", "2026-10-26T00:00:00"),
        # Clocks go back at one, to the midnight that was.
        (7, "America/Havana", "2026-11-01T05:00:00", "2026-11-01T06:00:00"),
    ],
)
def test_scheduled_rotation_is_counted_from_each_midnight(hours: int, zone_name: str, now: str, due: str) -> None:
    at = zone(zone_name)
    rotation = Rotation(schedule=hours * HOUR, zone=at)
    found = rotation.next_schedule(int(datetime.fromisoformat(now).replace(tzinfo=at).timestamp() * 1000))
    assert found is not None
    assert datetime.fromtimestamp(found / 1000, at).replace(tzinfo=None) == datetime.fromisoformat(due)


def test_silence_closes_files(world: World) -> None:
    world.more = {"rotate.idle.interval.ms": "30", "flush.size": "1000"}
    write(world, *numbered(2))
    deadline = time.monotonic() + 120
    while not world.requested and not world.objects():
        assert time.monotonic() < deadline
    world.commit()
    assert list(world.contents().values()) == [[{"id": 0}, {"id": 1}]]


def test_puts_that_change_nothing_about_the_next_rotation_start_no_further_alarm(world: World) -> None:
    world.more = {"rotate.schedule.interval.ms": "3600000", "timezone": "UTC", "flush.size": "1000"}
    world.produce(P0, *numbered(20))
    world.begin()
    world.put(P0, 1)
    alarm = world.running._alarm
    assert alarm is not None
    for _ in range(19):
        world.put(P0, 1)
    assert world.running._alarm is alarm


def test_an_alarm_that_was_too_early_is_set_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [NOON / 1000 + 59.99]
    monkeypatch.setattr("ferryman.connectors.s3.sink.time.time", lambda: now[0])
    world.more = {"rotate.schedule.interval.ms": "60000", "timezone": "UTC", "flush.size": "1000"}
    world.produce(P0, *numbered(2))
    world.begin()
    world.put(P0, 2)
    for _ in range(3):  # the wall clock stands still meanwhile, as one that is set back does
        deadline = time.monotonic() + 120
        while not world.requested:
            assert time.monotonic() < deadline
        world.commit()
        assert world.objects() == []


def test_bytes_close_files(world: World) -> None:
    world.more = {"flush.bytes": "20", "flush.size": "1000"}
    world.produce(P0, *numbered(7))
    world.begin()
    for _ in range(7):
        world.put(P0, 1)
    world.commit()
    assert [len(records) for records in world.contents().values()] == [3, 3]


def test_short_memory_closes_files_early(world: World) -> None:
    world.more = {**BY_FIELD, "flush.size": "1000000", "s3.memory.bytes": str(16 * 1024 * 1024)}
    text = "x" * 100_000
    world.produce(P0, *(Log({"kind": str(number % 50), "text": text, "id": number}) for number in range(300)))
    world.begin()
    for _ in range(30):
        world.put(P0, 10)
        assert sum(partition.held_bytes for partition in world.running._partitions.values()) <= 17 * 1024 * 1024
    world.commit()
    assert world.group[P0].offset > 100
    ids = sorted(each["id"] for records in world.contents().values() for each in records)
    assert ids == list(range(world.group[P0].offset))


def test_a_large_file_is_uploaded_in_parts_while_it_grows(world: World) -> None:
    world.more = {"flush.size": "130", "s3.part.size": str(5 * 1024 * 1024)}
    text = "x" * 100_000
    world.produce(P0, *(Log({"id": number, "text": text}) for number in range(130)))
    world.begin()
    for _ in range(13):
        world.put(P0, 10)
    assert sum(partition.held_bytes for partition in world.running._partitions.values()) < 6 * 1024 * 1024
    world.commit()
    (records,) = world.contents().values()
    assert [each["id"] for each in records] == list(range(130))


def test_parquet_in_pieces_is_one_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferryman.connectors.s3.formats.parquet.PIECE_BYTES", 100)
    world.more = {**PARQUET, "flush.size": "50"}
    world.schema = struct({"id": INT64, "text": STRING}, "order")
    world.produce(P0, *(Log({"id": number, "text": f"t{number % 3}"}) for number in range(50)))
    world.begin()
    for _ in range(5):
        world.put(P0, 10)
    world.commit()
    (key,) = world.objects()
    frame = pl.read_parquet(world.get(key))
    assert frame.get_column("id").to_list() == list(range(50))
    assert pl.scan_parquet(world.get(key)).filter(pl.col("id") == 33).collect().rows() == [(33, "t0")]


def versioned(version: int, *names: str) -> Schema:
    fields = {name: INT32 if name == "id" else Schema(Type.STRING, optional=True, default="new") for name in names}
    found = struct(fields, "order")
    return Schema(Type.STRUCT, name="order", version=version, fields=found.fields)


@pytest.mark.parametrize(
    ("compatibility", "files"),
    [
        ("NONE", [[{"id": 0}], [{"id": 1, "more": "x"}], [{"id": 2}]]),
        ("BACKWARD", [[{"id": 0}], [{"id": 1, "more": "x"}, {"id": 2, "more": "new"}]]),
        ("FULL", [[{"id": 0}], [{"id": 1, "more": "x"}, {"id": 2, "more": "new"}]]),
        ("FORWARD", [[{"id": 0}, {"id": 1}, {"id": 2}]]),
    ],
)
def test_a_changed_schema_closes_files_or_is_projected(world: World, compatibility: str, files: list[Any]) -> None:
    world.more = {**PARQUET, "schema.compatibility": compatibility, "rotate.idle.interval.ms": "1", "flush.size": "9"}
    world.begin()
    one, two = versioned(1, "id"), versioned(2, "id", "more")
    for number, schema in enumerate([one, two, one]):
        world.schema = schema
        world.produce(P0, Log({"id": number, "more": "x"} if schema is two else {"id": number}))
        world.put(P0)
    time.sleep(0.002)
    world.commit()
    assert list(world.contents().values()) == files


RED, BLUE = ((f"io.confluent.connect.avro.Enum.{symbol}", symbol) for symbol in ("RED", "BLUE"))
FEW, MANY = (
    Schema(Type.STRING, parameters=(("io.confluent.connect.avro.Enum", "Colour"), *symbols))
    for symbols in ((RED,), (RED, BLUE))
)


@pytest.mark.parametrize(
    ("file", "record", "fits"),
    [
        ({"id": INT64}, {"id": INT32}, True),
        ({"id": INT32}, {"id": INT64}, False),
        ({"id": INT32}, {"id": STRING}, False),
        ({"id": STRING}, {"id": INT32}, False),
        ({"id": decimal(2)}, {"id": decimal(3)}, False),
        ({"id": INT32}, {"id": INT32.as_optional()}, False),
        ({"id": replace(INT32, default=1)}, {"id": INT32.as_optional()}, True),
        ({"id": INT32.as_optional()}, {"id": INT32}, True),
        ({"id": INT32, "more": STRING}, {"id": INT32}, False),
        ({"id": INT32, "more": replace(STRING, default="")}, {"id": INT32}, True),
        ({"id": INT32}, {"id": INT32, "more": STRING}, True),
        ({"in": struct({"a": INT32}, "A")}, {"in": struct({"a": INT32}, "B")}, False),
        ({"in": struct({"a": INT32}, "A")}, {"in": struct({}, "A")}, False),
        ({"in": array(INT32)}, {"in": array(STRING)}, False),
        ({"in": array(INT64)}, {"in": array(INT32)}, True),
        (
            {"in": Schema(Type.MAP, keys=STRING, values=INT32)},
            {"in": Schema(Type.MAP, keys=STRING, values=INT64)},
            False,
        ),
        (
            {"in": Schema(Type.MAP, keys=STRING, values=INT32)},
            {"in": Schema(Type.MAP, keys=INT32, values=INT32)},
            False,
        ),
        ({"in": MANY}, {"in": FEW}, True),
        ({"in": FEW}, {"in": MANY}, False),
        ({"in": replace(STRING, parameters=(("connect.record.doc", "a"),))}, {"in": STRING}, True),
        ({"in": replace(INT32, parameters=((FIELD_DEFAULT, "true"),), default=1)}, {"in": INT32}, True),
        ({"in": replace(struct({}), parameters=((RECORD_DOC, "new"),))}, {"in": struct({})}, True),
        ({"in": MANY}, {"in": replace(MANY, parameters=(*MANY.parameters, (f"{ENUM_DOC}Colour", "new")))}, True),
        ({"in": replace(STRING, parameters=(("length", "3"),))}, {"in": STRING}, False),
    ],
)
@pytest.mark.parametrize("compatibility", ["BACKWARD", "FORWARD", "FULL"])
def test_what_the_files_schema_cannot_read_closes_it(
    compatibility: Compatibility, file: dict[str, Schema], record: dict[str, Schema], fits: bool
) -> None:
    one, other = (replace(struct(fields, "shop.Order"), version=1) for fields in (file, record))
    assert ends_file(compatibility, one, other) is not fits
    assert ends_file(compatibility, one, replace(other, name="shop.Payment"))


@pytest.mark.parametrize("as_columns", [True, False])
def test_a_null_is_the_default_of_its_own_schema_also_in_a_file_of_another(as_columns: bool) -> None:
    own, other = (struct({"a": replace(OPTIONAL_STRING, default=text), "b": INT32}, "N") for text in ("own", "other"))
    values = [{"a": None, "b": 1}, {"a": "x", "b": 2}]
    data = Columns(own, pl.DataFrame(values, {"a": pl.String, "b": pl.Int32})) if as_columns else Rows(own, values)
    found = projected(batch_at(P0, 0, data), other).value
    assert found.rows().values == [{"a": "own", "b": 1}, {"a": "x", "b": 2}]


def test_schemas_that_contain_themselves_close_files_when_they_change() -> None:
    def node(more: Mapping[str, Schema], version: int) -> Schema:
        inner = RecursiveSchema.unfilled([], optional=True)
        outer = replace(struct({"next": inner, **more}, "Node"), version=version)
        inner.fill(outer)
        return outer

    assert not ends_file("BACKWARD", node({}, 1), node({}, 1))
    assert ends_file("BACKWARD", node({"more": STRING.as_optional()}, 2), node({}, 1))


def test_records_of_another_name_get_files_of_their_own(world: World) -> None:
    world.more = {**PARQUET, "schema.compatibility": "BACKWARD", "flush.size": "9"}
    world.begin()
    for name in ("shop.Order", "shop.Payment", "shop.Order"):
        world.schema = replace(struct({"id": INT32}, name), version=1)
        world.produce(P0, Log({"id": len(world.logs[P0])}))
        world.put(P0)
    world.running.end()
    world.commit()
    assert (list(world.contents().values()), world.reported) == ([[{"id": 0}], [{"id": 1}], [{"id": 2}]], [])


def test_a_missing_version_is_a_data_error_where_versions_count(world: World) -> None:
    world.more = {**PARQUET, "schema.compatibility": "BACKWARD", "flush.size": "9"}
    world.begin()
    for fields in ({"id": INT32}, {"id": INT64}):
        world.schema = struct(fields, "order")
        world.produce(P0, Log({"id": 1}))
        world.put(P0)
    assert "Schema version required for BACKWARD compatibility" in world.reported[0][1]


@pytest.mark.parametrize("more", [{}, PARQUET, {**BY_FIELD, "flush.bytes": "300"}])
def test_records_of_many_paths_that_come_a_few_at_a_time_all_find_their_files_in_order(
    world: World, more: dict[str, str]
) -> None:
    world.more = {**BY_FIELD, "flush.size": "100", **more}
    world.schema = struct({"id": INT64, "kind": STRING}, "order")
    world.produce(P0, *(Log({"id": number, "kind": f"k{number * 7 % 5}"}) for number in range(230)))
    world.begin()
    for count in (3, 40, 1, 20, 36):
        world.put(P0, count)
    world.commit()
    for count in (7, 40, 83):
        world.put(P0, count)
    world.commit()
    committed = world.group[P0].offset
    assert committed >= 200
    found = world.contents().values()
    assert all([each["id"] for each in records] == sorted(each["id"] for each in records) for records in found)
    assert all(len({each["kind"] for each in records}) == 1 for records in found)
    assert sorted(each["id"] for records in found for each in records) == list(range(committed))


def test_a_commit_knows_of_records_that_no_file_has_yet(world: World) -> None:
    world.more = {**BY_FIELD, "flush.size": "100"}
    world.produce(P0, *(Log({"id": number, "kind": "ab"[number % 2]}) for number in range(9)))
    world.begin()
    world.put(P0, 4)
    world.commit()
    world.put(P0)
    world.commit()
    assert world.group[P0].offset == 0
    assert world.objects() == []


def test_what_compression_needs_counts_as_memory(world: World) -> None:
    world.more = {**BY_FIELD, "s3.compression.type": "gzip", "s3.memory.bytes": str(16 << 20), "flush.size": "1000000"}
    world.produce(P0, *(Log({"id": number, "kind": str(number)}) for number in range(100)))
    world.begin()
    world.put(P0)
    world.commit()
    assert len(world.objects()) == 100

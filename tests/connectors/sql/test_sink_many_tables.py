"""A poll for more tables than the session keeps staging tables for: some hundred rows each go as arrays."""

from collections.abc import Iterator

import pytest

from ferryman.connectors.sql.dialects import kept_stages
from ferryman.connectors.sql.dialects.postgresql.unstaged import direct, ways
from ferryman.record import TopicPartition
from ferryman.schema import STRING, struct
from tests.connectors.sql.sql_task import World

TABLES = [TopicPartition(name, 0) for name in ("orders", "refunds", "returns")]
NOTE = struct({"id": STRING, "note": STRING})
UPSERT = {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}
A, B, C = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
Notes = list[tuple[str, str]]


@pytest.fixture
def world(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Three tables, where staging tables are kept for two, and two rows are too many for literals."""
    monkeypatch.setattr(kept_stages, "KEPT_STAGES", 2)
    monkeypatch.setattr(direct, "DIRECT_ROWS", 1)
    monkeypatch.setattr(ways, "MADE_ANEW_ROWS", 1)
    world = World(postgres, UPSERT, value_schema=NOTE, end_offset=1000)
    for source in TABLES:
        world.query(f"CREATE TABLE {source.topic} (id uuid PRIMARY KEY, note varchar(5) CHECK (note <> 'never'))")
    world.begin()
    world.own(*TABLES[1:])
    yield world
    world.kill()


def put(world: World, notes: Notes) -> None:
    values = [{"id": key, "note": note} for key, note in notes]
    world.running.put_batches([world.batch(values, source=source) for source in TABLES])


def in_tables(world: World) -> list[Notes]:
    return [world.query(f"SELECT id::text, note FROM {each.topic} ORDER BY id") for each in TABLES]


def staging_tables(world: World) -> list[tuple[str, ...]]:
    return world.query("SELECT relname FROM pg_class WHERE starts_with(relname, 'ferryman_stage_')")


def test_of_a_key_that_comes_twice_the_last_row_is_written(world: World) -> None:
    put(world, [(A, "1"), (B, '{"2\\'), (A, "NULL")])

    assert in_tables(world) == [[(A, "NULL"), (B, '{"2\\')]] * 3
    assert not staging_tables(world)


def test_keys_that_only_the_table_can_tell_apart_are_left_to_a_staging_table(world: World) -> None:
    tries: list[object] = []
    world.meanwhile = "sql.before_rows", lambda: tries.append(None)
    put(world, [(A, "1"), (B, "2"), (A.upper(), "3")])

    assert in_tables(world) == [[(A, "3"), (B, "2")]] * 3
    assert staging_tables(world)
    assert len(tries) == 1


@pytest.mark.parametrize("rows", [1, 2])
def test_large_values_go_by_staging_tables_however_few_rows_there_are(
    world: World, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(direct, "UNSTAGED_BYTES", 30)
    put(world, [(A, "1"), (B, "2")][:rows])

    assert in_tables(world) == [[(A, "1"), (B, "2")][:rows]] * 3
    assert staging_tables(world)


def test_a_row_that_a_table_refuses_is_told_by_its_record_and_the_others_are_written(world: World) -> None:
    put(world, [(A, "1"), (B, "never"), (C, "3")])

    assert in_tables(world) == [[(A, "1"), (C, "3")]] * 3
    assert [offset for offset, _ in world.reported] == [1] * 3


def test_tables_that_are_written_by_turns_have_no_more_staging_tables_than_are_kept(world: World) -> None:
    for turn in range(2):
        for source in TABLES:
            values = [{"id": key, "note": f"{turn}"} for key in (A, B, C)]
            world.running.put_batches([world.batch(values, at=3 * turn, source=source)])

    assert in_tables(world) == [[(A, "1"), (B, "1"), (C, "1")]] * 3
    assert len(staging_tables(world)) == 2

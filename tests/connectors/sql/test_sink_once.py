"""The SQL sink's guarantee: rows and offset move together or not at all, whoever dies, wherever the group stands."""

import logging
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman.api import Committed
from ferryman.connectors.sql.sink import SqlSinkConnector
from ferryman.errors import Indeterminate, RefusedError, TaskError
from ferryman.record import TopicPartition
from ferryman.runs.ranges import Range
from ferryman.schema import INT64, OPTIONAL_STRING, struct
from tests.connectors.sink_world import Killed
from tests.connectors.sql.databases import DATABASES, url_of
from tests.connectors.sql.sql_task import World

ORDER = struct({"id": INT64, "item": OPTIONAL_STRING})
POINTS = ("sql.before_rows", "sql.after_rows", "sql.before_commit", "sql.after_commit")


@pytest.fixture(params=DATABASES)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A database of the test's own and a sink that inserts."""
    world = World(url_of(request.param, request), {"auto.create": "true"}, value_schema=ORDER)
    yield world
    world.kill()


def orders(*numbers: int) -> list[dict[str, object]]:
    return [{"id": number, "item": None} for number in numbers]


def ids(world: World) -> list[int]:
    return [row[0] for row in world.query("SELECT id FROM orders ORDER BY id")]


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_neither_loses_nor_doubles_an_insert(world: World, point: str) -> None:
    world.put(orders(0, 1))
    world.die_at = point, 1
    with pytest.raises(Killed):
        world.put(orders(2, 3))
    world.die_at = None
    start = world.resume()
    assert start == (4 if point == "sql.after_commit" else 2)
    world.put(orders(*range(start, 6)), at=start)
    assert ids(world) == [0, 1, 2, 3, 4, 5]
    assert world.stored() == 6


def test_a_zombies_transaction_changes_no_row(world: World) -> None:
    world.put(orders(0))
    zombie = world.sink
    world.sink = None
    assert world.resume() == 1
    world.put(orders(1))
    assert zombie is not None
    with pytest.raises(Indeterminate, match="orders-0 at 1"):
        zombie.put_batches([world.batch(orders(1), at=1)])
    assert ids(world) == [0, 1]
    zombie.stop()


def test_whoever_writes_first_wins_and_the_other_reads_again(world: World) -> None:
    world.put(orders(0))
    zombie, world.sink = world.sink, None
    assert zombie is not None
    world.begin()
    zombie.put_batches([world.batch(orders(1), at=1)])
    with pytest.raises(Indeterminate):
        world.put(orders(1))
    assert world.resume() == 2
    assert ids(world) == [0, 1]
    zombie.stop()


def test_the_database_wins_over_the_groups_offset_with_a_warning(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.put(orders(0, 1, 2))
    for committed in (1, 3):
        world.committed = Committed(committed)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert world.resume() == 3
        told = "the database has got to offset 3, the consumer group to 1" in caplog.text
        assert told is (committed == 1)


def test_a_new_partition_starts_at_the_groups_offset_or_the_beginning(world: World) -> None:
    world.beginning, world.end_offset = 5, 20
    assert world.resume() == 5
    world.cluster, world.committed = "cluster-2", Committed(7)
    assert world.resume() == 7
    world.cluster, world.committed, world.latest = "cluster-3", None, True
    assert world.resume() == 20


def test_an_offset_out_of_range_fails_the_task_and_names_both(world: World) -> None:
    world.put(orders(0, 1, 2))
    world.end_offset = 2
    with pytest.raises(TaskError, match="next offset of orders-0 is 3, but the topic holds 0 up to 2"):
        world.begin()
    world.beginning, world.end_offset = 4, 9
    with pytest.raises(TaskError, match="is 3, but the topic holds 4 up to 9"):
        world.begin()
    world.cluster, world.committed = "cluster-2", Committed(1)
    with pytest.raises(TaskError, match="is 1, but the topic holds 4 up to 9"):
        world.begin()


def test_a_topic_created_anew_fails_the_task_and_names_both_ids(world: World) -> None:
    world.put(orders(0))
    world.topic_id = "id-2"
    with pytest.raises(TaskError, match=r"orders has the id id-2.*with the id id-1.*reset its offsets"):
        world.begin()
    assert SqlSinkConnector.alter_offsets(world.made().config, world.context(), {world.source: None})
    assert world.resume() == 0


def test_offsets_can_be_altered_and_reset(world: World) -> None:
    world.put(orders(0, 1, 2))
    config = world.made().config
    assert SqlSinkConnector.alter_offsets(config, world.context(), {world.source: 1, TopicPartition("other", 0): 5})
    assert world.stored() == 1
    with pytest.raises(Indeterminate):
        world.put(orders(9))
    assert SqlSinkConnector.alter_offsets(config, world.context(), {world.source: None})
    assert world.query("SELECT * FROM ferryman_offsets") == []


def test_records_that_were_dropped_are_passed_over_in_the_database_too(world: World) -> None:
    world.put(orders(0))
    world.positions[world.source] = 5
    world.commit()
    assert world.committed == Committed(5)
    assert world.stored() == 5
    world.end_offset = 5
    assert world.resume() == 5


def test_connectors_clusters_and_partitions_have_rows_of_their_own(world: World) -> None:
    world.put(orders(0))
    world.cluster = "cluster-2"
    world.end_offset = 0
    assert world.resume() == 0
    rows = world.query(
        'SELECT cluster_id, topic_id, "partition", connector, topic, next_offset, format FROM ferryman_offsets'
    )
    rows = [tuple(each.decode() if isinstance(each, bytes) else each for each in row) for row in rows]
    assert ("cluster-1", "id-1", 0, "warehouse", "orders", 1, 1) in rows
    assert len(rows) == 2


def test_a_row_of_a_newer_format_is_not_guessed_at(world: World) -> None:
    world.put(orders(0))
    world.query("UPDATE ferryman_offsets SET format = 2")
    with pytest.raises(TaskError, match="has the format 2, this version reads up to 1"):
        world.begin()


def test_records_that_are_already_in_are_not_written_again(world: World) -> None:
    world.put(orders(0, 1))
    with pytest.raises(TaskError, match="handed over from offset 1, but this task has got to 2"):
        world.put(orders(1), at=1)


def test_the_offsets_table_can_have_another_name_and_schema(postgres: str) -> None:
    world = World(postgres, {"auto.create": "true", "offsets.table.name": "ops.places"}, value_schema=ORDER)
    world.query("CREATE SCHEMA ops")
    world.put(orders(0))
    world.kill()
    assert world.query("SELECT next_offset FROM ops.places") == [(1,)]


def test_without_the_right_to_create_the_table_the_task_names_its_ddl(postgres: str, unique: str) -> None:
    world = World(postgres, value_schema=ORDER)
    world.query(f"CREATE ROLE {unique} LOGIN PASSWORD 'x'")
    owner = world.url
    try:
        world.url = sa.make_url(postgres).set(username=unique, password="x").render_as_string(hide_password=False)
        with pytest.raises(
            RefusedError, match=r'permission denied.*CREATE TABLE "ferryman_offsets" \( cluster_id TEXT'
        ) as caught:
            world.begin()
        ddl = str(caught.value).partition("create it: ")[2]
        world.url, restricted = owner, world.url
        world.query(ddl)
        world.query(f"GRANT SELECT, INSERT, UPDATE ON ferryman_offsets TO {unique}")
        world.query("CREATE TABLE orders (id bigint, item text)")
        world.query(f"GRANT INSERT, SELECT ON orders TO {unique}")
        world.url = restricted
        world.begin()
        world.put(orders(0))
        world.kill()
    finally:
        world.url = owner
        world.query(f"GRANT {unique} TO CURRENT_USER")
        world.query(f"DROP OWNED BY {unique}")
        world.query(f"DROP ROLE {unique}")


STEPS = st.lists(st.tuples(st.integers(1, 3), st.none() | st.sampled_from("abcd")), min_size=8, max_size=60)
SIZES = st.sampled_from((1, 2, 3, 4, 7, 50))
TABLES = count()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, size=SIZES, deaths=st.lists(st.sampled_from((None, *POINTS)), max_size=6))
@pytest.mark.parametrize("mode", ["upsert", "update"])
def test_the_table_is_the_fold_of_the_log(
    world: World, mode: str, steps: list[Any], size: int, deaths: list[str | None]
) -> None:
    fold = {2: "old", 3: "old"}
    for key, item in steps:
        if item is None:
            fold.pop(key, None)
        elif mode == "upsert" or key in fold:
            fold[key] = item
    table = f"t{next(TABLES)}"
    world.config = {
        "auto.create": "true",
        "insert.mode": mode,
        "pk.mode": "record_key",
        "pk.fields": "id",
        "delete.enabled": "true",
        "table.name.format": table,
    }
    world.cluster, world.key_schema, world.value_schema = table, INT64, struct({"item": OPTIONAL_STRING})
    world.query(f"CREATE TABLE {table} (id bigint primary key, item text)")
    world.query(f"INSERT INTO {table} VALUES (2, 'old'), (3, 'old')")
    world.end_offset = len(steps)
    read(world, [(key, None if item is None else {"item": item}) for key, item in steps], size, list(deaths))
    assert dict(world.query(f"SELECT id, item FROM {table}")) == fold
    assert world.query(f"SELECT next_offset FROM ferryman_offsets WHERE cluster_id = '{table}'") == [(len(steps),)]


def read(world: World, log: list[tuple[int, Any]], size: int, deaths: list[str | None]) -> None:
    """Reads the log to its end, in batches, dying where it is told to."""
    position = world.resume()
    while position < len(log):
        part = log[position : position + size]
        death = deaths.pop() if deaths else None
        world.die_at = None if death is None else (death, 1)
        try:
            world.put([value for _, value in part], [key for key, _ in part], at=position)
            position += len(part)
        except Killed:
            world.die_at = None
            position = world.resume()


def test_a_run_goes_on_behind_what_retention_has_removed(world: World) -> None:
    world.ranges = {world.source: Range(0, 9)}
    world.put(orders(0, 1))
    zombie, world.sink = world.sink, None
    world.beginning = world.end_offset = 5
    assert world.resume() == 5
    world.put(orders(5, 6), at=5)
    assert (ids(world), world.stored()) == ([0, 1, 5, 6], 7)
    assert zombie is not None
    with pytest.raises(Indeterminate):
        zombie.put_batches([world.batch(orders(2, 3), at=2)])
    assert ids(world) == [0, 1, 5, 6]


@pytest.mark.parametrize("range_", [Range(0, 2), None], ids=["it is through with", "has no range of"])
def test_a_run_opens_a_partition_that_retention_has_emptied_and_it(world: World, range_: Range | None) -> None:
    world.ranges = {TopicPartition("orders", 7): Range(0, 9)} if range_ is None else {world.source: range_}
    world.end_offset = 2
    world.begin()
    world.put(orders(0, 1), at=2 if range_ is None else 0)
    stored = world.stored()
    world.beginning, world.end_offset = 50, 90
    world.resume()
    assert world.stored() == stored

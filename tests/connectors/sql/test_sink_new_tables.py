"""Many tables that are new to a task at once: they are looked at and made together, and what is wrong with one is its
own."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ferryman.api import Assigned, BadRecords
from ferryman.connectors.sql.database.structure import Change
from ferryman.errors import DataError, TaskError
from ferryman.record import Batch, TopicPartition
from ferryman.schema import INT64, OPTIONAL_STRING, array, struct
from tests.connectors.sql.databases import DATABASES, url_of
from tests.connectors.sql.sql_task import DEBEZIUM, World

ORDER = struct({"id": INT64, "item": OPTIONAL_STRING})
WIDER = struct({"id": INT64, "item": OPTIONAL_STRING, "note": OPTIONAL_STRING})
UPSERT = {"auto.create": "true", "insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}
"""How rows get into their tables."""


@pytest.fixture(params=DATABASES)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A database, and a sink that makes tables."""
    world = World(url_of(request.param, request), UPSERT, value_schema=ORDER)
    yield world
    world.kill()


@contextlib.contextmanager
def statements() -> Iterator[list[str]]:
    """What SQLAlchemy sends to any database."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(Engine, "before_cursor_execute", note)


def sources(count: int) -> list[TopicPartition]:
    return [TopicPartition(f"shop_{number:04}", 0) for number in range(count)]


def poll(world: World, of: Sequence[TopicPartition], at: int = 0) -> list[Batch]:
    """A record of each partition."""
    return [world.batch([{"id": at, "item": source.topic}], at=at, source=source) for source in of]


def begun(world: World, of: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Starts a task that owns these; where each of them goes on."""
    world.begin()
    assigned = [Assigned(source, f"id of {source.topic}", None, 0, 1000, 0) for source in of]
    return dict(world.running.open(assigned))


def rows(world: World, of: Sequence[TopicPartition]) -> list[tuple[Any, ...]]:
    return [row for source in of for row in world.query(f"SELECT id, item FROM {source.topic} ORDER BY id")]


def test_tables_that_are_new_to_a_task_take_few_statements_each(request: pytest.FixtureRequest) -> None:
    counts = []
    for count in (40, 80):
        of = sources(count)
        world = World(url_of("postgresql", request), UPSERT, value_schema=ORDER, cluster=f"cluster {count}")
        for at in (0, 1):  # the tables are missing, then a new task finds them
            world.kill()
            with statements() as sent:
                begun(world, of)
                world.running.put_batches(poll(world, of, at))
            counts.append(len(sent) - sum(each.lstrip().startswith("CREATE TABLE") for each in sent))
        world.kill()
        assert rows(world, of[:40]) == [(at, source.topic) for source in of[:40] for at in (0, 1)]
    missing, there, twice_missing, twice_there = counts
    # Forty tables more are one more transaction of those that make them, which looks at them afterwards.
    assert twice_missing - missing < 40
    assert twice_there - there < 5


def test_all_records_of_tables_that_are_new_go_in(world: World) -> None:
    of = sources(60)
    begun(world, of)
    world.running.put_batches(poll(world, of))
    world.running.put_batches(poll(world, of, at=1))
    assert rows(world, of) == [(at, source.topic) for source in of for at in (0, 1)]


def test_a_table_is_made_for_the_first_of_its_schemas_and_grows_with_the_others(world: World) -> None:
    world.config = UPSERT | {"auto.evolve": "true"}
    of = sources(3)
    begun(world, of)
    batches = poll(world, of)
    world.value_schema = WIDER
    batches += [world.batch([{"id": 1, "item": "b", "note": "c"}], at=1, source=source) for source in of]
    world.running.put_batches(batches)
    for source in of:
        assert world.query(f"SELECT id, note FROM {source.topic} ORDER BY id") == [(0, None), (1, "c")]


def test_a_table_that_cannot_be_made_takes_no_other_with_it(world: World) -> None:
    of = sources(5)
    begun(world, of)
    batches = poll(world, of)
    world.value_schema = struct({"id": INT64, "items": array(struct({"a": INT64}))})
    batches[2] = world.batch([{"id": 0, "items": []}], source=of[2])
    with pytest.raises(BadRecords) as caught:
        world.running.put_batches(batches)
    ((batch, index, error),) = caught.value.found
    assert (batch.source, index) == (of[2], 0)
    assert isinstance(error, DataError)
    assert "items" in str(error)
    good = [batch for batch in batches if batch.source != of[2]]
    world.running.put_batches(good)
    assert rows(world, [batch.source for batch in good]) == [(0, batch.topic) for batch in good]


def test_a_view_among_them_is_refused_by_its_name(world: World) -> None:
    of = sources(4)
    world.query("CREATE TABLE base (id bigint primary key, item varchar(20))")
    world.query(f"CREATE VIEW {of[1].topic} AS SELECT * FROM base")
    begun(world, of)
    with pytest.raises(TaskError, match=f"{of[1].topic} is a view"):
        world.running.put_batches(poll(world, of))
    others = [of[0], *of[2:]]
    world.running.put_batches(poll(world, others))
    assert rows(world, others) == [(0, source.topic) for source in others]


def test_where_nothing_may_be_made_what_is_missing_is_named_and_what_is_there_is_written(world: World) -> None:
    of = sources(3)
    world.config = UPSERT | {"auto.create": "false"}
    for source in of[:2]:
        world.query(f"CREATE TABLE {source.topic} (id bigint primary key, item varchar(20))")
    begun(world, of)
    with pytest.raises(TaskError, match=f"{of[2].topic} is missing"):
        world.running.put_batches(poll(world, of))
    world.running.put_batches(poll(world, of[:2]))
    assert rows(world, of[:2]) == [(0, source.topic) for source in of[:2]]


def test_two_tasks_that_make_the_same_tables_at_once_both_write_all(request: pytest.FixtureRequest) -> None:
    of = sources(120)
    url = url_of("postgresql", request)
    tasks = [World(url, UPSERT, value_schema=ORDER, cluster=f"cluster {number}") for number in range(2)]
    for task in tasks:
        begun(task, of)
    together = threading.Barrier(2)

    def writes(at: int) -> None:
        together.wait()
        tasks[at].running.put_batches(
            [tasks[at].batch([{"id": at, "item": source.topic}], source=source) for source in of]
        )

    threads = [threading.Thread(target=writes, args=(at,)) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(tasks[0], of) == [(at, source.topic) for source in of for at in (0, 1)]
    for task in tasks:
        task.kill()


def test_change_events_make_their_tables_together_too(request: pytest.FixtureRequest) -> None:
    event = struct({"before": ORDER.as_optional(), "after": ORDER.as_optional(), "op": OPTIONAL_STRING})
    config = {"connector.class": DEBEZIUM, "insert.mode": "upsert", "primary.key.mode": "record_key"}
    config |= {"schema.evolution": "basic", "collection.name.format": "${topic}"}
    key = struct({"id": INT64})
    world = World(url_of("postgresql", request), config, key_schema=key, value_schema=event)
    of = sources(30)
    begun(world, of)
    batches = [
        world.batch([{"before": None, "after": {"id": 0, "item": source.topic}, "op": "c"}], [{"id": 0}], source=source)
        for source in of
    ]
    with statements() as sent:
        world.running.put_batches(batches)
    assert rows(world, of) == [(0, source.topic) for source in of]
    assert len([each for each in sent if "pg_catalog.pg_attribute.attname" in each]) < 5
    world.kill()


def test_offsets_of_many_partitions_are_found_with_one_statement(world: World) -> None:
    of = [TopicPartition(f"shop_{number % 7}", number // 7) for number in range(70)]
    begun(world, of)
    world.running.put_batches([world.batch([{"id": 0, "item": "a"}], source=source) for source in of[:35]])
    world.kill()
    with statements() as sent:
        found = begun(world, of)
    assert [found[source] for source in of] == [1] * 35 + [0] * 35
    assert len([each for each in sent if each.startswith("INSERT")]) <= 1
    assert len([each for each in sent if "next_offset" in each and each.startswith("SELECT")]) <= 4


def test_columns_that_are_new_to_a_table_are_added_together(request: pytest.FixtureRequest) -> None:
    world = World(url_of("postgresql", request), UPSERT | {"auto.evolve": "true"}, value_schema=ORDER)
    world.put([{"id": 0, "item": "a"}])
    more = {f"c{number}": OPTIONAL_STRING for number in range(40)}
    world.value_schema = struct({"id": INT64, "item": OPTIONAL_STRING, **more})
    with statements() as sent:
        world.put([{"id": 1, "item": "b", **dict.fromkeys(more, "x")}])
    assert world.query("SELECT c0, c39 FROM orders ORDER BY id") == [(None, None), ("x", "x")]
    assert len([each for each in sent if each.startswith("ALTER TABLE")]) == 40
    assert len([each for each in sent if "pg_catalog.pg_attribute.attname" in each]) < 5
    world.kill()


def test_a_column_that_a_neighbour_adds_meanwhile_keeps_none_of_the_others_out(world: World) -> None:
    world.config = UPSERT | {"auto.evolve": "true"}
    world.put([{"id": 0, "item": "a"}])
    assert world.sink is not None
    structure = world.sink._tables._structure
    change = structure.change

    def meanwhile(changes: Sequence[Change]) -> None:
        structure.change = change  # type: ignore[method-assign]
        world.query("ALTER TABLE orders ADD COLUMN note varchar(20)")
        structure.change(changes)

    structure.change = meanwhile  # type: ignore[method-assign]
    world.value_schema = struct(
        {"id": INT64, "item": OPTIONAL_STRING, "first": INT64.as_optional(), "note": OPTIONAL_STRING}
    )
    world.put([{"id": 1, "item": "b", "first": 7, "note": "c"}])
    assert world.query("SELECT first, note FROM orders ORDER BY id") == [(None, None), (7, "c")]

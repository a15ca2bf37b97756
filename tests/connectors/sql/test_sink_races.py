"""Two tasks at once on a server: whoever waits asks again, no row is lost, and a bad row is found among good ones."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ferryman.errors import DataError, Indeterminate, RetriableError
from ferryman.schema import INT64, OPTIONAL_STRING, struct
from tests.connectors.sql.databases import url_of
from tests.connectors.sql.sql_task import World

ORDER = struct({"id": INT64, "item": OPTIONAL_STRING})
UPSERT = {"auto.create": "true", "insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}
WAIT_LESS = {"postgresql": "SET lock_timeout = '100ms'", "mysql": "SET SESSION innodb_lock_wait_timeout = 1"}


@pytest.fixture(params=["postgresql", "mariadb"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A database on a server, and a sink that upserts."""
    world = World(url_of(request.param, request), UPSERT, value_schema=ORDER)
    yield world
    world.kill()


def orders(count: int, **bad: Any) -> list[dict[str, Any]]:
    """Records 0, 1, …; ``bad`` is the item of record 5."""
    return [{"id": number, "item": "pen"} | (bad if number == 5 else {}) for number in range(count)]


def wait_less(world: World) -> None:
    """The task's session gives up waiting for a lock soon."""
    assert world.sink is not None
    with world.sink._session.transaction("wait less") as connection:
        connection.exec_driver_sql(WAIT_LESS[connection.dialect.name])


@pytest.mark.parametrize("as_columns", [True, False])
def test_a_bad_row_is_found_and_its_neighbours_go_in(world: World, as_columns: bool) -> None:
    world.query("CREATE TABLE orders (id bigint primary key, item varchar(20) CHECK (item <> 'poison'))")
    world.begin()
    assert world.narrowed(world.batch(orders(20, item="poison"), as_columns=as_columns)) == [5]
    assert len(world.query("SELECT * FROM orders")) == 19
    assert world.stored() == 20


def test_a_batch_that_fails_leaves_nothing_behind(world: World) -> None:
    world.query("CREATE TABLE orders (id bigint primary key, item varchar(20))")
    world.put(orders(3))
    with pytest.raises(DataError):
        world.put([{"id": 10, "item": "x"}, {"id": 11, "item": "x" * 21}])
    assert len(world.query("SELECT * FROM orders")) == 3
    assert world.stored() == 3
    world.put([{"id": 10, "item": "x"}], at=3)
    assert len(world.query("SELECT * FROM orders")) == 4


def test_two_owners_of_a_partition_take_turns_and_the_second_reads_again(world: World) -> None:
    world.put(orders(1))
    other = World(world.url, UPSERT, value_schema=ORDER, end_offset=1)
    other.begin()
    wait_less(other)

    def compete() -> None:
        with pytest.raises(RetriableError) as caught:
            other.put([{"id": 1, "item": "theirs"}], at=1)
        assert not isinstance(caught.value, Indeterminate)

    world.meanwhile = ("sql.before_commit", compete)
    world.put([{"id": 1, "item": "ours"}])
    with pytest.raises(Indeterminate):
        other.put([{"id": 1, "item": "theirs"}], at=1)
    other.kill()
    assert world.query("SELECT item FROM orders WHERE id = 1") == [("ours",)]


def test_two_tasks_writing_the_same_keys_in_opposite_order_do_not_lose_a_row(world: World) -> None:
    other = World(world.url, UPSERT, cluster="cluster-2", value_schema=ORDER)
    world.put(orders(1))
    other.put(orders(1))
    rows = [{"id": number, "item": "x"} for number in range(2000)]

    def work(each: World, values: list[dict[str, Any]]) -> None:
        for _ in range(5):
            start = each.end_offset
            while True:
                try:
                    each.put(values, at=start)
                    break
                except Indeterminate:
                    raise
                except RetriableError:
                    continue  # a lock that the other holds for long, on a slow machine

    threads = [
        threading.Thread(target=work, args=(world, rows)),
        threading.Thread(target=work, args=(other, rows[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.kill()
    assert world.query("SELECT sum(next_offset) FROM ferryman_offsets") == [(20002,)]
    assert world.query("SELECT count(*) FROM orders") == [(2000,)]

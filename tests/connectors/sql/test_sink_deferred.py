"""Rows that PostgreSQL refuses only when all is to be committed: the guilty ones are found, and no others refused."""

from collections.abc import Iterator
from typing import Any

import pytest

from ferryman.connectors.sql.dialects.postgresql.unstaged import direct
from ferryman.schema import INT64, struct
from tests.connectors.sql.sql_task import WITHOUT_STAGING, World, go
from tests.connectors.sql.test_sink_refusals import INSERT, counted, ids

ROW = struct({"id": INT64, "parent": INT64.as_optional()})
LATER = "DEFERRABLE INITIALLY DEFERRED"
NOWHERE = 10**9


@pytest.fixture(params=["staged", *WITHOUT_STAGING])
def world(request: pytest.FixtureRequest, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A table whose rows have parents in it, and each parent once."""
    go(request.param, monkeypatch)
    if request.param == "as literals":
        monkeypatch.setattr(direct, "DIRECT_ROWS", 10**6)
    world = World(postgres, INSERT, value_schema=ROW, end_offset=10**6)
    world.query(f"CREATE TABLE orders (id BIGINT PRIMARY KEY, parent BIGINT UNIQUE {LATER} REFERENCES orders {LATER})")
    world.begin()
    yield world
    world.kill()


def row(number: int, parent: int | None = None) -> dict[str, Any]:
    return {"id": number, "parent": parent}


def test_one_in_ten_is_found_in_few_transactions_and_the_offset_moves_past_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [row(number) for number in range(300)]
    values[::20] = [row(number, NOWHERE + number) for number in range(0, 300, 20)]
    values[10::20] = [row(number, 5) for number in range(10, 300, 20)]  # the first of these is taken
    with counted(monkeypatch) as begun:
        world.running.put_batches([world.batch(values)])
    refused = [*range(0, 300, 20), *range(30, 300, 20)]
    assert [offset for offset, _ in world.reported] == sorted(refused)
    assert ids(world) == [number for number in range(300) if number not in refused]
    assert len(begun) <= 6
    assert (world.reports, world.stored()) == (1, 300)
    assert all("constraint orders_parent" in text and str(NOWHERE) not in text for _, text in world.reported)


def test_children_before_their_parents_are_taken_beside_one_that_has_none_and_after_it(world: World) -> None:
    """Whatever is between them: more than is tried together, and other children that wait themselves."""
    before = [row(number, number + 80) for number in range(80)]
    values = [*before, row(NOWHERE, 7 * NOWHERE), *(row(number, number + 80) for number in range(80, 120))]
    values += [row(number) for number in range(120, 200)]
    world.running.put_batches([world.batch(values)])
    assert [offset for offset, _ in world.reported] == [80]
    assert ids(world) == list(range(200))
    for start in (1_000, 2_000):
        values = [row(start + number, start + number + 70) for number in range(70)]
        values += [row(start + number) for number in range(70, 140)]
        world.running.put_batches([world.batch(values, at=start)])
    assert len(world.reported) == 1, "nothing was looked for beforehand"
    assert len(ids(world)) == 480


def test_a_row_that_was_refused_is_not_tried_behind_a_later_one_of_its_key(postgres: str) -> None:
    world = World(postgres, {**INSERT, "insert.mode": "upsert"}, value_schema=ROW, end_offset=10**6)
    world.query(f"CREATE TABLE orders (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES orders {LATER})")
    world.begin()
    values = [row(1, 300), *(row(number) for number in range(100, 200)), row(1), row(300), row(2, NOWHERE)]
    world.running.put_batches([world.batch(values)])
    assert [offset for offset, _ in world.reported] == [0, 103]
    assert world.query("SELECT parent FROM orders WHERE id = 1") == [(None,)]
    world.kill()

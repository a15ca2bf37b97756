"""Rows that only the database can refuse: each is found, as if it had come alone, and all others go in together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.dialects.postgresql import suspects
from ferryman.connectors.sql.dialects.postgresql.unstaged import direct
from ferryman.errors import DataError, TaskError
from ferryman.record import Batch, TopicPartition
from ferryman.schema import INT64, OPTIONAL_STRING, STRING, Schema, Type, struct
from tests.connectors.sink_world import Killed
from tests.connectors.sql.databases import DATABASES, url_of
from tests.connectors.sql.sql_task import WITHOUT_STAGING, World, go

UNSTAGED = [f"postgresql, {way}" for way in WITHOUT_STAGING]
ARRAY = Schema(Type.ARRAY, values=STRING)
OPTIONAL_INT64 = INT64.as_optional()
ROW = struct({"id": INT64, "code": OPTIONAL_STRING, "amount": OPTIONAL_INT64})
NARROW = struct({"id": INT64, "code": OPTIONAL_STRING})
INSERT = {"insert.mode": "insert", "pk.mode": "record_value", "pk.fields": "id"}
NUMBERS = count()


@pytest.fixture(params=[*DATABASES, *UNSTAGED])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A table that takes each code once, and no amount below zero."""
    name, _, way = request.param.partition(", ")
    go(way, monkeypatch)
    monkeypatch.setattr(suspects, "ROWS_WORTH_A_LOOK", 1)
    world = World(url_of(name, request), INSERT, value_schema=ROW, end_offset=10**6)
    world.query(
        "CREATE TABLE orders (id BIGINT PRIMARY KEY, code VARCHAR(20) UNIQUE, amount BIGINT CHECK (amount >= 0))"
    )
    world.begin()
    yield world
    world.kill()


def row(number: int, code: str | None = None, amount: int | None = 1) -> dict[str, Any]:
    return {"id": number, "code": code, "amount": amount}


def ids(world: World) -> list[int]:
    return [found[0] for found in world.query("SELECT id FROM orders ORDER BY id")]


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The transactions that are begun meanwhile."""
    begun: list[str] = []
    transaction = Session.transaction

    def watched(session: Session, doing: str) -> Any:
        begun.append(doing)
        return transaction(session, doing)

    with monkeypatch.context() as patches:
        patches.setattr(Session, "transaction", watched)
        yield begun


def test_one_in_ten_costs_no_transactions_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    values = [row(number, amount=-1 if number % 10 == 3 else 1) for number in range(500)]
    with counted(monkeypatch) as begun:
        world.running.put_batches([world.batch(values)])
    assert [offset for offset, _ in world.reported] == list(range(3, 500, 10))
    assert ids(world) == [number for number in range(500) if number % 10 != 3]
    assert len(begun) <= 6
    assert world.reports == 1
    with counted(monkeypatch) as begun:
        world.running.put_batches([world.batch([row(500), row(501, amount=-1), row(502)], at=500)])
    assert [offset for offset, _ in world.reported][50:] == [501]
    assert len(begun) <= 2, "after one that was refused the next is expected"


def test_of_two_rows_with_one_key_the_later_is_refused(world: World) -> None:
    values = [row(1, "a"), row(2, "a"), row(1, "b"), row(3, "c"), row(4, "c"), row(5, "d")]
    world.running.put_batches([world.batch(values)])
    assert [offset for offset, _ in world.reported] == [1, 2, 4]
    assert ids(world) == [1, 3, 5]


def test_what_is_said_of_a_row_names_the_constraint_and_no_value(world: World) -> None:
    world.running.put_batches([world.batch([row(1, "secret-1"), row(2, "secret-1"), row(3, "secret-3", -1)])])
    assert [offset for offset, _ in world.reported] == [1, 2]
    for _, text in world.reported:
        assert text.startswith("Cannot write to orders: ")
        assert "secret" not in text


def test_rows_of_several_shapes_are_tried_in_the_order_of_the_poll(world: World) -> None:
    world.query("DROP TABLE orders")
    world.query(
        "CREATE TABLE orders (id BIGINT PRIMARY KEY, code VARCHAR(20) UNIQUE, amount BIGINT CHECK (amount >= 0))"
    )
    first, second, third = (TopicPartition("orders", number) for number in (0, 1, 2))
    world.own(second, third)
    before = world.batch([row(1, "a"), row(2, "b")], source=first)
    after = world.batch([row(6, "e"), row(7, "g")], source=third)
    world.value_schema = NARROW
    between = world.batch([{"id": 4, "code": "a"}, {"id": 5, "code": "e"}], source=second)
    world.running.put_batches([before, between, after])
    assert [offset for offset, _ in world.reported] == [0, 0]
    assert ids(world) == [1, 2, 5, 7]


def test_where_none_is_tolerated_nothing_of_the_put_is_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(batch: Batch, index: int, error: Exception) -> None:
        raise TaskError(f"Tolerance exceeded: {batch.offsets[index]}")

    monkeypatch.setattr(world, "report", refused)
    world.begin()
    with pytest.raises(TaskError, match="Tolerance exceeded: 1"):
        world.running.put_batches([world.batch([row(1), row(2, amount=-1), row(3)])])
    assert ids(world) == []


def test_a_single_row_that_is_refused_is_its_own_error(world: World) -> None:
    with pytest.raises(DataError, match="Cannot write to orders"):
        world.running.put_batches([world.batch([row(1, amount=-1)])])


def test_a_row_is_reported_before_any_offset_passes_it(world: World) -> None:
    values = [row(1), row(2, amount=-1), row(3)]
    world.die_at = ("sql.before_commit", 1)
    with pytest.raises(Killed):
        world.running.put_batches([world.batch(values)])
    assert [offset for offset, _ in world.reported] == [1]
    world.die_at = None
    assert world.resume() == 0
    world.running.put_batches([world.batch(values)])
    assert ids(world) == [1, 3]
    assert world.resume() == 3


@pytest.mark.parametrize("name", ['a "quoted" one', "50%s", "$ferryman_0$", "ferryman_first"])
def test_names_are_taken_as_they_are(world: World, name: str) -> None:
    if name.startswith("a ") and "sqlite" not in world.url and "postgresql" not in world.url:
        pytest.skip("the client that makes the table here quotes by double quotes")
    quoted = name.replace('"', '""')
    table = quoted.replace("%", "%%") if "sqlite" not in world.url else quoted
    world.query("DROP TABLE orders")
    world.query(f'CREATE TABLE orders (id BIGINT PRIMARY KEY, "{table}" BIGINT CHECK ("{table}" >= 0))')
    world.value_schema = struct({"id": INT64, name: INT64})
    world.begin()
    world.running.put_batches([world.batch([{"id": number, name: number % 3 - 1} for number in range(9)])])
    assert [offset for offset, _ in world.reported] == [0, 3, 6]
    assert ids(world) == [1, 2, 4, 5, 7, 8]


def test_values_that_a_column_does_not_take_cost_no_transactions_of_their_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside rows that a constraint refuses, in the order of the poll."""
    if "sqlite" in world.url:
        pytest.skip("it takes every number")
    world.query("DROP TABLE orders")
    world.query("CREATE TABLE orders (id BIGINT PRIMARY KEY, code VARCHAR(20) UNIQUE, amount DECIMAL(3, 0))")
    world.begin()
    values = [row(number, amount=10**6 if number % 10 == 3 else 1) for number in range(300)]
    values[7], values[8] = row(7, "twice"), row(8, "twice")
    with counted(monkeypatch) as begun:
        world.running.put_batches([world.batch(values)])
    refused = sorted([8, *range(3, 300, 10)])
    assert [offset for offset, _ in world.reported] == refused
    assert ids(world) == [number for number in range(300) if number not in refused]
    assert len(begun) <= 6
    assert all("amount" in text and "1000000" not in text for offset, text in world.reported if offset != 8)


UNREADABLE = {
    "uuid": ("uuid", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-000000000000"),
    "an address": ("inet", "999.1.1.1", "10.0.0.1"),
    "a domain's check": ("word", "no", "yes"),
    "an array of such": ("word[]", ["yes", "no"], ["yes"]),
    "a text search": ("tsvector", "'a", "'a'"),
    "json": ("jsonb", '{"a": "\\u0000"}', '{"a": "b"}'),
}


@pytest.mark.parametrize("few", [True, False], ids=["directly", "staged"])
@pytest.mark.parametrize("kind", UNREADABLE)
def test_whatever_postgresql_cannot_read_is_found_in_one_transaction(
    postgres: str, monkeypatch: pytest.MonkeyPatch, kind: str, few: bool
) -> None:
    monkeypatch.setattr(direct, "MANY_LOADS", 1 if few else 1000)
    declared, bad, good = UNREADABLE[kind]
    item = ARRAY if declared.endswith("[]") else OPTIONAL_STRING
    world = World(postgres, INSERT, value_schema=struct({"id": INT64, "code": item}), end_offset=10**6)
    world.query("CREATE DOMAIN word AS VARCHAR(20) CHECK (VALUE <> 'no')")
    world.query(f"CREATE TABLE orders (id BIGINT PRIMARY KEY, code {declared})")
    world.begin()
    values = [{"id": number, "code": bad if number % 7 == 2 else good} for number in range(50)]
    with counted(monkeypatch) as begun:
        guilty = world.narrowed(world.batch(values))
    assert guilty == list(range(2, 50, 7))
    assert ids(world) == [number for number in range(50) if number % 7 != 2]
    assert len(begun) <= 8
    world.kill()


TAKEN_ALL_THE_SAME = {
    "as a trigger mends them": (
        "CREATE FUNCTION mended() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.amount := abs(NEW.amount); RETURN NEW; END $$",
        "CREATE TABLE orders (id BIGINT PRIMARY KEY, code TEXT, amount BIGINT CHECK (amount >= 0))",
        "CREATE TRIGGER mending BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION mended()",
    ),
    "as a check cannot be worked out for some": (
        "CREATE TABLE orders (id BIGINT PRIMARY KEY, code TEXT, amount BIGINT CHECK (amount < 0 OR 1 / amount < 2))",
    ),
    "as a check is not for old rows only": (
        "CREATE TABLE orders (id BIGINT PRIMARY KEY, code TEXT, amount BIGINT)",
        "ALTER TABLE orders ADD CONSTRAINT later CHECK (code NOT LIKE '%%100%%') NOT VALID",
    ),
}


@pytest.mark.parametrize("made", TAKEN_ALL_THE_SAME.values(), ids=list(TAKEN_ALL_THE_SAME))
def test_of_what_postgresql_would_hardly_take_the_try_decides(postgres: str, made: Sequence[str]) -> None:
    world = World(postgres, INSERT, value_schema=ROW, end_offset=10**6)
    for statement in made:
        world.query(statement)
    world.begin()
    values = [row(number, "100 %" if number == 40 else "a", -1 if number % 10 == 3 else 1) for number in range(200)]
    values[50] = row(49)  # its key is there
    world.running.put_batches([world.batch(values)])
    refused = [offset for offset, _ in world.reported]
    assert refused == ([40, 50] if "NOT LIKE" in made[-1] else [50])
    assert ids(world) == [number for number in range(200) if number not in refused]
    world.kill()


def test_rows_that_the_server_tells_beforehand_are_tried_alone_and_the_others_together(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many statements as there are refused rows and stretches between them."""
    world = World(postgres, INSERT, value_schema=ROW, end_offset=10**6)
    world.query("CREATE TABLE orders (id BIGINT PRIMARY KEY, code TEXT, amount BIGINT CHECK (amount >= 0))")
    world.query(
        "CREATE FUNCTION count_a_try() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM nextval('tries'); RETURN NULL; END $$"
    )
    world.query("CREATE SEQUENCE tries")
    world.query("CREATE TRIGGER counting BEFORE INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION count_a_try()")
    world.begin()
    values = [row(number, amount=-1 if number % 10 == 3 else 1) for number in range(640)]
    values[25] = row(24)  # its key is there
    world.running.put_batches([world.batch(values)])
    assert len(world.reported) == 65
    (tries,) = world.query("SELECT last_value FROM tries")[0]
    stretches = 65 + 1 + 640 // 64
    assert tries <= 1 + 65 + stretches, "the first is of all rows at once"
    world.kill()


CHILD, PARENT = "a_child", "b_parent"
CHILDREN = struct({"id": INT64, "code": OPTIONAL_STRING, "amount": OPTIONAL_INT64})
KEYS = st.integers(1, 4)
RECORDS = st.lists(
    st.tuples(st.booleans(), KEYS, st.sampled_from([None, "x", "y"]), st.sampled_from([None, 1, 2, 3, 4, -1])),
    min_size=2,
    max_size=14,
)
"""Whether it is a parent, its key, a unique code, and a child's parent; -1 is refused by itself."""


EXAMPLES = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@EXAMPLES
@given(drawn=RECORDS)
def test_what_is_refused_of_inserts_is_what_would_be_refused_of_each_record_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, drawn: Any
) -> None:
    """Or the database takes all of it together, which is as good."""
    together, alone = (outcome(world, monkeypatch, "insert", drawn, at_once) for at_once in (True, False))
    assert together == alone or together[0] == []


@EXAMPLES
@given(drawn=RECORDS)
def test_what_is_not_refused_of_upserts_is_there_with_its_last_word(
    world: World, monkeypatch: pytest.MonkeyPatch, drawn: Any
) -> None:
    refused, tables = outcome(world, monkeypatch, "upsert", drawn, at_once=True)
    for name, is_parent, found in ((CHILD, False, tables[0]), (PARENT, True, tables[1])):
        records = [(key, code, amount) for parental, key, code, amount in drawn if parental is is_parent]
        taken = {each[0]: each for offset, each in enumerate(records) if (name, offset) not in refused}
        assert found == sorted(taken.values())


def outcome(
    world: World, monkeypatch: pytest.MonkeyPatch, mode: str, drawn: Sequence[Any], at_once: bool
) -> tuple[list[tuple[str, int]], Any]:
    """Which records are refused, and what is in both tables then."""
    number = next(NUMBERS)
    child, parent = f"{CHILD}_{number}", f"{PARENT}_{number}"
    world.query(f"CREATE TABLE {parent} (id BIGINT PRIMARY KEY, code VARCHAR(20) UNIQUE, amount BIGINT)")
    world.query(
        f"CREATE TABLE {child} (id BIGINT PRIMARY KEY, code VARCHAR(20) UNIQUE, amount BIGINT CHECK (amount >= 0), "
        f"FOREIGN KEY (amount) REFERENCES {parent} (id))"
    )
    world.config = INSERT | {"insert.mode": mode, "topics": f"{child},{parent}"}
    world.value_schema = CHILDREN
    refused: list[tuple[str, int]] = []

    def report(batch: Batch, index: int, _: Exception) -> None:
        refused.append((batch.topic.rpartition("_")[0], batch.offsets[index]))

    monkeypatch.setattr(world, "report", report)
    world.begin()
    world.own(TopicPartition(child, 0), TopicPartition(parent, 0))
    batches = []
    for source, is_parent in ((TopicPartition(parent, 0), True), (TopicPartition(child, 0), False)):
        values = [row(key, code, amount) for parental, key, code, amount in drawn if parental is is_parent]
        if values:
            batches.append(world.batch(values, source=source))
    for some in [batches] if at_once else [[each] for each in singles(batches)]:
        try:
            world.running.put_batches(some)
        except DataError as error:
            assert sum(map(len, some)) == 1
            report(some[0], 0, error)
            world.running.pre_commit({some[0].source: some[0].offsets[0] + 1})
    tables = [world.query(f"SELECT id, code, amount FROM {table} ORDER BY id") for table in (child, parent)]
    return refused, tables


def singles(batches: Sequence[Batch]) -> Iterator[Batch]:
    for batch in batches:
        for index in range(len(batch)):
            yield batch.slice(index, index + 1)

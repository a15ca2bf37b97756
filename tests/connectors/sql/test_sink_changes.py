"""Tables that change while the task runs: a record is written as the table is now, or refused; nothing is bent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

import pytest

from ferryman.errors import DataError, FerrymanError, RetriableError, TaskError
from ferryman.record import TopicPartition
from ferryman.schema import INT64, OPTIONAL_STRING, decimal, struct
from tests.connectors.sql.databases import url_of
from tests.connectors.sql.sql_task import World

ORDER = struct({"id": INT64, "amount": decimal(4, optional=True), "note": OPTIONAL_STRING})
COLUMNS = "id bigint PRIMARY KEY, amount numeric(4,2), note varchar(5)"
MODES = {
    "insert": {"insert.mode": "insert"},
    "upsert": {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"},
}
ALL = ("postgresql", "mariadb", "sqlite")
SERVERS = ("postgresql", "mariadb")
LONG = "a note of some length"
JSON = '{"a": 1}'


@dataclass(frozen=True)
class Change:
    """What somebody else does to the table, and what then comes of the record 3."""

    name: str
    ddl: Sequence[str] | Mapping[str, Sequence[str]]
    """For all databases, or for each."""
    amount: str = "2"
    note: str | None = "new"
    refused: type[FerrymanError] | None = None
    """What is raised, and nothing is written."""
    config: Mapping[str, str] = field(default_factory=dict)
    databases: Sequence[str] = ALL
    modes: Sequence[str] = tuple(MODES)

    @property
    def fits_before(self) -> bool:
        """Whether the record could be a row of the table as it was."""
        return Decimal(self.amount) == round(Decimal(self.amount), 2) and len(self.note or "") <= 5

    def statements(self, database: str) -> Sequence[str]:
        return self.ddl.get(database, ()) if isinstance(self.ddl, Mapping) else self.ddl


def retyped(column: str, kind: str, on: Sequence[str] = SERVERS) -> dict[str, Sequence[str]]:
    """A column that gets another type."""
    ways = {
        "postgresql": f"ALTER TABLE orders ALTER COLUMN {column} TYPE {kind} USING {column}::{kind}",
        "mariadb": f"ALTER TABLE orders MODIFY {column} {kind}",
    }
    return {database: [ways[database]] for database in on}


def anew(columns: str) -> Sequence[str]:
    """The table dropped and created."""
    return ["DROP TABLE orders", f"CREATE TABLE orders ({columns})"]


CHANGES = (
    Change("a decimal is widened", retyped("amount", "numeric(12,4)"), "1.1234", databases=SERVERS),
    Change("a text is widened", retyped("note", "varchar(50)"), note=LONG, databases=SERVERS),
    Change("a text is narrowed", retyped("note", "varchar(1)"), refused=DataError, databases=SERVERS),
    Change("a number becomes text", retyped("amount", "varchar(20)"), "1.1234", databases=SERVERS),
    Change("text becomes JSON", retyped("note", "json"), note=JSON, databases=SERVERS),
    Change("text becomes JSON, which it is not", retyped("note", "json"), refused=DataError, databases=SERVERS),
    Change("a column goes", ["ALTER TABLE orders DROP COLUMN note"], refused=DataError),
    Change("a column goes and is added again", ["ALTER TABLE orders DROP COLUMN note"], config={"auto.evolve": "true"}),
    Change("a column is renamed", ["ALTER TABLE orders RENAME COLUMN note TO remark"], refused=DataError),
    Change(
        "a column goes and comes back as another",
        ["ALTER TABLE orders DROP COLUMN note", "ALTER TABLE orders ADD COLUMN note varchar(50)"],
        note=LONG,
    ),
    Change("a column of no field's", ["ALTER TABLE orders ADD COLUMN extra int"]),
    Change(
        "a column that must have a value",
        {
            "postgresql": ["TRUNCATE orders", "ALTER TABLE orders ADD COLUMN extra int NOT NULL"],
            "mariadb": ["ALTER TABLE orders ADD COLUMN extra int NOT NULL"],
            "sqlite": anew(f"{COLUMNS}, extra int NOT NULL"),
        },
        refused=DataError,
    ),
    Change("a column that has a default", ["ALTER TABLE orders ADD COLUMN extra int NOT NULL DEFAULT 7"]),
    Change("the table goes", ["DROP TABLE orders"], refused=TaskError),
    Change("the table goes and is created", ["DROP TABLE orders"], config={"auto.create": "true"}, note=LONG),
    Change("the table is another", anew("id bigint PRIMARY KEY, amount numeric(12,4), note varchar(50)"), note=LONG),
    Change("the table is another, with texts", anew("note varchar(50), amount varchar(9), id bigint PRIMARY KEY")),
    Change("the table is swapped", [
        "CREATE TABLE orders_n (id bigint PRIMARY KEY, amount numeric(12,4), note varchar(50))",
        "ALTER TABLE orders RENAME TO orders_o",
        "ALTER TABLE orders_n RENAME TO orders",
    ], "1.1234", LONG),
    Change("another key", anew("id bigint, amount numeric(4,2), note varchar(5), PRIMARY KEY (id, note)"),
           refused=TaskError, modes=("upsert",)),
    Change("another key, which no insert minds", anew("id bigint, amount numeric(4,2), note varchar(5) PRIMARY KEY"),
           modes=("insert",)),
    Change("a second key, which refuses the row", ["CREATE UNIQUE INDEX orders_only ON orders (note)"], note="1",
           refused=DataError),
    Change("a check", {
        "postgresql": ["ALTER TABLE orders ADD CONSTRAINT small CHECK (amount < 2) NOT VALID"],
        "mariadb": ["ALTER TABLE orders ADD CONSTRAINT small CHECK (amount < 2)"],
        "sqlite": anew("id bigint PRIMARY KEY, amount numeric CHECK (amount < 2), note varchar(5)"),
    }, refused=DataError),
    Change("a generated column", {
        "postgresql": ["ALTER TABLE orders DROP COLUMN note",
                       "ALTER TABLE orders ADD COLUMN note text GENERATED ALWAYS AS ('x') STORED"],
        "mariadb": ["ALTER TABLE orders DROP COLUMN note",
                    "ALTER TABLE orders ADD COLUMN note varchar(5) GENERATED ALWAYS AS ('x') STORED"],
        "sqlite": anew("id bigint PRIMARY KEY, amount numeric, note text GENERATED ALWAYS AS ('x') STORED"),
    }, refused=DataError),
    Change("an engine without transactions", ["ALTER TABLE orders ENGINE=MyISAM"], refused=TaskError,
           databases=("mariadb",)),
    Change("a view in its place", {
        "postgresql": ["ALTER TABLE orders RENAME TO orders_b", "CREATE VIEW orders AS SELECT * FROM orders_b"],
        "sqlite": ["ALTER TABLE orders RENAME TO orders_b", "CREATE VIEW orders AS SELECT * FROM orders_b"],
        "mariadb": ["ALTER TABLE orders RENAME TO orders_b", "CREATE VIEW orders AS SELECT * FROM orders_b"],
    }, refused=TaskError),
    Change("a view in its place, which may be written", {
        "postgresql": ["ALTER TABLE orders RENAME TO orders_b", "CREATE VIEW orders AS SELECT * FROM orders_b"],
    }, config={"table.types": "TABLE,VIEW"}, databases=("postgresql",)),
    Change("a schema of the same table before it", {
        "postgresql": ['CREATE SCHEMA ferryman',
                       "CREATE TABLE ferryman.orders (id bigint PRIMARY KEY, amount numeric(12,4), note text)"],
    }, "1.1234", LONG, databases=("postgresql",)),
)  # fmt: skip


def row(number: int, amount: str = "1", note: str | None = "new") -> dict[str, Any]:
    return {"id": number, "amount": Decimal(amount), "note": note}


@dataclass
class Task:
    """A task for each config, in one database; each change has a topic of its own, whose table has its name."""

    url: str
    mode: str
    worlds: dict[str, World] = field(default_factory=dict)

    def begin(self, number: int, change: Change) -> tuple[World, TopicPartition]:
        """The table has the rows 1 and 2, which the task has written."""
        key = str(change.config)
        if key not in self.worlds:
            config = {**MODES[self.mode], **change.config, "topics.regex": ".*", "topics": ""}
            self.worlds[key] = World(self.url, config, value_schema=ORDER)
            self.worlds[key].begin()
        world, source = self.worlds[key], TopicPartition(f"t{number}", 0)
        world.query(f"CREATE TABLE {source.topic} ({COLUMNS})")
        world.own(source)
        put(world, source, 1, row(1, note="1"), row(2, note=None))
        return world, source


def put(world: World, source: TopicPartition, at: int, *rows: dict[str, Any]) -> None:
    world.running.put_batches([world.batch(list(rows), at=at - 1, source=source)])


def holds(world: World, source: TopicPartition, change: Change) -> bool:
    """Whether the record 3 is there as it was meant."""
    found = world.query(f"SELECT amount, note FROM {source.topic} WHERE id = 3")
    if len(found) != 1:
        return False
    amount, note = found[0]
    return Decimal(str(amount)) == Decimal(change.amount) and (note if note != {"a": 1} else JSON) == change.note


def there(world: World, source: TopicPartition) -> bool:
    return world.query(f"SELECT id FROM {source.topic} WHERE id = 3") != []


def position(world: World, source: TopicPartition) -> int:
    return int(world.query(f"SELECT next_offset FROM ferryman_offsets WHERE topic = '{source.topic}'")[0][0])


def make(world: World, source: TopicPartition, change: Change, database: str) -> None:
    for statement in change.statements(database):
        world.query(statement.replace("orders", source.topic))


@pytest.fixture
def task(request: pytest.FixtureRequest, database: str, mode: str) -> Iterator[Task]:
    """No task has begun."""
    task = Task(url_of(database, request), mode)
    yield task
    for world in task.worlds.values():
        world.kill()


def outcome(world: World, source: TopicPartition, change: Change, *more: dict[str, Any]) -> Any:
    """What is wrong after the record 3 was put; None if it is there as it was meant, or refused as it must be."""
    raised: Exception | None = None
    world.reported.clear()
    try:
        put(world, source, 3, row(3, change.amount, change.note), *more)
    except FerrymanError as error:
        raised = error
    if change.refused is None:
        right = raised is None and holds(world, source, change) and position(world, source) == 3 + len(more)
    else:
        reported = change.refused is DataError and raised is None and 2 in [offset for offset, _ in world.reported]
        refused = isinstance(raised, change.refused) and position(world, source) == 2
        right = refused or (reported and position(world, source) == 3 + len(more))
        right = right and (change.name == "the table goes" or not there(world, source))
    return None if right else (change.name, raised)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("database", ALL)
def test_a_table_that_changed_between_two_batches_is_written_as_it_is_now_or_not_at_all(
    task: Task, database: str, mode: str
) -> None:
    wrong = []
    for number, change in enumerate(CHANGES):
        if database in change.databases and mode in change.modes:
            world, source = task.begin(number, change)
            make(world, source, change, database)
            wrong.append(outcome(world, source, change, row(4, note="2")))
    assert list(filter(None, wrong)) == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("database", ALL)
def test_a_table_that_changes_in_the_middle_of_a_transaction_is_written_as_it_is_then_or_not_at_all(
    task: Task, database: str, mode: str
) -> None:
    wrong = []
    for number, change in enumerate(CHANGES):
        if database not in change.databases or mode not in change.modes or not change.fits_before:
            continue
        world, source = task.begin(number, change)
        waiting = [partial(make, world, source, change, database)]
        world.meanwhile = ("sql.before_rows", lambda waiting=waiting: waiting and waiting.pop()())
        wrong.append(outcome(world, source, change))
        assert not waiting
        world.meanwhile = None
    assert list(filter(None, wrong)) == []


@pytest.mark.parametrize("database", SERVERS)
def test_nobody_changes_a_table_between_the_look_and_the_commit(request: pytest.FixtureRequest, database: str) -> None:
    world = World(url_of(database, request), MODES["upsert"], value_schema=ORDER)
    world.query(f"CREATE TABLE orders ({COLUMNS})")
    world.put([row(1)])
    ddl = "ALTER TABLE orders ADD COLUMN extra int"
    short = {"postgresql": "SET lock_timeout = '100ms'", "mariadb": "SET STATEMENT lock_wait_timeout = 0 FOR"}[database]
    refused: list[str] = []

    def intrude() -> None:
        try:
            world.query(f"{short} {ddl}" if database == "mariadb" else f"{short}; {ddl}")
        except Exception as error:
            refused.append(type(error).__name__)

    world.meanwhile = ("sql.before_commit", intrude)
    world.put([row(2)])
    assert refused == ["OperationalError"]
    world.kill()


def test_good_records_do_not_become_dead_letters_because_a_column_was_widened(
    request: pytest.FixtureRequest, postgres: str
) -> None:
    world = World(postgres, MODES["upsert"], value_schema=ORDER)
    world.query(f"CREATE TABLE orders ({COLUMNS})")
    world.put([row(1)])
    world.query("ALTER TABLE orders ALTER COLUMN note TYPE text")
    assert world.narrowed(world.batch([row(2, note=LONG), row(3, note="nul\0"), row(4)], at=1)) == [2]
    assert world.query("SELECT id FROM orders ORDER BY id") == [(1,), (2,), (4,)]


@pytest.mark.parametrize("database", ALL)
def test_a_column_that_somebody_added_is_found_by_the_first_record_that_has_its_field(
    request: pytest.FixtureRequest, database: str
) -> None:
    world = World(url_of(database, request), MODES["upsert"], value_schema=ORDER)
    world.query(f"CREATE TABLE orders ({COLUMNS})")
    world.put([row(1)])
    world.query("ALTER TABLE orders ADD COLUMN more varchar(9)")
    world.value_schema = struct({field.name: field.schema for field in ORDER.fields} | {"more": OPTIONAL_STRING})
    assert world.narrowed(world.batch([row(2) | {"more": "x"}], at=1)) == []
    assert world.query("SELECT id, more FROM orders ORDER BY id") == [(1, None), (2, "x")]
    world.kill()


@pytest.mark.parametrize(
    ("kind", "made", "changed", "note"),
    [
        ("mood", [], "ALTER TYPE mood ADD VALUE 'old'", "old"),
        ("mood", [], "ALTER TYPE mood RENAME VALUE 'new' TO 'old'", "old"),
        ("feeling", ["CREATE DOMAIN feeling AS mood"], "ALTER TYPE mood ADD VALUE 'old'", "old"),
        ("label", ["CREATE DOMAIN label AS text NOT NULL"], "ALTER DOMAIN label DROP NOT NULL", None),
        ("text NOT NULL", [], "ALTER TABLE orders ALTER note DROP NOT NULL", None),
    ],
)
def test_what_a_column_takes_since_its_type_was_changed_is_written(
    postgres: str, kind: str, made: Sequence[str], changed: str, note: str | None
) -> None:
    world = World(postgres, MODES["upsert"], value_schema=ORDER)
    for ddl in ["CREATE TYPE mood AS ENUM ('new')", *made, f"CREATE TABLE orders ({COLUMNS})"]:
        world.query(ddl.replace("varchar(5)", kind))
    world.put([row(1)])
    with pytest.raises(DataError):
        world.put([row(2, note=note)])
    world.query(changed)
    world.put([row(2, note=note)], at=1)
    assert world.query("SELECT note FROM orders WHERE id = 2") == [(note,)]
    world.kill()


@pytest.mark.parametrize("database", SERVERS)
def test_a_table_that_changes_at_every_look_is_tried_again_and_fails_no_task(
    request: pytest.FixtureRequest, database: str
) -> None:
    world = World(url_of(database, request), MODES["upsert"], value_schema=ORDER)
    world.query(f"CREATE TABLE orders ({COLUMNS})")
    world.put([row(1)])
    numbers = count()
    change = ("sql.before_rows", lambda: world.query(f"ALTER TABLE orders ADD COLUMN extra{next(numbers)} int"))
    world.meanwhile = change
    for _ in range(2):
        with pytest.raises(RetriableError, match="orders is changed faster than it can be written to"):
            world.put([row(2), row(3)], at=1)
    world.meanwhile = None
    world.put([row(2), row(3)], at=1)
    assert world.query("SELECT id FROM orders ORDER BY id") == [(1,), (2,), (3,)]
    world.kill()


@pytest.mark.parametrize("database", SERVERS)
def test_a_table_may_be_called_as_a_temporary_one_of_the_task_is_in_the_code(
    request: pytest.FixtureRequest, database: str
) -> None:
    name = "ferryman_stage_1"
    world = World(url_of(database, request), MODES["upsert"], topic=name, value_schema=ORDER)
    world.query(f"CREATE TABLE {name} ({COLUMNS})")
    world.put([row(number) for number in range(200)])
    world.put([row(number) for number in range(200, 400)])
    assert world.query(f"SELECT count(*) FROM {name}") == [(400,)]
    world.kill()

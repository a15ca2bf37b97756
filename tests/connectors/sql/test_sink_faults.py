"""Whose fault an error is, on the real servers: a row's own error is that row's, and its neighbours are written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from pymysql.constants import ER

from ferryman.connectors.sql.dialects.faults import Fault
from ferryman.connectors.sql.dialects.mysql import numbers
from ferryman.connectors.sql.dialects.postgresql import sqlstates
from ferryman.errors import DataError, TaskError
from ferryman.record import TopicPartition
from ferryman.schema import INT64, OPTIONAL_STRING, struct
from tests.connectors.sql.databases import DATABASES, url_of
from tests.connectors.sql.sql_task import World

ORDER = struct({"id": INT64, "item": OPTIONAL_STRING})
CANARY = "tweet" + "tweet"


def trigger(body: str, declared: str = "") -> list[str]:
    """PostgreSQL's, before a row is written."""
    return [
        f"CREATE FUNCTION orders_f() RETURNS trigger LANGUAGE plpgsql AS $$ {declared} BEGIN IF new.item = '{CANARY}' "
        f"THEN {body} END IF; RETURN new; END $$",
        "CREATE TRIGGER orders_t BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION orders_f()",
    ]


def signal(body: str) -> list[str]:
    """MariaDB's."""
    return [f"CREATE TRIGGER orders_t BEFORE INSERT ON orders FOR EACH ROW IF new.item = '{CANARY}' THEN {body} END IF"]


def refusal(body: str) -> list[str]:
    """SQLite's."""
    return [f"CREATE TRIGGER orders_t BEFORE INSERT ON orders WHEN new.item = '{CANARY}' BEGIN {body} END"]


PLAIN = "CREATE TABLE orders (id bigint PRIMARY KEY, item varchar(20))"
ROWS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "postgresql": {
        "P0001: RAISE": [PLAIN, *trigger("RAISE EXCEPTION 'no %', new.item;")],
        "P0001: RAISE after the row": [
            PLAIN,
            *(text.replace("BEFORE INSERT", "AFTER INSERT") for text in trigger("RAISE EXCEPTION 'no';")),
        ],
        "P0001: RAISE when all is committed": [
            PLAIN,
            trigger("RAISE EXCEPTION 'no';")[0],
            "CREATE CONSTRAINT TRIGGER orders_t AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION orders_f()",
        ],
        "45000: RAISE with a code of its own": [PLAIN, *trigger("RAISE EXCEPTION USING ERRCODE = '45000';")],
        "MYERR: RAISE with a code of nobody's": [PLAIN, *trigger("RAISE EXCEPTION USING ERRCODE = 'MYERR';")],
        "42501: RAISE with the code of a right": [PLAIN, *trigger("RAISE insufficient_privilege;")],
        "42P01: RAISE with the code of a table": [PLAIN, *trigger("RAISE undefined_table;")],
        "57014: RAISE with the code of a timeout": [PLAIN, *trigger("RAISE query_canceled;")],
        "P0002: a row that is not there": [
            PLAIN,
            *trigger("SELECT 1 INTO STRICT n WHERE false;", "DECLARE n int;"),
        ],
        "P0004: an assertion": [PLAIN, *trigger("ASSERT false;")],
        "20000: no branch": [PLAIN, *trigger("CASE new.id WHEN -1 THEN NULL; END CASE;")],
        "21000: several rows": [PLAIN, *trigger("new.id := (SELECT 1 UNION ALL SELECT 2);")],
        "2F005: no end": [
            PLAIN,
            "CREATE FUNCTION orders_g() RETURNS int LANGUAGE plpgsql AS 'BEGIN END'",
            *trigger("new.id := orders_g();"),
        ],
        "22012: division": [PLAIN, *trigger("new.id := 1 / 0;")],
        "too long": ["CREATE TABLE orders (id bigint PRIMARY KEY, item varchar(5))"],
        "no number": ["CREATE TABLE orders (id bigint PRIMARY KEY, item int)", "row: 7"],
        "not of an enum": [
            "CREATE TYPE orders_e AS ENUM ('pen')",
            "CREATE TABLE orders (id bigint PRIMARY KEY, item orders_e)",
        ],
        "not of a domain": [
            "CREATE DOMAIN orders_d AS text CHECK (length(value) < 6)",
            "CREATE TABLE orders (id bigint PRIMARY KEY, item orders_d)",
        ],
        "23514: a check": [f"CREATE TABLE orders (id bigint PRIMARY KEY, item text CHECK (item <> '{CANARY}'))"],
        "23514: no partition": [
            "CREATE TABLE orders (id bigint, item text) PARTITION BY LIST (item)",
            "CREATE TABLE orders_p PARTITION OF orders FOR VALUES IN ('pen')",
        ],
        "23503: a foreign key": [
            "CREATE TABLE orders_k (item text PRIMARY KEY)",
            "INSERT INTO orders_k VALUES ('pen')",
            "CREATE TABLE orders (id bigint PRIMARY KEY, item text REFERENCES orders_k)",
        ],
        "23503: a foreign key when all is committed": [
            "CREATE TABLE orders_k (item text PRIMARY KEY)",
            "INSERT INTO orders_k VALUES ('pen')",
            "CREATE TABLE orders (id bigint PRIMARY KEY, item text REFERENCES orders_k DEFERRABLE INITIALLY DEFERRED)",
        ],
        "23505: a unique column": [
            "CREATE TABLE orders (id bigint PRIMARY KEY, item text)",
            f"CREATE UNIQUE INDEX orders_i ON orders (item) WHERE item = '{CANARY}'",
            f"INSERT INTO orders VALUES (-1, '{CANARY}')",
        ],
        "23P01: an exclusion": [
            "CREATE TABLE orders (id bigint PRIMARY KEY, item text, EXCLUDE USING btree (item WITH =) "
            f"WHERE (item = '{CANARY}'))",
            f"INSERT INTO orders VALUES (-1, '{CANARY}')",
        ],
        "44000: a view's check": [
            "CREATE TABLE orders_b (id bigint PRIMARY KEY, item text)",
            f"CREATE VIEW orders AS SELECT * FROM orders_b WHERE item <> '{CANARY}' WITH CHECK OPTION",
        ],
    },
    "mariadb": {
        "1644: SIGNAL": [PLAIN, *signal("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no';")],
        "1643: SIGNAL of a warning": [PLAIN, *signal("SIGNAL SQLSTATE '02001';")],
        "50001: SIGNAL with a number": [PLAIN, *signal("SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50001;")],
        "1062: SIGNAL with the server's number": [PLAIN, *signal("SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1062;")],
        "1242: several rows": [PLAIN, *signal("SET new.id = (SELECT 1 UNION ALL SELECT 2);")],
        "1172: several rows": [PLAIN, *signal("SELECT 1 UNION ALL SELECT 2 INTO @n;")],
        "1339: no branch": [PLAIN, *signal("CASE new.id WHEN -1 THEN SET @n = 1; END CASE;")],
        "1365: division": [PLAIN, *signal("SET new.id = 1 / 0;")],
        "1690: out of range": [PLAIN, *signal("SET new.id = 9223372036854775807 + 1;")],
        "1048: null": [
            "CREATE TABLE orders (id bigint PRIMARY KEY, item varchar(20) NOT NULL)",
            *signal("SET new.item = NULL;"),
        ],
        "too long": ["CREATE TABLE orders (id bigint PRIMARY KEY, item varchar(5))"],
        "not of an enum": ["CREATE TABLE orders (id bigint PRIMARY KEY, item enum('pen'))"],
        "no number": ["CREATE TABLE orders (id bigint PRIMARY KEY, item int)", "row: 7"],
        "1452: a foreign key": [
            "CREATE TABLE orders_k (item varchar(20) PRIMARY KEY)",
            "INSERT INTO orders_k VALUES ('pen')",
            "CREATE TABLE orders (id bigint PRIMARY KEY, item varchar(20), "
            "FOREIGN KEY (item) REFERENCES orders_k (item))",
        ],
        "1062: a unique column": [
            f"CREATE TABLE orders (id bigint PRIMARY KEY, item varchar(20), n int AS (if(item = '{CANARY}', 1, NULL)) "
            "UNIQUE)",
            f"INSERT INTO orders (id, item) VALUES (-1, '{CANARY}')",
        ],
        "1526: no partition": [
            "CREATE TABLE orders (id bigint, item varchar(20)) PARTITION BY LIST COLUMNS (item) "
            "(PARTITION p VALUES IN ('pen'))"
        ],
        "4025: a check": [f"CREATE TABLE orders (id bigint PRIMARY KEY, item varchar(20) CHECK (item <> '{CANARY}'))"],
        "not JSON": ["CREATE TABLE orders (id bigint PRIMARY KEY, item json)", "row: [1]"],
    },
    "sqlite": {
        "RAISE(ABORT)": [PLAIN, *refusal("SELECT RAISE(ABORT, 'no');")],
        "RAISE(FAIL)": [PLAIN, *refusal("SELECT RAISE(FAIL, 'no');")],
        "RAISE(ROLLBACK)": [PLAIN, *refusal("SELECT RAISE(ROLLBACK, 'no');")],
        "a check": ["CREATE TABLE orders (id bigint PRIMARY KEY, item text CHECK (length(item) < 6))"],
        "a unique column": [
            "CREATE TABLE orders (id bigint PRIMARY KEY, item text)",
            f"CREATE UNIQUE INDEX orders_i ON orders (item) WHERE item = '{CANARY}'",
            f"INSERT INTO orders VALUES (-1, '{CANARY}')",
        ],
        "a strict table's type": ["CREATE TABLE orders (id integer PRIMARY KEY, item integer) STRICT", "row: 7"],
    },
}
"""What makes the row with the canary impossible, by the code that the error must name, where the server is to find out;
``row:`` is the item of the others, where it is no pen."""


@pytest.fixture
def world(request: pytest.FixtureRequest, database: str) -> Iterator[World]:
    world = World(
        url_of(database, request),
        {"topics.regex": ".*", "topics": "", "table.types": "TABLE,VIEW", "insert.mode": "insert"},
        value_schema=ORDER,
    )
    world.begin()
    yield world
    world.kill()


def prepared(world: World, number: int, statements: Sequence[str]) -> tuple[TopicPartition, str]:
    """The case's table under a name of its own, and the item of its good rows."""
    source, item = TopicPartition(f"t{number}", 0), "pen"
    for statement in statements:
        if statement.startswith("row: "):
            item = statement.removeprefix("row: ")
        else:
            world.query(statement.replace("orders", source.topic).replace("%", "%%"))
    world.own(source)
    return source, item


@pytest.mark.parametrize("database", DATABASES)
def test_what_one_row_causes_is_that_rows_error_and_its_neighbours_are_written(world: World, database: str) -> None:
    wrong: list[Any] = []
    for number, (name, statements) in enumerate(ROWS[database].items()):
        source, item = prepared(world, number, statements)
        rows = [{"id": index, "item": CANARY if index == 2 else item} for index in range(5)]
        world.reported.clear()
        try:
            guilty = world.narrowed(world.batch(rows, source=source))
        except Exception as error:
            wrong.append((name, error))
            continue
        written = [row[0] for row in world.query(f"SELECT id FROM {source.topic} WHERE id >= 0 ORDER BY id")]
        quoted = [text for _, text in world.reported if CANARY in text]
        code = name.partition(":")[0]
        told = ":" not in name or all(code in text for _, text in world.reported)
        if (guilty, written, quoted, told) != ([2], [0, 1, 3, 4], [], True):
            wrong.append((name, guilty, written, world.reported))
    assert wrong == []


@pytest.mark.parametrize("database", DATABASES)
def test_a_generated_column_takes_no_value_and_the_task_goes_on(world: World, database: str) -> None:
    table = "CREATE TABLE orders (id bigint PRIMARY KEY, item varchar(9) GENERATED ALWAYS AS ('x') STORED)"
    source, _ = prepared(world, 0, [table])
    assert world.narrowed(world.batch([{"id": 1, "item": "a"}, {"id": 2, "item": "b"}], source=source)) == [0, 1]


def test_a_row_that_a_policy_refuses_is_that_rows_error(postgres: str, unique: str) -> None:
    world = World(postgres, value_schema=ORDER)
    world.begin()
    for statement in (
        "CREATE TABLE orders (id bigint PRIMARY KEY, item text)",
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY p ON orders USING (true) WITH CHECK (item <> '{CANARY}')",
    ):
        world.query(statement)
    rows = [{"id": index, "item": CANARY if index == 1 else "pen"} for index in range(3)]
    assert world.narrowed(world.batch(rows)) == [1]
    assert "42501" in world.reported[0][1]
    world.kill()


HOPELESS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "postgresql": {
        "no such function": [PLAIN, *trigger("PERFORM orders_g();")],
        "no such table": [PLAIN, *trigger("PERFORM 1 FROM orders_g;")],
        "no way into a view": [
            "CREATE TABLE orders_b (id bigint, item text)",
            "CREATE VIEW orders AS SELECT DISTINCT * FROM orders_b",
        ],
    },
    "mariadb": {
        "no such table": [PLAIN, *signal("INSERT INTO orders_g VALUES (1);")],
        "its own table": [PLAIN, *signal("DELETE FROM orders;")],
    },
    "sqlite": {
        "no way into a view": [
            "CREATE TABLE orders_b (id bigint, item text)",
            "CREATE VIEW orders AS SELECT * FROM orders_b",
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("database", DATABASES)
def test_what_no_row_can_help_fails_the_task(world: World, database: str) -> None:
    wrong: list[tuple[str, Exception | None]] = []
    for number, (name, statements) in enumerate(HOPELESS[database].items()):
        source, _ = prepared(world, number, statements)
        try:
            world.running.put_batches([world.batch([{"id": 1, "item": CANARY}], source=source)])
            wrong.append((name, None))
        except TaskError:
            pass
        except Exception as error:
            wrong.append((name, error))
    assert wrong == []


def test_every_class_of_postgresqls_codes_has_a_fault() -> None:
    known = {code for code in vars(psycopg.errors).values() if isinstance(getattr(code, "sqlstate", None), str)}
    states = {code.sqlstate for code in known}
    assert len(states) > 200
    assert {state[:2] for state in states} - sqlstates.CLASSES.keys() == set()
    assert sqlstates.CODES.keys() - states <= {"25P04", "XX001"}
    assert sqlstates.fault_of("45000") is sqlstates.fault_of("U0001") is Fault.DATA


def test_the_numbers_of_mariadb_are_each_in_one_class_alone_and_are_the_servers() -> None:
    assert sum(map(len, numbers.FAULTS.values())) == len({n for each in numbers.FAULTS.values() for n in each})
    names = {number: name for name, number in vars(ER).items() if isinstance(number, int)}
    for number, fault in ((ER.DUP_ENTRY, Fault.DATA), (ER.LOCK_DEADLOCK, Fault.CONFLICT), (ER.DISK_FULL, Fault.AWAY)):
        assert numbers.fault_of(number) is fault, names[number]
    for name in ("ACCESS_DENIED_ERROR", "BAD_DB_ERROR", "HOST_NOT_PRIVILEGED"):
        assert numbers.fault_of(getattr(ER, name)) is Fault.REFUSED, name
    for name in ("TABLEACCESS_DENIED_ERROR", "DBACCESS_DENIED_ERROR", "COLUMNACCESS_DENIED_ERROR"):
        assert numbers.fault_of(getattr(ER, name)) is Fault.DENIED, name
    assert numbers.fault_of(None) is numbers.fault_of(0) is numbers.fault_of(2013) is Fault.AWAY
    assert numbers.fault_of(1064) is Fault.CONFIG


@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_a_name_that_cannot_be_fails_the_task_and_no_record_is_dead_lettered(postgres: str, mode: str) -> None:
    keys = {"insert.mode": mode, "pk.mode": "record_value", "pk.fields": "id", "auto.create": "true"}
    for topic, text in (("x" * 70, "has 70 bytes"), ("a.b.c", "has 3 parts"), ("a..b", "an empty part")):
        world = World(postgres, {**keys, "topics.regex": ".*", "topics": ""}, topic=topic, value_schema=ORDER)
        with pytest.raises(TaskError, match=text):
            world.put([{"id": 1, "item": "x"}])
        world.kill()


def test_a_name_that_a_transform_took_from_a_record_is_that_records_error(postgres: str) -> None:
    routed = {"transforms": "r", "transforms.r.type": "io.debezium.transforms.outbox.EventRouter"}
    world = World(postgres, {"auto.create": "true", **routed}, value_schema=ORDER)
    world.begin()
    batch = world.batch([{"id": 1, "item": "x"}])
    with pytest.raises(DataError, match="has 3 parts"):
        world.running.put_batches([replace(batch, topic="a.b.c")])
    world.kill()

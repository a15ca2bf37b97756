"""What exactly once takes on MariaDB, beside the tests that run on every database: locks, DDL, engines, strictness."""

import datetime as dt
import traceback
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pymysql
import pytest
import sqlalchemy as sa
from pymysql.constants import CLIENT

from ferryman.connectors.sql.dialects.faults import Denied
from ferryman.connectors.sql.dialects.mysql.errors import fault, staged_column
from ferryman.connectors.sql.dialects.mysql.statements import name
from ferryman.connectors.sql.dialects.mysql.writer import _stops
from ferryman.errors import DataError, FerrymanError, Indeterminate, RefusedError, RetriableError, TaskError
from ferryman.record import TopicPartition
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    Schema,
    Type,
    array,
    decimal,
    mapping,
    struct,
)
from tests.connectors.sql.sql_task import World

ORDER = struct({"id": INT64, "item": OPTIONAL_STRING})
UPSERT = {"auto.create": "true", "insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}
CANARY = "tweet" + "tweet"
MOMENT = dt.datetime(2024, 2, 29, 23, 59, 58, 123000, tzinfo=dt.UTC)


@pytest.fixture
def world(mariadb: str) -> Iterator[World]:
    """A MariaDB database and a sink that upserts."""
    world = World(mariadb, UPSERT, value_schema=ORDER)
    yield world
    world.kill()


def asked(world: World, text: str) -> Any:
    """What the sink's own session answers."""
    assert world.sink is not None
    with world.sink._session.transaction("look") as connection:
        return connection.exec_driver_sql(text).scalar()


def told(world: World, text: str) -> None:
    """Sets something in the sink's own session."""
    assert world.sink is not None
    with world.sink._session.transaction("set") as connection:
        connection.exec_driver_sql(text)


def test_every_session_is_strict_in_utc_and_locks_no_gaps(world: World) -> None:
    world.begin()
    assert asked(world, "SELECT @@tx_isolation") == "READ-COMMITTED"
    mode = asked(world, "SELECT @@sql_mode").split(",")
    assert {"STRICT_ALL_TABLES", "NO_ZERO_DATE", "NO_ZERO_IN_DATE"} <= set(mode)
    assert not {"NO_BACKSLASH_ESCAPES", "ANSI_QUOTES"} & set(mode)
    assert asked(world, "SELECT @@time_zone") == "+00:00"
    assert asked(world, "SELECT @@idle_transaction_timeout") == 20
    assert asked(world, "SELECT @@innodb_lock_wait_timeout") == 10


def test_the_client_offers_no_file_to_the_server(world: World) -> None:
    world.begin()
    assert world.sink is not None
    with world.sink._session.transaction("look") as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, pymysql.Connection)
        assert not driver.client_flag & CLIENT.LOCAL_FILES


@pytest.mark.parametrize("engine", ["MyISAM", "Aria", "MEMORY"])
def test_a_table_that_takes_part_in_no_transaction_is_refused(world: World, engine: str) -> None:
    world.query(f"CREATE TABLE orders (id bigint primary key, item varchar(9)) ENGINE={engine}")
    with pytest.raises(TaskError, match=rf"orders is of the engine {engine}.*ENGINE=InnoDB"):
        world.put([{"id": 1, "item": "x"}])


def test_a_table_of_offsets_that_takes_part_in_no_transaction_is_refused(world: World) -> None:
    world.begin()
    world.query("ALTER TABLE ferryman_offsets ENGINE=MyISAM")
    with pytest.raises(TaskError, match="ferryman_offsets is of the engine MyISAM"):
        world.begin()


def test_a_view_is_refused(world: World) -> None:
    world.query("CREATE TABLE bought (id bigint primary key, item text)")
    world.query("CREATE VIEW orders AS SELECT * FROM bought")
    world.config = UPSERT | {"table.types": "TABLE,VIEW"}
    with pytest.raises(TaskError, match="orders is a view: nobody can see"):
        world.put([{"id": 1, "item": "x"}])


def test_tables_are_made_for_transactions_and_all_of_unicode(world: World) -> None:
    world.put([{"id": 1, "item": "é😀"}])
    found = world.query(
        "SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = database()"
    )
    assert {row[0] for row in found} == {"orders", "ferryman_offsets"}
    assert all(row[1] == "InnoDB" and row[2].startswith("utf8mb4") for row in found)
    assert world.query("SELECT item FROM orders") == [("é😀",)]


def test_keys_of_text_are_the_same_only_if_they_are_the_same_text(world: World) -> None:
    world.value_schema = struct({"id": STRING, "item": OPTIONAL_STRING})
    texts = ["a", "A", "a ", "á", "ß", "ss"]
    world.put([{"id": text, "item": "old"} for text in texts])
    world.put([{"id": text, "item": text} for text in texts])
    assert sorted(world.query("SELECT id, item FROM orders")) == sorted((text, text) for text in texts)


def test_another_unique_index_makes_an_error_and_not_another_row(world: World) -> None:
    world.query("CREATE TABLE orders (id bigint primary key, item varchar(9) UNIQUE) ENGINE=InnoDB")
    world.put([{"id": 1, "item": "a"}, {"id": 2, "item": "b"}])
    world.put([{"id": 1, "item": "c"}, {"id": 3, "item": "d"}])
    with pytest.raises(DataError, match="error 1062, key item") as caught:
        world.put([{"id": 4, "item": "b"}])
    assert "'b'" not in str(caught.value)
    assert sorted(world.query("SELECT * FROM orders")) == [(1, "c"), (2, "b"), (3, "d")]


def test_an_upsert_needs_a_unique_index_of_exactly_its_key(world: World) -> None:
    for index in ("", ", UNIQUE (item)", ", UNIQUE (id, item)", ", KEY (id)", ", UNIQUE (item(2))"):
        world.query(f"CREATE TABLE orders (id bigint NOT NULL, item varchar(9){index}) ENGINE=InnoDB")
        world.begin()
        with pytest.raises(TaskError, match="no primary key or unique index of exactly the columns id"):
            world.put([{"id": 1, "item": "x"}], at=0)
        world.query("DROP TABLE orders")


def test_a_key_that_counts_by_itself_keeps_zero(world: World) -> None:
    world.query("CREATE TABLE orders (id bigint AUTO_INCREMENT primary key, item text) ENGINE=InnoDB")
    world.put([{"id": 0, "item": "zero"}, {"id": 7, "item": "seven"}])
    assert world.query("SELECT id, item FROM orders ORDER BY id") == [(0, "zero"), (7, "seven")]


REFUSED: list[tuple[str, Schema, Any, str]] = [
    ("int", STRING, CANARY, "takes texts of decimal numbers only"),
    ("int", STRING, "", "takes texts of decimal numbers only"),
    ("int", STRING, "1.5", "takes whole numbers only"),
    ("int", FLOAT64, 1.5, "takes whole numbers only"),
    ("bit(8)", STRING, "5", "taken for something else"),
    ("int", decimal(1), Decimal("1.5"), "takes whole numbers only"),
    ("tinyint", INT32, 300, "takes numbers from -128 to 127 only"),
    ("int unsigned", INT32, -1, "takes numbers from 0 to 4294967295 only"),
    ("decimal(12,4)", decimal(5), Decimal("1.23456"), "at most 4 digits after the point only"),
    ("decimal(12,4)", FLOAT64, 1.23456, "at most 4 digits after the point only"),
    ("decimal(4,2)", decimal(2), Decimal("123.45"), "does not take a value: error 1264"),
    ("varchar(3)", STRING, CANARY, "takes texts of at most 3 characters only"),
    ("varchar(3)", STRING, "abc  ", "takes texts of at most 3 characters only"),
    ("char(3)", STRING, "ab ", "takes texts without blanks at their end only"),
    ("tinytext", STRING, CANARY * 100, "does not take a value: error 1406"),
    ("varchar(9) character set latin1", STRING, "😀", "does not take a value: error 1366"),
    ("varbinary(2)", BYTES, b"abc", "does not take a value: error 1406"),
    ("binary(4)", BYTES, b"ab", "takes 4 bytes only"),
    ("date", STRING, "0000-00-00", "takes dates, as 2024-02-29 only"),
    ("date", STRING, "2024-02-30", "takes dates, as 2024-02-29 only"),
    ("date", STRING, "240318", "takes dates, as 2024-02-29 only"),
    ("date", INT32, 240318, "taken for something else.*TimestampConverter"),
    ("time", INT32, 123456, "taken for something else.*TimestampConverter"),
    ("date", TIMESTAMP_SCHEMA, MOMENT, "takes timestamps at midnight in db.timezone only"),
    ("datetime", TIMESTAMP_SCHEMA, MOMENT, "takes whole seconds only"),
    ("datetime(2)", TIMESTAMP_SCHEMA, MOMENT, "takes seconds with at most 2 digits after the point only"),
    ("timestamp(3) NULL", TIMESTAMP_SCHEMA, MOMENT.replace(year=2204), "does not take a value: error 1292"),
    ("enum('a','b')", STRING, "c", "takes its labels, letter for letter only"),
    ("enum('a','b')", STRING, "1", "takes its labels, letter for letter only"),
    ("enum('a','b')", INT32, 1, "taken for something else"),
    ("year", INT32, 24, "takes numbers from 1901 to 2155 only"),
    ("double", FLOAT64, float("nan"), "neither NaN nor infinity"),
    ("double", FLOAT64, float("inf"), "neither NaN nor infinity"),
    ("double(9,2)", FLOAT64, 1.234, "at most 2 digits after the point only"),
    ("json", STRING, "{", "error 4025"),
    ("bigint NOT NULL", INT64.as_optional(), None, "takes no null"),
    ("timestamp(3) NOT NULL", TIMESTAMP_SCHEMA.as_optional(), None, "takes no null"),
]


@pytest.mark.parametrize(("column", "schema", "value", "reason"), REFUSED, ids=lambda each: str(each)[:24])
def test_what_would_be_cut_rounded_or_replaced_is_a_data_error(
    world: World, column: str, schema: Schema, value: Any, reason: str
) -> None:
    world.config = {}
    world.value_schema = struct({"id": INT64, "x": schema})
    world.query(f"CREATE TABLE orders (id bigint, x {column}) ENGINE=InnoDB")
    with pytest.raises(DataError, match=reason) as caught:
        world.put([{"id": 1, "x": value}])
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert world.query("SELECT * FROM orders") == []
    assert world.stored() == 0


def test_a_bad_row_is_found_and_its_neighbours_go_in(world: World) -> None:
    world.query("CREATE TABLE orders (id bigint primary key, item decimal(6,2)) ENGINE=InnoDB")
    world.value_schema = struct({"id": INT64, "item": decimal(3)})
    world.begin()
    prices = [Decimal("1.230")] * 5 + [Decimal("1.234")] + [Decimal("2.340")] * 6
    batch = world.batch([{"id": number, "item": price} for number, price in enumerate(prices)])
    assert world.narrowed(batch) == [5]
    assert len(world.query("SELECT * FROM orders")) == 11
    assert world.stored() == 12


def test_every_type_has_a_column_and_comes_back(world: World) -> None:
    fields: dict[str, tuple[Schema, Any, str]] = {
        "i8": (INT8, -128, "tinyint(4)"),
        "i16": (INT16, 32767, "smallint(6)"),
        "i32": (INT32, -(2**31), "int(11)"),
        "i64": (INT64, 2**63 - 1, "bigint(20)"),
        "f32": (FLOAT32, 0.5, "float"),
        "f64": (FLOAT64, 0.1, "double"),
        "yes": (BOOLEAN, 1, "tinyint(4)"),
        "text": (STRING, "a'b\\N,\n\r\t\0%s\"é😀", "longtext"),
        "raw": (BYTES, b"\x00\xff\\'", "longblob"),
        "price": (decimal(2), Decimal("-12345678901234567890.12"), "decimal(65,2)"),
        "day": (DATE_SCHEMA, dt.date(1, 1, 1), "date"),
        "clock": (TIME_SCHEMA, dt.time(23, 59, 59, 999000), "time(3)"),
        "at": (TIMESTAMP_SCHEMA, MOMENT, "datetime(3)"),
    }
    world.config = {"auto.create": "true"}
    world.value_schema = struct({each: schema.as_optional() for each, (schema, _, _) in fields.items()})
    full = {each: value for each, (_, value, _) in fields.items()} | {"yes": True}
    world.put([full, dict.fromkeys(fields)])
    world.put([full, {}], as_columns=True)
    clock = dt.timedelta(hours=23, minutes=59, seconds=59, milliseconds=999)
    stored = tuple((full | {"yes": 1, "clock": clock, "at": MOMENT.replace(tzinfo=None)}).values())
    nothing = (None,) * len(fields)
    assert world.query("SELECT * FROM orders") == [stored, nothing, stored, nothing]
    types = world.query(
        "SELECT column_name, column_type FROM information_schema.columns"
        " WHERE table_schema = database() AND table_name = 'orders'"
    )
    assert dict(types) == {each: column for each, (_, _, column) in fields.items()}


def test_defaults_become_defaults_of_the_columns(world: World) -> None:
    world.value_schema = struct(
        {
            "id": INT32,
            "text": Schema(Type.STRING, default='it\'s %d :x \\ "q"'),
            "raw": Schema(Type.BYTES, default=b"\x00\xff"),
            "yes": Schema(Type.BOOLEAN, default=True),
            "f64": Schema(Type.FLOAT64, default=0.5),
            "day": Schema(Type.INT32, name=DATE_SCHEMA.name, default=dt.date(2024, 1, 1)),
        }
    )
    world.put([{"id": 1}])
    world.query("INSERT INTO orders (id) VALUES (2)")
    expected = ('it\'s %d :x \\ "q"', b"\x00\xff", 1, 0.5, dt.date(2024, 1, 1))
    assert world.query("SELECT text, raw, yes, f64, day FROM orders ORDER BY id") == [expected] * 2


def test_datetime_holds_the_wall_clock_and_timestamp_the_instant(world: World) -> None:
    world.query("CREATE TABLE orders (id int primary key, wall datetime(3), instant timestamp(3) NULL) ENGINE=InnoDB")
    world.config = UPSERT | {"db.timezone": "America/New_York"}
    world.value_schema = struct({"id": INT32, "wall": TIMESTAMP_SCHEMA, "instant": TIMESTAMP_SCHEMA})
    world.put([{"id": 1, "wall": MOMENT, "instant": MOMENT}])
    expected = [(MOMENT.replace(hour=18, tzinfo=None), Decimal(str(MOMENT.timestamp())))]
    assert world.query("SELECT wall, unix_timestamp(instant) FROM orders") == expected


def test_structs_and_maps_go_into_columns_for_json(world: World) -> None:
    world.query("CREATE TABLE orders (id int primary key, detail json, tags json) ENGINE=InnoDB")
    world.value_schema = struct({"id": INT32, "detail": mapping(STRING, INT64), "tags": array(STRING)})
    world.put([{"id": 1, "detail": {"a": 1}, "tags": ["it's"]}])
    assert world.query("SELECT json_value(detail, '$.a'), json_value(tags, '$[0]') FROM orders") == [("1", "it's")]
    world.query("DROP TABLE orders")
    world.query("CREATE TABLE orders (id int primary key, detail text, tags json) ENGINE=InnoDB")
    world.begin()
    with pytest.raises(DataError, match=r"The field is of type MAP.*Flatten.*\(field detail\)"):
        world.put([{"id": 1, "detail": {"a": 1}, "tags": []}])


def test_a_batch_longer_than_a_statement_goes_in_pieces_and_a_row_that_is_longer_is_a_data_error(world: World) -> None:
    world.put([{"id": number, "item": "x" * 1_500_000} for number in range(4)])
    assert world.query("SELECT count(*), sum(length(item)) FROM orders") == [(4, 6_000_000)]
    limit = int(asked(world, "SELECT @@max_allowed_packet"))
    with pytest.raises(DataError, match="max_allowed_packet is"):
        world.put([{"id": 9, "item": "x" * limit}])


def test_statements_are_cut_between_rows() -> None:
    assert list(_stops([3, 3, 3], 100)) == [3]
    assert list(_stops([3, 3, 3], 8)) == [2, 3]
    assert list(_stops([50, 3, 50], 8)) == [1, 2, 3]
    assert list(_stops([50], 8)) == [1]


def test_a_partitions_offset_is_moved_without_touching_its_neighbours(world: World) -> None:
    """Two tasks in the middle of their transactions, each with the offset of a partition next to the other's."""
    world.put([{"id": 1, "item": "a"}])
    neighbour = World(world.url, UPSERT, value_schema=ORDER, end_offset=1)
    neighbour.begin()
    world.own(TopicPartition("orders", 2))
    neighbour.own(TopicPartition("orders", 1), TopicPartition("orders", 3))
    told(neighbour, "SET SESSION innodb_lock_wait_timeout = 1")

    def work() -> None:
        assert neighbour.sink is not None
        sources = [TopicPartition("orders", 1), TopicPartition("orders", 3)]
        batches = [neighbour.batch([{"id": 7, "item": "b"}], at=0, source=source) for source in sources]
        assert neighbour.sink.put_batches(batches) == 2
        neighbour.own(TopicPartition("orders", 4))

    world.meanwhile = ("sql.before_commit", work)
    assert world.sink is not None
    batches = [world.batch([{"id": 2, "item": "a"}], at=1)]
    batches += [world.batch([{"id": 3, "item": "a"}], at=0, source=TopicPartition("orders", 2))]
    assert world.sink.put_batches(batches) == 2
    neighbour.kill()
    assert world.query("SELECT id FROM orders ORDER BY id") == [(1,), (2,), (3,), (7,)]


def test_a_frozen_owners_session_ends_and_its_successor_goes_on(world: World) -> None:
    world.put([{"id": 1, "item": "a"}])
    successor = World(world.url, UPSERT, value_schema=ORDER, end_offset=1)
    assert successor.resume() == 1
    told(world, "SET SESSION idle_transaction_timeout = 1")
    # The owner is frozen with the offset's row in its hands; the successor waits for the row until the server ends
    # the owner's session, and then finds it where it was.
    world.meanwhile = ("sql.before_commit", lambda: successor.put([{"id": 1, "item": "theirs"}], at=1))
    with pytest.raises(Indeterminate, match="the outcome is unknown"):
        world.put([{"id": 1, "item": "ours"}], at=1)
    assert world.query("SELECT item FROM orders") == [("theirs",)]
    assert successor.stored() == 2
    successor.kill()


def test_a_lock_is_asked_for_again(world: World) -> None:
    world.put([{"id": 1, "item": "a"}])
    told(world, "SET SESSION innodb_lock_wait_timeout = 1")
    engine = sa.create_engine(world.url, poolclass=sa.NullPool)
    with engine.connect() as other:
        other.exec_driver_sql("SELECT * FROM orders WHERE id = 1 FOR UPDATE")
        with pytest.raises(RetriableError, match="error 1205"):
            world.put([{"id": 1, "item": "b"}], at=1)
    world.put([{"id": 1, "item": "b"}], at=1)
    assert world.query("SELECT item FROM orders") == [("b",)]


def cut(world: World) -> None:
    """Ends the sessions of the sink on the server."""
    mine = "id <> connection_id() AND db = database()"
    for (number,) in world.query(f"SELECT id FROM information_schema.processlist WHERE {mine}"):
        world.query(f"KILL {number}")


def test_a_connection_lost_in_the_middle_is_retried_and_one_lost_before_is_opened_anew(world: World) -> None:
    world.put([{"id": 1, "item": "a"}])
    world.meanwhile = ("sql.before_rows", lambda: cut(world))
    with pytest.raises(RetriableError) as caught:
        world.put([{"id": 2, "item": "a"}], at=1)
    assert not isinstance(caught.value, Indeterminate)
    world.meanwhile = None
    world.put([{"id": 2, "item": "a"}], at=1)
    cut(world)
    world.put([{"id": 3, "item": "a"}], at=2)
    assert world.query("SELECT id FROM orders ORDER BY id") == [(1,), (2,), (3,)]


def test_a_commit_without_an_answer_is_neither_repeated_nor_believed(world: World) -> None:
    world.put([{"id": 1, "item": "a"}])
    world.meanwhile = ("sql.before_commit", lambda: cut(world))
    with pytest.raises(Indeterminate, match="the outcome is unknown"):
        world.put([{"id": 2, "item": "a"}])
    world.meanwhile = None
    assert world.resume() == 1
    world.put([{"id": 2, "item": "a"}], at=1)
    assert world.query("SELECT id FROM orders ORDER BY id") == [(1,), (2,)]


def test_a_server_that_is_away_is_waited_for() -> None:
    world = World("jdbc:mariadb://127.0.0.1:1/x?user=u&password=canary", value_schema=ORDER)
    with pytest.raises(RetriableError, match="connect to MariaDB/MySQL") as caught:
        world.begin()
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("mode", ["sslMode=REQUIRED", "sslMode=VERIFY_IDENTITY", "useSSL=true"])
def test_a_server_without_tls_gets_no_password_where_tls_is_asked_for(world: World, mode: str) -> None:
    world.url = world.url.replace("ssl_disabled=true", mode)
    with pytest.raises(RetriableError, match="SSL is required"):
        world.begin()


def test_without_the_right_to_create_the_table_the_task_names_its_ddl(world: World, unique: str) -> None:
    owner = sa.make_url(world.url)
    world.query(f"CREATE USER {unique}@'127.0.0.1' IDENTIFIED BY 'x'")
    rights = "SELECT, INSERT, UPDATE, CREATE TEMPORARY TABLES"
    only = str(owner.database).replace("_", "\\_")
    world.query(f"GRANT {rights} ON `{only}`.* TO {unique}@'127.0.0.1'")
    try:
        world.url = owner.set(username=unique, password="x").render_as_string(hide_password=False)
        with pytest.raises(RefusedError, match=r"CREATE command denied.*create it: CREATE TABLE") as caught:
            world.begin()
        world.query_as(owner, str(caught.value).partition("create it: ")[2])
        world.query_as(owner, "CREATE TABLE orders (id bigint primary key, item text) ENGINE=InnoDB")
        world.begin()
        world.put([{"id": 1, "item": "a"}])
        assert world.query("SELECT * FROM orders") == [(1, "a")]
    finally:
        world.query_as(owner, f"DROP USER {unique}@'127.0.0.1'")


@pytest.mark.parametrize(
    "field", ["x`; DROP TABLE users; --", "a`b", "%s:x", "100%", "a.b c", "it's", 'a"b', "\\", "seq", "c0", "from", "é"]
)
def test_no_name_of_a_field_or_topic_is_ever_read_as_sql(world: World, field: str) -> None:
    world.query("CREATE TABLE users (id int) ENGINE=InnoDB")
    world.topic, world.value_schema = field, struct({"id": INT64, field: STRING})
    for mode in ("upsert", "update", "insert"):
        world.config = UPSERT | {"insert.mode": mode, "transforms": "route", "table.name.format": '"${topic}"'}
        if '"' in field:
            world.config |= {"table.name.format": "quotes"}
        world.begin()
        world.put([{"id": world.end_offset, field: "v"}])
    names = world.query("SELECT DISTINCT column_name FROM information_schema.columns WHERE table_schema = database()")
    assert {"id", field} <= {row[0] for row in names}
    assert world.query("SELECT count(*) FROM users") == [(0,)]


@pytest.mark.parametrize(
    ("field", "reason"),
    [("x" * 65, "has 65 characters"), ("x ", "ends with a blank"), ("😀", r"beyond U\+FFFF"), ("a\0b", "NUL")],
)
def test_names_that_cannot_be_are_refused(world: World, field: str, reason: str) -> None:
    world.value_schema = struct({"id": INT64, field: STRING})
    with pytest.raises(DataError, match=reason):
        world.put([{"id": 1, field: "v"}])


def test_errors_are_told_apart_by_number_and_quote_no_value() -> None:
    expected: dict[int, type[FerrymanError]] = {
        1205: RetriableError,
        1213: RetriableError,
        1040: RetriableError,
        1053: RetriableError,
        1290: RetriableError,
        1927: RetriableError,
        2006: RetriableError,
        2013: RetriableError,
        1062: DataError,
        1264: DataError,
        1366: DataError,
        1406: DataError,
        1452: DataError,
        1644: DataError,
        4025: DataError,
        1064: TaskError,
        1142: Denied,
        1045: RefusedError,
        50001: DataError,
    }
    for number, kind in expected.items():
        found = fault(pymysql.err.OperationalError(number, f"near 'it''s {CANARY}' for key 'k'"), "write", 1.5)
        assert type(found) is kind, number
        assert (CANARY in str(found)) is (number in (1045, 1205, 1213, 1290, 1142, 1452, 1927, 4025, 2006, 2013)), (
            number
        )
    assert staged_column("Incorrect value: 'c9' at row 1' for column `db`.`ferryman_stage_1`.`c2` at row 3") == 2
    assert staged_column("Duplicate entry 'c2' for key 'x'") is None
    assert name("a`b%") == "`a``b%%`"


def test_a_row_is_deleted_by_its_key_though_its_other_columns_take_no_null(mariadb: str) -> None:
    world = World(mariadb, UPSERT | {"pk.mode": "record_key", "delete.enabled": "true", "auto.create": "true"})
    world.key_schema, world.value_schema = struct({"id": INT64}), struct({"item": STRING})
    world.put([{"item": "lamp"}, {"item": "sofa"}], [{"id": 1}, {"id": 2}])
    world.put([None], [{"id": 1}])
    assert world.query("SELECT item FROM orders") == [("sofa",)]
    world.kill()

"""Whose fault an error is: a bad row is isolated, an outage is waited out, and neither a row nor a secret is told."""

import logging
import sqlite3
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg.errors
import pytest
import sqlalchemy as sa

from ferryman.api import Bad
from ferryman.connectors.sql.dialects.faults import Denied
from ferryman.connectors.sql.dialects.postgresql.errors import fault
from ferryman.connectors.sql.sink import SqlSinkConnector
from ferryman.errors import DataError, Indeterminate, RetriableError, TaskError
from ferryman.schema import INT32, INT64, OPTIONAL_STRING, STRING, struct
from tests.connectors.sql.sql_task import World

ORDER = struct({"id": INT64, "item": OPTIONAL_STRING})
CANARY = "tweet" + "tweet"
UPSERT = {"auto.create": "true", "insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}


@pytest.fixture
def world(postgres: str) -> Iterator[World]:
    """A PostgreSQL database and a sink that upserts."""
    world = World(postgres, UPSERT, value_schema=ORDER)
    yield world
    world.kill()


def orders(count: int, **bad: Any) -> list[dict[str, Any]]:
    """Records 0, 1, …; ``bad`` is the item of record 5."""
    return [{"id": number, "item": "pen"} | (bad if number == 5 else {}) for number in range(count)]


@pytest.mark.parametrize("item", ["nul\0", "\ud800"])
def test_text_that_postgresql_cannot_hold_is_the_records_fault(world: World, item: str) -> None:
    world.begin()
    assert world.narrowed(world.batch(orders(9, item=item))) == [5]
    assert len(world.query("SELECT * FROM orders")) == 8


def test_a_put_whose_bad_record_may_not_be_passed_over_leaves_nothing_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(found: Sequence[Bad]) -> None:
        raise TaskError(f"{len(found)} too many")

    world.put(orders(3))
    world.query("ALTER TABLE orders ADD CHECK (item <> 'none')")
    monkeypatch.setattr(world, "report_all", fails)
    world.begin()
    with pytest.raises(TaskError, match="1 too many"):
        world.put([{"id": 10, "item": "x"}, {"id": 11, "item": "none"}])
    assert len(world.query("SELECT * FROM orders")) == 3
    assert world.stored() == 3


def test_a_value_that_a_column_cannot_hold_is_named_by_column_not_by_value(world: World) -> None:
    world.query("CREATE TABLE orders (id bigint primary key, item int)")
    reason = r"orders-0@0 to orders: the column item of type INTEGER\(\) takes texts of decimal.*\(field item, STRING\)"
    with pytest.raises(DataError, match=reason) as caught:
        world.put([{"id": 1, "item": CANARY}])
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_value_that_only_the_server_can_judge_is_named_the_same_way(world: World) -> None:
    world.query("CREATE TABLE orders (id bigint primary key, item jsonb)")
    reason = r"the column item of type JSONB.* does not take a value: InvalidTextRepresentation \(SQLSTATE 22P02\)"
    with pytest.raises(DataError, match=reason) as caught:
        world.put([{"id": 1, "item": CANARY}])
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_violated_constraint_is_named_and_the_row_is_not_quoted(world: World) -> None:
    world.query("CREATE TABLE orders (id bigint primary key, item text NOT NULL UNIQUE)")
    world.put([{"id": 1, "item": CANARY}])
    with pytest.raises(DataError, match=r"UniqueViolation \(SQLSTATE 23505\).*orders_item_key") as caught:
        world.put([{"id": 2, "item": CANARY}])
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(DataError, match=r"the column item .* takes no null"):
        world.put([{"id": 2, "item": None}], at=1)


def test_an_index_entry_that_is_too_long_is_the_records_fault(world: World) -> None:
    world.value_schema = struct({"id": STRING, "item": OPTIONAL_STRING})
    long = "".join(chr(0x4E00 + number % 20000) for number in range(9000))
    with pytest.raises(DataError, match="54000"):
        world.put([{"id": long, "item": "x"}])


def test_an_upsert_without_a_unique_key_in_the_table_fails_the_task(world: World) -> None:
    world.query("CREATE TABLE orders (id bigint, item text)")
    with pytest.raises(TaskError, match="no unique or exclusion constraint"):
        world.put(orders(1))


def test_a_lost_connection_is_retried_with_the_same_records(world: World) -> None:
    world.put(orders(2))
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    world.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    with pytest.raises(RetriableError) as caught:
        world.put([{"id": 7, "item": "x"}], at=2)
    assert not isinstance(caught.value, Indeterminate)
    world.put([{"id": 7, "item": "x"}], at=2)
    assert len(world.query("SELECT * FROM orders")) == 3


def test_a_commit_without_an_answer_is_neither_repeated_nor_believed(world: World) -> None:
    world.put(orders(2))
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    cut = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}"
    world.meanwhile = ("sql.before_commit", lambda: world.query(cut))
    with pytest.raises(Indeterminate, match="the outcome is unknown"):
        world.put([{"id": 7, "item": "x"}])
    world.meanwhile = None
    assert world.resume() == 2
    world.put([{"id": 7, "item": "x"}], at=2)
    assert len(world.query("SELECT * FROM orders")) == 3


def test_a_database_that_is_away_is_waited_for(tmp_path: Path) -> None:
    world = World("jdbc:postgresql://127.0.0.1:1/x?user=u&password=canary", value_schema=ORDER)
    with pytest.raises(RetriableError, match="connect to PostgreSQL") as caught:
        world.begin()
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.after is None
    world.config = {"connection.backoff.ms": "1500"}
    with pytest.raises(RetriableError) as again:
        world.begin()
    assert again.value.after == 1.5


def test_a_password_that_lies_in_the_home_folder_is_not_sent(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sa.make_url(world.url)
    for name, text in {
        ".pgpass": f"*:*:*:*:{url.password}\n",
        ".pg_service.conf": f"[x]\nuser={url.username}\n",
    }.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGPASSFILE", raising=False)
    world.url = url.render_as_string(hide_password=False).replace(f":{url.password}@", "@")
    with pytest.raises(RetriableError, match="no password supplied"):
        world.begin()


def test_a_write_is_tried_again_as_often_as_max_retries_says_and_then_the_task_fails(world: World) -> None:
    world.config = UPSERT | {"max.retries": "2"}
    world.put(orders(1))
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
    world.meanwhile = ("sql.before_rows", lambda: world.query(cut))
    for _ in range(2):
        with pytest.raises(RetriableError):
            world.put(orders(1), at=1)
    world.meanwhile = None
    world.put(orders(1), at=1)
    world.meanwhile = ("sql.before_rows", lambda: world.query(cut))
    for _ in range(2):
        with pytest.raises(RetriableError):
            world.put(orders(1), at=2)
    with pytest.raises(TaskError, match=r"given up after max\.retries=2"):
        world.put(orders(1), at=2)


def test_a_locked_table_is_waited_for(world: World) -> None:
    world.put(orders(1))
    engine = sa.create_engine(world.url, poolclass=sa.NullPool)
    with engine.connect() as other:
        other.exec_driver_sql("LOCK TABLE orders")
        assert world.sink is not None
        with world.sink._session.transaction("set") as connection:
            connection.exec_driver_sql("SET lock_timeout = '100ms'")
        with pytest.raises(RetriableError, match="LockNotAvailable"):
            world.put(orders(1), at=1)
    world.put(orders(1), at=1)


def test_deadlocks_and_lost_races_are_retried_not_dead_lettered(world: World) -> None:
    for state, expected in (
        ("40001", RetriableError),
        ("40P01", RetriableError),
        ("53300", RetriableError),
        ("57P01", RetriableError),
        ("08006", RetriableError),
        ("25006", RetriableError),
        ("22003", DataError),
        ("23514", DataError),
        ("42501", Denied),
        ("42883", TaskError),
    ):
        assert type(fault(psycopg.errors.lookup(state)(), "write", None)) is expected, state


@pytest.mark.parametrize(
    "name",
    ['x"; DROP TABLE users; --', 'a"b', "%s:x", "100%", "emoji 😀", "a.b c", "it's", "\\", "seq", "dead", "c0", "from"],
)
def test_no_name_of_a_field_is_ever_read_as_sql(world: World, name: str) -> None:
    world.query("CREATE TABLE users (id int)")
    world.value_schema = struct({"id": INT64, name: STRING})
    world.config = UPSERT | {"auto.evolve": "true"}
    for each in ("upsert", "update", "insert"):
        world.config = world.config | {"insert.mode": each}
        world.begin()
        world.put([{"id": world.end_offset, name: "v"}])
    world.value_schema = struct({"id": INT64, name: STRING, name + "2": OPTIONAL_STRING})
    world.put([{"id": 5, name: "v", name + "2": None}])
    found = world.query("SELECT column_name FROM information_schema.columns WHERE table_name = 'orders' ORDER BY 1")
    assert {row[0] for row in found} == {"id", name, name + "2"}
    assert world.query("SELECT count(*) FROM users") == [(0,)]


@pytest.mark.parametrize("name", ['x"; DROP TABLE users; --', 'a"b', "%s:x", "emoji 😀", "it's"])
@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_no_name_of_a_topic_is_ever_read_as_sql(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, database: str
) -> None:
    url = f"jdbc:sqlite:{tmp_path}/x.db" if database == "sqlite" else request.getfixturevalue("postgres")
    world = World(url, UPSERT | {"transforms": "route"}, topic=name, value_schema=ORDER)
    world.query("CREATE TABLE users (id int)")
    world.put(orders(2))
    world.kill()
    quoted = name.replace('"', '""').replace("%", "%%" if database == "postgresql" else "%")
    assert world.query(f'SELECT count(*) FROM "{quoted}"') == [(2,)]
    assert world.query("SELECT count(*) FROM users") == [(0,)]


def test_names_that_postgresql_would_cut_are_refused(world: World) -> None:
    fits = "é" * 31 + "x"
    world.value_schema = struct({"id": INT64, fits: INT32})
    world.put([{"id": 1, fits: 1}])
    world.value_schema = struct({"id": INT64, fits + "x": OPTIONAL_STRING})
    world.config = UPSERT | {"auto.evolve": "true"}
    world.begin()
    with pytest.raises(DataError, match="has 64 bytes, and PostgreSQL would cut it to 63"):
        world.put([{"id": 1, fits + "x": "1"}])
    world.config = UPSERT | {"transforms": "route", "table.name.format": "y" * 64}
    world.begin()
    with pytest.raises(TaskError, match=r"the table 'y+' has 64 bytes"):
        world.put([{"id": 1}])


def test_names_with_a_nul_are_refused(world: World) -> None:
    world.value_schema = struct({"id": INT64, "a\0b": INT32})
    with pytest.raises(DataError, match="contains a NUL character"):
        world.put([{"id": 1, "a\0b": 1}])


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_fields_that_fold_to_the_same_column_are_refused(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    url = f"jdbc:sqlite:{tmp_path}/x.db" if database == "sqlite" else request.getfixturevalue("postgres")
    quote = "always" if database == "sqlite" else "never"
    world = World(url, {"auto.create": "true", "quote.sql.identifiers": quote})
    world.value_schema = struct({"Id": INT64, "ID": INT64})
    with pytest.raises(DataError, match="'Id' and 'ID' mean the same column"):
        world.put([{"Id": 1, "ID": 2}])
    world.kill()


def test_sqlite_that_is_locked_is_waited_for_and_its_constraints_are_data(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    world = World(f"jdbc:sqlite:{path}", {"insert.mode": "insert"}, value_schema=ORDER)
    world.query("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL)")
    world.begin()
    assert world.narrowed(world.batch(orders(9, item=None))) == [5]
    assert world.sink is not None
    with world.sink._session.transaction("wait less") as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(RetriableError, match="database is locked"):
        world.put([{"id": 100, "item": "x"}], at=9)
    other.execute("COMMIT")
    other.close()
    world.put([{"id": 100, "item": "x"}], at=9)
    assert len(world.query("SELECT * FROM orders")) == 9
    world.kill()


def test_keys_without_effect_are_warned_about_by_name(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    extra = {"connection.provider": "3", "connection.pool.max_size": "9", "hibernate.dialect": "x"}
    world = World(f"jdbc:sqlite:{tmp_path}/x.db", extra)
    with caplog.at_level(logging.WARNING):
        world.made().start()
    assert all(f"{name} has no effect" in caplog.text for name in extra)


def test_the_sink_is_atomic_and_columnar() -> None:
    assert SqlSinkConnector.atomic
    assert SqlSinkConnector.columnar

"""`ferryman explain` of the SQL sink: what it tells of a database is what the sink then does to it."""

import datetime as dt
import re
import socket
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pymysql.cursors
import pytest
import sqlalchemy as sa

from ferryman.connectors.sql.dialects.sqlite import writer as sqlite
from ferryman.connectors.sql.effects import effects
from ferryman.connectors.sql.sink import SqlSinkConnector
from ferryman.effects import Effect
from ferryman.errors import FerrymanError, TaskError
from ferryman.record import Batch
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT64,
    OPTIONAL_STRING,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP,
    TIMESTAMP_SCHEMA,
    Schema,
    Type,
    array,
    decimal,
    mapping,
    struct,
)
from ferryman.stack.runtime.ports import free_port
from tests.connectors.sql.databases import DATABASES, url_of
from tests.connectors.sql.sql_task import World, client

KEY = struct({"id": INT64})
ROW = struct({"amount": decimal(2), "item": OPTIONAL_STRING})
MORE = struct({"amount": decimal(2), "item": OPTIONAL_STRING, "note": OPTIONAL_STRING})
ONE = {"amount": Decimal("1.50"), "item": "lamp"}
UPSERT = {"auto.create": "true", "insert.mode": "upsert", "pk.mode": "record_key", "delete.enabled": "true"}
MODES = {
    "insert": {"auto.create": "true"},
    "upsert": UPSERT,
    "update": {**UPSERT, "insert.mode": "update", "batch.size": "2"},
}


@pytest.fixture(params=DATABASES)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(url_of(request.param, request), UPSERT, key_schema=KEY, value_schema=ROW)
    yield world
    world.kill()


def told(world: World, *batches: Batch) -> list[Effect]:
    config = SqlSinkConnector.config_class.parse(world.raw)
    return list(effects(config, world.context(), batches))


def texts(found: Sequence[Effect], kind: str, table: str | None = None) -> list[str]:
    return [each.text for each in found if each.kind == kind and table in (None, each.target)]


def tables(world: World) -> list[str]:
    return sorted(sa.inspect(client(world.url)).get_table_names())


def columns(world: World, table: str) -> Any:
    """What the database says of a table, in its own words."""
    if "sqlite" in world.url:
        return world.query(f"SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('{table}')")
    facts = "column_name, data_type, numeric_precision, numeric_scale, is_nullable, column_default"
    here = f"table_name = '{table}' AND table_schema NOT IN ('information_schema', 'pg_catalog')"
    found = world.query(f"SELECT {facts} FROM information_schema.columns WHERE {here} ORDER BY ordinal_position")
    keys = f"SELECT column_name, ordinal_position FROM information_schema.key_column_usage WHERE {here} ORDER BY 2"
    return found, world.query(keys)


def records(world: World, at: int = 0) -> Batch:
    return world.batch([ONE, ONE, None], [{"id": 1}, {"id": 2}, {"id": 1}], at=at)


class Heard:
    """Every statement that goes to a database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: set[str] = set()
        self.listen(monkeypatch, psycopg.Cursor, "execute")
        self.listen(monkeypatch, psycopg.Cursor, "copy")
        self.listen(monkeypatch, pymysql.cursors.Cursor, "execute")
        execute = sqlite._execute

        def listening(cursor: Any, table: Any, text: str, rows: Any) -> None:
            self.hear(text)
            execute(cursor, table, text, rows)

        monkeypatch.setattr(sqlite, "_execute", listening)

    def listen(self, monkeypatch: pytest.MonkeyPatch, cursor: Any, name: str) -> None:
        method = getattr(cursor, name)

        def listening(cursor: Any, text: Any, *more: Any, **options: Any) -> Any:
            self.hear(text.decode() if isinstance(text, bytes) else str(text))
            return method(cursor, text, *more, **options)

        monkeypatch.setattr(cursor, name, listening)

    def hear(self, text: str) -> None:
        """Whatever the blanks, the number of a staging table and the rows are."""
        plain = " ".join(text.split()).replace("%%", "%")
        plain = re.sub("ferryman_stage_[0-9a-f]+_[0-9]+", "ferryman_stage_1", plain)
        self.said.add(re.sub(r"^(INSERT INTO ferryman_stage_1 VALUES) .*", r"\1 (…), …", plain))


def test_telling_the_effects_makes_no_table_and_no_file(world: World) -> None:
    assert texts(told(world, records(world)), "ddl", "orders")
    if "sqlite" in world.url:
        assert not Path(world.url.removeprefix("jdbc:sqlite:")).exists()
    else:
        assert tables(world) == []


@pytest.mark.parametrize("mode", MODES)
def test_the_tables_that_it_tells_are_those_that_the_sink_makes(world: World, mode: str) -> None:
    world.config = MODES[mode]
    found = told(world, world.batch([ONE], [{"id": 1}]))
    for text in (*texts(found, "ddl", "orders"), *texts(found, "ddl", "ferryman_offsets")):
        world.query(text.replace("%", "%%"))
    as_told = columns(world, "orders"), columns(world, "ferryman_offsets")
    world.query("DROP TABLE orders")
    world.query("DROP TABLE ferryman_offsets")
    world.put([ONE], [{"id": 1}])
    assert (columns(world, "orders"), columns(world, "ferryman_offsets")) == as_told


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_there", [False, True])
def test_the_statements_that_it_tells_are_those_that_the_sink_says(
    world: World, mode: str, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.config = MODES[mode]
    if is_there:
        world.put([ONE], [{"id": 9}])
    found = told(
        world,
        world.batch([ONE, None], [{"id": 1}, {"id": 2}], at=world.end_offset)
        if mode != "insert"
        else (world.batch([ONE], [{"id": 1}], at=world.end_offset)),
    )
    world.kill()
    heard = Heard(monkeypatch)
    world.put([ONE], [{"id": 1}])
    if mode != "insert":
        world.put([None], [{"id": 2}])
    statements = texts(found, "statement", "orders")
    assert len(statements) > (mode != "insert")
    assert [each for each in statements if each not in heard.said] == []


def test_a_column_that_is_missing_is_told_as_it_is_then_added(world: World) -> None:
    world.config = UPSERT | {"auto.evolve": "true"}
    world.put([ONE], [{"id": 1}])
    world.value_schema = MORE
    found = told(world, world.batch([ONE | {"note": "n"}], [{"id": 2}], at=1))
    (ddl,) = texts(found, "ddl")
    assert ddl.startswith("ALTER TABLE ")
    before = columns(world, "orders")
    world.query(ddl)
    as_told = columns(world, "orders")
    assert as_told != before
    world.query("ALTER TABLE orders DROP COLUMN note")
    world.put([ONE | {"note": "n"}], [{"id": 2}])
    assert columns(world, "orders") == as_told


ODD = {
    "two  blanks": STRING,
    "per%cent 100%%": OPTIONAL_STRING,
    "quo\"te`s'": OPTIONAL_STRING,
    "Ünïcode\u00a0": INT64,
    "select": decimal(2),
    "moment": TIMESTAMP_SCHEMA,
    "said": Schema(Type.STRING, optional=True, default="two  blanks, 100% 'quo``te\" \\\\ ; -- "),
    "count": Schema(Type.INT64, default=-5),
    "exact": decimal(2, optional=True, default=Decimal("-1.50")),
    "n" * 63: OPTIONAL_STRING,
}
ODD_ROW = {
    "two  blanks": "t",
    "per%cent 100%%": None,
    "quo\"te`s'": "q",
    "Ünïcode\u00a0": 1,
    "select": Decimal("1.50"),
    "moment": dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
    "said": None,
    "count": 7,
    "exact": None,
    "n" * 63: "n",
}


def test_odd_names_types_and_defaults_are_told_as_the_sink_then_makes_them(world: World) -> None:
    world.config = {"auto.create": "true", "auto.evolve": "true"}
    some = {name: ODD[name] for name in list(ODD)[:3]}
    world.value_schema = struct(ODD)
    (ddl,) = texts(told(world, world.batch([ODD_ROW])), "ddl", "orders")
    driver = "" if "sqlite" in world.url else "%"
    world.query(ddl.replace("%", f"%{driver}"))
    as_told = columns(world, "orders")
    world.query("DROP TABLE orders")
    world.put([ODD_ROW])
    assert columns(world, "orders") == as_told
    world.query("DROP TABLE orders")
    world.kill()
    world.value_schema = struct(some)
    world.put([{name: ODD_ROW[name] for name in some}])
    later = {**ODD, "Ünïcode\u00a0": Schema(Type.INT64, optional=True), "select": decimal(2, optional=True)}
    later |= {"moment": Schema(Type.INT64, optional=True, name=TIMESTAMP, version=1)}
    world.value_schema = struct(later)
    changes = texts(told(world, world.batch([ODD_ROW], at=world.end_offset)), "ddl", "orders")
    assert changes
    for each in changes:
        world.query(each.replace("%", f"%{driver}"))
    as_told = columns(world, "orders")
    for name in list(later)[3:]:
        world.query(f"ALTER TABLE orders DROP COLUMN {quoted(world, name)}")
    world.put([ODD_ROW])
    assert columns(world, "orders") == as_told


def quoted(world: World, name: str) -> str:
    return sa.create_engine(client(world.url).url).dialect.identifier_preparer.quote_identifier(name)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (array(STRING), ["a"]),
        (mapping(STRING, STRING), {"a": "b"}),
        (struct({"inner": STRING}), {"inner": "a"}),
    ],
)
def test_what_has_no_column_is_told_to_be_refused_as_the_sink_refuses_it(
    world: World, schema: Schema, value: Any
) -> None:
    world.config, world.value_schema = {"auto.create": "true"}, struct({"id": INT64, "odd": schema})
    row = {"id": 1, "odd": value}
    try:
        refused = [each.text for each in told(world, world.batch([row])) if each.kind == "refused"]
    except FerrymanError as error:
        refused = [str(error)]
    if not refused:
        (ddl,) = texts(told(world, world.batch([row])), "ddl", "orders")
        world.query(ddl)
        as_told = columns(world, "orders")
        world.query("DROP TABLE orders")
        world.put([row])
        assert columns(world, "orders") == as_told
        return
    with pytest.raises(FerrymanError) as raised:
        world.put([row])
    assert refused[0] in str(raised.value) or str(raised.value) in refused[0]


@pytest.mark.parametrize("name", ["n" * 65, "trailing ", "nul\0"])
def test_a_name_that_the_database_would_bend_is_told_as_the_sink_refuses_it(world: World, name: str) -> None:
    world.config, world.value_schema = {"auto.create": "true"}, struct({"id": INT64, name: STRING})
    row = {"id": 1, name: "x"}
    refused = [each.text for each in told(world, world.batch([row])) if each.kind == "refused"]
    if not refused:
        world.put([row])
        return
    with pytest.raises(FerrymanError) as raised:
        world.put([row])
    assert refused[0] in str(raised.value) or str(raised.value) in refused[0]


def test_what_is_there_is_not_told_again_and_left_alone(world: World) -> None:
    world.put([ONE], [{"id": 1}])
    before, rows = columns(world, "orders"), world.query("SELECT count(*) FROM orders")
    assert texts(told(world, records(world, at=1)), "ddl") == []
    assert (columns(world, "orders"), world.query("SELECT count(*) FROM orders")) == (before, rows)


@pytest.mark.parametrize("database", DATABASES)
def test_a_table_on_paper_takes_whatever_it_was_made_for(database: str, request: pytest.FixtureRequest) -> None:
    fields = {
        "small": INT8,
        "real": FLOAT32,
        "double": FLOAT64,
        "yes": BOOLEAN,
        "text": STRING,
        "raw": BYTES,
        "exact": decimal(4),
        "day": DATE_SCHEMA,
        "time": TIME_SCHEMA,
        "moment": TIMESTAMP_SCHEMA,
    }
    value = {
        "small": 1,
        "real": 0.5,
        "double": 0.1,
        "yes": True,
        "text": "t",
        "raw": b"b",
        "exact": Decimal("1.2345"),
        "day": dt.date(2024, 1, 2),
        "time": dt.time(1, 2, 3),
        "moment": dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
    }
    world = World(url_of(database, request), {"auto.create": "true"}, value_schema=struct(fields))
    found = told(world, world.batch([value]))
    assert texts(found, "refused") == []
    assert {each.details["rows"] for each in found if each.kind == "statement"} == {1}
    world.put([value])
    world.kill()


def test_a_record_that_can_be_no_row_is_named_and_the_others_are_told(world: World) -> None:
    found = told(world, world.batch([ONE, ONE], [{"id": 1}, None]))
    (refused,) = [each for each in found if each.kind == "refused"]
    assert refused.target == "orders-0@1"
    assert texts(found, "statement", "orders")


def test_a_table_that_must_be_there_and_is_not_fails_as_the_put_does(world: World) -> None:
    world.config = {"auto.create": "false"}
    if "sqlite" in world.url:
        world.query("CREATE TABLE other (id int)")
    with pytest.raises(TaskError, match="Table orders is missing and auto-creation is disabled"):
        told(world, world.batch([ONE]))


@pytest.mark.parametrize("auto_create", ["true", "false"])
def test_a_database_that_is_away_is_told_and_its_tables_are_taken_for_new_ones(auto_create: str) -> None:
    url = f"jdbc:postgresql://127.0.0.1:{free_port()}/none?user=u&password=canary-away"
    world = World(url, UPSERT | {"auto.create": auto_create}, key_schema=KEY, value_schema=ROW)
    found = told(world, records(world))
    assert "cannot be asked, so all tables are taken for new ones" in found[0].text
    assert "canary-away" not in str(found)
    assert ("ddl" if auto_create == "true" else "note", "orders") in {(each.kind, each.target) for each in found}
    insert, delete = (text for text in texts(found, "statement", "orders") if not text.startswith("COPY"))
    assert 'ON CONFLICT ("id") DO UPDATE SET' in insert
    assert delete.startswith('DELETE FROM "orders"')


@pytest.mark.parametrize(
    "url", ["jdbc:postgresql://{}/x?user=u&connectTimeout=2", "jdbc:mariadb://{}/x?user=u&connectTimeout=2000"]
)
def test_a_server_that_never_answers_is_not_waited_for_without_end(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        world = World(url.format(f"127.0.0.1:{silent.getsockname()[1]}"), UPSERT, key_schema=KEY, value_schema=ROW)
        found = told(world, records(world))
    assert "cannot be asked" in found[0].text
    assert texts(found, "statement", "orders")


def test_many_tables_with_few_rows_each_are_written_by_literals(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(postgres, {"auto.create": "true"}, value_schema=ROW)
    schemas: list[Schema] = [struct({f"f{number}": INT64}) for number in range(20)]
    world.config = {"auto.create": "true", "auto.evolve": "true"}
    batches = []
    for number, schema in enumerate(schemas):
        world.value_schema, world.topic = schema, f"orders{number}"
        batches.append(world.batch([{f"f{number}": 1}]))
    found = told(world, *batches)
    assert len(texts(found, "ddl")) == 21
    assert {text.partition("VALUES")[2] for text in texts(found, "statement")} == {" (…), …"}

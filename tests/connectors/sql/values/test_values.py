"""Every Connect type in every type of column: what the sink stores is the value, and what JDBC's drivers would store.

Values at the borders of each type go into existing tables, by rows and by columns, through inserts, upserts and
updates, and beside them through the databases' Java drivers, bound as Confluent's sink binds them.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import pytest

from ferryman.connectors.sql.config.databases import DIALECTS
from ferryman.connectors.sql.value_matrix import values_taken
from ferryman.schema import Type
from tests.connectors.sql.databases import DATABASES, url_of
from tests.connectors.sql.sql_task import World, go
from tests.connectors.sql.values.cases import COLUMNS, NESTED, SOURCES, Source
from tests.connectors.sql.values.filling import Filling, filling, numbered
from tests.connectors.sql.values.meaning import alike, same

INSERT = {"insert.mode": "insert"}
UPSERT = {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}
UPDATE = UPSERT | {"insert.mode": "update"}
NUMBERS = "INT|FLOAT|Decimal|BOOLEAN"
NARROW = ("char(3)", "varchar(3)", "label")
"""Columns that take the texts of decimals, but for those that are tried, which are longer."""
EXCUSED: Mapping[tuple[str, str, str], str] = {
    ("postgresql", 'name|"char"', f"{NUMBERS}|Time"): "a type that the sink does not know takes texts only",
    ("mariadb", "bit", "FLOAT|Decimal"): "5.0 would have to be 5 without quotes, which decimals cannot be",
    ("mariadb", "year", NUMBERS): "0 is the year 0, but the text 0 the year 2000",
    ("mariadb", "date$", "STRING"): "the year 0 is none of Connect's",
    ("sqlite", "DATE|TIME", f"{NUMBERS}|STRING"): "a number is a time only as Date, Time or Timestamp",
    ("sqlite", "NUMERIC|BOOLEAN|STRING|JSON", "STRING"): "text may be meant, and 007 would become 7",
}
"""Database, column and Connect type in which JDBC stores some values as they are and the sink refuses them, and why."""


class Outcome(NamedTuple):
    """What became of a value."""

    column: str
    source: Source
    number: int
    value: Any
    stored: Any
    """What the column gives back."""
    went_in: bool


@pytest.fixture(params=[*DATABASES, "postgresql, as arrays"])
def tables(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Filling]:
    """A database and a sink that has not begun."""
    name, _, way = request.param.partition(", ")
    go(way, monkeypatch)
    world = World(url_of(name, request), INSERT)
    found = filling(name, world, COLUMNS[name])
    found.refused = {pair for pair, takes in said(name).items() if not takes}
    yield found
    world.kill()


def outcomes(tables: Filling, prefix: str, sources: Sequence[Source], long: bool) -> Iterator[Outcome]:
    """Every value of every source in every column."""
    for number, column in enumerate(tables.columns):
        found = tables.read(prefix, number)
        for start, source in numbered(sources, long):
            for place, value in enumerate(source.values, start):
                yield Outcome(column, source, place, value, found.get(place), place in found)


def is_kept(each: Outcome) -> bool:
    return each.went_in and same(each.column, each.source.schema, each.value, each.stored)


def shown(found: Sequence[Outcome]) -> list[str]:
    return [f"{each.column} | {each.source.name} | {str(each.value)[:40]!r} | {each.stored!r}" for each in found]


def test_a_value_is_stored_as_it_is_or_refused(tables: Filling, long: bool) -> None:
    for prefix in "rjc":
        tables.create(prefix)
    tables.by_sink("r", SOURCES, long, as_columns=False)
    tables.by_jdbc("j", SOURCES, long)
    ours, theirs = (list(outcomes(tables, prefix, SOURCES, long)) for prefix in "rj")

    assert shown([each for each in ours if each.went_in and not is_kept(each)]) == []
    assert sum(each.went_in for each in ours) > 500

    refused = [jdbc for mine, jdbc in zip(ours, theirs, strict=True) if is_kept(jdbc) and not mine.went_in]
    assert shown([each for each in refused if not any(excuses(tables.database, each))]) == []
    needed = [excuse for excuse in EXCUSED if excuse[0] == tables.database]
    assert [excuse for excuse in needed if not any(excused(excuse, each) for each in refused)] == []

    assert "; ".join(unlike_the_page(tables.database, ours)) == ""

    tables.world.config = UPSERT
    tables.by_sink("c", SOURCES, long, as_columns=True)
    by_columns = list(outcomes(tables, "c", SOURCES, long))
    assert shown(different(ours, by_columns)) == []


def excuses(database: str, each: Outcome) -> Iterator[bool]:
    return (excused(excuse, each) for excuse in EXCUSED if excuse[0] == database)


def excused(excuse: tuple[str, str, str], each: Outcome) -> bool:
    return bool(re.match(excuse[1], each.column) and re.match(excuse[2], each.source.name))


def different(ones: Sequence[Outcome], others: Sequence[Outcome]) -> list[Outcome]:
    """What of the first is not the same in the second."""
    pairs = zip(ones, others, strict=True)
    return [one for one, other in pairs if (one.went_in, repr(one.stored)) != (other.went_in, repr(other.stored))]


def said(database: str) -> Mapping[tuple[str, str], bool]:
    """What the page says: whether a column takes anything of a Connect type."""
    dialect = DIALECTS[DATABASES.index(database)]
    return {
        (column, source.name): values_taken(dialect, column, source.schema) is not None
        for column in dialect.columns
        for source in (*SOURCES, *NESTED)
    }


def unlike_the_page(database: str, found: Sequence[Outcome]) -> list[str]:
    """Where a pair is refused and the page does not say so, or the other way round."""
    tried = {(each.column, each.source.name) for each in found} - {*product(NARROW, ("Decimal(2)", "Decimal(5)"))}
    done = {(each.column, each.source.name) for each in found if each.went_in}
    return [" ".join(pair) for pair, takes in said(database).items() if pair in tried and takes != (pair in done)]


FEW = [source for source in SOURCES if source.name in ("INT64", "FLOAT64", "Decimal(2)", "Timestamp")]


def test_every_way_of_writing_stores_the_same(tables: Filling, long: bool) -> None:
    ways: list[tuple[str, Mapping[str, str], bool]] = [("a", INSERT, False), ("b", UPDATE, True)]
    if long:
        ways += [("d", INSERT, True), ("e", UPSERT, False), ("f", UPSERT, True), ("g", UPDATE, False)]
    found = []
    sources = SOURCES if long else FEW
    for prefix, config, as_columns in ways:
        tables.create(prefix)
        tables.world.config = config
        if config is UPDATE:
            tables.fill_ids(prefix, sources, long)
        tables.by_sink(prefix, sources, long, as_columns=as_columns)
        stored = outcomes(tables, prefix, sources, long)
        # An update finds its row there, with a null in it.
        found.append([each._replace(went_in=each.stored is not None) for each in stored])
    assert [shown(different(found[0], each)) for each in found[1:]] == [[]] * (len(ways) - 1)


def test_arrays_structs_and_maps_keep_their_items(tables: Filling, long: bool) -> None:
    for prefix in "rc":
        tables.create(prefix)
    tables.by_sink("r", NESTED, long, as_columns=False)
    ours = list(outcomes(tables, "r", NESTED, long))
    assert shown([each for each in ours if each.went_in and not holds(each)]) == []
    in_columns = [source for source in NESTED if source.schema.type is Type.ARRAY]
    tables.by_sink("c", in_columns, long, as_columns=True)
    by_rows = [each for each in ours if each.source.schema.type is Type.ARRAY]
    assert shown(different(by_rows, list(outcomes(tables, "c", in_columns, long)))) == []


def holds(each: Outcome) -> bool:
    """Whether an array's items, or a document's, are what the column gives back."""
    if not each.column.endswith("[]") and not each.column.lower().startswith("json"):
        return False
    found = json.loads(each.stored, parse_int=str, parse_float=str)
    return alike(each.column.removesuffix("[]"), each.source.schema, each.value, found)

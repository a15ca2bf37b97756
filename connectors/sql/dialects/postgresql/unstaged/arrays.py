"""Some hundred rows for a table in one statement, column by column: arrays, which the server takes apart (``unnest``).

An array is the text of its items, which the readers of their types read as they read COPY's. What a column's brackets
say (a length, a precision) is left to the assignment, as it is with a literal; of types where that is not the same, and
of those whose names are not known for sure, a table goes another way.
"""

from collections.abc import Hashable, Sequence

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ferryman.connectors.sql.dialects.compared import compared_keys
from ferryman.connectors.sql.dialects.dialect import Load, Mode, TableColumn, Type, key_columns, version_column
from ferryman.connectors.sql.dialects.postgresql.statements import inserting
from ferryman.connectors.sql.dialects.postgresql.unstaged import direct
from ferryman.connectors.sql.dialects.postgresql.unstaged.direct import Copied, alike, as_literal, text
from ferryman.connectors.sql.records.key_equality import equality_classes
from ferryman.formats import eager

ARRAY_ROWS = 2_000
"""Rows of a load that go as arrays: more are worth a staging table, even one that is made anew."""
_NAMES: dict[type[Type], str] = {
    sa.SMALLINT: "int2",
    sa.INTEGER: "int4",
    sa.BIGINT: "int8",
    postgresql.REAL: "float4",
    postgresql.DOUBLE_PRECISION: "float8",
    sa.NUMERIC: "numeric",
    sa.BOOLEAN: "bool",
    sa.DATE: "date",
    sa.TEXT: "text",
    sa.VARCHAR: "varchar",
    postgresql.UUID: "uuid",
    sa.UUID: "uuid",
    postgresql.BYTEA: "bytea",
    postgresql.JSON: "json",
    postgresql.JSONB: "jsonb",
}


def suits(load: Load, mode: Mode) -> bool:
    """Whether a load can be arrays, and is large enough for that, and not too large."""
    if load.deletes or mode == "update" or not direct.DIRECT_ROWS < load.frame.height <= ARRAY_ROWS:
        return False
    known = all(_name(column) is not None and not column.fit.echoed for column in load.columns)
    return known and load.frame.estimated_size() <= direct.UNSTAGED_BYTES


def _name(column: TableColumn) -> str | None:
    """The name of a column's type in arrays, without its brackets."""
    kind = column.type
    match kind:
        case postgresql.TIMESTAMP() | sa.TIMESTAMP():
            return "timestamptz" if kind.timezone else "timestamp"
        case postgresql.TIME() | sa.TIME():
            return "timetz" if kind.timezone else "time"
        case _:
            return _NAMES.get(type(kind))


def as_arrays(loads: Sequence[Load], mode: Mode, copied: Copied) -> list[str]:
    """The statements that write the loads, which have each key once."""
    found: dict[int, str] = {}
    for numbers in alike(loads):
        values = _values([loads[number] for number in numbers], copied)
        found |= {number: statement(loads[number], mode, each) for number, each in zip(numbers, values, strict=True)}
    return [found[number] for number in range(len(loads))]


def one_a_key(load: Load, mode: Mode) -> Load | None:
    """The rows that one statement is to write: of a key that comes twice the last. None where it cannot, since some are
    alike, and only the table can tell whether they have the same key."""
    if mode == "insert":
        return load
    frame, keys = load.frame, [f"c{index}" for index in key_columns(load.columns)]
    if version_column(load.columns) is None and frame.select(keys).n_unique() < frame.height:
        frame = frame.unique(keys, keep="last", maintain_order=True)
    (classes,) = equality_classes([compared_keys(frame, load.columns)])
    if len(set[Hashable](classes)) < frame.height:
        return None
    return Load(load.table, load.columns, frame)


def _values(loads: Sequence[Load], copied: Copied) -> list[tuple[str, ...]]:
    """The arrays of loads whose columns are alike, load by load, as literals."""
    frame = eager.stacked([load.frame for load in loads])
    numbers = pl.Series("load", [number for number, load in enumerate(loads) for _ in range(load.frame.height)])
    columns = loads[0].columns
    values = frame.select(
        copied(pl.col(f"c{index}"), column).alias(f"c{index}") for index, column in enumerate(columns)
    )
    items = values.select(
        _item(pl.col(each.name), each.dtype).alias(each.name) for each in values.iter_columns()
    ).hstack([numbers])
    joined = items.group_by("load", maintain_order=True).agg(pl.exclude("load").str.join(",")).drop("load")
    literals = (as_literal(pl.lit("{") + pl.col(each) + pl.lit("}")).alias(each) for each in joined.columns)
    return joined.select(literals).rows()


def _item(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    found = text(values, dtype)
    if dtype == pl.String:
        found = found.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    return (pl.lit('"') + found + pl.lit('"')).fill_null("NULL")


def statement(load: Load, mode: Mode, arrays: Sequence[str]) -> str:
    """What writes a load, given the columns' arrays as literals, or what stands for them."""
    head, tail = inserting(load.table, load.columns, mode)
    names = [f"c{index}" for index in range(len(load.columns))]
    given = zip(arrays, load.columns, strict=True)
    parameters = ", ".join(f"{array}::pg_catalog.{_name(column)}[]" for array, column in given)
    # Sorted by key, so that tasks which write the same rows take their locks in the same order.
    key = ", ".join(f"s.{names[index]}" for index in key_columns(load.columns))
    order = f" ORDER BY {key}" if key and mode != "insert" else ""
    rows = f"SELECT * FROM unnest({parameters}) AS s ({', '.join(names)}){order}"  # noqa: S608
    return f"{head}{rows}{tail}"

"""Few rows for a table, without a staging table: statements with literals, which PostgreSQL reads as it reads COPY's.

A literal has no type of its own: the column's reads its text, and what the column cannot hold is an error, as in COPY.
A staging table costs a table, whose making and emptying is worth it for many rows only. The rows of a thousand tables
are made literals together, as far as their columns are of the same kinds, and many statements are sent as one text.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import polars as pl
import psycopg

from ferryman.connectors.sql.column_fits.fit import Fit
from ferryman.connectors.sql.dialects.compared import compared_keys
from ferryman.connectors.sql.dialects.dialect import (
    Load,
    Mode,
    TableColumn,
    key_columns,
    other_columns,
    version_column,
)
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.dialects.postgresql.names import identifier, literal
from ferryman.connectors.sql.records.key_equality import equality_classes
from ferryman.connectors.sql.records.values import TIMESTAMP_FORMAT
from ferryman.errors import DataError
from ferryman.formats import eager

DIRECT_ROWS = 60
"""Rows of a load that go in directly, if there are many loads."""
SEVERAL_LOADS, MANY_LOADS = 3, 16
"""So many loads in a transaction make staging tables, each of which is waited for three times, too dear for short ones,
and for all small ones."""
SHORT_LOAD_BYTES = 100_000
"""Bytes of a short load: literals are copied more often than what goes by COPY."""
_SENT_CHARACTERS = 1_000_000
"""Characters of statements that are sent together; a single one may be longer."""
# S608 (statements put together from strings) is silenced below: names have passed ``identifier``, values ``_literal``.

Copied = Callable[[pl.Expr, TableColumn], pl.Expr]
"""A column's values as PostgreSQL reads them."""


Shape = tuple[TableName, tuple[TableColumn, ...]]


def shape(load: Load) -> Shape:
    """What loads of one staging table have in common."""
    return load.table, load.columns


def is_small(load: Load, loads: int, mode: Mode, row_by_row: bool = False) -> bool:
    """Whether a load, one of so many in its transaction, is better written without a staging table. ``row_by_row``:
    whether the database may refuse rows of it; it tries by itself those of a staging table, and each of the others is
    waited for."""
    if load.frame.height > DIRECT_ROWS or mode == "update" or any(column.fit.echoed for column in load.columns):
        return False
    return loads >= MANY_LOADS or (
        loads >= SEVERAL_LOADS and not row_by_row and load.frame.estimated_size() <= SHORT_LOAD_BYTES
    )


def small(loads: Sequence[Load], mode: Mode, row_by_row: bool) -> Callable[[Load], bool]:
    """Which of these, the loads of a transaction, are; also of parts of them, of which there may be fewer then."""
    count = len(loads)
    if count >= MANY_LOADS:
        return lambda load: is_small(load, count, mode, row_by_row)
    staged = {shape(load) for load in loads if not is_small(load, count, mode, row_by_row)}
    return lambda load: shape(load) not in staged


@dataclass(frozen=True, slots=True)
class Direct:
    """A load as literals."""

    load: Load
    seqs: Sequence[int]
    """The rows' numbers, ascending."""
    rows: Sequence[str]
    """Each row's literals in brackets: of all columns, or of the key if the load deletes."""

    def statements(self, mode: Mode, first: int, last: int) -> Iterator[str]:
        """What puts the rows from one ``seq`` up to another into their table."""
        start, stop = bisect_left(self.seqs, first), bisect_right(self.seqs, last)
        rows, table, columns = self.rows[start:stop], self.load.table, self.load.columns
        if not rows:
            return
        if self.load.deletes:
            names = ", ".join(identifier(columns[index].name) for index in key_columns(columns))
            yield f"DELETE FROM {literal(table)} WHERE ({names}) IN ({', '.join(rows)})"  # noqa: S608
            return
        head, tail = _insert(table, columns, mode)
        for some in [rows] if mode == "insert" else self._without_repeats(start, stop):
            yield f"{head}{', '.join(some)}{tail}"

    def _without_repeats(self, start: int, stop: int) -> Iterator[Sequence[str]]:
        """The rows in order, cut so that no two of a piece may have the same key: one statement changes a row once."""
        (alike,) = equality_classes([compared_keys(self.load.frame[start:stop], self.load.columns)])
        begun, seen = start, set[Hashable]()
        for at, key in enumerate(alike, start):
            if key in seen:
                yield self.rows[begun:at]
                begun, seen = at, set[Hashable]()
            seen.add(key)
        yield self.rows[begun:stop]


def statement_text(load: Load, mode: Mode) -> str:
    """The statement for some rows of a load, these left out."""
    if load.deletes:
        names = ", ".join(identifier(load.columns[index].name) for index in key_columns(load.columns))
        return f"DELETE FROM {literal(load.table)} WHERE ({names}) IN ((…), …)"  # noqa: S608
    head, tail = _insert(load.table, load.columns, mode)
    return f"{head}(…), …{tail}"


def as_literals(loads: Sequence[Load], copied: Copied) -> list[Direct]:
    """The loads as literals."""
    alike: dict[Hashable, list[int]] = {}
    for number, load in enumerate(loads):
        alike.setdefault(_kind(load), []).append(number)
    found: dict[int, Direct] = {}
    for numbers in alike.values():
        frame = eager.stacked([loads[number].frame for number in numbers])
        rows, seqs = iter(_rows(frame, loads[numbers[0]], copied)), iter(frame.get_column("seq").to_list())
        for number in numbers:
            count = loads[number].frame.height
            found[number] = Direct(loads[number], list(islice(seqs, count)), list(islice(rows, count)))
    return [found[number] for number in range(len(loads))]


def _kind(load: Load) -> Hashable:
    """What is the same for loads whose rows are made literals in the same way."""
    columns = tuple((column.source.schema, column.primary, _forms(column.fit)) for column in load.columns)
    return load.deletes, columns, tuple(load.frame.dtypes)


def _forms(fit: Fit) -> Hashable:
    return fit.form, None if fit.items is None else _forms(fit.items)


def _rows(frame: pl.DataFrame, like: Load, copied: Copied) -> list[str]:
    wanted = key_columns(like.columns) if like.deletes else range(len(like.columns))
    values = frame.select(copied(pl.col(f"c{index}"), like.columns[index]).alias(f"c{index}") for index in wanted)
    row = pl.concat_str([_literal(pl.col(each.name), each.dtype) for each in values.iter_columns()], separator=", ")
    return values.select(pl.lit("(") + row + pl.lit(")")).to_series().to_list()


def _literal(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The text as E'…', whose backslashes and quotes mean the same whatever the session's settings are."""
    text = _text(values, dtype)
    if dtype == pl.String:
        text = text.str.replace_all("\\", "\\\\", literal=True).str.replace_all("'", "''", literal=True)
    return (pl.lit("E'") + text + pl.lit("'")).fill_null("NULL")


def _text(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return values.dt.to_string(TIMESTAMP_FORMAT)
    if dtype == pl.Time:
        return values.dt.to_string("%H:%M:%S%.9f")
    return values.cast(pl.String)


def _insert(table: TableName, columns: Sequence[TableColumn], mode: Mode) -> tuple[str, str]:
    """What comes before the rows, and what after them."""
    names = [identifier(column.name) for column in columns]
    version = version_column(columns)
    there = literal(table) if version is None else f"{literal(table)} AS t"
    head = f"INSERT INTO {there} ({', '.join(names)}) VALUES "  # noqa: S608
    if mode == "insert":
        return head, ""
    conflict = ", ".join(names[index] for index in key_columns(columns))
    changes = ", ".join(f"{names[index]} = EXCLUDED.{names[index]}" for index in other_columns(columns))
    older = "" if version is None else f" WHERE t.{names[version]} < EXCLUDED.{names[version]}"
    return head, f" ON CONFLICT ({conflict}) DO {f'UPDATE SET {changes}{older}' if changes else 'NOTHING'}"


def hold(table: TableName) -> str:
    """Reads nothing of the table: from then on nobody can change it until the transaction's end."""
    return f"SELECT FROM {literal(table)} WHERE false"


def run(cursor: psycopg.Cursor, statements: Iterable[str]) -> None:
    """Runs the statements one after the other, many with one message to the server.

    Raises DataError for one with the character NUL: PostgreSQL has it in no text, and the message would end there.
    """
    waiting, length = list[str](), 0
    for statement in statements:
        if waiting and length + len(statement) > _SENT_CHARACTERS:
            _send(cursor, waiting)
            waiting, length = [], 0
        waiting.append(statement)
        length += len(statement)
    if waiting:
        _send(cursor, waiting)


def _send(cursor: psycopg.Cursor, statements: Sequence[str]) -> None:
    text = ";".join(statements)
    if "\0" in text:
        raise DataError("A text has the character NUL, which PostgreSQL cannot hold")
    # Without parameters, so that it goes as it is, and may have several statements.
    cursor.execute(text.encode(), prepare=False)

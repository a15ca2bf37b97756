"""Few rows for a table, without a staging table: statements with literals, which PostgreSQL reads as it reads COPY's.

A literal has no type of its own: the column's reads its text, and what the column cannot hold is an error, as in COPY.
A staging table costs a table, whose making and emptying is worth it for many rows only. The rows of a thousand tables
are made literals together, as far as their columns are of the same kinds, and many statements are sent as one text.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import polars as pl

from ferryman.connectors.sql.column_fits.fit import Fit
from ferryman.connectors.sql.dialects.compared import compared_keys
from ferryman.connectors.sql.dialects.dialect import (
    Load,
    Mode,
    TableColumn,
    key_columns,
)
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.dialects.postgresql.names import literal
from ferryman.connectors.sql.dialects.postgresql.statements import deleting, inserting
from ferryman.connectors.sql.records.key_equality import equality_classes
from ferryman.connectors.sql.records.values import TIMESTAMP_FORMAT
from ferryman.formats import eager

DIRECT_ROWS = 60
"""Rows of a load that go in as literals, if there are many loads."""
SEVERAL_LOADS, MANY_LOADS = 3, 16
"""So many loads in a transaction make staging tables, each of which is waited for three times, too dear for short ones,
and for all small ones."""
SHORT_LOAD_BYTES = 100_000
"""Bytes of a short load: literals are copied more often than what goes by COPY."""
UNSTAGED_BYTES = 1_000_000
"""Bytes of a load that may go without a staging table. Literals and arrays are sent while the offsets are locked, and
the server ends a transaction for which nothing whole comes for twenty seconds; COPY may take as long as it likes."""
# S608 (statements put together from strings) is silenced below: names have passed ``literal``, values ``as_literal``.

Copied = Callable[[pl.Expr, TableColumn], pl.Expr]
"""A column's values as PostgreSQL reads them."""


def is_small(load: Load, loads: int, mode: Mode, row_by_row: bool = False) -> bool:
    """Whether a load, one of so many in its transaction, is better written as literals. ``row_by_row``: whether the
    database may refuse rows of it; it tries by itself those of a staging table, and each of the others is waited
    for."""
    if load.frame.height > DIRECT_ROWS or not can_be_literals(load, mode):
        return False
    return loads >= MANY_LOADS or (
        loads >= SEVERAL_LOADS and not row_by_row and load.frame.estimated_size() <= SHORT_LOAD_BYTES
    )


def can_be_literals(load: Load, mode: Mode) -> bool:
    """Whether a load can be written as literals at all."""
    if mode == "update" or any(column.fit.echoed for column in load.columns):
        return False
    return load.frame.estimated_size() <= UNSTAGED_BYTES


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
            yield deleting(table, columns, ", ".join(rows))
            return
        head, tail = inserting(table, columns, mode)
        for some in [rows] if mode == "insert" else self._without_repeats(start, stop):
            yield f"{head}VALUES {', '.join(some)}{tail}"

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
        return deleting(load.table, load.columns, "(…), …")
    head, tail = inserting(load.table, load.columns, mode)
    return f"{head}VALUES (…), …{tail}"


def as_literals(loads: Sequence[Load], copied: Copied) -> list[Direct]:
    """The loads as literals."""
    found: dict[int, Direct] = {}
    for numbers in alike(loads):
        frame = eager.stacked([loads[number].frame for number in numbers])
        rows, seqs = iter(_rows(frame, loads[numbers[0]], copied)), iter(frame.get_column("seq").to_list())
        for number in numbers:
            count = loads[number].frame.height
            found[number] = Direct(loads[number], list(islice(seqs, count)), list(islice(rows, count)))
    return [found[number] for number in range(len(loads))]


def alike(loads: Sequence[Load]) -> list[list[int]]:
    """The numbers of loads whose rows are made text in the same way."""
    found: dict[Hashable, list[int]] = {}
    for number, load in enumerate(loads):
        found.setdefault(_kind(load), []).append(number)
    return list(found.values())


def _kind(load: Load) -> Hashable:
    columns = tuple((column.source.schema, column.primary, _forms(column.fit)) for column in load.columns)
    return load.deletes, columns, tuple(load.frame.dtypes)


def _forms(fit: Fit) -> Hashable:
    return fit.form, None if fit.items is None else _forms(fit.items)


def _rows(frame: pl.DataFrame, like: Load, copied: Copied) -> list[str]:
    wanted = key_columns(like.columns) if like.deletes else range(len(like.columns))
    values = frame.select(copied(pl.col(f"c{index}"), like.columns[index]).alias(f"c{index}") for index in wanted)
    literals = [as_literal(text(pl.col(each.name), each.dtype)).fill_null("NULL") for each in values.iter_columns()]
    row = pl.concat_str(literals, separator=", ")
    return values.select(pl.lit("(") + row + pl.lit(")")).to_series().to_list()


def as_literal(texts: pl.Expr) -> pl.Expr:
    """Texts as E'…', whose backslashes and quotes mean the same whatever the session's settings are."""
    found = texts.str.replace_all("\\", "\\\\", literal=True).str.replace_all("'", "''", literal=True)
    return pl.lit("E'") + found + pl.lit("'")


def text(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Copied values of a type as text."""
    if isinstance(dtype, pl.Datetime):
        return values.dt.to_string(TIMESTAMP_FORMAT)
    if dtype == pl.Time:
        return values.dt.to_string("%H:%M:%S%.9f")
    return values.cast(pl.String)


def hold(table: TableName) -> str:
    """Reads nothing of the table: from then on nobody can change it until the transaction's end."""
    return f"SELECT FROM {literal(table)} WHERE false"

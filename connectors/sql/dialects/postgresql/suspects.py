"""Rows that the server says it would refuse, before it is given them: by their values alone, or by a key that is there.

A try that fails costs the server a subtransaction, and takes the rows beside the guilty one with it; a look at all rows
costs one statement. What it finds is only suspected: each such row is tried by itself, and the others together, so that
triggers, rules, defaults and whatever else a look does not know have the last word as before.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import psycopg
from sqlalchemy import Connection

from ferryman.connectors.sql.dialects.dialect import Load, Mode, RowStretch, Transactions
from ferryman.connectors.sql.dialects.faults import Denied, Undone
from ferryman.connectors.sql.dialects.postgresql.names import literal, qualified, quoted
from ferryman.errors import DataError, TaskError

ROWS_WORTH_A_LOOK = 64
"""Rows of a load: few are tried faster than looked at."""
_SEQ = "ferryman_seq"
_INPUT_IS_VALID_SINCE = 160000
_CHECKS = """
SELECT pg_catalog.pg_get_expr(conbin, conrelid) FROM pg_catalog.pg_constraint
WHERE conrelid = %s::regclass AND contype = 'c' AND conkey <@ (
    SELECT array_agg(attnum) FROM pg_catalog.pg_attribute WHERE attrelid = conrelid AND attname = ANY(%s))"""
"""The conditions that say something of these columns alone."""
_KEYS = """
SELECT ARRAY(SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = indrelid AND attnum = ANY(indkey))
FROM pg_catalog.pg_index
WHERE indrelid = %s::regclass AND indisunique AND indimmediate AND indpred IS NULL AND indexprs IS NULL"""
"""The columns of each key of which a table has every value once."""
# S608 (statements put together from strings) is silenced below: names have passed ``quoted``, and a condition is what
# the server itself says of its table.


def cut(stretches: Sequence[RowStretch], suspects: Sequence[int]) -> Iterator[RowStretch]:
    """The same rows in the same order, each of the suspects a stretch of its own. ``suspects``: by ``seq``,
    ascending."""
    for stretch in stretches:
        first = stretch.first
        for suspect in suspects[bisect_left(suspects, stretch.first) : bisect_right(suspects, stretch.last)]:
            if first < suspect:
                yield RowStretch(stretch.load, stretch.apply, first, suspect - 1)
            yield RowStretch(stretch.load, stretch.apply, suspect, suspect)
            first = suspect + 1
        if first <= stretch.last:
            yield RowStretch(stretch.load, stretch.apply, first, stretch.last)


def refusable(
    session: Transactions, connection: Connection, cursor: psycopg.Cursor, stage: str, load: Load, mode: Mode
) -> list[int]:
    """The rows of a load, in its staging table, that its table will hardly take."""
    if load.deletes or load.frame.height < ROWS_WORTH_A_LOOK:
        return []
    kinds = [_checks, _taken] if mode == "insert" else [_checks]
    asked = [partial(_found, cursor, stage, load, kind) for kind in kinds]
    return sorted({seq for each in asked for seq in _asked(session, connection, each)})


def unreadable(
    session: Transactions, connection: Connection, cursor: psycopg.Cursor, texts: str, column: str, like: str
) -> list[int]:
    """The rows whose text in a column is none for the type that it has in the table ``like``, by the word of that
    type's own reader. None before PostgreSQL 16, where it cannot be asked; nor of types that can never be."""
    if cursor.connection.info.server_version < _INPUT_IS_VALID_SINCE:
        return []
    kind = (
        "SELECT pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute "
        "WHERE attrelid = %s::regclass AND attname = %s"
    )
    bad = f"{column} IS NOT NULL AND NOT pg_catalog.pg_input_is_valid({column}, ({kind}))"

    def told() -> list[int]:
        cursor.execute(f"SELECT seq FROM {quoted(texts)} WHERE {bad} ORDER BY seq", (like, column))  # noqa: S608
        return [int(seq) for (seq,) in cursor]

    return _asked(session, connection, told)


def _asked(session: Transactions, connection: Connection, ask: Callable[[], list[int]]) -> list[int]:
    """None where it does not work out: a condition that fails for some row, a table that may be written to only."""
    try:
        with session.savepoint(connection):
            return ask()
    except Undone:
        raise
    except (DataError, TaskError, Denied):
        return []


def _checks(cursor: psycopg.Cursor, load: Load) -> Iterator[str]:
    """Conditions for a row that a check is against."""
    cursor.execute(_CHECKS, (literal(load.table), [column.name for column in load.columns]))
    for (check,) in cursor.fetchall():
        yield f"({check.replace('%', '%%')}) IS FALSE"


def _taken(cursor: psycopg.Cursor, load: Load) -> Iterator[str]:
    """Conditions for a row whose key a row of the table has, or one before it in the load."""
    cursor.execute(_KEYS, (literal(load.table),))
    known = {column.name for column in load.columns}
    for (names,) in cursor.fetchall():
        if names and known.issuperset(names):
            key = [quoted(name) for name in names]
            same = " AND ".join(f"t.{name} = s.{name}" for name in key)
            yield f"EXISTS (SELECT FROM {qualified(load.table)} t WHERE {same})"
            whole = " AND ".join(f"{name} IS NOT NULL" for name in key)
            yield f"{whole} AND row_number() OVER (PARTITION BY {', '.join(key)} ORDER BY {_SEQ}) > 1"


def _found(
    cursor: psycopg.Cursor, stage: str, load: Load, kind: Callable[[psycopg.Cursor, Load], Iterator[str]]
) -> list[int]:
    conditions = list(kind(cursor, load))
    if not conditions:
        return []
    named = ", ".join(f"c{index} AS {quoted(column.name)}" for index, column in enumerate(load.columns))
    rows = f"SELECT seq AS {_SEQ}, {named} FROM pg_temp.{quoted(stage)} WHERE seq BETWEEN %s AND %s"  # noqa: S608
    judged = ", ".join(f"({condition}) AS j{number}" for number, condition in enumerate(conditions))
    guilty = " OR ".join(f"j{number}" for number in range(len(conditions)))
    text = f"SELECT {_SEQ} FROM (SELECT {_SEQ}, {judged} FROM ({rows}) s) j WHERE {guilty} ORDER BY {_SEQ}"  # noqa: S608
    cursor.execute(text, load.span)
    return [int(seq) for (seq,) in cursor]

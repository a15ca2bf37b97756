"""Rows that PostgreSQL refuses, found by the server itself: one block of PL/pgSQL puts a poll in, run by run.

A run is one statement. One that fails is undone alone and its rows are tried singly, which takes the server tens of
microseconds a row; asked from here, each try would be three round trips. The server's own words are not looked at,
since they may quote the row: of what was raised only the SQLSTATE and the names of objects come back.
"""

from collections.abc import Iterator, Sequence
from itertools import count

import psycopg
from psycopg import errors

from ferryman.connectors.sql.dialects.dialect import Refused, Run
from ferryman.connectors.sql.dialects.faults import Fault
from ferryman.connectors.sql.dialects.postgresql.names import quoted
from ferryman.connectors.sql.dialects.postgresql.sqlstates import CLASSES, CODES
from ferryman.errors import DataError

_TABLE = "pg_temp.ferryman_refused"
_CREATE = """
CREATE TEMP TABLE IF NOT EXISTS ferryman_refused
    (seq bigint, state text, table_name text, column_name text, constraint_name text) ON COMMIT DELETE ROWS
"""
_FIRST, _LAST = "ferryman_first", "ferryman_last"
"""Variables of the block, with names that no column has."""
_TRY = """
BEGIN
    {statements}
EXCEPTION WHEN OTHERS THEN
    IF NOT ({is_about_a_row}) THEN
        RAISE;
    END IF;
    {otherwise}
END;
"""
_ROWS = f"""
FOR ferryman_row IN ferryman_firsts[ferryman_run] .. ferryman_lasts[ferryman_run] LOOP
    {_FIRST} := ferryman_row;
    {_LAST} := ferryman_row;
    {{try_a_row}}
END LOOP;
"""
_NOTE = f"""
GET STACKED DIAGNOSTICS ferryman_state = RETURNED_SQLSTATE, ferryman_table = TABLE_NAME,
    ferryman_column = COLUMN_NAME, ferryman_constraint = CONSTRAINT_NAME;
INSERT INTO {_TABLE} VALUES (ferryman_row, ferryman_state, ferryman_table, ferryman_column, ferryman_constraint);
"""  # noqa: S608 - names of ours
_BLOCK = f"""
#variable_conflict use_variable
DECLARE
    ferryman_loads int[] := '{{loads}}';
    ferryman_firsts bigint[] := '{{firsts}}';
    ferryman_lasts bigint[] := '{{lasts}}';
    ferryman_run int;
    ferryman_row bigint;
    {_FIRST} bigint;
    {_LAST} bigint;
    ferryman_state text;
    ferryman_table text;
    ferryman_column text;
    ferryman_constraint text;
BEGIN
    FOR ferryman_run IN 1 .. cardinality(ferryman_loads) LOOP
        {_FIRST} := ferryman_firsts[ferryman_run];
        {_LAST} := ferryman_lasts[ferryman_run];
        {{try_a_run}}
    END LOOP;
END
"""
_ABOUT_A_ROW = [name for name, fault in CLASSES.items() if fault is Fault.DATA]
_CODES = [name for name, fault in CODES.items() if fault is Fault.DATA]
_OTHER_CODES = [name for name, fault in CODES.items() if fault is not Fault.DATA]


def each(
    cursor: psycopg.Cursor, runs: Sequence[Run], stages: Sequence[tuple[str, str | None]], doing: str
) -> Sequence[Refused]:
    """See ``Writer.each``. ``stages``: by run the name of its staging table, and the statement that moves rows on from
    there, with two placeholders for the first and last ``seq``."""
    distinct = list(dict.fromkeys(stages))
    cursor.execute(_CREATE)
    tables = {name for name, _ in distinct}
    for name in tables:
        cursor.execute(f"CREATE INDEX {quoted(name + '_seq')} ON pg_temp.{quoted(name)} (seq)")
    cursor.execute(block(runs, [distinct.index(stage) for stage in stages], [text for _, text in distinct]))
    for name in tables:
        cursor.execute(f"DROP INDEX pg_temp.{quoted(name + '_seq')}")
    cursor.execute(f"SELECT * FROM {_TABLE} ORDER BY seq")  # noqa: S608 - a name of ours
    return [Refused(int(seq), _error(doing, *rest)) for seq, *rest in cursor.fetchall()]


def block(runs: Sequence[Run], loads: Sequence[int], statements: Sequence[str | None]) -> str:
    """The block for these runs; ``loads`` has the number of each one's statement."""
    branches = "\n".join(_branches(statements))
    common = {
        "statements": f"CASE ferryman_loads[ferryman_run]\n{branches}\nEND CASE;",
        "is_about_a_row": _is_about_a_row(),
    }
    text = _BLOCK.format(
        loads=_array(loads),
        firsts=_array([run.first for run in runs]),
        lasts=_array([run.last for run in runs]),
        try_a_run=_TRY.format(**common, otherwise=_ROWS.format(try_a_row=_TRY.format(**common, otherwise=_NOTE))),
    )
    tag = _unused(text)
    return f"DO {tag}{text}{tag}"


def _unused(text: str) -> str:
    """A dollar quote that is not in the text: the names in its statements may hold anything."""
    return next(tag for number in count() if (tag := f"$ferryman_{number}$") not in text)


def _branches(statements: Sequence[str | None]) -> Iterator[str]:
    for number, statement in enumerate(statements):
        yield f"WHEN {number} THEN {'NULL' if statement is None else statement % (_FIRST, _LAST)};"


def _array(numbers: Sequence[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


def _is_about_a_row() -> str:
    """A condition in the block, for what ``sqlstates.fault_of`` says of the codes that are known."""
    classes, codes, others = (
        ", ".join(f"'{name}'" for name in names) for names in (_ABOUT_A_ROW, _CODES, _OTHER_CODES)
    )
    return f"SQLSTATE IN ({codes}) OR (left(SQLSTATE, 2) IN ({classes}) AND SQLSTATE NOT IN ({others}))"


def _error(doing: str, state: str, table: str, column: str, constraint: str) -> DataError:
    named = {"table": table, "column": column, "constraint": constraint}
    objects = "".join(f", {what} {name}" for what, name in named.items() if name)
    return DataError(f"Cannot {doing}: {_class(state)} (SQLSTATE {state}){objects}")


def _class(state: str) -> str:
    try:
        return errors.lookup(state).__name__
    except KeyError:
        return "Error"

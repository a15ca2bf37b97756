"""Rows that PostgreSQL refuses, found by the server itself: one block of PL/pgSQL puts a poll in, stretch by stretch.

A stretch is one statement. One that fails is undone alone and its rows are tried by few, then singly, which takes the
server tens of microseconds a try; asked from here, each try would be three round trips. The server's own words are not
looked at, since they may quote the row: of what was raised only the SQLSTATE and the names of objects come back.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

import psycopg
from psycopg import errors

from ferryman.connectors.sql.dialects.dialect import Refused, RowStretch
from ferryman.connectors.sql.dialects.faults import Fault
from ferryman.connectors.sql.dialects.names import temporary
from ferryman.connectors.sql.dialects.postgresql.names import quoted
from ferryman.connectors.sql.dialects.postgresql.sqlstates import CLASSES, CODES
from ferryman.errors import DataError

_NAME = temporary("ferryman_refused")
_TABLE = f"pg_temp.{_NAME}"
_CREATE = f"""
CREATE TEMP TABLE IF NOT EXISTS {_NAME}
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
_ROWS_TRIED_TOGETHER = 4
"""Rows of a stretch that has failed which are tried together: of one in ten, most such are all good."""
_PIECES = f"""
FOR ferryman_piece IN 0 .. (ferryman_lasts[ferryman_run] - ferryman_firsts[ferryman_run]) / {_ROWS_TRIED_TOGETHER} LOOP
    {_FIRST} := ferryman_firsts[ferryman_run] + ferryman_piece * {_ROWS_TRIED_TOGETHER};
    {_LAST} := least({_FIRST} + {_ROWS_TRIED_TOGETHER - 1}, ferryman_lasts[ferryman_run]);
    {{try_a_piece}}
END LOOP;
"""
_ROWS = f"""
FOR ferryman_row IN {_FIRST} .. {_LAST} LOOP
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
    ferryman_piece bigint;
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
        IF {_FIRST} = {_LAST} THEN
            ferryman_row := {_FIRST};
            {{try_a_row}}
        ELSE
            {{try_a_run}}
        END IF;
    END LOOP;
END
"""
_IN_THE_WAY = (Fault.AWAY, Fault.CONFLICT)


class Note(NamedTuple):
    """A row that is refused, and why."""

    seq: int
    state: str
    """The SQLSTATE."""
    table: str
    column: str
    constraint: str

    @property
    def problem(self) -> str:
        """The error's name and its SQLSTATE."""
        try:
            name = errors.lookup(self.state).__name__
        except KeyError:
            name = "Error"
        return f"{name} (SQLSTATE {self.state})"


def write_each(
    cursor: psycopg.Cursor, stretches: Sequence[RowStretch], stages: Sequence[tuple[str, str | None]], doing: str
) -> Sequence[Refused]:
    """See ``Writer.write_each``. ``stages``: by stretch the name of its staging table, and the statement that moves
    rows on from there, with two placeholders for the first and last ``seq``."""
    return [Refused(note.seq, _error(doing, note)) for note in _noted(cursor, stretches, stages, _is_about_a_row())]


def unreadable(cursor: psycopg.Cursor, stretches: Sequence[RowStretch], stage: tuple[str, str]) -> Sequence[Note]:
    """The rows of which a statement, which does nothing but read them, cannot read the texts. ``stage``: as above."""
    return _noted(cursor, stretches, [stage] * len(stretches), _is_about_a_value())


def _noted(
    cursor: psycopg.Cursor, stretches: Sequence[RowStretch], stages: Sequence[tuple[str, str | None]], its_own: str
) -> Sequence[Note]:
    distinct = {stage: number for number, stage in enumerate(dict.fromkeys(stages))}
    tables = {name for name, _ in distinct}
    statements = [
        _CREATE,
        *(f"CREATE INDEX {quoted(name + '_seq')} ON pg_temp.{quoted(name)} (seq)" for name in tables),
        block(stretches, [distinct[stage] for stage in stages], [text for _, text in distinct], its_own),
        *(f"DROP INDEX pg_temp.{quoted(name + '_seq')}" for name in tables),
        f"WITH told AS (DELETE FROM {_TABLE} RETURNING *) SELECT * FROM told ORDER BY seq",  # noqa: S608
    ]
    # Without parameters, so that all of it goes at once.
    cursor.execute(";".join(statements).encode(), prepare=False)
    while cursor.nextset():
        pass
    return [Note(*row) for row in cursor.fetchall()]


def block(stretches: Sequence[RowStretch], loads: Sequence[int], statements: Sequence[str | None], its_own: str) -> str:
    """The block for these stretches; ``loads`` has the number of each one's statement, ``its_own`` is the condition for
    an error to be the row's."""
    branches = "\n".join(_branches(statements))
    common = {
        "statements": f"CASE ferryman_loads[ferryman_run]\n{branches}\nEND CASE;",
        "is_about_a_row": its_own,
    }
    try_a_row = _TRY.format(**common, otherwise=_NOTE)
    try_a_piece = _TRY.format(**common, otherwise=_ROWS.format(try_a_row=try_a_row))
    text = _BLOCK.format(
        loads=_array(loads),
        firsts=_array([stretch.first for stretch in stretches]),
        lasts=_array([stretch.last for stretch in stretches]),
        try_a_row=try_a_row,
        try_a_run=_TRY.format(**common, otherwise=_PIECES.format(try_a_piece=try_a_piece)),
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
        _listed(name for name, fault in known.items() if (fault is Fault.DATA) is wanted)
        for known, wanted in ((CLASSES, True), (CODES, True), (CODES, False))
    )
    return f"SQLSTATE IN ({codes}) OR (left(SQLSTATE, 2) IN ({classes}) AND SQLSTATE NOT IN ({others}))"


def _is_about_a_value() -> str:
    """The same for a statement that does nothing but read texts: a type's reader may say anything of one."""
    classes, codes = (
        _listed(name for name, fault in known.items() if fault in _IN_THE_WAY) for known in (CLASSES, CODES)
    )
    return f"left(SQLSTATE, 2) NOT IN ({classes}) AND SQLSTATE NOT IN ({codes})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _error(doing: str, note: Note) -> DataError:
    named = {"table": note.table, "column": note.column, "constraint": note.constraint}
    objects = "".join(f", {what} {name}" for what, name in named.items() if name)
    return DataError(f"Cannot {doing}: {note.problem}{objects}")

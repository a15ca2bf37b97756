"""The statements that write or delete a row, with SQLAlchemy's quoting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite as dialect
from sqlalchemy.dialects.sqlite import insert

from ferryman.connectors.sql.dialects.dialect import Mode, TableColumn, other_columns, version_column
from ferryman.connectors.sql.dialects.names import TableName

_DIALECT = dialect.dialect()


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with its parameters."""

    text: str
    """Its SQL."""
    parameters: tuple[str, ...]
    """The columns of the frame that are its parameters, in order."""


@dataclass(frozen=True, slots=True)
class Statements:
    """What is done with the rows of one shape."""

    write: Statement | None
    """Writes one row; None if there is nothing to write, in an update of keys alone."""
    delete: Statement | None
    """Deletes the row with a key; None without a key."""


def statements(table: TableName, columns: Sequence[TableColumn], mode: Mode) -> Statements:
    """The statements for a table's columns."""
    named = {f"c{index}": sa.quoted_name(column.name, quote=True) for index, column in enumerate(columns)}
    into = sa.table(
        sa.quoted_name(table.name, quote=True),
        *(sa.column(name) for name in named.values()),
        schema=None if table.schema is None else sa.quoted_name(table.schema, quote=True),
    )
    keys = [f"c{index}" for index, column in enumerate(columns) if column.primary]
    others = [named[f"c{index}"] for index in other_columns(columns)]
    version = version_column(columns)
    write = _compiled(_write(into, named, keys, others, mode, None if version is None else f"c{version}"))
    return Statements(write, _compiled(sa.delete(into).where(_here(into, named, keys))) if keys else None)


def _write(
    into: sa.TableClause,
    named: Mapping[str, sa.quoted_name],
    keys: Sequence[str],
    others: Sequence[sa.quoted_name],
    mode: Mode,
    version: str | None,
) -> sa.Executable | None:
    values: dict[str, Any] = {name: sa.bindparam(parameter) for parameter, name in named.items()}
    if mode == "update":
        here = _here(into, named, keys)
        if version is not None:
            here = sa.and_(here, into.c[named[version]] < sa.bindparam(version))
        return sa.update(into).where(here).values({name: values[name] for name in others}) if others else None
    add = insert(into).values(values)
    if mode == "insert":
        return add
    index = [into.c[named[key]] for key in keys]
    if not others:
        return add.on_conflict_do_nothing(index_elements=index)
    changes = {name: add.excluded[name] for name in others}
    older = None if version is None else into.c[named[version]] < add.excluded[named[version]]
    return add.on_conflict_do_update(index_elements=index, set_=changes, where=older)


def _here(into: sa.TableClause, named: Mapping[str, sa.quoted_name], keys: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.and_(sa.true(), *(into.c[named[key]] == sa.bindparam(key) for key in keys))


def _compiled(statement: Any) -> Statement | None:
    if statement is None:
        return None
    compiled = statement.compile(dialect=_DIALECT)
    return Statement(str(compiled), tuple(compiled.positiontup or ()))

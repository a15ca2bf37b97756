"""The statements that move rows from a staging table on into their table.

All names are quoted by ``name``; the only values in them are numbers of ours.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ferryman.connectors.sql.dialects.dialect import Mode, TableColumn, key_columns, other_columns, version_column
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.errors import TaskError, UnsafeRun

# S608 (statements put together from strings) is silenced below.
_RANGE = "seq BETWEEN %s AND %s"


@dataclass(frozen=True, slots=True)
class Statements:
    """What is done with staged rows from one ``seq`` to another, which each statement takes as its parameters."""

    write: tuple[str, ...]
    """Writes rows; of a key that has several the last one decides."""
    delete: str | None
    """Deletes the rows with these keys; None without a key."""


def name(text: str) -> str:
    """An identifier for a statement that is executed with parameters."""
    return "`" + text.replace("`", "``").replace("%", "%%") + "`"


def qualified(table: TableName) -> str:
    """A table's full name for such a statement."""
    return name(table.name) if table.schema is None else f"{name(table.schema)}.{name(table.name)}"


@dataclass(frozen=True, slots=True)
class _Rows:
    """Staged rows as a source ``s`` for other statements."""

    source: str
    """What follows FROM or JOIN."""
    condition: str
    """Which of its rows are meant."""


def statements(
    stage: str, table: TableName, columns: Sequence[TableColumn], mode: Mode, unique: Collection[frozenset[str]]
) -> Statements:
    """The statements for a staging table. ``unique``: the columns of each unique index of the table.

    Raises TaskError for an upsert into a table in which nothing keeps its key unique, UnsafeRun for one by version
    where other indexes are unique too.
    """
    into, staged = qualified(table), name(stage)
    rows = _Rows(f"{staged} s", f"s.{_RANGE}")
    delete = f"DELETE t FROM {into} t JOIN {staged} s ON {_same(columns)} WHERE s.{_RANGE}"
    if mode == "insert":
        insert = (f"{_insert(into, columns, rows)} ORDER BY s.seq",)
        return Statements(insert, delete if key_columns(columns) else None)
    last = _Rows(f"({_numbered(staged, columns)}) s", "s.nth = 1")
    if mode == "update":
        return Statements(_update(into, columns, last), delete)
    _check_key(table, columns, unique)
    if len(unique) == 1:
        return Statements((_upsert(into, columns, rows),), delete)
    if version_column(columns) is not None:
        raise UnsafeRun(
            f"{table} has several unique indexes, so that no single statement adds a row or changes it by its version. "
            "Have the run write elsewhere: set table.name.format"
        )
    return Statements((*_update(into, columns, last), _add(into, columns, last)), delete)


def _check_key(table: TableName, columns: Sequence[TableColumn], unique: Collection[frozenset[str]]) -> None:
    key = frozenset(columns[index].name for index in key_columns(columns))
    if key not in unique:
        raise TaskError(
            f"{table} has no primary key or unique index of exactly the columns {', '.join(sorted(key))}: "
            "an upsert would add a row for each record. Make them its key, or set insert.mode=insert"
        )


def _upsert(into: str, columns: Sequence[TableColumn], rows: _Rows) -> str:
    """For a table whose only unique index is the key, since ON DUPLICATE KEY fires on any."""
    changed, version = other_columns(columns) or key_columns(columns)[:1], version_column(columns)
    if version is not None:
        # The version last: an assignment sees what those before it have made of the row.
        changed = [*(index for index in changed if index != version), version]
    changes = ", ".join(_change(into, columns, index, version) for index in changed)
    return f"{_insert(into, columns, rows)} ORDER BY {_order(columns)}, s.seq ON DUPLICATE KEY UPDATE {changes}"


def _change(into: str, columns: Sequence[TableColumn], index: int, version: int | None) -> str:
    column = f"{into}.{name(columns[index].name)}"
    if version is None:
        return f"{column} = s.c{index}"
    return f"{column} = IF({into}.{name(columns[version].name)} < s.c{version}, s.c{index}, {column})"


def _add(into: str, columns: Sequence[TableColumn], rows: _Rows) -> str:
    """Adds the rows whose keys are not there: one that another unique index refuses makes an error."""
    first = name(columns[key_columns(columns)[0]].name)
    missing = _Rows(f"{rows.source} LEFT JOIN {into} t ON {_same(columns)}", f"t.{first} IS NULL AND {rows.condition}")
    return f"{_insert(into, columns, missing)} ORDER BY {_order(columns)}"


def _update(into: str, columns: Sequence[TableColumn], rows: _Rows) -> tuple[str, ...]:
    others = other_columns(columns)
    if not others:
        return ()
    changes = ", ".join(f"t.{name(columns[index].name)} = s.c{index}" for index in others)
    version = version_column(columns)
    older = "" if version is None else f" AND t.{name(columns[version].name)} < s.c{version}"
    return (f"UPDATE {into} t JOIN {rows.source} ON {_same(columns)} SET {changes} WHERE {rows.condition}{older}",)  # noqa: S608


def _insert(into: str, columns: Sequence[TableColumn], rows: _Rows) -> str:
    names = ", ".join(name(column.name) for column in columns)
    values = ", ".join(f"s.c{index}" for index in range(len(columns)))
    return f"INSERT INTO {into} ({names}) SELECT {values} FROM {rows.source} WHERE {rows.condition}"  # noqa: S608


def _numbered(staged: str, columns: Sequence[TableColumn]) -> str:
    """The rows of the range, the last of each key with nth = 1."""
    key = ", ".join(f"c{index}" for index in key_columns(columns))
    version = version_column(columns)
    newest = "seq DESC" if version is None else f"c{version} DESC, seq DESC"
    nth = f"row_number() OVER (PARTITION BY {key} ORDER BY {newest}) AS nth"
    return f"SELECT {staged}.*, {nth} FROM {staged} WHERE {_RANGE}"  # noqa: S608


def _order(columns: Sequence[TableColumn]) -> str:
    """By key, so that tasks which write the same rows take their locks in the same order."""
    return ", ".join(f"s.c{index}" for index in key_columns(columns))


def _same(columns: Sequence[TableColumn]) -> str:
    return " AND ".join(f"t.{name(columns[index].name)} = s.c{index}" for index in key_columns(columns))

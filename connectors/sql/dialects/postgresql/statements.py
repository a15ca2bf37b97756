"""The statements that write rows, wherever these come from: a staging table, literals or arrays.

All names are quoted; values are parameters, or literals that the caller has made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ferryman.connectors.sql.dialects.dialect import Mode, TableColumn, key_columns, other_columns, version_column
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.dialects.postgresql.names import identifier, literal, qualified, quoted

NULL = "\\N"
"""How COPY is told a null."""
# S608 (statements put together from strings) is silenced below: every name in them is quoted.


@dataclass(frozen=True, slots=True)
class Stage:
    """A staging table and the statements that move its rows on; each statement takes the first and last ``seq``."""

    name: str
    """Its name in the session's schema of temporary tables."""
    staged: Sequence[str]
    """Its columns but ``seq``."""
    copy: str
    """The COPY that fills it."""
    write: str | None
    """Writes its rows; None if there is nothing to write, in an update of keys alone."""
    delete: str
    """Deletes the rows with its keys."""

    def moving(self, deletes: bool) -> str | None:
        """The statement for rows that are to be deleted, or the one for those that are to be written."""
        return self.delete if deletes else self.write

    def statements(self, deletes: bool, first: int, last: int) -> Iterator[str]:
        """The same for rows from one ``seq`` up to another, without parameters."""
        statement = self.moving(deletes)
        if statement is not None:
            yield statement % (first, last)


def staged(name: str, table: TableName, columns: Sequence[TableColumn], mode: Mode) -> Stage:
    """The statements for a staging table."""
    own = [*(f"c{index}" for index in range(len(columns))), *map(given, echoed(columns))]
    write = _update(name, table, columns) if mode == "update" else _insert(name, table, columns, mode)
    return Stage(name, own, copying(name, own), write, _delete(name, table, columns))


def echoed(columns: Sequence[TableColumn]) -> list[int]:
    """The columns that must give texts back as they got them."""
    return [index for index, column in enumerate(columns) if column.fit.echoed]


def given(index: int) -> str:
    """The staging column for the texts that such a column is given."""
    return f"given{index}"


def copying(table: str, columns: Sequence[str]) -> str:
    """The COPY that fills a table of the session with ``seq`` and these columns, from CSV."""
    return f"COPY {quoted(table)} (seq, {', '.join(columns)}) FROM STDIN WITH (FORMAT csv, NULL '{NULL}')"


def inserting(table: TableName, columns: Sequence[TableColumn], mode: Mode) -> tuple[str, str]:
    """What comes before VALUES or a query, and what after it, in a statement that is executed without parameters.
    ``mode``: insert or upsert."""
    names = [identifier(column.name) for column in columns]
    version = version_column(columns)
    there = literal(table) if version is None else f"{literal(table)} AS t"
    head = f"INSERT INTO {there} ({', '.join(names)}) "
    if mode == "insert":
        return head, ""
    conflict = ", ".join(names[index] for index in key_columns(columns))
    changes = ", ".join(f"{names[index]} = EXCLUDED.{names[index]}" for index in other_columns(columns))
    older = "" if version is None else f" WHERE t.{names[version]} < EXCLUDED.{names[version]}"
    return head, f" ON CONFLICT ({conflict}) DO {f'UPDATE SET {changes}{older}' if changes else 'NOTHING'}"


def around_parameters(table: TableName, columns: Sequence[TableColumn], mode: Mode) -> tuple[str, str]:
    """The same for a statement that is executed with parameters."""
    head, tail = inserting(table, columns, mode)
    return head.replace("%", "%%"), tail.replace("%", "%%")


def deleting(table: TableName, columns: Sequence[TableColumn], keys: str) -> str:
    """Deletes the rows with these keys, literals in brackets; executed without parameters."""
    names = ", ".join(identifier(columns[index].name) for index in key_columns(columns))
    return f"DELETE FROM {literal(table)} WHERE ({names}) IN ({keys})"  # noqa: S608


def _insert(stage: str, table: TableName, columns: Sequence[TableColumn], mode: Mode) -> str:
    head, tail = around_parameters(table, columns, mode)
    values = ", ".join(f"s.c{index}" for index in range(len(columns)))
    if mode == "insert":
        rows, order = f"{quoted(stage)} s WHERE s.seq BETWEEN %s AND %s", "s.seq"
    else:
        # Sorted by key, so that tasks which write the same rows take their locks in the same order.
        rows, order = _last_of_each_key(stage, columns), _key(columns)
    return f"{head}SELECT {values} FROM {rows} ORDER BY {order}{tail}"  # noqa: S608


def _update(stage: str, table: TableName, columns: Sequence[TableColumn]) -> str | None:
    others, version = other_columns(columns), version_column(columns)
    if not others:
        return None
    changes = ", ".join(f"{quoted(columns[index].name)} = s.c{index}" for index in others)
    older = "" if version is None else f" AND t.{quoted(columns[version].name)} < s.c{version}"
    rows = _last_of_each_key(stage, columns)
    return f"UPDATE {qualified(table)} t SET {changes} FROM {rows} WHERE true{_same_key(columns)}{older}"  # noqa: S608


def _delete(stage: str, table: TableName, columns: Sequence[TableColumn]) -> str:
    rows = f"{quoted(stage)} s WHERE s.seq BETWEEN %s AND %s"
    return f"DELETE FROM {qualified(table)} t USING {rows}{_same_key(columns)}"  # noqa: S608


def _last_of_each_key(stage: str, columns: Sequence[TableColumn]) -> str:
    key, version = _key(columns), version_column(columns)
    newest = "seq DESC" if version is None else f"c{version} DESC, seq DESC"
    rows = f"{quoted(stage)} WHERE seq BETWEEN %s AND %s"
    return f"(SELECT DISTINCT ON ({key}) * FROM {rows} ORDER BY {key}, {newest}) s"  # noqa: S608


def _key(columns: Sequence[TableColumn]) -> str:
    return ", ".join(f"c{index}" for index in key_columns(columns))


def _same_key(columns: Sequence[TableColumn]) -> str:
    return "".join(f" AND t.{quoted(columns[index].name)} = s.c{index}" for index in key_columns(columns))

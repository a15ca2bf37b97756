"""The demo's own eyes on the warehouse: what rows are there, and when a payment's row could first be read."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg import sql

from ferryman.demo.facts import flows
from ferryman.demo.facts.expected import PAYMENT_FIELDS

BREAK = 4
"""The watcher rests this many times as long as its last query took, so that it slows down little."""
_FORBIDDEN = "forbidden_by_mistake"
_WHOLE = 100
"""One query in this many reads all rows instead of the newest."""


class Warehouse:
    """A PostgreSQL database, by its SQLAlchemy URL. One connection: for one thread."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True, connect_timeout=10)

    def close(self) -> None:
        self._connection.close()

    def counts(self, tables: Sequence[str]) -> dict[str, int]:
        """How many rows each table holds; 0 if it does not exist yet."""
        existing = self.existing(tables)
        if not existing:
            return dict.fromkeys(tables, 0)
        each = sql.SQL("SELECT {}, count(*) FROM {}")
        query = sql.SQL(" UNION ALL ").join(each.format(sql.Literal(name), sql.Identifier(name)) for name in existing)
        return dict.fromkeys(tables, 0) | dict(self._connection.execute(query).fetchall())

    def recent(self, table: str, column: str, page: int) -> list[tuple[int, str]]:
        """The values in a page of an existing table and in those behind it, with the pages they are in."""
        where = sql.SQL("SELECT (ctid::text::point)[0]::bigint, {} FROM {} WHERE ctid >= {}::tid")
        query = where.format(sql.Identifier(column), sql.Identifier(table), sql.Literal(f"({page},0)"))
        return self._connection.execute(query).fetchall()

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """All rows of a table; none if it does not exist."""
        if self.existing([table]):
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            yield from self._connection.execute(
                sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(table))
            ).fetchall()

    def lose(self, table: str, count: int) -> list[str]:
        """Deletes so many rows by their id, and says which."""
        return self._harm(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)), table, count)

    def spoil(self, table: str, column: str, count: int) -> list[str]:
        """Overwrites a text of so many rows, and says which."""
        text = sql.SQL("UPDATE {} SET {} = 'overwritten by mistake'")
        return self._harm(text.format(sql.Identifier(table), sql.Identifier(column)), table, count)

    def forbid(self, table: str, column: str, text: str) -> None:
        """Has the table refuse rows with this text, until they are allowed again. Those that are there stay."""
        constraint = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({} <> {}) NOT VALID")
        names = sql.Identifier(table), sql.Identifier(_FORBIDDEN), sql.Identifier(column)
        self._connection.execute(constraint.format(*names, sql.Literal(text)))

    def allow(self, table: str) -> None:
        """Has the table take them."""
        dropped = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
        self._connection.execute(dropped.format(sql.Identifier(table), sql.Identifier(_FORBIDDEN)))

    def _harm(self, statement: sql.Composed, table: str, count: int) -> list[str]:
        # Rows that somebody is writing are left alone: waiting for one another would be a deadlock.
        chosen = sql.SQL(" WHERE id IN (SELECT id FROM {} LIMIT {} FOR UPDATE SKIP LOCKED) RETURNING id")
        query = statement + chosen.format(sql.Identifier(table), sql.Literal(count))
        return [row[0] for row in self._connection.execute(query).fetchall()]

    def existing(self, tables: Sequence[str]) -> list[str]:
        """The tables, of these, that exist."""
        query = "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(quote_ident(name)) IS NOT NULL"
        return [row[0] for row in self._connection.execute(query, [list(tables)]).fetchall()]


def _stamps() -> sql.Composed:
    """When each inserted event's row was committed, and when its record was produced."""
    tables = [flows.table(f"{flows.WORLD}.{stream}") for stream in flows.INSERTED]
    each = sql.SQL("SELECT pg_xact_commit_timestamp(xmin) AS stamped, {} AS produced FROM {}")
    return sql.SQL(" UNION ALL ").join(
        each.format(sql.Identifier(flows.PRODUCED), sql.Identifier(table)) for table in tables
    )


def delays(url: str, since: float) -> tuple[int, float, float, float]:
    """How many rows of inserted events were produced since then (epoch seconds), and the p50, p99 and greatest seconds
    from production to commit.

    PostgreSQL stamps the commit (track_commit_timestamp), the sink's InsertField writes the record's time.
    """
    # The column has no zone; what is in it is UTC.
    epochs = sql.SQL("SELECT extract(epoch FROM stamped) AS s, extract(epoch FROM produced) AS p FROM ({}) AS r")
    ranked = "SELECT count(*), percentile_disc(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY s - p)"
    query = sql.SQL(ranked + " FROM ({}) AS e WHERE p >= {}").format(epochs.format(_stamps()), since)
    warehouse = Warehouse(url)
    try:
        rows_found, found = warehouse._connection.execute(query).fetchall()[0]
    finally:
        warehouse.close()
    p50, p99, highest = map(float, found or (0, 0, 0))
    return rows_found, p50, p99, highest


def flowing_seconds(url: str) -> float:
    """From the production of the first inserted event to the commit of the last; 0 if there is none."""
    span = "SELECT extract(epoch FROM max(stamped)) - extract(epoch FROM min(produced)) FROM ({}) AS r"
    warehouse = Warehouse(url)
    try:
        found = warehouse._connection.execute(sql.SQL(span).format(_stamps())).fetchall()[0][0]
    finally:
        warehouse.close()
    return float(found or 0)


class Readable(threading.Thread):
    """Queries repeatedly which payments' rows can be read, and notes when it first saw each.

    New rows are in the last pages of their table, but for those that went where others were deleted or changed: so only
    now and then it looks at all.
    """

    def __init__(self, url: str, pause: float = 0.01) -> None:
        super().__init__(name="readable", daemon=True)
        self.seen: dict[str, float] = {}
        """Epoch seconds by identity."""
        self._url, self._pause = url, pause
        self._ending = threading.Event()

    def end(self) -> None:
        """Returns when it no longer looks."""
        self._ending.set()
        if self.is_alive():
            self.join(10)

    def run(self) -> None:
        """Until asked to end, or the database is gone."""
        try:
            warehouse = Warehouse(self._url)
            self._look_again_and_again(warehouse)
            warehouse.close()
        except psycopg.Error:
            return  # the scenario sees that the database has died, and says so

    def _look_again_and_again(self, warehouse: Warehouse) -> None:
        took, page = 0.0, 0
        for number in count():
            if self._ending.wait(max(self._pause, BREAK * took)):
                return
            began = time.monotonic()
            if self.seen or warehouse.existing([flows.PAYMENT_TABLE]):
                first = 0 if number % _WHOLE == 0 else max(0, page - 1)
                rows = warehouse.recent(flows.PAYMENT_TABLE, PAYMENT_FIELDS[0], first)
                now = time.time()
                for page, identity in rows:  # noqa: B007 - the last one stays
                    self.seen.setdefault(identity, now)
            took = time.monotonic() - began


def latencies(returned: Iterable[tuple[str, float]], seen: Mapping[str, float]) -> list[float]:
    """Seconds from a payment's return to its row's being readable, of those that were seen."""
    return [max(0.0, seen[identity] - at) for identity, at in returned if identity in seen]

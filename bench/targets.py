"""Where records arrive: asked while a side runs how far it is, at little cost, and afterwards what exactly is there."""

import zlib
from pathlib import Path
from typing import LiteralString, Protocol

import psycopg

from bench.records import Topic, key_of, payment

_READ = 1 << 20
_COLUMNS: LiteralString = (
    "id, account, name, email, amount, currency, paid, date_trunc('second', created), remark,"
    " date_trunc('second', received), origin"
)
_TABLE: LiteralString = """\
CREATE TABLE payments (
  id bigint PRIMARY KEY, account bigint, name text, email text, amount numeric(12, 2), currency text, paid boolean,
  created timestamp, remark text, received timestamp, origin text)"""


class Target(Protocol):
    """The end of a connector."""

    def arrived(self) -> int:
        """How many records can be read now, at least."""

    def complete(self) -> bool:
        """Whether the last record of every partition can be read."""

    def digest(self) -> str:
        """The number of rows or lines and a checksum of their contents, whatever their order."""

    def loss(self) -> str | None:
        """What is missing although the digest does not show it."""


class FileTarget:
    """A file with one line a record."""

    def __init__(self, path: Path, records: int) -> None:
        self._path = path
        self._records = records
        self._position = 0
        self._lines = 0

    def arrived(self) -> int:
        if not self._path.exists():
            return 0
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._position)
            while piece := file.read(_READ):
                self._lines += piece.count(b"\n")
                self._position += len(piece)
        return self._lines

    def complete(self) -> bool:
        return self.arrived() >= self._records

    def digest(self) -> str:
        """Lines are maps in Java's text form; the order of their entries means nothing."""
        total = 0
        with self._path.open() as file:
            for line in file:
                entries = sorted(line.strip()[1:-1].split(", "))
                total += zlib.crc32("\n".join(entries).encode())
        return f"{self.arrived()} lines, {total % 2**64:016x}"

    def loss(self) -> str | None:
        return None


class TableTarget:
    """The table `payments` in a database of its own."""

    def __init__(self, server: str, database: str, topic: Topic) -> None:
        """`server` is the URL of a database whose user may create others."""
        with psycopg.connect(server, autocommit=True) as owner:
            owner.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(database)))
        self._connection = psycopg.connect(server, dbname=database, autocommit=True)
        self._connection.execute(_TABLE)
        self._last = [key_of(index) for index in topic.last], [payment(index)["amount"] for index in topic.last]
        self._per_row = topic.records / topic.keys if topic.records else 1.0

    def arrived(self) -> int:
        """By the number of rows; a row may stand for several records."""
        return int(self._number("SELECT count(*) FROM payments") * self._per_row)

    def complete(self) -> bool:
        found = self._number(
            "SELECT count(*) FROM payments JOIN unnest(%s::bigint[], %s::numeric[]) AS last (id, amount)"
            " USING (id, amount)",
            *self._last,
        )
        return found == len(self._last[0])

    def digest(self) -> str:
        hashed: LiteralString = f"SELECT count(*), sum(hashtextextended(row({_COLUMNS})::text, 0)) FROM payments"
        rows, total = self._connection.execute(hashed).fetchone() or (0, 0)
        return f"{rows} rows, {int(total or 0) % 2**64:016x}"

    def loss(self) -> str | None:
        """Debezium's UNNEST binds timestamps as whole seconds, so the digest looks at no less."""
        fractions = self._number("SELECT count(*) FROM payments WHERE created <> date_trunc('second', created)")
        return None if fractions else "fractions of seconds were cut off all timestamps"

    def newest(self) -> int:
        """The greatest id that can be read, -1 for none."""
        return self._number("SELECT coalesce(max(id), -1) FROM payments")

    def close(self) -> None:
        """Let the database go."""
        self._connection.close()

    def _number(self, query: LiteralString, *values: object) -> int:
        row = self._connection.execute(query, values).fetchone()
        return int(row[0]) if row else 0

"""Where a row's records arrive: asked how far a run is, as a share of all, and afterwards for what is there."""

import io
import re
import struct
import zlib
from pathlib import Path
from typing import LiteralString, Protocol

import orjson
import polars as pl
import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from bench.cliffs.counting_sink import STATE
from bench.cliffs.rows import REFUSED, Lot
from bench.s3 import Bucket
from bench.targets import FileTarget

_COLUMNS: LiteralString = (
    "id, account, name, email, amount, currency, paid, date_trunc('second', created), note, score, remark, region"
)
_CREATED = re.compile(rb",created=[^,]*")
_PARENT: LiteralString = """\
CREATE TABLE every_cliff (
  id bigint PRIMARY KEY, account bigint, name text, email text, amount numeric(12, 2), currency text, paid boolean,
  created timestamp, note text, score double precision, remark text, region text)"""


class Target(Protocol):
    """The end of a connector."""

    def share(self) -> float:
        """How much has arrived, from 0 to 1, which means everything."""

    def digest(self) -> str:
        """What is there, whatever its order."""

    def close(self) -> None:
        """Lets go of what it holds."""


class Tables:
    """A table for each topic, in a database of their own. Their parent shows the rows of all."""

    def __init__(self, server: str, database: str, lot: Lot) -> None:
        """`server` is the URL of a database whose user may create others."""
        self._server, self._database = server, database
        self._execute(SQL("CREATE DATABASE {}").format(Identifier(database)))
        self._connection = psycopg.connect(server, dbname=database, autocommit=True)
        self._connection.execute(_PARENT)
        if lot.row.violating:
            self._connection.execute("ALTER TABLE every_cliff ALTER COLUMN note SET NOT NULL")
        if lot.row.refused:
            self._connection.execute(SQL("ALTER TABLE every_cliff ADD CHECK (note <> {})").format(Literal(REFUSED)))
        for topic in lot.row.topic_names:
            statement = SQL("CREATE TABLE {} (PRIMARY KEY (id)) INHERITS (every_cliff)").format(Identifier(topic))
            self._connection.execute(statement)
        self._rows, self._last = lot.table_rows, lot.last

    def share(self) -> float:
        """By the number of rows; everything if each partition's last one is there too."""
        found = self._connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE id = ANY(%s)) FROM every_cliff", [self._last]
        ).fetchone() or (0, 0)
        if found == (self._rows, len(self._last)):
            return 1.0
        return min(0.999, int(found[0]) / self._rows)

    def digest(self) -> str:
        hashed: LiteralString = f"SELECT count(*), sum(hashtextextended(row({_COLUMNS})::text, 0)) FROM every_cliff"
        rows, total = self._connection.execute(hashed).fetchone() or (0, 0)
        return f"{rows} rows, {int(total or 0) % 2**64:016x}"

    def close(self) -> None:
        """The database goes, with its files."""
        self._connection.close()
        self._execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(self._database)))

    def _execute(self, statement: Composed) -> None:
        with psycopg.connect(self._server, autocommit=True) as owner:
            owner.execute(statement)


class Lines:
    """A line for each record, tombstones included."""

    def __init__(self, path: Path, lot: Lot) -> None:
        self._path, self._records = path, lot.readable
        self._file = FileTarget(path, lot.readable)

    def share(self) -> float:
        return self._file.arrived() / self._records

    def digest(self) -> str:
        """The lines without their instants, which Ferryman writes to the millisecond and Java to the second."""
        with self._path.open("rb") as file:
            total = sum(zlib.crc32(_CREATED.sub(b"", line)) for line in file)
        return f"{self._file.arrived()} lines, {total % 2**64:016x}"

    def close(self) -> None:
        """The file goes."""
        self._path.unlink(missing_ok=True)


class Objects:
    """Objects in a bucket, of as many records each."""

    def __init__(self, bucket: Bucket, lot: Lot) -> None:
        self._bucket, self._objects = bucket, lot.files * lot.row.slots

    def share(self) -> float:
        return len(self._bucket.keys()) / self._objects

    def digest(self) -> str:
        """The number of records and the sum of their ids."""
        found = [each for key in self._bucket.keys() for each in self._ids(key)]  # noqa: SIM118
        return f"{len(found)} records, {sum(found)}"

    def _ids(self, key: str) -> list[int]:
        data = self._bucket.client.get_object(Bucket=self._bucket.name, Key=key)["Body"].read()
        if key.endswith(".parquet"):
            found: list[int] = pl.read_parquet(io.BytesIO(data), columns=["id"])["id"].to_list()
            return found
        return [orjson.loads(line)["id"] for line in data.splitlines()]

    def close(self) -> None:
        """The objects go."""
        for key in self._bucket.keys():  # noqa: SIM118
            self._bucket.client.delete_object(Bucket=self._bucket.name, Key=key)


class Counted:
    """What the counting sink has seen."""

    def __init__(self, path: Path, lot: Lot) -> None:
        self._path, self._records = path, lot.readable

    def share(self) -> float:
        return self._seen()[0] / self._records

    def digest(self) -> str:
        count, total = self._seen()
        return f"{count} records, {total}"

    def _seen(self) -> tuple[int, int]:
        data = self._path.read_bytes() if self._path.exists() else b""
        count, total = struct.unpack(STATE, data) if data else (0, 0)
        return count, total

    def close(self) -> None:
        """There is nothing to let go of."""

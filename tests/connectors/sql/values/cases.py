"""What is tried: values at the borders of each Connect type, and columns of each type of each database."""

import datetime as dt
import math
import struct as binary
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ferryman.connectors.sql.config.databases import DIALECTS
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    Schema,
    array,
    decimal,
    mapping,
    struct,
)
from tests.connectors.sql.databases import DATABASES

UTC = dt.UTC


def single(value: float) -> float:
    """The float of 32 bits that is nearest."""
    return float(binary.unpack("f", binary.pack("f", value))[0])


@dataclass(frozen=True)
class Source:
    """A Connect type with values at its borders."""

    name: str
    schema: Schema
    values: Sequence[Any]
    more: Sequence[Any] = ()
    """Further values, which run with --long."""


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


LONE_SURROGATE = "\ud800"
"""Half a character, which no column of polars holds."""
NUMERALS = [
    "0",
    "1",
    "5",
    "2000",
    "-5",
    "+5",
    "007",
    "5.0",
    "1.5",
    "1.234",
    "1e3",
    "0.1",
    "12345678901234567890.123",
    "NaN",
]
MOMENTS = [
    "2024-02-29",
    "2024-02-30",
    "240318",
    "20240318",
    "2024-02-29 00:00:00",
    "2024-02-29 23:59:58.123456",
    "2024-02-29T23:59:58Z",
    "2026-01-01T00:00:00+02:00",
    "23:59:58",
    "23:59:58.5",
    "10:30+02:00",
    "08:30Z",
    "now",
    "infinity",
    "0001-01-01",
    "0000-01-01",
    "9999-12-31",
    "10000-01-01",
]
NOTATIONS = [
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    '{"a": [1, 1.0]}',
    "101",
    "1 day",
    "P1DT2H",
    "192.168.0.1",
    "192.168.0.0/24",
    "08:00:2b:01:02:03",
    "2001:db8::1",
    "(1,2)",
    "[1,6)",
    "{1,2}",
    "true",
]
PLAIN = ["", " ", "a", "ab ", "abc", "abc ", "abcd", "A", "b", "a,b", "b,a", "é😀", "x" * 300, "\0", LONE_SURROGATE]
MORE_TEXTS = [
    *("Infinity", "-0", " 5 ", "0x10", "1_000", "1e400", "1e-400", "\u0661", "2", "24", "2024", "$1.50", "1,5", "5."),
    *("2024-2-9", "02/29/2024", "2024-02-29 24:00:00", "2024-02-29 23:59:60", "2024-02-29 10:30", "23:59:58.1234567"),
    *("2024-02-29T23:59:58.123456789Z", "2024-02-29 23:59:58 +0530", "epoch", "today", "-838:59:59", "BC 0001-01-01"),
    *("null", "NULL", "\\N", "\\", "'", '"', "x'00'", "\\x00", "\u2028", "yes", "t", "on", "tr", "1 day 1", "10.1"),
]
SOURCES: Sequence[Source] = (
    Source("INT8", INT8, [0, 1, -1, 24, 127, -128]),
    Source("INT16", INT16, [0, 5, 2000, 32767, -32768]),
    Source("INT32", INT32, [1, 2000, 123456, 240318, 2**24 + 1, 2**31 - 1, -(2**31)]),
    Source("INT64", INT64, [0, 2000, 2**53, 2**53 + 1, 1_700_000_000_000, 2**63 - 1, -(2**63)]),
    Source(
        "FLOAT32",
        FLOAT32,
        [0.0, -0.0, 5.0, 2000.0, 0.5, single(0.1), 2.0**24, single(3.4e38), math.nan, math.inf],
        [single(1e-45), single(1.1754943508222875e-38), single(123456.789), single(1e10), -math.inf],
    ),
    Source(
        "FLOAT64",
        FLOAT64,
        [0.0, -0.0, 5.0, 2000.0, 1.5, 0.1, 0.1 + 0.2, 1.234, 1e16, 2.0**63, 1e300, 5e-324, math.nan, math.inf],
        [-(2.0**63), 1e15, 1e20, 1.7976931348623157e308, 1234567.89, 99.995, 2.5, -1.5, 1e-7, 100.0, -math.inf],
    ),
    Source("BOOLEAN", BOOLEAN, [True, False]),
    Source("STRING", STRING, [*PLAIN, *NUMERALS, *MOMENTS, *NOTATIONS], MORE_TEXTS),
    Source("BYTES", BYTES, [b"", b"a", b"5", b"\x05", b"abc", b"abcd", b"\x00\xff", b"true", bytes(16)]),
    Source("Decimal(0)", decimal(0), list(map(Decimal, ["0", "5", "-5", "2000", "9223372036854775808", "9" * 38]))),
    Source(
        "Decimal(2)",
        decimal(2),
        list(map(Decimal, ["0.00", "5.00", "-1.25", "0.10", "99.99", "2000.00", "12345678901234567890.12"])),
        list(map(Decimal, ["9007199254740993.00", "1.01", "-0.01", "123456.78", "1234567890123456789012345678.00"])),
    ),
    Source("Decimal(5)", decimal(5), list(map(Decimal, ["1.23456", "1.20000", "3.00000", "2000.00000", "0.00001"]))),
    Source("Date", DATE_SCHEMA, [dt.date(1970, 1, 1), dt.date(2024, 2, 29), dt.date(1, 1, 1), dt.date(9999, 12, 31)]),
    Source("Time", TIME_SCHEMA, [dt.time(0), dt.time(12, 30), dt.time(23, 59, 58, 999_000), dt.time(1, 2, 3, 500_000)]),
    Source(
        "Timestamp",
        TIMESTAMP_SCHEMA,
        [
            moment("1970-01-01"),
            moment("2024-02-29 23:59:58.123"),
            moment("2024-02-29 23:59:58.100"),
            moment("2024-02-29 12:00:00"),
            moment("0001-01-01"),
            moment("9999-12-31 23:59:59.999"),
        ],
    ),
)
"""Types that JDBC has a setter for."""
NESTED: Sequence[Source] = (
    Source("ARRAY of INT32", array(INT32.as_optional()), [[], [1, None], [2**31 - 1]]),
    Source("ARRAY of STRING", array(STRING), [["a", 'b"\\,{}', ""], ["abcd"], ["5"], ["2026-01-01T00:00:00+02:00"]]),
    Source("ARRAY of FLOAT64", array(FLOAT64), [[5.0], [1.5], [0.1]]),
    Source("ARRAY of Decimal(2)", array(decimal(2)), [[Decimal("1.25")], [Decimal("5.00")], [Decimal("100.00")]]),
    Source("ARRAY of Timestamp", array(TIMESTAMP_SCHEMA), [[moment("2024-02-29 23:59:58.123")], []]),
    Source("ARRAY of ARRAY of INT32", array(array(INT32)), [[[1, 2], [3, 4]], [], [[]], [[], [1]]]),
    Source("STRUCT", struct({"n": FLOAT64, "s": STRING}), [{"n": 1.5, "s": 'é"'}, {"n": math.nan, "s": ""}]),
    Source("MAP", mapping(STRING, INT64), [{"a": 1}, {}]),
)

COLUMNS: Mapping[str, Sequence[str]] = {
    database: [*dialect.columns] for database, dialect in zip(DATABASES, DIALECTS, strict=True)
}
"""The columns of the page, as they are declared; what ``PREPARED`` makes is among them."""
PREPARED: Mapping[str, Sequence[str]] = {
    "postgresql": (
        "CREATE TYPE mood AS ENUM ('a', 'b')",
        "CREATE DOMAIN price AS numeric(4,2)",
        "CREATE DOMAIN label3 AS varchar(3)",
        "CREATE DOMAIN label AS label3",
    ),
    "mariadb": (),
    "sqlite": (),
}
"""What is made before the tables."""

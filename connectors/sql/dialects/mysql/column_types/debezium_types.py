"""The columns that MariaDB and MySQL get for Debezium's types, as Debezium's sink makes them but for those that would
round: decimals of any scale are DECIMAL (there DOUBLE)."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from ferryman.connectors.sql.records.debezium import BITS, DATA, TIMES, Notation
from ferryman.schema import Schema

NOTATION = Notation(bits_are_numbers=True)
_MOST_BITS = 63
"""A number of 64 bits would need a sign that Connect's has not."""
_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    f"{TIMES}Date": sa.DATE(),
    f"{TIMES}Time": mysql.TIME(fsp=3),
    **dict.fromkeys((f"{TIMES}MicroTime", f"{TIMES}NanoTime"), mysql.TIME(fsp=6)),
    f"{TIMES}Timestamp": mysql.DATETIME(fsp=3),
    **dict.fromkeys((f"{TIMES}MicroTimestamp", f"{TIMES}NanoTimestamp"), mysql.DATETIME(fsp=6)),
    f"{TIMES}ZonedTimestamp": mysql.TIMESTAMP(fsp=6),
    f"{TIMES}Year": mysql.YEAR(),
    f"{DATA}Json": mysql.JSON(),
}


def column_type(schema: Schema) -> sa.types.TypeEngine[Any] | None:
    """The column for one of Debezium's types; None: it is as its Connect type."""
    labels = (schema.parameter("allowed") or "").split(",")
    if schema.name == f"{DATA}Enum" and labels != [""]:
        return mysql.ENUM(*labels)
    if schema.name == f"{DATA}EnumSet" and labels != [""]:
        return mysql.SET(*labels)
    if schema.name == BITS:
        return mysql.BIT(min(int(schema.parameter("length") or _MOST_BITS), _MOST_BITS))
    return _TYPES.get(schema.name or "")

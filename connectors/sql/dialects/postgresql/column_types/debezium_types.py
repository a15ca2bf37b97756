"""The columns that PostgreSQL gets for Debezium's types, as Debezium's sink makes them but for those that would round:
decimals of any scale are NUMERIC (there DOUBLE PRECISION)."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ferryman.connectors.sql.records.debezium import BITS, DATA, DURATION, TIMES, UNLIMITED, Notation
from ferryman.schema import Schema

NOTATION = Notation(has_durations=True)


class Xml(sa.types.UserDefinedType[str]):
    """XML."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "XML"


_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    f"{TIMES}Date": sa.DATE(),
    **dict.fromkeys((f"{TIMES}Time", f"{TIMES}MicroTime", f"{TIMES}NanoTime"), sa.TIME()),
    **dict.fromkeys((f"{TIMES}Timestamp", f"{TIMES}MicroTimestamp", f"{TIMES}NanoTimestamp"), sa.TIMESTAMP()),
    f"{TIMES}ZonedTime": sa.TIME(timezone=True),
    f"{TIMES}ZonedTimestamp": sa.TIMESTAMP(timezone=True),
    DURATION: postgresql.INTERVAL(),
    f"{DATA}Uuid": postgresql.UUID(),
    f"{DATA}Xml": Xml(),
}


def column_type(schema: Schema) -> sa.types.TypeEngine[Any] | None:
    """The column for one of Debezium's types; None: it is as its Connect type."""
    if schema.name == f"{DATA}Json":
        is_binary = schema.parameter("__debezium.source.column.type") == "JSONB"
        return postgresql.JSONB() if is_binary else postgresql.JSON()
    if schema.name == BITS:
        length = int(schema.parameter("length") or UNLIMITED)
        return postgresql.BIT(varying=True) if length == UNLIMITED else postgresql.BIT(length)
    return _TYPES.get(schema.name or "")

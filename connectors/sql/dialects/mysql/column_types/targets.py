"""What each of the types of MariaDB and MySQL can hold."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from ferryman.connectors.sql.column_fits.target import (
    Bits,
    Bytes,
    Date,
    Decimal,
    Enum,
    Float,
    Integer,
    Json,
    NativeText,
    Target,
    Text,
    TimeOfDay,
    Timestamp,
)

_BITS: dict[type[Any], int] = {
    mysql.TINYINT: 8,
    mysql.SMALLINT: 16,
    mysql.MEDIUMINT: 24,
    mysql.INTEGER: 32,
    mysql.BIGINT: 64,
    sa.SMALLINT: 16,
    sa.INTEGER: 32,
    sa.BIGINT: 64,
}
_YEARS = Integer(1901, 2155)
"""A year of two digits, and 0, would be taken for another one."""
_ADDRESS = NativeText(r"^[0-9a-fA-F:.]+$", "addresses")
"""SQLAlchemy knows neither INET4 and INET6 nor the types of geometry, which take no texts."""


def target(existing: sa.types.TypeEngine[Any]) -> Target:
    """A column's type as what it can hold."""
    return _number(existing) or _moment(existing) or _text(existing)


def _number(existing: sa.types.TypeEngine[Any]) -> Target | None:
    bits = _BITS.get(type(existing))
    if bits is not None:
        unsigned = getattr(existing, "unsigned", False)
        return Integer(0, 2**bits - 1) if unsigned else Integer(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    match existing:
        case mysql.BIT(length=length):
            return Bits(length or 1)
        case mysql.YEAR():
            return _YEARS
        case mysql.FLOAT(scale=scale):
            return Float(double=False, special=False, widened=False, places=scale)
        case mysql.DOUBLE(scale=scale):
            return Float(double=True, special=False, widened=False, places=scale)
        case sa.Numeric(scale=scale):
            return Decimal(scale or 0)
        case _:
            return None


def _moment(existing: sa.types.TypeEngine[Any]) -> Target | None:
    digits = getattr(existing, "fsp", None) or 0
    match existing:
        case sa.TIMESTAMP():
            return Timestamp(digits, zoned=True)
        case sa.DateTime():
            return Timestamp(digits)
        case sa.Time():
            return TimeOfDay(digits, long=True)
        case sa.Date():
            return Date()
        case _:
            return None


def _text(existing: sa.types.TypeEngine[Any]) -> Target:
    match existing:
        case sa.JSON():
            return Json()
        case mysql.SET(values=labels):
            return Enum(tuple(labels), several=True)
        case sa.Enum(enums=labels):
            return Enum(tuple(labels))
        case sa.CHAR(length=length):
            return Text(length or 1, trimmed=True)
        case sa.String(length=length):
            return Text(length)
        case sa.BINARY(length=length):
            return Bytes(length or 1, texts=True)
        case sa.LargeBinary() | sa.VARBINARY() | mysql.TINYBLOB() | mysql.MEDIUMBLOB() | mysql.LONGBLOB():
            return Bytes(texts=True)
        case sa.Uuid():
            return NativeText(r"^[0-9a-fA-F-]{32,36}$", "UUIDs")
        case _:
            return _ADDRESS

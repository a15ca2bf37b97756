"""What each of the types of MariaDB and MySQL can hold."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from ferryman.connectors.sql.fits.target import (
    Binary,
    Bits,
    Choice,
    Clock,
    Day,
    Document,
    Exact,
    Moment,
    Raw,
    Reading,
    Target,
    Whole,
    Words,
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
_YEARS = Whole(1901, 2155)
"""A year of two digits, and 0, would be taken for another one."""
_ADDRESS = Reading(r"^[0-9a-fA-F:.]+$", "addresses")
"""SQLAlchemy knows neither INET4 and INET6 nor the types of geometry, which take no texts."""


def target(existing: sa.types.TypeEngine[Any]) -> Target:
    """A column's type as what it can hold."""
    return _number(existing) or _moment(existing) or _text(existing)


def _number(existing: sa.types.TypeEngine[Any]) -> Target | None:
    bits = _BITS.get(type(existing))
    if bits is not None:
        unsigned = getattr(existing, "unsigned", False)
        return Whole(0, 2**bits - 1) if unsigned else Whole(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    match existing:
        case mysql.BIT(length=length):
            return Bits(length or 1)
        case mysql.YEAR():
            return _YEARS
        case mysql.FLOAT(scale=scale):
            return Binary(double=False, special=False, widened=False, places=scale)
        case mysql.DOUBLE(scale=scale):
            return Binary(double=True, special=False, widened=False, places=scale)
        case sa.Numeric(scale=scale):
            return Exact(scale or 0)
        case _:
            return None


def _moment(existing: sa.types.TypeEngine[Any]) -> Target | None:
    digits = getattr(existing, "fsp", None) or 0
    match existing:
        case sa.TIMESTAMP():
            return Moment(digits, zoned=True)
        case sa.DateTime():
            return Moment(digits)
        case sa.Time():
            return Clock(digits, long=True)
        case sa.Date():
            return Day()
        case _:
            return None


def _text(existing: sa.types.TypeEngine[Any]) -> Target:
    match existing:
        case sa.JSON():
            return Document()
        case mysql.SET(values=labels):
            return Choice(tuple(labels), several=True)
        case sa.Enum(enums=labels):
            return Choice(tuple(labels))
        case sa.CHAR(length=length):
            return Words(length or 1, trimmed=True)
        case sa.String(length=length):
            return Words(length)
        case sa.BINARY(length=length):
            return Raw(length or 1, texts=True)
        case sa.LargeBinary() | sa.VARBINARY() | mysql.TINYBLOB() | mysql.MEDIUMBLOB() | mysql.LONGBLOB():
            return Raw(texts=True)
        case sa.Uuid():
            return Reading(r"^[0-9a-fA-F-]{32,36}$", "UUIDs")
        case _:
            return _ADDRESS

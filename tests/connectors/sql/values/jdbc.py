"""Values as Confluent's JDBC sink binds them, through the databases' own Java drivers.

GenericDatabaseDialect.bindField of confluentinc/kafka-connect-jdbc 10.9: one setter of PreparedStatement for each
Connect type, dates and times with a calendar in db.timezone.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import jpype
import sqlalchemy as sa

from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type
from tests.differential.jvm import java

_SETTERS = {
    Type.INT8: ("setByte", jpype.JByte),
    Type.INT16: ("setShort", jpype.JShort),
    Type.INT32: ("setInt", jpype.JInt),
    Type.INT64: ("setLong", jpype.JLong),
    Type.FLOAT32: ("setFloat", jpype.JFloat),
    Type.FLOAT64: ("setDouble", jpype.JDouble),
    Type.BOOLEAN: ("setBoolean", jpype.JBoolean),
}
_DRIVERS = {
    "postgresql": "org.postgresql.Driver",
    "mariadb": "org.mariadb.jdbc.Driver",
    "sqlite": "org.sqlite.JDBC",
}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def connected(database: str, url: str) -> Any:
    """A java.sql.Connection that commits each statement."""
    java("java.lang.Object")
    if database == "sqlite":
        text, user, password = url, "", ""
    else:
        parts = sa.make_url(url)
        user, password = parts.username or "", parts.password or ""
        text = f"jdbc:{database}://{parts.host}:{parts.port}/{parts.database}"
    properties = java("java.util.Properties")()
    for name, value in {"user": user, "password": password, "sslMode": "disable"}.items():
        if value and (name != "sslMode" or database == "mariadb"):
            properties.setProperty(name, value)
    found = java(_DRIVERS[database])().connect(text, properties)
    if database == "sqlite":
        found.createStatement().execute("PRAGMA synchronous = OFF")
    return found


def stored(connection: Any, table: str, schema: Schema, values: Sequence[Any], start: int) -> list[int]:
    """Inserts values under the ids from ``start`` on, and returns the ids of those that went in."""
    statement = connection.prepareStatement(f"INSERT INTO {table} (id, x) VALUES (?, ?)")
    found = []
    for number, value in enumerate(values, start):
        try:
            statement.setInt(1, number)
            _bind(statement, schema, value)
            statement.executeUpdate()
        except (jpype.JException, UnicodeEncodeError, OverflowError):
            continue
        found.append(number)
    statement.close()
    return found


def _bind(statement: Any, schema: Schema, value: Any) -> None:
    if schema.name in _LOGICAL:
        _LOGICAL[schema.name or ""](statement, value)
    elif schema.type is Type.STRING:
        statement.setString(2, java("java.lang.String")(value))
    elif schema.type is Type.BYTES:
        statement.setBytes(2, jpype.JArray(jpype.JByte)(value))
    else:
        name, kind = _SETTERS[schema.type]
        getattr(statement, name)(2, kind(value))


def _utc() -> Any:
    return java("java.util.GregorianCalendar")(java("java.util.TimeZone").getTimeZone("UTC"))


def _milliseconds(value: dt.timedelta) -> Any:
    return jpype.JLong(value // dt.timedelta(milliseconds=1))


def _set_date(statement: Any, value: dt.date) -> None:
    date = java("java.sql.Date")(_milliseconds(value - _EPOCH.date()))
    statement.setDate(2, date, _utc())


def _set_time(statement: Any, value: dt.time) -> None:
    since = dt.datetime.combine(_EPOCH.date(), value, dt.UTC) - _EPOCH
    statement.setTime(2, java("java.sql.Time")(_milliseconds(since)), _utc())


def _set_timestamp(statement: Any, value: dt.datetime) -> None:
    statement.setTimestamp(2, java("java.sql.Timestamp")(_milliseconds(value - _EPOCH)), _utc())


def _set_decimal(statement: Any, value: Decimal) -> None:
    statement.setBigDecimal(2, java("java.math.BigDecimal")(format(value, "f")))


_LOGICAL: dict[str, Callable[[Any, Any], None]] = {
    DATE: _set_date,
    TIME: _set_time,
    TIMESTAMP: _set_timestamp,
    DECIMAL: _set_decimal,
}

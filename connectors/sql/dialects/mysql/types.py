"""Which column of MariaDB and MySQL takes which Connect type, and in which form.

They are those of Confluent's dialect, but for two that would hold less than a record may have (TEXT, VARBINARY(1024))
and text in keys, which cannot be TEXT.
"""

from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles

from ferryman.connectors.sql.dialects.mysql import debezium_types
from ferryman.connectors.sql.dialects.mysql.values import literal
from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.debezium import BITS
from ferryman.connectors.sql.records.frame import series
from ferryman.connectors.sql.records.values import TEMPORAL, Form, Zones, scalar_form
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type

_LONGEST_KEY = 255
_PRIMITIVE: dict[Type, sa.types.TypeEngine[Any]] = {
    Type.INT8: mysql.TINYINT(),
    Type.INT16: sa.SMALLINT(),
    Type.INT32: sa.INTEGER(),
    Type.INT64: sa.BIGINT(),
    Type.FLOAT32: mysql.FLOAT(),
    Type.FLOAT64: mysql.DOUBLE(),
    Type.BOOLEAN: mysql.TINYINT(),
    Type.STRING: mysql.LONGTEXT(),
    Type.BYTES: mysql.LONGBLOB(),
}
_LOGICAL: dict[str, sa.types.TypeEngine[Any]] = {
    DATE: sa.DATE(),
    TIME: mysql.TIME(fsp=3),
    TIMESTAMP: mysql.DATETIME(fsp=3),
}

_TEMPORAL = (sa.Date, sa.DateTime, sa.Time)


class KeyText(sa.types.UserDefinedType[str]):
    """Text in a primary key: two texts are the same key only if they are the same text.

    The servers' own collations take ``a`` for ``A``, and most of them ``a `` for ``a``.
    """

    cache_ok = True


@compiles(KeyText, "mysql", "mariadb")
def _key_text(element: KeyText, compiler: Any, **_: Any) -> str:
    collation = "utf8mb4_nopad_bin" if compiler.dialect.is_mariadb else "utf8mb4_0900_bin"
    return f"VARCHAR({_LONGEST_KEY}) CHARACTER SET utf8mb4 COLLATE {collation}"


class KeyBytes(sa.types.TypeDecorator[str]):
    """Text as its UTF-8, which is compared byte by byte."""

    impl = sa.VARBINARY
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> bytes | None:
        """To the database."""
        return None if value is None else value.encode()

    def process_result_value(self, value: bytes | None, dialect: sa.Dialect) -> str | None:
        """From the database."""
        return None if value is None else value.decode()


class MysqlTypes:
    """See ``Types``."""

    notation = debezium_types.NOTATION

    def column_type(self, column: Column) -> sa.types.TypeEngine[Any] | None:
        """Structs, maps and arrays have none."""
        schema = column.schema
        found = debezium_types.column_type(schema) if column.of_debezium else None
        if found is not None:
            return found
        if schema.name == DECIMAL:
            return sa.DECIMAL(65, schema.scale)
        if column.primary and schema.type is Type.STRING:
            return KeyText()
        if column.primary and schema.type is Type.BYTES:
            return sa.VARBINARY(_LONGEST_KEY)
        return _LOGICAL.get(schema.name or "") or _PRIMITIVE.get(schema.type)

    def form(self, schema: Schema, existing: sa.types.TypeEngine[Any]) -> Form | None:
        """Structs, maps and arrays go into columns for JSON; timestamps as instants into TIMESTAMP, which is one."""
        if schema.type in (Type.STRUCT, Type.MAP, Type.ARRAY):
            return "json" if isinstance(existing, sa.JSON) else None
        is_text = schema.type is Type.STRING
        if isinstance(existing, _TEMPORAL) and not (is_text or schema.name in TEMPORAL):
            return None  # 123456 would become 12:34:56
        if isinstance(existing, mysql.ENUM | mysql.SET) and not is_text:
            return None  # 1 would become the first of its values
        if isinstance(existing, mysql.BIT) and (
            is_text or schema.name not in (None, BITS) or schema.type in (Type.FLOAT32, Type.FLOAT64)
        ):
            return None  # "5" would become the bits of the letter
        is_instant = isinstance(existing, sa.TIMESTAMP)
        return "zoned" if schema.name == TIMESTAMP and is_instant else scalar_form(schema)

    def default(self, schema: Schema, zones: Zones) -> sa.TextClause | None:
        """In parentheses, as an expression: MySQL gives columns for long texts no other default."""
        if schema.default is None or schema.type in (Type.STRUCT, Type.MAP, Type.ARRAY):
            return None
        frame = series(schema, [schema.default]).alias("d").to_frame()
        text = frame.select(literal(pl.col("d"), schema, scalar_form(schema), zones)).item()
        return sa.text(f"({text})".replace(":", "\\:"))


def changed(values: pl.Expr, schema: Schema, existing: sa.types.TypeEngine[Any]) -> pl.Expr | None:
    """Which values a column of that type would store as something else without a word; None if it does so with none.

    What the server refuses or warns about, such as a number that is too large or a decimal that it rounds, is not
    among them.
    """
    if isinstance(existing, _TEMPORAL):
        digits = getattr(existing, "fsp", None) or 0
        if schema.type is Type.STRING:
            return ~values.str.contains(_pattern(existing, digits))
        step = 10 ** max(0, 3 - digits)
        return None if schema.name == DATE or step == 1 else values.dt.millisecond() % step != 0
    if isinstance(existing, sa.Integer):
        if schema.name == DECIMAL:
            return values.cast(pl.String).str.contains(r"\.\d*[1-9]")
        if schema.type is Type.STRING:
            return values.str.contains(r"^\s*[+-]?\d*\.\d*[1-9]")
        return values != values.floor() if schema.type in (Type.FLOAT32, Type.FLOAT64) else None
    if isinstance(existing, sa.CHAR) and schema.type is Type.STRING:
        return values.str.ends_with(" ")
    if isinstance(existing, sa.BINARY) and schema.type is Type.BYTES:
        return values.bin.size() != (existing.length or 1)
    return None


def _pattern(existing: sa.types.TypeEngine[Any], digits: int) -> str:
    """Texts that are a date or time as they look: 240318 would be taken for one too."""
    clock = rf"\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,{digits}}}0*)?)?" if digits else r"\d{2}:\d{2}(:\d{2}(\.0*)?)?"
    if isinstance(existing, sa.Time):
        return rf"^-?\d?{clock}$"
    return (
        r"^\d{4}-\d{2}-\d{2}( 00:00(:00(\.0*)?)?)?$"
        if _is_date(existing)
        else rf"^\d{{4}}-\d{{2}}-\d{{2}}([ T]{clock})?$"
    )


def _is_date(existing: sa.types.TypeEngine[Any]) -> bool:
    return isinstance(existing, sa.Date) and not isinstance(existing, sa.DateTime)

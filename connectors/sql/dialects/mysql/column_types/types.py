"""Which column of MariaDB and MySQL takes which Connect type, and in which form.

They are those of Confluent's dialect, but for two that would hold less than a record may have (TEXT, VARBINARY(1024))
and text in keys, which cannot be TEXT.
"""

from math import isfinite
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles

from ferryman.connectors.sql.column_fits.fit import Fit, Refusal
from ferryman.connectors.sql.column_fits.rules import fit
from ferryman.connectors.sql.dialects.mysql.column_types import debezium_types
from ferryman.connectors.sql.dialects.mysql.column_types.targets import target
from ferryman.connectors.sql.dialects.mysql.column_types.values import literal
from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.frame import series
from ferryman.connectors.sql.records.values import Zones, scalar_form
from ferryman.schema import DATE, DECIMAL, FLOATS, TIME, TIMESTAMP, Schema, Type

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
        """The text as the bytes that the database is given."""
        return None if value is None else value.encode()

    def process_result_value(self, value: bytes | None, dialect: sa.Dialect) -> str | None:
        """The text of the bytes that the database has given."""
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

    def fit(self, schema: Schema, existing: sa.types.TypeEngine[Any], zones: Zones) -> Fit | Refusal:
        """Structs, maps and arrays go into columns for JSON; timestamps as instants into TIMESTAMP, which is one."""
        return fit(schema, target(existing), zones, "as numbers")

    def default(self, schema: Schema, zones: Zones) -> sa.TextClause | None:
        """In parentheses, as an expression: MySQL gives columns for long texts no other default. Infinity has
        none."""
        if schema.default is None or schema.type in (Type.STRUCT, Type.MAP, Type.ARRAY):
            return None
        if schema.type in FLOATS and not isfinite(schema.default):
            return None
        frame = series(schema, [schema.default]).alias("d").to_frame()
        text = frame.select(literal(pl.col("d"), schema, scalar_form(schema), zones)).item()
        if schema.type is Type.STRING and max(text) > "\uffff":
            # MariaDB keeps the texts of defaults in three bytes a character, and makes others question marks.
            text = f"CONVERT(x'{str(schema.default).encode().hex()}' USING utf8mb4)"
        return sa.text(f"({text})".replace(":", "\\:"))

"""Columns of SQLite as they are declared and as the sink sees them, for the page about values."""

from collections.abc import Mapping

import sqlalchemy as sa

from ferryman.connectors.sql.dialects.dialect import Type

COLUMNS: Mapping[str, Type] = {
    "INTEGER": sa.INTEGER(),
    "REAL": sa.REAL(),
    "NUMERIC": sa.NUMERIC(),
    "DECIMAL(4,2)": sa.DECIMAL(4, 2),
    "BOOLEAN": sa.BOOLEAN(),
    "TEXT": sa.TEXT(),
    "VARCHAR(3)": sa.VARCHAR(3),
    "BLOB": sa.BLOB(),
    "DATE": sa.DATE(),
    "TIME": sa.TIME(),
    "DATETIME": sa.DATETIME(),
    "TIMESTAMP": sa.TIMESTAMP(),
    "STRING": sa.NUMERIC(),
    "JSON": sa.JSON(),
}

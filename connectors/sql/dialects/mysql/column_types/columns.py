"""Columns of MariaDB and MySQL as they are declared and as the sink sees them, for the page about values."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from ferryman.connectors.sql.dialects.dialect import Type

COLUMNS: Mapping[str, Type] = {
    "tinyint": mysql.TINYINT(),
    "tinyint unsigned": mysql.TINYINT(unsigned=True),
    "smallint": mysql.SMALLINT(),
    "mediumint": mysql.MEDIUMINT(),
    "int": mysql.INTEGER(),
    "int unsigned": mysql.INTEGER(unsigned=True),
    "bigint": mysql.BIGINT(),
    "bigint unsigned": mysql.BIGINT(unsigned=True),
    "boolean": mysql.TINYINT(),
    "decimal(4,2)": mysql.DECIMAL(4, 2),
    "decimal(6,0)": mysql.DECIMAL(6, 0),
    "decimal(65,30)": mysql.DECIMAL(65, 30),
    "float": mysql.FLOAT(),
    "float(7,2)": mysql.FLOAT(7, 2),
    "double": mysql.DOUBLE(),
    "double(9,2)": mysql.DOUBLE(9, 2),
    "bit(1)": mysql.BIT(1),
    "bit(8)": mysql.BIT(8),
    "bit(64)": mysql.BIT(64),
    "char(3)": mysql.CHAR(3),
    "varchar(3)": mysql.VARCHAR(3),
    "text": mysql.TEXT(),
    "tinytext": mysql.TINYTEXT(),
    "varchar(9) character set latin1": mysql.VARCHAR(9),
    "binary(4)": sa.BINARY(4),
    "varbinary(3)": sa.VARBINARY(3),
    "blob": sa.BLOB(),
    "date": sa.DATE(),
    "time": mysql.TIME(),
    "time(3)": mysql.TIME(fsp=3),
    "datetime": mysql.DATETIME(),
    "datetime(6)": mysql.DATETIME(fsp=6),
    "timestamp NULL": mysql.TIMESTAMP(),
    "timestamp(3) NULL": mysql.TIMESTAMP(fsp=3),
    "year": mysql.YEAR(),
    "enum('a','b')": mysql.ENUM("a", "b"),
    "set('a','b')": mysql.SET("a", "b"),
    "json": mysql.JSON(),
    "uuid": sa.UUID(),
    "inet6": sa.types.NullType(),
}

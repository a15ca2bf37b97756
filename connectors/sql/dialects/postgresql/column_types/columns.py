"""Columns of PostgreSQL as they are declared and as the sink sees them, for the page about values."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ferryman.connectors.sql.dialects.dialect import Type

_PRICE: Type = sa.NUMERIC(4, 2)
COLUMNS: Mapping[str, Type] = {
    "smallint": sa.SMALLINT(),
    "integer": sa.INTEGER(),
    "bigint": sa.BIGINT(),
    "oid": postgresql.OID(),
    "numeric": sa.NUMERIC(),
    "numeric(4,2)": _PRICE,
    "numeric(6,0)": sa.NUMERIC(6, 0),
    "numeric(4,-2)": sa.NUMERIC(4, -2),
    "real": sa.REAL(),
    "double precision": sa.DOUBLE_PRECISION(53),
    "boolean": sa.BOOLEAN(),
    "text": sa.TEXT(),
    "varchar(3)": sa.VARCHAR(3),
    "char(3)": sa.CHAR(3),
    "bytea": postgresql.BYTEA(),
    "date": sa.DATE(),
    "time": postgresql.TIME(),
    "time(0)": postgresql.TIME(precision=0),
    "timetz": postgresql.TIME(timezone=True),
    "timestamp": postgresql.TIMESTAMP(),
    "timestamp(0)": postgresql.TIMESTAMP(precision=0),
    "timestamp(1)": postgresql.TIMESTAMP(precision=1),
    "timestamptz": postgresql.TIMESTAMP(timezone=True),
    "interval": postgresql.INTERVAL(),
    "interval(0)": postgresql.INTERVAL(precision=0),
    "interval day": postgresql.INTERVAL(fields="day"),
    "uuid": postgresql.UUID(),
    "json": postgresql.JSON(),
    "jsonb": postgresql.JSONB(),
    "bit(3)": postgresql.BIT(3),
    "varbit(3)": postgresql.BIT(3, varying=True),
    "mood": postgresql.ENUM("a", "b", name="mood"),
    "price": postgresql.DOMAIN("price", _PRICE),
    "label": postgresql.DOMAIN("label", sa.VARCHAR(3)),
    "money": postgresql.MONEY(),
    "inet": postgresql.INET(),
    "cidr": postgresql.CIDR(),
    "macaddr": postgresql.MACADDR(),
    "tsvector": postgresql.TSVECTOR(),
    "point": sa.types.NullType(),
    "name": sa.String(),
    '"char"': sa.String(),
    "int4range": postgresql.INT4RANGE(),
    "integer[]": postgresql.ARRAY(sa.INTEGER()),
    "text[]": postgresql.ARRAY(sa.TEXT()),
    "varchar(3)[]": postgresql.ARRAY(sa.VARCHAR(3)),
    "numeric(4,2)[]": postgresql.ARRAY(_PRICE),
    "timestamp[]": postgresql.ARRAY(postgresql.TIMESTAMP()),
    "timestamptz[]": postgresql.ARRAY(postgresql.TIMESTAMP(timezone=True)),
    "price[]": postgresql.ARRAY(postgresql.DOMAIN("price", _PRICE)),
}

"""Domains: what lies below them, with the precision, scale or length that it was declared with."""

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql

from ferryman.connectors.sql.dialects.dialect import Type

_QUERY = sa.text(
    "WITH RECURSIVE below AS ("
    " SELECT t.typbasetype AS base, t.typtypmod AS more FROM pg_catalog.pg_type t WHERE t.oid = to_regtype(:name)"
    " UNION ALL SELECT t.typbasetype, t.typtypmod FROM below JOIN pg_catalog.pg_type t ON t.oid = below.base"
    " WHERE t.typtype = 'd')"
    " SELECT pg_catalog.format_type(base, more) FROM below JOIN pg_catalog.pg_type t ON t.oid = base"
    " WHERE t.typtype <> 'd'"
)
"""The type at the end of the chain: SQLAlchemy's own reflection leaves out what stands between its brackets."""


def resolved(connection: Connection, existing: Type) -> Type:
    """The type, with whole types for the domains in it."""
    if isinstance(existing, sa.ARRAY):
        return postgresql.ARRAY(resolved(connection, existing.item_type), dimensions=existing.dimensions)
    if not isinstance(existing, postgresql.DOMAIN):
        return existing
    name = ".".join(quoted(part) for part in (existing.schema, existing.name) if part)
    declared = connection.execute(_QUERY, {"name": name}).scalar()
    existing.data_type = whole(str(declared), existing.data_type)
    return existing


def quoted(name: str) -> str:
    """A name as ``to_regtype`` reads it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def whole(declared: str, known: Type) -> Type:
    """A type as it was declared, such as ``numeric(4,2)[]``, of which all is known but the brackets."""
    while isinstance(known, postgresql.DOMAIN):
        known = known.data_type
    numbers = [int(each) for each in declared.partition("(")[2].partition(")")[0].split(",") if each]
    found = _bracketed(known, numbers, zoned="with time zone" in declared)
    return postgresql.ARRAY(found) if declared.endswith("[]") else found


def _bracketed(known: Type, numbers: list[int], *, zoned: bool) -> Type:
    first = numbers[0] if numbers else None
    match known:
        case sa.Numeric() if not isinstance(known, sa.Float):
            return sa.NUMERIC(first, numbers[1] if numbers else None)
        case sa.VARCHAR():
            return sa.VARCHAR(first)
        case sa.CHAR():
            return sa.CHAR(first)
        case sa.DateTime():
            return postgresql.TIMESTAMP(timezone=zoned, precision=first)
        case sa.Time():
            return postgresql.TIME(timezone=zoned, precision=first)
        case postgresql.INTERVAL(fields=fields):
            return postgresql.INTERVAL(fields=fields, precision=first)
        case postgresql.BIT(varying=varying):
            return postgresql.BIT(first, varying=varying)
        case _:
            return known

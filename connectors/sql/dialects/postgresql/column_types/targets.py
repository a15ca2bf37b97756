"""What each of PostgreSQL's types can hold."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ferryman.connectors.sql.fits.target import (
    Binary,
    Choice,
    Clock,
    Closed,
    Day,
    Document,
    Exact,
    Listing,
    Moment,
    Raw,
    Reading,
    Target,
    Truth,
    Whole,
    Words,
)

_UTC = "+00"
_WHOLE: dict[type[Any], Whole] = {
    sa.SMALLINT: Whole(-(2**15), 2**15 - 1),
    sa.INTEGER: Whole(-(2**31), 2**31 - 1),
    sa.BIGINT: Whole(-(2**63), 2**63 - 1),
    postgresql.OID: Whole(0, 2**32 - 1),
}
_MOST_DIGITS = 6
_SPAN = (
    r"^(P([+-]?[0-9]+Y)?([+-]?[0-9]+M)?([+-]?[0-9]+W)?([+-]?[0-9]+D)?"
    r"(T([+-]?[0-9]+H)?([+-]?[0-9]+M)?([+-]?[0-9]+FRACTIONS)?)?"
    r"|([+-]?[0-9]+ (year|mon|month|week|day|hour|minute|min|second|sec)s?( |$))*"
    r"([+-]?[0-9]+:[0-5][0-9](:[0-5][0-9]FRACTION)?)?)$"
)
"""ISO 8601's durations and what PostgreSQL itself prints; a lone number would become seconds."""
_ADDRESS = r"^([0-9a-fA-F:.]*:[0-9a-fA-F:.]*|([0-9]{1,3}\.){3}[0-9]{1,3})(/[0-9]{1,3})?$"
_READ: dict[type[Any], Reading] = {
    postgresql.UUID: Reading(r"^\{?[0-9a-fA-F-]{32,39}\}?$", "UUIDs"),
    postgresql.INET: Reading(_ADDRESS, "addresses"),
    postgresql.CIDR: Reading(_ADDRESS, "networks"),
    postgresql.MACADDR: Reading(r"^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$", "addresses, as 08:00:2b:01:02:03"),
    postgresql.MACADDR8: Reading(r"^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5,7}$", "addresses, as 08:00:2b:01:02:03:04:05"),
}
_ECHOED = Reading(echoed=True)


def target(existing: sa.types.TypeEngine[Any]) -> Target:
    """A column's type as what it can hold; a domain's is that of what lies below it."""
    if isinstance(existing, postgresql.DOMAIN):
        return target(existing.data_type)
    if isinstance(existing, sa.ARRAY):
        return Listing(target(existing.item_type))
    found = _WHOLE.get(type(existing)) or _READ.get(type(existing)) or _number(existing) or _moment(existing)
    return found or _text(existing)


def _number(existing: sa.types.TypeEngine[Any]) -> Target | None:
    match existing:
        case postgresql.REAL():
            return Binary(double=False)
        case postgresql.DOUBLE_PRECISION() | sa.Float():
            return Binary(double=True)
        case sa.Numeric(precision=None):
            return Exact(special=True)
        case sa.Numeric(scale=scale):
            return Exact(scale or 0, special=True)
        case sa.Boolean():
            return Truth()
        case postgresql.MONEY():
            return Closed("what its digits mean depends on the server's locale")
        case _:
            return None


def _moment(existing: sa.types.TypeEngine[Any]) -> Target | None:
    precision = getattr(existing, "precision", None)
    digits = _MOST_DIGITS if precision is None else int(precision)
    match existing:
        case sa.DateTime(timezone=zoned):
            return Moment(digits, zoned, _UTC if zoned else "", endless=True)
        case sa.Time(timezone=zoned):
            return Clock(digits, zoned)
        case sa.Date():
            return Day(endless=True)
        case postgresql.INTERVAL(fields=None):
            fraction = rf"(\.[0-9]{{1,{digits}}})?" if digits else ""
            return Reading(_SPAN.replace("FRACTION", fraction), "durations, as P1DT2H or 1 day 02:00:00")
        case postgresql.INTERVAL():
            return Closed("it drops what it has no field for")
        case _:
            return None


def _text(existing: sa.types.TypeEngine[Any]) -> Target:
    match existing:
        case sa.JSON():
            return Document()
        case postgresql.BYTEA():
            return Raw()
        case sa.Enum(enums=labels):
            return Choice(tuple(labels))
        case sa.VARCHAR(length=length) | sa.CHAR(length=length):
            return Words(length, nul=False)
        case sa.TEXT() | postgresql.CITEXT():
            return Words(nul=False)
        case postgresql.BIT(length=length, varying=varying):
            least, most = (0, length or "") if varying else (length or 1, length or 1)
            return Reading(f"^[01]{{{least},{most}}}$", "texts of 0 and 1, as many as it has bits")
        case _:
            return _ECHOED

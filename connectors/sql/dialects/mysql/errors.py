"""Whose fault an error of MariaDB or MySQL is: by its number, never by its text.

Most texts quote the row ("Duplicate entry 'Ada' for key 'name'"), so a text is passed on only for the numbers whose
texts can name nothing but objects.
"""

import re

import pymysql

from ferryman.connectors.sql.dialects.dialect import StaleTable
from ferryman.errors import DataError, FerrymanError, RetriableError, TaskError

_DATA = frozenset(
    {
        1022,  # duplicate key
        1048,  # null where none may be
        1062,  # duplicate entry
        1118,  # the row is too long
        1136,  # number of values
        1153,  # more than max_allowed_packet
        1216,  # foreign keys
        1217,
        1264,  # out of range
        1265,  # cut
        1292,  # incorrect value of a type
        1300,  # not a text of the character set
        1364,  # no default
        1366,  # incorrect value for a column
        1367,
        1406,  # too long
        1411,
        1416,
        1441,
        1451,  # foreign keys
        1452,
        1526,  # no partition for the value
        1557,
        1586,  # duplicate entry
        1644,  # SIGNAL: a trigger refuses the row
        1690,  # out of range, in an expression
        1748,
        1859,
        1906,  # a value for a generated column (MariaDB)
        3105,  # (MySQL)
        3140,  # not JSON
        3819,  # CHECK (MySQL)
        4025,  # CHECK (MariaDB)
        4078,  # no conversion between types (MariaDB)
    }
)
_NEIGHBOUR = frozenset(
    {
        1015,
        1021,  # disk full
        1030,  # the storage engine has a problem
        1037,  # out of memory
        1038,
        1040,  # too many connections
        1041,
        1042,
        1044,  # no right, wrong password, no such database: cannot be told from a failover or a rotation
        1045,
        1047,  # Galera: the node is not ready
        1049,
        1053,  # shutdown
        1077,
        1079,
        1080,
        1105,
        1114,  # table full
        1129,
        1130,
        1152,
        1158,  # network
        1159,
        1160,
        1161,
        1180,
        1181,
        1184,
        1203,
        1205,  # lock wait timeout
        1206,
        1213,  # deadlock
        1226,
        1290,  # read only
        1317,  # interrupted
        1613,
        1614,
        1637,
        1698,
        1792,
        1836,
        1927,  # killed
        1969,  # statement timeout (MariaDB)
        3024,  # (MySQL)
        3058,
        3101,
        3169,
        3572,
        4031,  # ended by the server, because idle (MySQL)
    }
)
_CLIENT = range(2000, 3000)
"""Numbers that the client gives: no connection, or a lost one."""
_STALE = frozenset({1051, 1054, 1072, 1091, 1146, 1356, 1412})
_ROLLED_BACK = frozenset({1213})

_NAMING_OBJECTS = frozenset(
    {
        *(1044, 1045, 1046, 1048, 1049, 1050, 1051, 1054, 1060, 1067, 1070, 1071, 1072, 1074, 1091, 1101, 1118, 1142),
        *(1143, 1146, 1163, 1170, 1171, 1205, 1213, 1216, 1217, 1227, 1290, 1347, 1364, 1370, 1412, 1419, 1451, 1452),
        *(1698, 1785, 1792, 1836, 1906, 1927, 1969, 3105, 3750, 3819, 4025, 4166),
    }
)
"""Numbers whose texts name objects, users and limits, and quote no value."""

_STAGED = re.compile(r"['`]c(\d+)['`] at row \d+$")


def fault(error: pymysql.Error, doing: str, after: float | None) -> FerrymanError:
    """See ``Dialect.fault``."""
    number = number_of(error)
    text = f"Cannot {doing}: error {number}{_objects(error, number)}"
    if number is None or number == 0 or number in _CLIENT:
        return RetriableError(f"Cannot {doing}: {' '.join(message_of(error).split()) or type(error).__name__}", after)
    if number in _DATA:
        return DataError(text)
    if number in _NEIGHBOUR:
        return RetriableError(text, after)
    return StaleTable(text) if number in _STALE else TaskError(text)


def rolled_back(error: pymysql.Error) -> bool:
    """See ``Dialect.rolled_back``: Galera refuses a COMMIT that lost its race as a deadlock."""
    return number_of(error) in _ROLLED_BACK


def number_of(error: pymysql.Error) -> int | None:
    """The error's number; 0 for a closed connection."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else None


def message_of(error: pymysql.Error) -> str:
    """The error's text, which may quote the row."""
    return str(error.args[1]) if len(error.args) > 1 else ""


def _objects(error: pymysql.Error, number: int | None) -> str:
    if number in _NAMING_OBJECTS:
        return f" ({message_of(error)})"
    _, ends_with_key, key = message_of(error).rpartition(" for key '")
    return f", key {key[:-1]}" if ends_with_key and key.find("'") == len(key) - 1 else ""


def staged_column(message: str) -> int | None:
    """The number of the staging column (c0, c1, …) that an error's or warning's text ends with; the rest quotes it."""
    found = _STAGED.search(message)
    return None if found is None else int(found[1])

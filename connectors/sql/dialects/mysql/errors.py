"""What an error of MariaDB or MySQL comes to: by its number, never by its text.

Most texts quote the row ("Duplicate entry 'Ada' for key 'name'"), so a text is passed on only for the numbers whose
texts can name nothing but objects.
"""

import re

import pymysql

from ferryman.connectors.sql.dialects import faults
from ferryman.connectors.sql.dialects.mysql.numbers import fault_of
from ferryman.errors import FerrymanError

_NAMING_OBJECTS = frozenset(
    {
        *(1044, 1045, 1046, 1048, 1049, 1050, 1051, 1054, 1060, 1067, 1070, 1071, 1072, 1074, 1091, 1101, 1118, 1130),
        *(1142, 1143, 1146, 1163, 1170, 1171, 1205, 1213, 1216, 1217, 1227, 1251, 1290, 1347, 1364, 1370, 1412, 1419),
        *(1442, 1451, 1452, 1524, 1698, 1785, 1792, 1820, 1836, 1862, 1906, 1927, 1969, 3105, 3118, 3750, 3819, 4025),
        *(4150, 4151, 4166),
        *range(2000, 3000),
    }
)
"""Numbers whose texts name objects, users and limits, and quote no value."""
_REFUSED_KEYS = {1045: "connection.password", 1049: "connection.url", 2026: "connection.url", 3159: "connection.url"}

_STAGED = re.compile(r"['`]c(\d+)['`] at row \d+$")


def fault(error: pymysql.Error, doing: str, after: float | None) -> FerrymanError:
    """See ``Dialect.fault``."""
    number = number_of(error)
    if not number:
        text = f"Cannot {doing}: {' '.join(message_of(error).split()) or type(error).__name__}"
    else:
        text = f"Cannot {doing}: error {number}{_objects(error, number)}"
    return faults.error(fault_of(number), text, after, _REFUSED_KEYS.get(number or 0, "connection.user"))


def rolled_back(error: pymysql.Error) -> bool:
    """See ``Dialect.rolled_back``: Galera refuses a COMMIT that lost its race as a deadlock."""
    return number_of(error) == 1213


def number_of(error: pymysql.Error) -> int | None:
    """The error's number; 0 for a closed connection."""
    found = error.args[0] if error.args and isinstance(error.args[0], int) else None
    # The driver takes the number, which has 16 bits, for one with a sign.
    return found if found is None or found >= 0 else found + 0x10000


def message_of(error: pymysql.Error) -> str:
    """The error's text, which may quote the row."""
    return " ".join(str(error.args[1]).split()) if len(error.args) > 1 else ""


def _objects(error: pymysql.Error, number: int) -> str:
    if number in _NAMING_OBJECTS:
        return f" ({message_of(error)})"
    _, ends_with_key, key = message_of(error).rpartition(" for key '")
    return f", key {key[:-1]}" if ends_with_key and key.find("'") == len(key) - 1 else ""


def staged_column(message: str) -> int | None:
    """The number of the staging column (c0, c1, …) that an error's or warning's text ends with; the rest quotes it."""
    found = _STAGED.search(message)
    return None if found is None else int(found[1])

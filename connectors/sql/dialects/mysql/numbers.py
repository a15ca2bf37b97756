"""The numbers of errors of MariaDB and MySQL: whose fault each is.

The sources are ``sql/share/errmsg-utf8.txt`` of MariaDB 10.11 and the "Server Error Message Reference" of MySQL 8.0;
what a number is raised for was read in the servers' own code where its name leaves that open. Those that are not
listed have to do with statements that the sink does not make, or with a server that is broken: nothing mends them.
"""

from collections.abc import Mapping

from ferryman.connectors.sql.dialects.faults import Fault

_DATA = {
    1022: "duplicate key",
    1048: "null where none may be",
    1062: "duplicate entry",
    1118: "the row is too long",
    1136: "number of values",
    1138: "null where none may be",
    1139: "a regular expression in a check or trigger",
    1153: "more than max_allowed_packet",
    1169: "a unique constraint",
    1172: "several rows for SELECT INTO in a trigger",
    1216: "a foreign key",
    1217: "a foreign key",
    1242: "several rows for a subquery in a trigger",
    1263: "null where none may be",
    1264: "out of range",
    1265: "cut",
    1292: "incorrect value of a type",
    1300: "not a text of the character set",
    1329: "no row for a cursor in a trigger",
    1339: "no branch of a CASE in a trigger",
    1364: "no default",
    1365: "division by zero",
    1366: "incorrect value for a column",
    1367: "incorrect value of a type",
    1369: "a view's WITH CHECK OPTION",
    1406: "too long",
    1411: "incorrect value for a function",
    1416: "not a geometry",
    1423: "no default, in a table below a view",
    1436: "a value or trigger that nests too deep",
    1441: "overflow of a date or time",
    1451: "a foreign key",
    1452: "a foreign key",
    1456: "a procedure of a trigger that calls itself too deep",
    1525: "incorrect value of a type",
    1526: "no partition for the value",
    1557: "a foreign key's duplicate entry",
    1586: "duplicate entry",
    1591: "no partition for the value",
    1642: "SIGNAL: a trigger refuses the row",
    1643: "SIGNAL",
    1644: "SIGNAL",
    1690: "out of range, in an expression",
    1713: "the row is too long for its undo record",
    1742: "too long",
    1748: "not a value of the partition",
    1761: "a foreign key's duplicate entry",
    1762: "a foreign key's duplicate entry",
    1859: "duplicate entry",
    1906: "a value for a generated column (MariaDB)",
    1916: "out of range, in a cast",
    1917: "cut, in a cast",
    1918: "incorrect value for a cast",
    1921: "incorrect value of a dynamic column",
    1977: "not a text of the character set",
    1991: "a foreign key that cascades too deep",
    3105: "a value for a generated column (MySQL)",
    3140: "not JSON (MySQL)",
    3141: "not JSON",
    3144: "not JSON",
    3156: "not a value for a cast from JSON",
    3157: "JSON that nests too deep",
    3819: "CHECK (MySQL)",
    3903: "not a value for an index over JSON",
    4025: "CHECK (MariaDB)",
    **dict.fromkeys(range(4035, 4044), "not JSON, in a check or trigger (MariaDB)"),
    4078: "no conversion between types (MariaDB)",
}
_CONFLICT = {
    1020: "the row has changed since it was read",
    1205: "a lock was not had in time",
    1213: "deadlock",
    1402: "rolled back",
    1613: "a branch that waited too long",
    1614: "a branch in a deadlock",
    1689: "a lock that was given up",
    1964: "an earlier commit failed",
    3058: "deadlock of user locks",
    3101: "rolled back by the group",
    3572: "a lock is held",
}
_AWAY = {
    1015: "a file cannot be locked",
    1021: "disk full",
    1030: "the storage engine has a problem",
    1037: "out of memory",
    1038: "out of memory for sorting",
    1040: "too many connections",
    1041: "out of memory",
    1042: "the client's name cannot be looked up",
    1047: "Galera: the node is not ready",
    1053: "shutdown",
    1077: "shutdown",
    1079: "shutdown",
    1080: "shutdown",
    1105: "unknown",
    1114: "table full",
    1129: "the client's host is blocked",
    1135: "no thread",
    1152: "connection given up",
    1158: "network",
    1159: "network",
    1160: "network",
    1161: "network",
    1180: "error while committing",
    1181: "error while rolling back",
    1184: "connection given up",
    1203: "too many connections of this user",
    1206: "too many locks",
    1223: "a global read lock",
    1226: "the user's limit",
    1290: "read only",
    1317: "interrupted",
    1637: "too many transactions",
    1792: "read only",
    1836: "read only",
    1874: "read only",
    1927: "killed",
    1969: "statement timeout (MariaDB)",
    1998: "out of memory",
    3024: "statement timeout (MySQL)",
    3032: "the server is offline",
    3169: "killed",
    4031: "ended by the server, because idle (MySQL)",
}
_REFUSED = {
    1045: "wrong user or password",
    1049: "no such database",
    1130: "the host may not connect",
    1131: "anonymous users",
    1251: "a way of authentication that the client does not have",
    1275: "a way of authentication that the client does not have",
    1524: "a way of authentication that the server does not have",
    1698: "wrong user or password",
    1820: "the password has expired",
    1862: "the password has expired",
    1873: "wrong user or password",
    2026: "no TLS, which is asked for",
    2059: "a way of authentication that the client does not have",
    2061: "a way of authentication that needs TLS",
    3118: "the account is locked (MySQL)",
    3159: "no TLS, which the server asks for",
    4150: "the user is blocked (MariaDB)",
    4151: "the account is locked (MariaDB)",
}
_DENIED = {
    1044: "no right to the database",
    1142: "no right to the table",
    1143: "no right to a column",
    1227: "no such right",
    1370: "no right to a routine",
}
_STALE = {
    1051: "no such table",
    1054: "no such column",
    1072: "no such column",
    1091: "no such column",
    1109: "no such table",
    1146: "no such table",
    1347: "a view, not a table",
    1356: "a view over something that is gone",
    1412: "the table has changed",
    1615: "the table has changed",
    1932: "no such table in the engine",
    4092: "no such view",
}
FAULTS: Mapping[Fault, Mapping[int, str]] = {
    Fault.DATA: _DATA,
    Fault.CONFLICT: _CONFLICT,
    Fault.AWAY: _AWAY,
    Fault.REFUSED: _REFUSED,
    Fault.DENIED: _DENIED,
    Fault.STALE: _STALE,
}
"""The numbers of each class, with what they are raised for."""
_FAULT_OF = {number: fault for fault, found in FAULTS.items() for number in found}
_CLIENT = range(2000, 3000)
"""Numbers that the client gives: no connection, or a lost one."""
_SIGNALS_ALONE = 5000
"""No server has numbers from here on: they are those of a SIGNAL that sets MYSQL_ERRNO, about the row."""


def fault_of(number: int | None) -> Fault:
    """The class of a number; None and 0: the connection was closed."""
    if not number:
        return Fault.AWAY
    found = _FAULT_OF.get(number)
    if found is not None:
        return found
    if number in _CLIENT:
        return Fault.AWAY
    return Fault.DATA if number >= _SIGNALS_ALONE else Fault.CONFIG

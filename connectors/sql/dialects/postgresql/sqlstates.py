"""PostgreSQL's SQLSTATEs, by class and where need be by code: whose fault each is.

The source is the appendix "PostgreSQL Error Codes" of its documentation (version 18); what a code is raised for was
read in the server's own code where its name leaves that open.
"""

from collections.abc import Mapping

from ferryman.connectors.sql.dialects.faults import Fault

CLASSES: Mapping[str, Fault] = {
    "02": Fault.CONFIG,  # no data: the end of a cursor
    "03": Fault.CONFIG,
    "08": Fault.AWAY,  # connections
    "09": Fault.DATA,  # a trigger
    "0A": Fault.STALE,  # not supported: "cached plan must not change result type", when a table has changed
    "0B": Fault.CONFIG,
    "0F": Fault.CONFIG,
    "0L": Fault.CONFIG,
    "0P": Fault.CONFIG,
    "0Z": Fault.CONFIG,
    "10": Fault.DATA,  # XQuery
    "20": Fault.DATA,  # a CASE in a trigger that has no branch for the row
    "21": Fault.DATA,  # a subquery in a trigger or rule that finds several rows
    "22": Fault.DATA,  # values
    "23": Fault.DATA,  # constraints
    "24": Fault.CONFIG,
    "25": Fault.CONFIG,  # the state of a transaction
    "26": Fault.CONFIG,
    "27": Fault.DATA,  # a trigger that changes the row under the statement
    "28": Fault.REFUSED,  # the login
    "2B": Fault.CONFIG,
    "2D": Fault.CONFIG,
    "2F": Fault.DATA,  # functions: they are called by triggers only
    "34": Fault.CONFIG,
    "38": Fault.DATA,
    "39": Fault.DATA,
    "3B": Fault.CONFIG,
    "3D": Fault.REFUSED,  # no such database
    "3F": Fault.DENIED,  # no such schema
    "40": Fault.CONFLICT,  # deadlocks, lost races
    "42": Fault.CONFIG,  # what a statement names and may
    "44": Fault.DATA,  # a view's WITH CHECK OPTION
    "53": Fault.AWAY,  # disk, memory, connections
    "54": Fault.DATA,  # limits: an index entry that is too long, a value that nests too deep, too many columns
    "55": Fault.CONFIG,  # the state of an object
    "57": Fault.AWAY,  # an operator: stops, timeouts
    "58": Fault.AWAY,  # the system below
    "72": Fault.CONFLICT,
    "F0": Fault.AWAY,
    "HV": Fault.CONFIG,  # foreign tables
    "P0": Fault.DATA,  # RAISE, ASSERT and SELECT INTO STRICT in a trigger
    "XX": Fault.STALE,  # internal errors: two that change a table at once get one ("tuple concurrently updated")
}
"""The classes: the first two characters of a code."""

CODES: Mapping[str, Fault] = {
    "25006": Fault.AWAY,  # read only: a replica, until the failover has come to its end
    "25P03": Fault.AWAY,  # it was silent in a transaction for long
    "25P04": Fault.AWAY,
    "42501": Fault.DENIED,
    "42703": Fault.STALE,  # no such column
    "42P01": Fault.STALE,  # no such table
    "428C9": Fault.DATA,  # a value for a generated column
    "55006": Fault.CONFLICT,  # in use
    "55P03": Fault.CONFLICT,  # a lock was not had in time
    "55P04": Fault.CONFLICT,  # a new value of an enum, before its transaction has ended
    "HV00N": Fault.AWAY,  # the server of a foreign table
    "HV001": Fault.AWAY,
    "XX001": Fault.CONFIG,  # corrupted
    "XX002": Fault.CONFIG,
}
"""The codes that are not as their class."""


def fault_of(state: str) -> Fault:
    """The class of an SQLSTATE. One that PostgreSQL does not have was made up by a trigger, about the row."""
    return CODES.get(state) or CLASSES.get(state[:2], Fault.DATA)

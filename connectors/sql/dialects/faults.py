"""Whose fault an error of a database is. Each dialect has a table of its codes; this is what they come to."""

from enum import Enum, auto

from ferryman.errors import DataError, FerrymanError, RefusedError, RetriableError, TaskError


class StaleTable(TaskError):
    """A table or column that was there is gone, or has changed: worth one more look, then the task's failure, unless it
    has changed again."""


class Undone(DataError):
    """A row's error that has undone the whole transaction, and not only the statement."""


class Late(DataError):
    """A row's error that the database tells only at the end of a transaction, without saying which row's it is."""


class Denied(RefusedError):
    """A right or a schema is missing. Its text is completed by the statements that help."""


class Fault(Enum):
    """The classes of a database's errors."""

    DATA = auto()
    """This row's: a value, a constraint, what a trigger has against it. Others can be written."""
    CONFLICT = auto()
    """A race with another session, such as a deadlock or a lock that is held: another try will do."""
    AWAY = auto()
    """The server cannot do it now: it starts, stops, is full, read-only or out of reach."""
    REFUSED = auto()
    """It refuses the login."""
    DENIED = auto()
    """It says no to what is asked: a right, or a schema."""
    STALE = auto()
    """Something is not as it was when it was read."""
    CONFIG = auto()
    """Nothing that happens by itself will mend it."""


def error(fault: Fault, text: str, after: float | None, key: str = "connection.user") -> FerrymanError:
    """The error of a class. ``key``: the config key that is most likely wrong, where the server refuses."""
    match fault:
        case Fault.DATA:
            return DataError(text)
        case Fault.CONFLICT | Fault.AWAY:
            return RetriableError(text, after)
        case Fault.REFUSED:
            return RefusedError(text, key=key, after=after)
        case Fault.DENIED:
            return Denied(text, key=key, after=after)
        case Fault.STALE:
            return StaleTable(text)
        case Fault.CONFIG:
            return TaskError(text)

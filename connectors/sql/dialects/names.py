"""Names of tables and columns: from topics and fields to what the database knows, refused where it would bend them."""

import re
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from ferryman.errors import DataError

_SALT = secrets.token_hex(4)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def temporary(name: str) -> str:
    """The name of a temporary table, which nobody can foresee: it hides a table of the same name, and a topic, whose
    records would then be written into it, may be called anything."""
    return f"{name}_{_SALT}"


class Naming(Protocol):
    """What a database does with names."""

    @property
    def quotes(self) -> str:
        """What a part of a table's name may stand in, in configs."""

    @property
    def columns_ignore_case(self) -> bool:
        """Whether two quoted names of columns that differ by case alone mean the same column."""

    def unquoted(self, name: str) -> str:
        """A name as the database reads it without quotes."""

    def problem(self, name: str) -> str | None:
        """Why the database would refuse or cut a name; continues "The name of the table 'x' ". None if it keeps it."""


@dataclass(frozen=True, slots=True)
class TableName:
    """A table, in a schema of its own or where the connection looks first."""

    schema: str | None
    """The schema; the database, where databases are schemas. None: where the connection looks first."""
    name: str
    """The table's name in it."""

    def __str__(self) -> str:
        return self.name if self.schema is None else f"{self.schema}.{self.name}"


def lower(name: str) -> str:
    """A name in which ASCII letters, and only they, are small."""
    return name.translate(_LOWER)


def checked_name(name: str, naming: Naming, what: str) -> str:
    """The name itself. Raises DataError if the database would refuse or cut it. ``what``: "table" or "column"."""
    if not name:
        raise DataError(f"The name of a {what} is empty")
    if "\0" in name:
        raise DataError(f"The name of a {what} contains a NUL character: {name!r}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DataError(f"The name of a {what} is not valid Unicode: {name!r}") from None
    problem = naming.problem(name)
    if problem is not None:
        raise DataError(f"The name of the {what} {name!r} {problem}")
    return name


def table_name(text: str, naming: Naming, quoted: bool) -> TableName:
    """A table's name from its text: ``table`` or ``schema.table``, a part in quotes if it holds a dot.

    ``quoted``: whether the parts keep their case. Raises DataError for names of more parts, and for names that
    ``checked_name`` refuses.
    """
    parts = _parts(text, naming.quotes)
    if len(parts) > 2:
        raise DataError(
            f"The table name {text!r} has {len(parts)} parts, but only schema.table is possible: "
            "set table.name.format, or rename the topic with the transform RegexRouter"
        )
    names = [checked_name(part if quoted else naming.unquoted(part), naming, "table") for part in parts or [""]]
    return TableName(names[0] if len(names) == 2 else None, names[-1])


@cache
def _part(quotes: str) -> re.Pattern[str]:
    in_quotes = "|".join(f"{quote}(?:[^{quote}]|{quote}{quote})+{quote}" for quote in quotes)
    return re.compile(rf"({in_quotes})(?=\.|$)|([^.]+)")


def _parts(text: str, quotes: str) -> list[str]:
    parts, position = [], 0
    while position < len(text):
        found = _part(quotes).match(text, position)
        if found is None:
            raise DataError(f"The table name {text!r} has an empty part between its dots")
        quoted, plain = found.groups()
        parts.append(plain if quoted is None else quoted[1:-1].replace(quoted[0] * 2, quoted[0]))
        position = found.end() + 1
    if text.endswith(".") and parts:
        raise DataError(f"The table name {text!r} has an empty part between its dots")
    return parts


def collision(names: Iterable[str]) -> tuple[str, str] | None:
    """Two names that differ at most by the case of ASCII letters, if there are such."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(lower(name), name)
        if other is not name:
            return other, name
    return None

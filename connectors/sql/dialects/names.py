"""Names of tables and columns: from topics and fields to what the database knows, refused where it would bend them."""

import re
import string
from collections.abc import Iterable
from dataclasses import dataclass

from ferryman.errors import DataError

POSTGRES_BYTES = 63
"""The longest identifier that PostgreSQL keeps whole; it cuts longer ones without an error (NAMEDATALEN)."""

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_PART = re.compile(r'"((?:[^"]|"")+)"(?=\.|$)|([^.]+)')


@dataclass(frozen=True, slots=True)
class TableName:
    """A table, in a schema of its own or where the connection looks first."""

    schema: str | None
    name: str

    def __str__(self) -> str:
        return self.name if self.schema is None else f"{self.schema}.{self.name}"


def folded(name: str) -> str:
    """A name as PostgreSQL reads it without quotes: only ASCII letters change."""
    return name.translate(_LOWER)


def checked(name: str, limit: int | None, what: str) -> str:
    """The name itself. Raises DataError if the database would refuse or cut it; ``limit`` is in bytes."""
    if not name:
        raise DataError(f"The name of a {what} is empty")
    if "\0" in name:
        raise DataError(f"The name of a {what} contains a NUL character: {name!r}")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise DataError(f"The name of a {what} is not valid Unicode: {name!r}") from None
    if limit is not None and size > limit:
        raise DataError(
            f"The name of the {what} {name!r} has {size} bytes, and PostgreSQL would cut it to {limit}: "
            "two such names could mean the same one. Choose a shorter name"
        )
    return name


def table_name(text: str, limit: int | None, fold: bool) -> TableName:
    """A table's name from its text: ``table`` or ``schema.table``, a part in double quotes if it holds a dot.

    Raises DataError for names of more parts, and for names that ``checked`` refuses.
    """
    parts = _parts(text)
    if len(parts) > 2:
        raise DataError(
            f"The table name {text!r} has {len(parts)} parts, but only schema.table is possible: "
            "set table.name.format, or rename the topic with the transform RegexRouter"
        )
    names = [checked(folded(part) if fold else part, limit, "table") for part in parts] or [checked("", limit, "table")]
    return TableName(names[0] if len(names) == 2 else None, names[-1])


def _parts(text: str) -> list[str]:
    parts, position = [], 0
    while position < len(text):
        found = _PART.match(text, position)
        if found is None:
            raise DataError(f"The table name {text!r} has an empty part between its dots")
        quoted, plain = found.groups()
        parts.append(quoted.replace('""', '"') if quoted is not None else plain)
        position = found.end() + 1
    if text.endswith(".") and parts:
        raise DataError(f"The table name {text!r} has an empty part between its dots")
    return parts


def collision(names: Iterable[str]) -> tuple[str, str] | None:
    """Two names that differ at most by the case of ASCII letters, if there are such."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(folded(name), name)
        if other is not name:
            return other, name
    return None

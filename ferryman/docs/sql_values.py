"""The page about what the SQL sink stores by value."""

from collections.abc import Iterator, Mapping
from itertools import chain

from ferryman.connectors.sql.value_matrix import SCHEMAS, Taken, matrix

_NOT = "no"
_ABOUT = """\
# What the SQL sink stores, by value

A value is stored as it is, or its record is refused: nothing is rounded, cut or taken for something else. This page
says for each Connect type and each column of a table that is there what the [SQL sink](../connectors/sql-sink.md) does.
It is the same by columns and by rows, and for insert, upsert and update.

* **yes**: stored. The database itself may still refuse a value, such as a text that is no JSON: a data error too.
* **a letter**: stored if the value is what stands beside the letter below the table, else a data error.
* **no**: a data error, whatever the value is.

How a value is stored where the column's type is another one:

* A whole number stays one: 5.0 and 5.00 go into columns for integers, 5.5 does not. A float and a decimal are the same
  number if the one is printed as the other: 0.1 is 0.1 in both.
* A number, boolean, date or time in a column for text is its digits, `true` or `false` (`1` or `0` where the database
  has no booleans), or ISO 8601. Columns without a zone, and texts, show the clock of `db.timezone`.
* Text with an offset from UTC is an instant: `2026-01-01T00:00:00+02:00` in a column without a zone becomes what the
  clock of `db.timezone` showed then. Text without one is what that clock shows. A time of day with an offset goes only
  into a column that has one. SQLite has no such columns: its texts stay as they are.
* Numbers go into columns for dates and times only as Connect's Date, Time and Timestamp.
* Structs, maps and arrays go into columns for JSON; in PostgreSQL arrays go into arrays too, whose items obey this
  page.

Where the JDBC sinks' drivers round or cut, this refuses. Where they refuse and nothing is lost, such as text for a
`uuid`, this stores. A test compares it with them, value by value.
"""


def page() -> str:
    """The whole page."""
    return _ABOUT + "\n" + "\n".join(_table(heading, columns) for heading, columns in matrix().items())


def _table(heading: str, columns: Mapping[str, Mapping[str, Taken]]) -> str:
    phrases = dict.fromkeys(chain.from_iterable(each or () for row in columns.values() for each in row.values()))
    letters = dict(zip(phrases, _letters(), strict=False))
    head = f"| column | {' | '.join(SCHEMAS)} |\n|---|{'---|' * len(SCHEMAS)}"
    rows = [
        f"| `{name}` | {' | '.join(_cell(each, letters) for each in row.values())} |" for name, row in columns.items()
    ]
    notes = [f"* **{letter}**: {phrase}" for phrase, letter in letters.items()]
    return "\n".join([f"## {heading}\n", head, *rows, "", *notes, ""])


def _cell(found: Taken, letters: Mapping[str, str]) -> str:
    return _NOT if found is None else " ".join(letters[phrase] for phrase in found) or "yes"


def _letters() -> Iterator[str]:
    yield from "abcdefghijklmnopqrstuvwxyz"
    yield from (f"{first}{second}" for first in "abc" for second in "abcdefghijklmnopqrstuvwxyz")

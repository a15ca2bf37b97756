"""The keys of rows as digests: equal for what the database holds to be one row, different for any two others."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Literal

import sqlalchemy as sa

from ferryman.connectors.sql.database.loads import Part
from ferryman.connectors.sql.dialects.dialect import Type, key_columns
from ferryman.errors import UnsafeRun

TextComparison = Literal["exact", "padded"]
"""How a column compares texts and bytes: byte by byte, or without blanks and zeros at the end."""
DIGEST_BYTES = 16
"""Bytes of a digest."""
Canonical = Callable[[Any], object]


def digests(part: Part, texts: Mapping[str, TextComparison]) -> list[bytes]:
    """One for each row. ``texts`` says how the table's columns compare texts; those that are missing there do it in
    ways that only the database knows. Raises UnsafeRun for a key that cannot be compared here."""
    chosen = sorted(key_columns(part.columns), key=lambda index: part.columns[index].name)
    table = str(part.table)
    forms = [canonical(table, part.columns[index].name, part.columns[index].type, texts) for index in chosen]
    columns = [part.frame.get_column(f"c{index}").to_list() for index in chosen]
    rows: Sequence[tuple[Any, ...]] = list(zip(*columns, strict=True))
    return [
        blake2b(
            repr((table, [form(value) for form, value in zip(forms, row, strict=True)])).encode(),
            digest_size=DIGEST_BYTES,
        ).digest()
        for row in rows
    ]


def canonical(table: str, name: str, kind: Type, texts: Mapping[str, TextComparison]) -> Canonical:
    """What is the same for all values of a key column that the database holds to be one. UnsafeRun if only the database
    can tell."""
    if isinstance(kind, sa.Boolean):
        return bool
    if isinstance(kind, sa.Integer):
        return int
    if isinstance(kind, sa.Uuid):
        return lambda value: str(value).lower()
    if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float):
        return lambda value: Decimal(str(value)).normalize() + 0
    if isinstance(kind, sa.String | sa.LargeBinary) and name in texts:
        return _unpadded(table, name) if texts[name] == "padded" else _as_is
    raise UnsafeRun(
        f"The run cannot tell which records of {table} are about one row: its key column {name} compares values "
        f"of the type {kind!r} in ways of its own. Have the run write elsewhere: set table.name.format"
    )


def _as_is(value: Any) -> object:
    if isinstance(value, datetime.date | datetime.time | float):
        raise UnsafeRun(f"a value of the type {type(value).__name__} in a key of texts cannot be compared")
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else str(value)


def _unpadded(table: str, name: str) -> Canonical:
    def form(value: Any) -> object:
        found = _as_is(value)
        if (isinstance(found, str) and found.endswith(" ")) or (
            isinstance(found, bytes) and found.endswith((b" ", b"\0"))
        ):
            raise UnsafeRun(
                f"The run cannot tell which records of {table} are about one row: a key in the column {name} ends in "
                "what the database passes over. Have the run write elsewhere: set table.name.format"
            )
        return found

    return form

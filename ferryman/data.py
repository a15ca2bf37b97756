"""One side of a batch, the keys or the values of many records: as rows, or as columns with or without a schema.

polars is imported only where frames are made or cut: a worker has none, and polars would be a third of its memory.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from ferryman.schema import Schema, Type

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Rows:
    """One side of a batch (key or value) as plain Python values under one schema; None is schemaless or all null."""

    schema: Schema | None
    values: Sequence[Any]

    def __len__(self) -> int:
        return len(self.values)

    def slice(self, start: int, stop: int) -> "Rows":
        """The rows from start up to stop."""
        return Rows(self.schema, self.values[start:stop])

    def take(self, indices: Sequence[int]) -> "Rows":
        """The rows at these places."""
        values = self.values
        return Rows(self.schema, [values[index] for index in indices])

    def rows(self) -> "Rows":
        """These rows. ``Columns`` has the same method, so that callers need not ask which form they have."""
        return self


@dataclass(frozen=True, slots=True)
class Columns:
    """One side of a batch as a frame: a struct schema whose fields are the columns, none of the structs null.

    Dtypes: IntN, FloatN, Boolean, String, Binary; Decimal → Decimal(38, scale), Date → Date, Time → Time,
    Timestamp → Datetime("ms", "UTC"); struct → Struct, array → List, map → List of Struct(key, value), no key twice.
    """

    schema: Schema
    frame: "pl.DataFrame"

    def __len__(self) -> int:
        return self.frame.height

    def slice(self, start: int, stop: int) -> "Columns":
        """The rows from start up to stop."""
        return Columns(self.schema, self.frame.slice(start, stop - start))

    def take(self, indices: Sequence[int]) -> "Columns":
        """The rows at these places."""
        return Columns(self.schema, _taken(self.frame, indices))

    def rows(self) -> Rows:
        """The same data as rows."""
        # Column by column: to_dicts takes three times as long for what is nested.
        names, by_name = self.frame.columns, self.schema.by_name
        members = [values_of(column, by_name[column.name].schema) for column in self.frame.iter_columns()]
        return Rows(self.schema, [dict(zip(names, row, strict=True)) for row in zip(*members, strict=True)])


@dataclass(frozen=True)
class Maps:
    """One side of a batch without a schema as a frame: maps with the same texts as keys, in the same order.

    Each key's values are of one kind, or null. Dtypes: Int64, Float64, Boolean, String, and Null for nothing but nulls;
    map → Struct, list → List, of whatever is of one kind. ``values`` are the same data as rows.
    """

    frame: "pl.DataFrame"
    schema: ClassVar[None] = None

    def __len__(self) -> int:
        return self.frame.height

    @cached_property
    def values(self) -> Sequence[Any]:
        """The maps, made when they are asked for first."""
        return self.frame.to_dicts()

    def slice(self, start: int, stop: int) -> "Maps":
        """The maps from start up to stop."""
        return Maps(self.frame.slice(start, stop - start))

    def take(self, indices: Sequence[int]) -> "Maps":
        """The maps at these places."""
        return Maps(_taken(self.frame, indices))

    def rows(self) -> Rows:
        """The same data as rows."""
        return Rows(None, self.values)


Data = Rows | Columns | Maps


def _taken(frame: "pl.DataFrame", indices: Sequence[int]) -> "pl.DataFrame":
    import polars as pl

    return frame[pl.Series(indices, dtype=pl.UInt32)]


def values_of(column: "pl.Series", schema: Schema) -> list[Any]:
    """The values of one of ``Columns``' columns, as they stand in rows."""
    if column.null_count() == len(column):
        return [None] * len(column)
    match schema.type:
        case Type.STRUCT:
            return _structs(column, schema)
        case Type.ARRAY if schema.values is not None:
            return _lists(column, values_of(_items(column), schema.values), list)
        case Type.MAP if schema.keys is not None and schema.values is not None:
            entries = _items(column).struct.unnest()
            keys = values_of(entries.get_column("key"), schema.keys)
            values = values_of(entries.get_column("value"), schema.values)
            return _lists(column, zip(keys, values, strict=True), dict)
        case _:
            return column.to_list()


def _structs(column: "pl.Series", schema: Schema) -> list[Any]:
    names = [field.name for field in schema.fields]
    inner = column.struct.unnest()
    members = [values_of(inner.get_column(field.name), field.schema) for field in schema.fields]
    found: list[Any] = [dict(zip(names, row, strict=True)) for row in zip(*members, strict=True)]
    for place in column.is_null().arg_true().to_list() if column.null_count() else ():
        found[place] = None
    return found


def _items(lists: "pl.Series") -> "pl.Series":
    # An empty list would become a null.
    return lists.filter(lists.list.len() > 0).explode()


def _lists(lists: "pl.Series", items: Iterable[Any], make: Callable[[Iterable[Any]], Any]) -> list[Any]:
    rest = iter(items)
    return [None if size is None else make(islice(rest, size)) for size in lists.list.len().to_list()]


def all_null(values: Sequence[Any]) -> bool:
    """Whether there is nothing but null, as in the keys of most topics without keys."""
    return not values or (values[0] is None and values.count(None) == len(values))

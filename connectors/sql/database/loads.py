"""What one transaction writes: the rows of a poll in as few statements as the order of each key allows.

Records of one shape (table, columns, and whether they delete) go in together, wherever they stood. Where rows of two
shapes have the same key, theirs is a sequence: rounds through the shapes, in which each row comes in the first round
that is not before that of the row with its key which came before it. Three schemas by turns are three statements as
long as their keys differ; a row that is deleted and written again is in two rounds. What later rows of the key have
overtaken (``superseding``) is left out first, so that a key that comes a hundred times makes no hundred rounds. Inserts
have no key to agree on, as long as nothing is deleted among them, and none of them is left out.

Whether keys are the same is for the database to say (by case, padding, scale). So rows are held to have the same key if
any database might say so (``ferryman.connectors.sql.records.key_equality``): that costs a round at most.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

import polars as pl

from ferryman.connectors.sql.database.superseding import RowChange, still_needed
from ferryman.connectors.sql.dialects.compared import compared_keys
from ferryman.connectors.sql.dialects.dialect import (
    Apply,
    Load,
    Mode,
    RowStretch,
    TableColumn,
    key_columns,
    other_columns,
    version_column,
)
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.records.key_equality import equality_classes
from ferryman.formats import eager
from ferryman.record import Batch

POSITION_BITS = 48
"""Bits of a place below the number of the work."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one batch for one table."""

    table: TableName
    columns: tuple[TableColumn, ...]
    frame: pl.DataFrame
    """As ``Load`` has it, without ``seq``."""
    deletes: bool
    """Whether its rows are to be deleted."""
    work: int
    """The number of the records it was decoded with, in the order of the poll."""
    positions: Sequence[int]
    """Where each row stands among those."""

    def places(self) -> list[int]:
        """Where each row stands in the poll."""
        base = self.work << POSITION_BITS
        return [base + position for position in self.positions]

    def only(self, rows: Sequence[int]) -> "Part":
        """These of its rows, at least one, in ascending order."""
        positions = [self.positions[row] for row in rows]
        return replace(self, frame=self.frame[list(rows)], positions=positions)


Shape = tuple[tuple[TableColumn, ...], bool, tuple[pl.DataType, ...]]


def _shape(part: Part) -> Shape:
    # The same column comes as text from rows and as decimals from columns.
    return part.columns, part.deletes, tuple(part.frame.dtypes)


def loads_by_shape(parts: Iterable[Part], mode: Mode) -> list[Load]:
    """The loads in the order in which they are to be applied, their rows numbered through in the column ``seq``.

    The tables are sorted: tasks that write to the same ones take their locks in the same order.
    """
    tables: dict[TableName, dict[Shape, list[Part]]] = {}
    for part in parts:
        tables.setdefault(part.table, {}).setdefault(_shape(part), []).append(part)
    found: list[Load] = []
    start = 0
    for table in sorted(tables, key=str):
        shapes = [_together(same) for same in tables[table].values()]
        for shape, frame in _sequence(shapes, mode):
            numbers = pl.int_range(start, start + frame.height, dtype=pl.Int64, eager=True).alias("seq")
            found.append(Load(table, shape.columns, frame.hstack([numbers]), shape.deletes))
            start += frame.height
    return found


def loads_in_poll_order(parts: Iterable[Part]) -> tuple[list[Load], list[int]]:
    """The loads of all shapes, whose ``seq`` goes through all of them in the order of the poll, and the place of each
    ``seq`` in the poll."""
    shapes: dict[tuple[TableName, Shape], list[Part]] = {}
    for part in parts:
        shapes.setdefault((part.table, _shape(part)), []).append(part)
    rows = [_together(same) for same in shapes.values()]
    ranked = sorted((place, number, at) for number, each in enumerate(rows) for at, place in enumerate(each.places()))
    ranks: list[list[int]] = [[] for _ in rows]
    for rank, (_, number, _) in enumerate(ranked):
        ranks[number].append(rank)
    loads = [
        Load(table, each.columns, each.frame.hstack([pl.Series("seq", seq, pl.Int64)]), each.deletes)
        for (table, _), each, seq in zip(shapes, rows, ranks, strict=True)
    ]
    return loads, [place for place, _, _ in ranked]


def records_at(batches: Sequence[Batch], places: Sequence[int]) -> list[tuple[Batch, int]]:
    """The batch of each of these places in the poll, and the record's index in it."""
    wanted, works, records = frozenset(places), dict[int, int](), dict[int, tuple[Batch, int]]()
    for batch in batches:
        base = works.setdefault(id(batch.origin), len(works)) << POSITION_BITS
        for index, position in enumerate(batch.positions):
            if base + position in wanted:
                records[base + position] = batch, index
    return [records[place] for place in places]


def stretches(loads: Sequence[Load], steps: Sequence[Apply], most: int) -> list[RowStretch]:
    """All rows in the order of their ``seq``: what follows one another in a load, at most so many rows at once.
    ``steps``: what puts the rows of each load into its table."""
    load_of = dict(sorted((seq, number) for number, load in enumerate(loads) for seq in load.frame["seq"].to_list()))
    found: list[tuple[int, int, int]] = []
    for seq, number in load_of.items():
        if found and found[-1][0] == number and seq - found[-1][1] < most:
            found[-1] = number, found[-1][1], seq
        else:
            found.append((number, seq, seq))
    return [RowStretch(loads[number], steps[number], first, last) for number, first, last in found]


def in_pieces(loads: Iterable[Load], most: int | None) -> Iterator[Load]:
    """The same rows in the same order, at most so many in a load; 0 is one, as in Confluent's sink."""
    for load in loads:
        height = load.frame.height if most is None else max(1, most)
        for start in range(0, load.frame.height, height):
            yield Load(load.table, load.columns, load.frame.slice(start, height), load.deletes)


@dataclass(frozen=True, slots=True)
class _Rows:
    """All rows of one shape, in the poll's order."""

    columns: tuple[TableColumn, ...]
    deletes: bool
    frame: pl.DataFrame
    parts: Sequence[Part]
    by_place: Sequence[int] | None
    """How the parts' rows were sorted, if they had to be."""

    def places(self) -> list[int]:
        """Where each row stands in the poll."""
        places = [place for part in self.parts for place in part.places()]
        return places if self.by_place is None else [places[at] for at in self.by_place]


def _together(parts: Sequence[Part]) -> _Rows:
    first, frame, by_place = parts[0], eager.stacked([part.frame for part in parts]), None
    are_in_order = (one.work < other.work or one.positions[-1] < other.positions[0] for one, other in pairwise(parts))
    if not all(are_in_order):
        places = [place for part in parts for place in part.places()]
        by_place = sorted(range(len(places)), key=places.__getitem__)
        frame = frame[by_place]
    return _Rows(first.columns, first.deletes, frame, parts, by_place)


def _sequence(shapes: Sequence[_Rows], mode: Mode) -> Iterator[tuple[_Rows, pl.DataFrame]]:
    """The rows of a table in the order of their application. What has versions needs none."""
    have_order = mode != "insert" or any(each.deletes for each in shapes)
    if len(shapes) > 1 and have_order and any(version_column(each.columns) is None for each in shapes):
        keys = equality_classes([compared_keys(shape.frame, shape.columns) for shape in shapes])
        if len(set(chain.from_iterable(keys))) < sum(map(len, keys)):
            yield from _rounds(shapes, keys, fold=mode != "insert")
            return
    yield from ((each, each.frame) for each in shapes)


def _rounds(
    shapes: Sequence[_Rows], keys: Sequence[Sequence[Hashable]], fold: bool
) -> Iterator[tuple[_Rows, pl.DataFrame]]:
    """The rows of each shape and round."""
    count = len(shapes)
    rows = sorted((place, number, at) for number, shape in enumerate(shapes) for at, place in enumerate(shape.places()))
    if fold:
        rows = [rows[place] for place in still_needed(_changes(shapes, keys, rows))]
    latest: dict[Hashable, int] = {}
    """The last turn of each key; turn ``t`` is that of the shape ``t`` modulo their number."""
    turns: dict[int, list[int]] = {}
    for _, number, at in rows:
        key = keys[number][at]
        before = latest.get(key, 0)
        turn = latest[key] = before + (number - before) % count
        turns.setdefault(turn, []).append(at)
    for turn in sorted(turns):
        shape = shapes[turn % count]
        yield shape, shape.frame[turns[turn]]


def _changes(
    shapes: Sequence[_Rows], keys: Sequence[Sequence[Hashable]], rows: Sequence[tuple[int, int, int]]
) -> list[RowChange]:
    spelled = [list(zip(*(column.to_list() for column in _keys(shape)), strict=True)) for shape in shapes]
    filled = [None if shape.deletes else _filled(shape) for shape in shapes]
    return [RowChange(keys[number][at], spelled[number][at], filled[number]) for _, number, at in rows]


def _filled(shape: _Rows) -> frozenset[str]:
    return frozenset(shape.columns[index].name for index in other_columns(shape.columns))


def _keys(shape: _Rows) -> list[pl.Series]:
    # By name: shapes may have their columns in different orders.
    chosen = sorted(key_columns(shape.columns), key=lambda index: shape.columns[index].name)
    return [shape.frame.get_column(f"c{index}") for index in chosen]

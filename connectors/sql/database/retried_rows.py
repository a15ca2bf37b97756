"""Rows that were refused tried once more, after others have gone in: those may be what they refer to. Pure."""

from collections.abc import Callable, Hashable, Iterable, Sequence

from ferryman.connectors.sql.dialects.compared import compared_keys
from ferryman.connectors.sql.dialects.dialect import Apply, Load, Mode, Refused, RowStretch, version_column
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.records.key_equality import equality_classes


def retried(
    loads: Sequence[Load],
    steps: Sequence[Apply],
    mode: Mode,
    refused: Iterable[Refused],
    write_each: Callable[[Sequence[RowStretch]], Sequence[Refused]],
) -> list[Refused]:
    """What is left of those that were refused when ``write_each`` (see ``Writer``) has tried them again and again,
    until it takes no more. A row whose key a later one may have is not tried: it would come behind that one; but for
    inserts and rows with versions, whose order does not matter."""
    left = {one.seq: one for one in refused}
    have_versions = all(version_column(load.columns) is not None for load in loads)
    have_order = (mode != "insert" and not have_versions) or any(load.deletes for load in loads)
    last = _last(loads) if have_order else None
    while stretches := [stretch for stretch in _single(loads, steps, left) if last is None or stretch.first in last]:
        still = write_each(stretches)
        left = {seq: one for seq, one in left.items() if seq not in {stretch.first for stretch in stretches}}
        left |= {one.seq: one for one in still}
        if len(still) == len(stretches):
            break
    return [left[seq] for seq in sorted(left)]


def _single(loads: Sequence[Load], steps: Sequence[Apply], wanted: Iterable[int]) -> list[RowStretch]:
    seqs = frozenset(wanted)
    found = [
        RowStretch(load, apply, seq, seq)
        for load, apply in zip(loads, steps, strict=True)
        for seq in load.frame.get_column("seq").to_list()
        if seq in seqs
    ]
    return sorted(found, key=lambda stretch: stretch.first)


def _last(loads: Sequence[Load]) -> set[int]:
    """The rows behind which none comes with a key that might be the same."""
    tables: dict[TableName, list[Load]] = {}
    for load in loads:
        tables.setdefault(load.table, []).append(load)
    found = set[int]()
    for same in tables.values():
        latest: dict[Hashable, int] = {}
        keys = equality_classes([compared_keys(load.frame, load.columns) for load in same])
        for load, alike in zip(same, keys, strict=True):
            for seq, key in zip(load.frame.get_column("seq").to_list(), alike, strict=True):
                latest[key] = max(seq, latest.get(key, seq))
        found |= set(latest.values())
    return found

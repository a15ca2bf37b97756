"""Keys and values that were decoded by their own schemas are put together again, record by record."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ferryman.chain.pairing import paired
from ferryman.conversion import Piece
from ferryman.record import Rows
from ferryman.schema import INT64, STRING

SCHEMAS = (None, INT64, STRING)
KINDS = st.integers(-1, 2)
"""A record's schema on one side; -1 is one that failed."""


def pieces(kinds: Sequence[int], side: str) -> list[Piece]:
    """One piece for each schema, whose values say which record they are of."""
    found = []
    for kind in range(3):
        positions = [position for position, each in enumerate(kinds) if each == kind]
        if positions:
            found.append(Piece(positions, Rows(SCHEMAS[kind], [f"{side}{position}" for position in positions])))
    return found


@given(st.lists(st.tuples(KINDS, KINDS), min_size=1, max_size=30))
def test_every_record_that_has_both_sides_has_its_own(kinds: list[tuple[int, int]]) -> None:
    keys, values = pieces([key for key, _ in kinds], "k"), pieces([value for _, value in kinds], "v")
    found = {}
    for positions, key, value in paired(len(kinds), keys, values):
        assert list(positions) == sorted(positions)
        for position, *sides in zip(positions, key.rows().values, value.rows().values, strict=True):
            assert position not in found
            found[position] = (*sides, key.schema, value.schema)
    assert found == {
        position: (f"k{position}", f"v{position}", SCHEMAS[key], SCHEMAS[value])
        for position, (key, value) in enumerate(kinds)
        if key >= 0 and value >= 0
    }


def test_one_schema_on_either_side_is_one_batch_as_it_is() -> None:
    keys, values = pieces([0, 0, 0], "k"), pieces([1, 1, 1], "v")
    ((positions, key, value),) = paired(3, keys, values)
    assert (list(positions), key, value) == ([0, 1, 2], keys[0].data, values[0].data)

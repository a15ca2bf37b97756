"""Records are gathered by what they share, whatever their order, and can be put back in order."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ferryman.record import Batch, Polled, Record, batches, in_order, interleaved
from ferryman.schema import INT64, OPTIONAL_STRING, STRING, Schema, struct

SCHEMAS = (None, INT64, STRING, struct({"id": INT64}))
KINDS = st.tuples(
    st.sampled_from(["t", "u"]), st.sampled_from([None, 0]), st.sampled_from(SCHEMAS), st.sampled_from(SCHEMAS)
)


def record(position: int, kind: tuple[str, int | None, Schema | None, Schema | None]) -> Record:
    topic, partition, key, value = kind
    # Equal schemas need not be the same object.
    copies = [None if schema is None else replace(schema) for schema in (key, value)]
    return Record(
        topic=topic,
        partition=partition,
        key=f"k{position}",
        key_schema=copies[0],
        value=f"v{position}",
        value_schema=copies[1],
        timestamp=position,
    )


def told(given_: Sequence[Batch]) -> list[Record]:
    return [each for batch in given_ for each in batch.records()]


@given(st.lists(KINDS, max_size=30))
def test_what_shares_topic_partition_and_schemas_is_one_batch(
    kinds: list[tuple[str, int | None, Schema | None, Schema | None]],
) -> None:
    records = [record(position, kind) for position, kind in enumerate(kinds)]
    found = batches(records, records, range(len(records)))
    assert len(found) == len(set(kinds))
    assert sorted(told(found), key=lambda each: each.timestamp or 0) == records
    assert all([records[position] for position in each.positions] == list(each.records()) for each in found)


@given(st.lists(KINDS, max_size=30))
def test_in_order_they_follow_one_another_in_pieces_as_long_as_can_be(
    kinds: list[tuple[str, int | None, Schema | None, Schema | None]],
) -> None:
    records = [record(position, kind) for position, kind in enumerate(kinds)]
    found = in_order(batches(records, records, range(len(records))))
    assert told(found) == records
    assert len(found) == sum(one != other for one, other in zip([None, *kinds], kinds, strict=False))


def test_batches_of_different_origins_stay_in_their_order() -> None:
    first, second = [record(0, ("t", 0, None, None))], [record(0, ("u", 0, None, None))]
    given_ = [*batches(first, first, [0]), *batches(second, second, [0])]
    assert in_order(given_) == given_


@given(st.lists(st.sampled_from([0, 1, 2]), max_size=30))
def test_lists_of_positions_become_one_that_ascends(owners: list[int]) -> None:
    lists = [[at for at, owner in enumerate(owners) if owner == each] for each in range(3)]
    pieces = list(interleaved(lists))
    assert [position for number, start, stop in pieces for position in lists[number][start:stop]] == list(
        range(len(owners))
    )


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_a_batch_is_split_by_flags_into_two_at_most(flags: list[bool]) -> None:
    records = [record(position, ("t", 0, OPTIONAL_STRING, None)) for position in range(len(flags))]
    (whole,) = batches(records, records, range(len(records)))
    found = whole.split(flags)
    assert [flag for flag, _ in found] == list(dict.fromkeys(flags))
    for flag, part in found:
        assert list(part.records()) == [each for each, wanted in zip(records, flags, strict=True) if wanted is flag]
        left = whole.without(part.positions)
        assert (0 if left is None else len(left)) == len(whole) - len(part)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(0, 300))
def test_the_first_records_within_a_number_of_bytes_are_one_at_least(sizes: list[int], limit: int) -> None:
    count = len(sizes)
    raw = Polled("t", 0, range(count), [0] * count, [None] * count, [b"x" * size for size in sizes])
    within = raw.within(limit)
    assert raw.size == sum(sizes)
    assert within == 1 or raw.slice(0, within).size <= limit
    assert within == count or raw.slice(0, within + 1).size > limit

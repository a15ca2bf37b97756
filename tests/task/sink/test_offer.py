"""What a sink is offered can be halved by offset, whatever batches it is in, until the guilty record stands alone."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from ferryman.record import Batch, TopicPartition
from ferryman.task.sink.offer import DecodedPartition, Offer
from tests.chain.parts import batch, polled


def work(kinds: list[int | None], partition: int = 0) -> DecodedPartition:
    """A partition's records from offset 5 on; each is in the batch of its kind, or was dropped (None)."""
    raw = batch(*range(len(kinds)), partition=partition, first=5)
    by_kind: dict[int, list[int]] = {}
    for position, kind in enumerate(kinds):
        if kind is not None:
            by_kind.setdefault(kind, []).append(position)
    return DecodedPartition(raw.polled, deque(raw.take(places) for places in by_kind.values()))


def offsets(offer: Offer) -> list[tuple[int, int]]:
    found = [(each.source.partition, offset) for each in offer.batches(None) for offset in each.offsets]
    return sorted(found)


KINDS = st.lists(st.none() | st.integers(0, 2), min_size=1, max_size=12)


@given(st.lists(KINDS, min_size=1, max_size=3))
def test_halves_hold_the_same_records_the_first_those_before_the_second(partitions: list[list[int | None]]) -> None:
    whole = Offer(deque(work(kinds, number) for number, kinds in enumerate(partitions)))
    if len(whole) < 2:
        return
    before, count = offsets(whole), len(whole)
    first, second = whole.halves()
    assert len(first) == count // 2
    assert [*offsets(first), *offsets(second)] == before


@given(KINDS)
def test_taken_half_by_half_all_is_delivered_in_order(kinds: list[int | None]) -> None:
    waiting, delivered = deque([Offer(deque([work(kinds)]))]), [5]
    while waiting:
        offer = waiting.popleft()
        if len(offer) > 1:
            waiting.extendleft(reversed(offer.halves()))
            continue
        assert delivered[-1] <= min((offset for _, offset in offsets(offer)), default=10**6)
        delivered += [following for _, following in offer.took(len(offer.batches(None)))]
        delivered += [following for _, following in offer.finished()]
        assert not offer.partitions
    assert delivered == sorted(delivered)
    assert delivered[-1] == 5 + len(kinds)


def test_partitions_that_have_gone_are_offered_no_more() -> None:
    offer = Offer(deque([work([0, 0]), work([0], partition=1)]))
    assert offsets(offer.without([TopicPartition("t", 0)])) == [(1, 5)]


def test_what_is_left_of_a_batch_that_was_taken_alone_comes_next() -> None:
    offer = Offer(deque([DecodedPartition(polled(b"0", b"1", b"2"), deque(_runs()))]))
    assert len(offer.batches(1)) == 1
    assert offer.took(1) == [(TopicPartition("t", 0), 1)]
    assert [list(each.offsets) for each in offer.batches(None)] == [[1], [2]]


def _runs() -> list[Batch]:
    whole = batch("0", "1", "2")
    return [whole.slice(at, at + 1) for at in range(3)]

"""What is produced comes in the order in which the source handed it over, whatever batches it went through."""

from hypothesis import given
from hypothesis import strategies as st

from ferryman.chain.encoded import Encoded, in_order


def encoded(positions: list[int], topic: str = "t", partition: int | None = None, headers: bool = False) -> Encoded:
    """Records whose payloads say where they stand."""
    payloads = [b"%d" % position for position in positions]
    named = [[("h", payload)] for payload in payloads] if headers else None
    return Encoded(topic, partition, positions, list(positions), payloads, payloads, named)


def test_batches_that_follow_one_another_stay_as_they_are() -> None:
    given_ = [encoded([0, 1]), encoded([2, 5])]
    assert in_order(given_) == given_


def test_batches_that_lie_between_one_another_become_one_where_they_go_to_one_partition() -> None:
    assert in_order([encoded([0, 2], headers=True), encoded([1, 3])]) == [
        Encoded("t", None, [0, 1, 2, 3], [0, 1, 2, 3], PAYLOADS, PAYLOADS, [[("h", b"0")], (), [("h", b"2")], ()])
    ]


def test_where_the_partitions_differ_they_are_cut_into_runs() -> None:
    assert [each.positions for each in in_order([encoded([0, 1, 4]), encoded([2, 3], partition=7)])] == [
        [0, 1],
        [2, 3],
        [4],
    ]


PAYLOADS = [b"0", b"1", b"2", b"3"]
PLACES = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from([None, 0, 1]), st.integers(0, 2)), max_size=20)


@given(PLACES)
def test_every_topic_gets_all_its_records_by_position(places: list[tuple[str, int | None, int]]) -> None:
    groups: dict[tuple[str, int | None, int], list[int]] = {}
    for position, place in enumerate(places):
        groups.setdefault(place, []).append(position)
    found = in_order([encoded(positions, topic, partition) for (topic, partition, _), positions in groups.items()])
    for topic in ("a", "b"):
        produced = [(position, each.partition) for each in found if each.topic == topic for position in each.positions]
        assert produced == [(at, partition) for at, (name, partition, _) in enumerate(places) if name == topic]
    assert all(list(each.values) == [b"%d" % position for position in each.positions] for each in found)

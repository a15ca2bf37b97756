"""The offsets that a file of the S3 sink holds, against a plain set of them."""

from hypothesis import given
from hypothesis import strategies as st

from ferryman.connectors.s3.commit.offset_runs import Offsets

chunks = st.lists(st.integers(0, 60), min_size=1, max_size=40, unique=True).flatmap(
    lambda every: st.lists(st.integers(1, 6), min_size=1).map(lambda sizes: cut(sorted(every), sizes))
)


def cut(every: list[int], sizes: list[int]) -> list[list[int]]:
    found, at = [], 0
    for number in range(len(every)):
        size = sizes[number % len(sizes)]
        found.append(every[at : at + size])
        at += size
    return [each for each in found if each]


def offsets(parts: list[list[int]]) -> Offsets:
    found = Offsets()
    for part in parts:
        found.add(part)
    return found


@given(chunks)
def test_offsets_added_piece_by_piece_are_all_there_and_no_others(parts: list[list[int]]) -> None:
    every, found = {offset for part in parts for offset in part}, offsets(parts)
    assert {offset for offset in range(70) if offset in found} == every
    assert (found.first, found.last, found.count) == (min(every), max(every), len(every))
    assert found == offsets([sorted(every)])


@given(chunks)
def test_their_text_tells_them_all(parts: list[list[int]]) -> None:
    found = offsets(parts)
    again = Offsets.from_text(found.text())
    assert again == found
    assert again.count == found.count


@given(chunks, chunks)
def test_what_another_lacks_is_counted(one: list[list[int]], other: list[list[int]]) -> None:
    every = [{offset for part in parts for offset in part} for parts in (one, other)]
    assert offsets(one).without(offsets(other)) == len(every[0] - every[1])


def test_texts_in_manifests_of_former_versions_are_understood() -> None:
    found = Offsets.from_text("eAFjZoAAZjSaEcrngtIwPjoNAAPQABg=")
    assert [offset for offset in range(30) if offset in found] == [3, 4, 5, 9, 20, 22]

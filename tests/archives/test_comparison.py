"""An archive and its topic, compared by offsets: what is missing, twice or damaged is found, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ferryman.archives.comparison import Finding, Partition, Report, compare


@dataclass(frozen=True)
class Object:
    name: str
    start: int | None
    count: int
    last: int | None = None
    offsets: Sequence[int] | None = None
    partition: int | None = 0
    damage: Sequence[str] = ()
    misplaced: str = ""


def named(start: int, count: int, last: int | None = None, name: str = "") -> Object:
    return Object(name or f"o{start}", start, count, last)


def exact(*offsets: int) -> Object:
    return Object(f"o{offsets[0]}", offsets[0], len(offsets), offsets=offsets)


def report(objects: Sequence[Object], offsets: Sequence[int], beginning: int = 0, end: int = 0) -> Report:
    return compare("orders", objects, {0: Partition(beginning, offsets, end or max(offsets, default=-1) + 1)})


def found(objects: Sequence[Object], offsets: Sequence[int], beginning: int = 0) -> list[tuple[str, int | None, int]]:
    return [(each.kind, each.first, each.count) for each in report(objects, offsets, beginning).findings]


def test_nothing_is_wrong_with_a_whole_archive() -> None:
    whole = [named(0, 5, 4), named(5, 5, 9), named(10, 3)]
    assert found(whole, range(13)) == []
    assert report(whole, range(20)).behind == 7


def test_an_object_that_is_gone_is_a_gap() -> None:
    # What it held lies before the next one, within what the last one may reach.
    assert found([named(0, 5, 9), named(10, 5)], range(15)) == [("gap", 0, 5)]
    assert found([named(0, 5, 4), named(10, 5)], range(15)) == [("gap", 5, 5)]
    assert found([named(5, 5)], range(10)) == [("gap", 0, 5)]


def test_two_objects_with_the_same_records_are_doubles() -> None:
    assert found([named(0, 5, 4), named(0, 5, 4, "again"), named(5, 5)], range(10)) == [("double", 0, 5)]
    assert found([exact(0, 1, 2), exact(2, 3)], range(4)) == [("double", 2, 1)]


def test_what_transactions_and_compaction_leave_out_of_the_topic_is_no_gap() -> None:
    there = [0, 1, 3, 4, 6, 7]
    assert found([named(0, 3, 3), named(4, 3)], there) == []
    assert found([exact(0, 1, 3), exact(4, 6, 7)], there) == []


def test_what_compaction_has_taken_is_no_double() -> None:
    assert found([named(0, 5, 4), named(5, 5)], [2, 4, 7, 9]) == []
    assert report([named(0, 5, 4), named(5, 5)], [2, 4, 7, 9]).only_archived == 6


def test_a_last_record_that_compaction_has_taken_makes_no_double_of_it() -> None:
    objects = [named(0, 5, 4), named(5, 5)]
    assert report(objects, [2, 4, 7], end=10).findings == []
    assert [each.kind for each in report(objects, [2, 4, 7], end=9).findings] == ["double"]


def test_another_topic_than_that_of_the_archive_has_none_of_it() -> None:
    assert report([named(0, 5, 4), named(5, 5)], []).only_archived == 10


def test_what_retention_has_taken_is_only_in_the_archive() -> None:
    kept = report([exact(0, 1, 2), exact(3, 4)], [2, 3, 4], beginning=2)
    assert (kept.findings, kept.only_archived, kept.compared) == ([], 2, 3)
    by_name = report([named(0, 2, 1), named(2, 3)], [2, 3, 4], beginning=2)
    assert (by_name.findings, by_name.only_archived) == ([], 2)


def test_records_of_one_offset_range_may_be_spread_over_objects() -> None:
    assert found([named(0, 3, 5), named(1, 3, 5), named(6, 2)], range(8)) == []
    assert found([named(0, 3, 5), named(6, 2)], range(8)) == [("gap", 0, 3)]


def test_a_gap_among_exact_offsets_is_named() -> None:
    gaps = report([exact(0, 1, 5, 6)], range(7)).findings
    assert gaps == [Finding("gap", 0, 2, 4, 3)]
    assert gaps[0].line == "gap partition 0 offsets 2 to 4: 3 records"


def test_a_damaged_object_is_named_and_is_no_gap_as_well() -> None:
    broken = Object("o0", 0, 2, 4, damage=("it is truncated",))
    findings = report([broken, named(5, 5)], range(10)).findings
    assert [(each.kind, each.objects, each.reason) for each in findings] == [("damaged", ("o0",), "it is truncated")]


def test_each_double_names_the_objects_that_hold_it() -> None:
    objects = [exact(0, 1, 2, 3, 4), exact(1, 5), exact(3, 6)]
    doubles = [each for each in report(objects, range(7)).findings if each.kind == "double"]
    assert [(each.first, each.objects) for each in doubles] == [(1, ("o0", "o1")), (3, ("o0", "o3"))]


def test_an_object_in_the_folder_of_another_topic_is_a_stray_and_counts_for_nothing() -> None:
    strange = Object("strange", 2, 0, misplaced="it is in the folder of orders")
    told = report([named(0, 5), strange], range(5))
    assert [each.line for each in told.findings] == [
        "stray partition 0 offsets 2 to …: it is in the folder of orders (strange)"
    ]
    assert (told.objects, told.archived) == (1, 5)


def test_an_object_of_a_partition_that_is_not_there_is_a_stray() -> None:
    assert [each.kind for each in compare("orders", [Object("o", 0, 1, partition=3)], {}).findings] == ["stray"]


@given(
    there=st.sets(st.integers(0, 60), min_size=1, max_size=40),
    cuts=st.sets(st.integers(1, 40), max_size=6),
    lost=st.integers(0, 6),
    offsets_known=st.booleans(),
)
def test_any_archive_shows_what_it_lacks_and_nothing_else(
    there: set[int], cuts: set[int], lost: int, offsets_known: bool
) -> None:
    offsets = sorted(there)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(offsets)), len(offsets)]
    pieces = [offsets[one:other] for one, other in pairwise(bounds)]
    objects = [
        exact(*piece)
        if offsets_known
        else named(piece[0], len(piece), pieces[number + 1][0] - 1 if number + 1 < len(pieces) else None)
        for number, piece in enumerate(pieces)
    ]
    assert found(objects, offsets) == []
    if lost < len(objects) - 1:
        del objects[lost]
        gaps = [each for each in report(objects, offsets).findings if each.kind == "gap"]
        assert sum(each.count for each in gaps) == len(pieces[lost])


@given(
    there=st.sets(st.integers(0, 80), min_size=1, max_size=50),
    cuts=st.sets(st.integers(1, 50), max_size=5),
    folders=st.lists(st.integers(0, 2), min_size=81, max_size=81),
    lost=st.integers(0, 12),
)
def test_any_archive_of_many_folders_shows_what_it_lacks_and_nothing_else(
    there: set[int], cuts: set[int], folders: list[int], lost: int
) -> None:
    # Files of a partition are closed together, and nothing tells how far the last one of a folder reaches.
    offsets = sorted(there)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(offsets)), len(offsets)]
    closed = [offsets[one:other] for one, other in pairwise(bounds)]
    objects = []
    for together in closed:
        for folder in range(3):
            if own := [offset for offset in together if folders[offset] == folder]:
                objects.append(Object(f"{folder}/{own[0]}", own[0], len(own)))
    assert found(objects, offsets) == []
    if lost < len(objects) and len(closed) > 1 and (objects[lost].start or 0) < closed[-1][0]:
        gone = objects.pop(lost)
        gaps = [each for each in report(objects, offsets).findings if each.kind == "gap"]
        assert sum(each.count for each in gaps) == gone.count


def test_a_report_is_plain_data_for_programs() -> None:
    shown = report([exact(0, 0)], range(1)).as_json()
    assert shown["findings"][0] | {"objects": ()} == {
        "kind": "double",
        "partition": 0,
        "first": 0,
        "last": 0,
        "count": 1,
        "objects": (),
        "reason": "",
    }

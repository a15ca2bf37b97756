"""Which letters go, which are passed over, and what is said of one that was named by itself."""

from dataclasses import replace
from typing import Any

import pytest

from ferryman.dead_letters.letter import DeadLetter, parsed
from ferryman.dead_letters.mark import Mark
from ferryman.errors import RequestError
from ferryman.record import Coordinates, TopicPartition
from ferryman.replay import request
from ferryman.replay.choosing import Chosen
from ferryman.runs.ranges import Range


def letter(offset: int, partition: int = 0, of: int | None = None, value: bytes = b"v", **headers: str) -> DeadLetter:
    """A letter; ``of`` is the offset of its record, of which it is the only one otherwise."""
    record = {"topic": "t", "partition": "1", "offset": str(1000 * partition + offset if of is None else of)}
    where = [(f"__connect.errors.{name}", text.encode()) for name, text in record.items()]
    said = [(f"__ferryman.errors.{name.replace('_', '.')}", text.encode()) for name, text in headers.items()]
    return parsed(Coordinates("dlq", partition, offset), 5, None, value, [*where, *said])


def bare(offset: int) -> DeadLetter:
    return parsed(Coordinates("dlq", 0, offset), 5, None, b"v", [])


def chosen(body: dict[str, Any], only_topic: str = "", **marks: Mark) -> Chosen:
    return Chosen(
        request.parsed(body, "c"), only_topic, {name.replace("_", "-")[1:]: each for name, each in marks.items()}
    )


def test_what_nobody_has_goes_and_the_least_ranges_hold_it() -> None:
    found = chosen({"all": True})
    found.add([letter(3), letter(7), letter(2, partition=1)])
    assert found.ids == ["0-3", "0-7", "1-2"]
    assert found.ranges("dlq") == {TopicPartition("dlq", 0): Range(3, 8), TopicPartition("dlq", 1): Range(2, 3)}
    assert found.topics == {"t"}


def test_the_others_are_counted_by_why_they_do_not() -> None:
    found = chosen({"all": True}, x0_1=Mark("r", None, 5))
    found.add([letter(1), letter(2, attempts="3"), letter(3, left_out="value"), bare(4), letter(5, attempts="2")])
    assert found.ids == ["0-5"]
    assert found.passed_over == {"replayed": 1, "attempts": 1, "incomplete": 1, "homeless": 1}


def test_a_bare_letter_is_of_the_only_topic_of_its_connector() -> None:
    found = chosen({"all": True}, only_topic="only")
    found.add([bare(4)])
    assert (found.ids, found.topics) == (["0-4"], {"only"})


@pytest.mark.parametrize(
    ("one", "status", "text"),
    [
        (letter(1), 409, "0-1 was replayed by r already; again=true"),
        (letter(2, attempts="3"), 409, "0-2 was replayed 3 times already"),
        (letter(3, left_out="value"), 400, "0-3 lacks a part of its record: value"),
        (bare(4), 400, "0-4 does not say which topic"),
    ],
)
def test_of_one_that_is_named_by_itself_is_said_why_it_does_not(one: DeadLetter, status: int, text: str) -> None:
    with pytest.raises(RequestError, match=text) as refusal:
        chosen({"letters": [one.id]}, x0_1=Mark("r", None, 5)).add([one])
    assert refusal.value.status == status


def test_again_takes_letters_of_runs_that_are_through_and_of_no_others() -> None:
    found = chosen({"all": True, "again": True}, x0_1=Mark("over", None, 5), x0_2=Mark("going", None, 5))
    found = replace(found, under_way=["going"])
    found.add([letter(1), letter(2)])
    assert (found.ids, found.passed_over) == (["0-1"], {"replayed": 1})
    named = replace(chosen({"letters": ["0-2"], "again": True}, x0_2=Mark("going", None, 5)), under_way=["going"])
    with pytest.raises(RequestError, match="is being replayed by going, which has not come to its end"):
        named.add([letter(2)])


def test_that_there_is_none_is_said_with_what_became_of_them() -> None:
    with pytest.raises(RequestError, match=r"no dead letter to replay: none is like that"):
        chosen({"all": True}).checked()
    with pytest.raises(RequestError, match=r"none is like that\. Only 1,200 letters were looked at; there are more"):
        chosen({"all": True}).checked(1200)
    found = chosen({"all": True}, x0_1=Mark(None, "t", 5))
    found.add([letter(1), letter(2, attempts="9")])
    with pytest.raises(RequestError, match=r"1 sent to t, 1 that were replayed too often"):
        found.checked()


def test_of_several_letters_of_one_record_the_newest_goes_and_settles_the_others() -> None:
    found = chosen({"all": True}, x0_1=Mark("r", None, 5))
    found.add([letter(1, of=7), letter(2, of=7), letter(3, of=8), letter(4, of=7), letter(5, of=8, attempts="1")])
    assert (found.ids, found.told) == (["0-4", "0-5"], {"doubles": 2, "replayed": 1})
    assert (found.doubles("0-4"), found.doubles("0-5")) == (["0-2"], ["0-3"])
    assert set(found.owned) == {"0-2", "0-3", "0-4", "0-5"}
    assert found.ranges("dlq") == {TopicPartition("dlq", 0): Range(4, 6)}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_record_of_which_one_letter_was_named_and_replayed_goes_again_only_if_it_was_refused_again(
    order: tuple[int, ...],
) -> None:
    letters = [letter(each, of=7, time="40") for each in (1, 2, 3)]
    found = chosen({"all": True}, x0_2=Mark("r", None, 50))
    found.add([letters[each] for each in order])
    assert (found.ids, found.told) == ([], {"doubles": 2, "replayed": 1})
    with pytest.raises(RequestError, match="1 replayed by r, 2 of records that were replayed by another letter"):
        found.checked()
    for again in (letter(4, of=7, time="60"), letter(4, of=7, time="40", attempts="1"), letter(4, of=7)):
        found = chosen({"all": True}, x0_2=Mark("r", None, 50))
        found.add([again, *(letters[each] for each in order)])
        assert (found.ids, found.told["replayed"]) == (["0-4"], 1)
        assert found.told["doubles"] == 2


def test_of_letters_in_several_partitions_the_one_that_was_tried_more_often_is_the_newest() -> None:
    found = chosen({"all": True})
    found.add([letter(1, 0, of=7, attempts="1"), letter(9, 1, of=7)])
    assert (found.ids, found.doubles("0-1")) == (["0-1"], ["1-9"])


def test_the_time_that_a_broker_gave_them_tells_no_letters_apart_and_that_of_their_record_does() -> None:
    where = [(f"__connect.errors.{name}", value) for name, value in (("topic", b"t"), ("partition", b"1"))]
    headers: list[tuple[str, bytes | None]] = [*where, ("__connect.errors.offset", b"7")]
    stamped = [parsed(Coordinates("dlq", 0, at), at, None, b"v", headers, "LogAppendTime") for at in (1, 2)]
    timed = [("__ferryman.errors.timestamp", str(time).encode()) for time in (8, 9)]
    said = [
        parsed(Coordinates("dlq", 0, 3 + at), 5, None, b"v", [*headers, timed[at // 2]], "LogAppendTime")
        for at in range(4)
    ]
    found = chosen({"all": True})
    found.add([*stamped, *said])
    assert (found.ids, found.told) == (["0-2", "0-4", "0-6"], {"doubles": 3})


def test_letters_of_other_records_are_no_doubles() -> None:
    found = chosen({"all": True}, only_topic="t")
    of_others = parsed(Coordinates("dlq", 0, 5), 5, None, b"v", [("__connect.errors.connector.name", b"x")])
    found.add(
        [letter(1, of=7), letter(2, of=7, value=b"of a topic that was created anew"), bare(3), bare(4), of_others]
    )
    assert (len(found.ids), found.told) == (5, {})

"""What a replay takes of the letters that it reads."""

from dataclasses import replace

from ferryman.record import Coordinates, Original, Polled
from ferryman.task.sink.runs.replayed_records import ReplayedRecords


def header(name: str, text: str) -> tuple[str, bytes]:
    return f"__{name}", text.encode()


WHERE = [
    header("connect.errors.topic", "orders"),
    header("connect.errors.partition", "3"),
    header("connect.errors.offset", "70"),
    header("connect.errors.stage", "TASK_PUT"),
]
TRIED = [*WHERE, header("ferryman.errors.attempts", "2"), ("own", b"x")]


def polled(*headers: list[tuple[str, bytes]]) -> Polled:
    count = len(headers)
    return Polled("dlq", 1, range(10, 10 + count), [5] * count, [b"k"] * count, [b"v"] * count, headers)


def test_only_its_own_letters_are_taken_as_the_records_that_they_were() -> None:
    found = ReplayedRecords({"1-10", "1-12"}, "").records(polled(WHERE, WHERE, TRIED))
    assert found is not None
    assert (found.topic, found.partition, found.offsets) == ("dlq", 1, [10, 12])
    lay = Coordinates("orders", 3, 70)
    assert found.originals == [Original("orders", lay), Original("orders", lay, 2)]
    assert found.headers == [[], [("own", b"x")]]
    assert ReplayedRecords({"0-10"}, "").records(polled(WHERE)) is None


def test_a_record_has_its_own_time_where_the_broker_stamps_letters() -> None:
    timed = [*WHERE, header("ferryman.errors.timestamp", "3")]
    found = ReplayedRecords({"1-10", "1-11"}, "").records(replace(polled(timed, WHERE), timestamp_type="LogAppendTime"))
    assert found is not None
    assert found.originals is not None
    assert (found.timestamps, [each.is_timed for each in found.originals]) == ([3, 5], [True, False])


def test_a_letter_without_headers_is_of_the_only_topic_or_nobodys() -> None:
    found = ReplayedRecords({"1-10"}, "only").records(polled([]))
    assert found is not None
    assert (found.originals, found.headers) == ([Original("only", None)], None)
    assert ReplayedRecords({"1-10"}, "").records(polled([])) is None

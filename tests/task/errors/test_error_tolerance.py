"""What becomes of data errors: reported first, then skipped or the end of the task, as errors.tolerance says."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ferryman.chain.narrowing import Failure, Stage
from ferryman.connector import ConnectorConfig
from ferryman.errors import DataError, MissingValue, RetriableError, TaskError, ToleranceError
from ferryman.record import Coordinates, Original, Record, TopicPartition
from ferryman.task.errors.error_tolerance import Tolerance
from tests.chain.parts import polled

RAW = polled(b"a", b"b", topic="orders", partition=2, first=40)


class Queue:
    """In place of a dead letter queue: what it was given, and what it says to it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.got: list[Sequence[Failure]] = []
        self.error = error
        self.through: list[tuple[TopicPartition, int]] = []

    def delivered(self, source: TopicPartition, following: int) -> None:
        self.through.append((source, following))

    def send(self, failures: Sequence[Failure]) -> None:
        self.got.append(failures)
        if self.error is not None:
            raise self.error


def tolerance(queue: Queue | None = None, **config: str) -> Tolerance:
    """The tolerance of task 1 of the connector ``c``, from its config."""
    raw = {"name": "c", "connector.class": "x", **{key.replace("_", "."): value for key, value in config.items()}}
    given: Any = queue
    return Tolerance(ConnectorConfig.parse(raw), 1, given)


def failure(index: int = 0, error: Exception | None = None) -> Failure:
    return Failure(RAW, index, Stage.VALUE_CONVERTER, "io.Converter", error or DataError("no such field"))


def test_no_failures_are_no_failure() -> None:
    queue = Queue()
    judge = tolerance(queue, errors_log_enable="true")
    judge.judge([])
    assert judge.skipped == 0
    assert queue.got == []


def test_without_tolerance_the_first_failure_ends_the_task_and_says_which_record_it_was() -> None:
    error = MissingValue("nothing there")
    judge = tolerance()
    with pytest.raises(TaskError) as raised:
        judge.judge([failure(1, error), failure(0)])
    assert str(raised.value) == (
        "Tolerance exceeded in error handler: record orders-2@41 failed in stage VALUE_CONVERTER with class "
        "io.Converter: java.lang.NullPointerException: nothing there"
    )
    assert raised.value.__cause__ is error
    assert judge.skipped == 0


def test_a_sources_record_has_no_coordinates_to_be_named_by() -> None:
    with pytest.raises(TaskError, match=r"error handler: record failed in stage TRANSFORMATION with class T: "):
        tolerance().judge([Failure([Record(topic="t", value=1)], 0, Stage.TRANSFORMATION, "T", ValueError("no"))])


def test_with_tolerance_failures_are_skipped_and_counted() -> None:
    judge = tolerance(errors_tolerance="all")
    judge.judge([failure(), failure(1)])
    judge.judge([failure()])
    assert judge.skipped == 3


def test_failures_that_are_tolerated_are_dead_lettered_together() -> None:
    queue, failures = Queue(), [failure(), failure(1)]
    tolerance(queue, errors_tolerance="all").judge(failures)
    assert queue.got == [failures]


def test_of_failures_that_are_not_tolerated_the_first_is_dead_lettered_before_it_ends_the_task_and_no_other() -> None:
    queue, failures = Queue(), [failure(), failure(1)]
    judge = tolerance(queue)
    with pytest.raises(TaskError, match="Tolerance exceeded"):
        judge.judge(failures)
    assert queue.got == [failures[:1]]
    assert judge.errors.errors == 1


@pytest.mark.parametrize("error", [RetriableError("silent"), TaskError("refused")])
@pytest.mark.parametrize("tolerated", ["none", "all"])
def test_nothing_is_skipped_that_the_dead_letter_queue_did_not_take(error: Exception, tolerated: str) -> None:
    judge = tolerance(Queue(error), errors_tolerance=tolerated)
    with pytest.raises(type(error), match=str(error)):
        judge.judge([failure()])
    assert judge.skipped == 0


def logged(caplog: pytest.LogCaptureFixture, failures: Sequence[Failure], **config: str) -> list[str]:
    with caplog.at_level(logging.ERROR, "ferryman.task.errors"):
        tolerance(None, errors_tolerance="all", **config).judge(failures)
    return caplog.messages


def test_failures_are_logged_only_if_that_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    assert logged(caplog, [failure()], errors_log_include_messages="true") == []


def test_every_failure_is_logged_with_its_stage_and_error(caplog: pytest.LogCaptureFixture) -> None:
    first, second = DataError("first"), DataError("second")
    lines = logged(caplog, [failure(0, first), failure(1, second)], errors_log_enable="true")
    assert lines == ["Error encountered in task c-1. Executing stage 'VALUE_CONVERTER' with class 'io.Converter'."] * 2
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [first, second]


def test_a_line_tells_where_the_record_lies_or_lay_before_it_became_a_dead_letter(
    caplog: pytest.LogCaptureFixture,
) -> None:
    origin = replace(RAW, keys=[b"7", None], originals=[Original("first", Coordinates("first", 3, 9))] * 2)
    found = [failure(1), replace(failure(0), origin=origin)]
    logged(caplog, found, errors_log_enable="true")
    stage = {"stage": "VALUE_CONVERTER"}
    lay = {"topic": "first", "partition": 3, "offset": 9, "letter": "orders-2@40", "key": "7902699be42c8a8e"}
    told = [record.__dict__["place"] for record in caplog.records]
    assert told == [{"topic": "orders", "partition": 2, "offset": 41, **stage}, lay | stage]
    with pytest.raises(ToleranceError) as raised:
        tolerance().judge(found)
    assert raised.value.place == told[0]


def test_a_line_tells_where_a_record_comes_from_that_has_no_place_yet(caplog: pytest.LogCaptureFixture) -> None:
    record = Record(topic="t", value=1, key="7", source_partition={"file": "a"}, source_offset={"at": 3})
    logged(caplog, [Failure([record], 0, Stage.TRANSFORMATION, "x", DataError("no"))], errors_log_enable="true")
    assert caplog.records[0].__dict__["place"] == {
        "topic": "t",
        "key": "7902699be42c8a8e",
        "stage": "TRANSFORMATION",
        "source_partition": '{"file":"a"}',
        "source_offset": '{"at":3}',
    }


def test_a_consumed_record_is_described_by_where_it_was_and_not_by_what_it_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    (line,) = logged(caplog, [failure(1)], errors_log_enable="true", errors_log_include_messages="true")
    assert line.endswith(
        "with class 'io.Converter', where consumed record is {topic='orders', partition=2, offset=41, "
        "timestamp=1041, timestampType=CreateTime}."
    )


@pytest.mark.parametrize(("offset", "shown"), [({"line": 7}, "{'line': 7}"), (None, "{}")])
def test_a_sources_record_is_described_by_its_topic_and_source_offset(
    caplog: pytest.LogCaptureFixture, offset: dict[str, int] | None, shown: str
) -> None:
    records = [Record(topic="other", value=1), Record(topic="t", value=1, source_offset=offset)]
    given = [Failure(records, 1, Stage.TRANSFORMATION, "T", DataError("no"))]
    (line,) = logged(caplog, given, errors_log_enable="true", errors_log_include_messages="true")
    assert line.endswith(f"with class 'T', where source record is {{topic='t', sourceOffset={shown}}}.")


def test_a_failure_that_comes_again_because_its_dead_letter_is_not_through_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = Queue(RetriableError("silent"))
    judge = tolerance(queue, errors_tolerance="all", errors_log_enable="true")
    with pytest.raises(RetriableError):
        judge.judge([failure(0)])
    queue.error = None
    judge.judge([failure(0), failure(1)])
    assert len(caplog.messages) == 2
    judge.judge([failure(0)])
    assert len(caplog.messages) == 3, "that one is through, so this is another failure"


def test_the_dead_letter_queue_is_told_what_does_not_come_again() -> None:
    queue = Queue()
    tolerance(queue).delivered(TopicPartition("orders", 2), 42)
    assert queue.through == [(TopicPartition("orders", 2), 42)]
    tolerance().delivered(TopicPartition("orders", 2), 42)


def test_failures_are_logged_even_if_they_end_the_task(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(TaskError):
        tolerance(errors_log_enable="true").judge([failure()])
    assert len(caplog.messages) == 1


def test_a_line_about_a_bad_record_knows_where_it_lies(caplog: pytest.LogCaptureFixture) -> None:
    logged(caplog, [failure()], errors_log_enable="true")
    (record,) = caplog.records
    coordinates = failure().coordinates
    assert coordinates is not None
    assert record.place == {**coordinates._asdict(), "stage": str(failure().stage)}  # type: ignore[attr-defined]

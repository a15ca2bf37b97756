"""A session of a sink's task: who is started, joined, left and stopped in which order, whatever ends it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from ferryman.api import Assigned, Sink
from ferryman.connector import SinkConfig
from ferryman.errors import DataError, FencedError, Indeterminate, RetriableError, TaskError
from ferryman.leases.lease import Lease
from ferryman.record import Record, TopicPartition
from tests.task.whole_task import WholeTask

A = TopicPartition("t", 0)
Story = Iterator[None]


class Diary(Sink[SinkConfig]):
    """A sink that notes every call, and raises in the one that ``errors`` names."""

    log: ClassVar[list[str]] = []
    errors: ClassVar[dict[str, Exception]] = {}

    def _note(self, call: str) -> None:
        self.log.append(call)
        if call in self.errors:
            raise self.errors.pop(call)

    def start(self) -> None:
        self._note("start")

    def open(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        self._note("open")
        return {}

    def put(self, records: Sequence[Record]) -> None:
        self._note("put")

    def flush(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._note("flush")

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        self._note("close")

    def stop(self) -> None:
        self._note("stop")


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> WholeTask:
    """One with a record to take."""
    monkeypatch.setattr(Diary, "log", [])
    monkeypatch.setattr(Diary, "errors", {})
    monkeypatch.setattr("ferryman.retry.backoff.delay", lambda attempt, longest: 0.0)
    made = WholeTask(monkeypatch, Diary)
    made.config["topics"] = "t"
    made.cluster.create("t")
    made.cluster.append(A, b"1")
    made.joins = [A]
    return made


def run(task: WholeTask, until: str = "put", **config: Any) -> None:
    """Until the sink has been called that, and a little longer."""

    def story() -> Story:
        while until not in Diary.log:
            yield

    task.run(story, **config)


def left(task: WholeTask, number: int = 0) -> bool:
    """Whether the member of that session has left its group, instead of merely being gone."""
    return task.consumers[number].subscribed is None


def test_a_stop_gives_the_partitions_up_commits_and_leaves(task: WholeTask) -> None:
    run(task)
    assert Diary.log == ["start", "open", "put", "flush", "close", "stop"]
    assert task.cluster.committed == {A: (1, "")}
    assert left(task)
    assert task.consumers[0].closed
    assert task.worker.states == ["running"]


def test_after_an_outage_the_place_in_the_group_is_kept_for_the_next_session(task: WholeTask) -> None:
    Diary.errors["put"] = Indeterminate("who knows")

    def story() -> Story:
        while Diary.log.count("put") < 2:
            yield

    task.run(story)
    assert Diary.log == ["start", "open", "put", "stop", "start", "open", "put", "flush", "close", "stop"]
    assert (left(task, 0), left(task, 1)) == (False, True)
    assert [consumer.closed for consumer in task.consumers] == [True, True]
    assert task.cluster.committed == {A: (1, "")}


def test_the_plan_is_logged_once_however_often_another_system_is_tried(
    task: WholeTask, caplog: pytest.LogCaptureFixture
) -> None:
    class Away(dict[str, Exception]):
        """No start goes well before the fifth."""

        def __contains__(self, call: object) -> bool:
            return call == "start" and Diary.log.count("start") < 5

        def pop(self, call: str, *_default: object) -> Exception:
            return RetriableError("away")

    Diary.errors = Away()
    with caplog.at_level("INFO", "ferryman.task.sink.sessions"):
        run(task)
    plan = [record.getMessage() for record in caplog.records if record.getMessage().startswith("plan: ")]
    assert plan
    assert sorted(plan) == sorted(set(plan))
    assert Diary.log.count("start") == 5


def test_a_member_that_was_fenced_does_not_leave_in_the_name_of_who_fenced_it(
    task: WholeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ferryman.kafka.fenced_member.is_taken", lambda *_asked: True)
    Diary.errors["put"] = FencedError("taken over")
    with pytest.raises(FencedError):
        run(task, "nothing")
    assert not left(task)
    assert task.consumers[0].closed
    assert Diary.log[-1] == "stop"


def test_a_member_that_was_fenced_by_nobody_who_is_there_comes_back(
    task: WholeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ferryman.kafka.fenced_member.is_taken", lambda *_asked: False)
    Diary.errors["put"] = FencedError("taken over")

    def story() -> Story:
        while Diary.log.count("put") < 2:
            yield

    task.run(story)
    assert (left(task, 0), left(task, 1)) == (False, True)
    assert task.cluster.committed == {A: (1, "")}


class Ended(BaseException):
    """The process has."""


def test_a_task_whose_lease_is_over_leaves_its_group_and_its_process_ends_without_another_call_of_the_sink(
    task: WholeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []

    def end() -> None:
        called.extend(Diary.log)
        raise Ended

    def story() -> Story:
        while "put" not in Diary.log:
            yield
        task.worker.renew(Lease(ends=0.0, over=0.0))
        yield from [None] * 5

    monkeypatch.setattr("ferryman.task.setup.overrun.end", end)
    with pytest.raises(Ended):
        task.run(story)
    assert called == ["start", "open", "put"]
    assert left(task)
    assert task.consumers[0].closed
    assert task.cluster.committed == {}


@pytest.mark.parametrize("error", [TaskError("no way"), ValueError("oops"), DataError("not narrowed down")])
def test_a_task_that_fails_leaves_its_group_so_that_others_take_over(task: WholeTask, error: Exception) -> None:
    Diary.errors["put"] = error
    with pytest.raises(type(error), match=str(error)):
        run(task, "nothing")
    assert left(task)
    assert task.consumers[0].closed
    assert Diary.log == ["start", "open", "put", "flush", "close", "stop"]
    assert task.cluster.committed == {A: (0, "")}


def test_what_goes_wrong_on_leaving_does_not_hide_why(task: WholeTask) -> None:
    Diary.errors |= {"put": TaskError("no way"), "close": TaskError("cannot close either")}
    with pytest.raises(TaskError, match="no way"):
        run(task, "nothing")
    assert task.consumers[0].closed


def test_a_sink_that_cannot_start_is_stopped_and_joins_no_group(task: WholeTask) -> None:
    Diary.errors["start"] = TaskError("no way")
    with pytest.raises(TaskError):
        run(task, "nothing")
    assert Diary.log == ["start", "stop"]
    assert task.consumers == []


def test_a_missing_dead_letter_topic_is_created_as_configured(task: WholeTask) -> None:
    config = {"errors.deadletterqueue.topic.name": "dead", "errors.deadletterqueue.topic.replication.factor": "1"}
    run(task, **config)
    assert [(topic.topic, topic.num_partitions, topic.replication_factor) for topic in task.admin.created] == [
        ("dead", 1, 1)
    ]
    assert len(task.producers) == 1


def test_without_a_dead_letter_topic_there_is_no_producer(task: WholeTask) -> None:
    run(task)
    assert task.producers == []

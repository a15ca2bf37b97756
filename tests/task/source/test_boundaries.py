"""A source that ends transactions itself: where they end, what is in them, and what becomes of what it takes back."""

from collections.abc import Iterator, Sequence

import pytest

from ferryman.errors import TaskError
from ferryman.record import Record
from ferryman.task.source.boundaries import Boundaries
from tests.task.source.test_loop import FILE, Task

Story = Iterator[None]


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Task:
    return Task(monkeypatch)


@pytest.fixture
def boundaries(task: Task) -> Boundaries:
    return task.ends_transactions()


def polled(task: Task, *values: str) -> Sequence[Record]:
    """One poll of records, each with an offset of its own."""
    first = sum(len(each) for each in task.feed.polls if not isinstance(each, Exception))
    records = [
        Record(topic="t", value=value, source_partition=FILE, source_offset={"at": first + at})
        for at, value in enumerate(values, 1)
    ]
    task.feed.polls.append(records)
    return records


def ends(task: Task) -> list[str]:
    return [call for call in task.producer.calls if "batch" not in call]


def test_nothing_is_committed_until_the_source_says_so(task: Task, boundaries: Boundaries) -> None:
    polled(task, "1")
    polled(task, "2")

    def story() -> Story:
        yield
        yield
        assert ends(task) == ["begin"]
        boundaries.commit()
        yield
        assert task.values("t") == [b"1", b"2"]
        assert task.values("offsets") == [b'{"at":2}']
        assert task.feed.commits == 1

    task.run(story)


def test_a_transaction_ends_behind_the_record_that_it_was_asked_for(task: Task, boundaries: Boundaries) -> None:
    records = polled(task, "1", "2", "3")
    boundaries.commit_after(records[0])
    boundaries.commit_after(records[1])
    task.rounds(1)
    assert ends(task) == ["begin", "commit", "begin", "commit", "begin"]
    assert [(each.topic, each.value) for each in task.producer.sent] == [
        ("t", b"1"),
        ("offsets", b'{"at":1}'),
        ("t", b"2"),
        ("offsets", b'{"at":2}'),
    ]
    task.session.delivery.abandon()
    assert task.offsets.get(FILE) == {"at": 2}


def test_a_request_waits_for_its_record_and_holds_though_a_transform_drops_it(
    task: Task, boundaries: Boundaries
) -> None:
    boundaries.commit_after(Record(topic="t", value="drop", source_partition=FILE, source_offset={"at": 3}))
    polled(task, "1", "2")
    polled(task, "drop", "4")
    task.feed.polls[1] = [
        Record(topic="t", value=value, source_partition=FILE, source_offset={"at": at})
        for at, value in ((3, "drop"), (4, "4"))
    ]

    def story() -> Story:
        yield
        assert task.producer.sent == []
        yield
        assert task.values("t") == [b"1", b"2"]
        assert task.offsets.get(FILE) == {"at": 3}

    task.run(story)


def test_what_is_taken_back_is_not_written_but_passed(task: Task, boundaries: Boundaries) -> None:
    records = polled(task, "1", "2", "3")
    boundaries.abort_after(records[1])

    def story() -> Story:
        yield
        assert ends(task) == ["begin", "abort", "begin", "commit", "begin"]
        assert task.values("t") == []
        assert task.offsets.get(FILE) == {"at": 2}
        boundaries.abort()
        yield
        assert task.values("t") == []
        assert task.offsets.get(FILE) == {"at": 3}
        assert task.feed.commits == 2

    task.run(story)


def test_both_at_once_fail_the_task(task: Task, boundaries: Boundaries) -> None:
    records = polled(task, "1")
    boundaries.commit_after(records[0])
    boundaries.abort_after(records[0])
    with pytest.raises(TaskError, match="both commit and abort of same record against topic/partition t/null"):
        task.rounds(1)
    assert task.producer.calls == []


def test_both_at_the_end_of_a_poll_fail_it_too(task: Task, boundaries: Boundaries) -> None:
    polled(task, "1")
    boundaries.commit()
    boundaries.abort()
    with pytest.raises(TaskError, match="Connector requested both commit and abort of same transaction"):
        task.rounds(1)


def test_to_take_back_nothing_is_no_error(task: Task, boundaries: Boundaries) -> None:
    boundaries.abort()
    task.rounds(1)
    assert task.producer.calls == []


@pytest.mark.parametrize("asked", [True, False])
def test_a_stop_commits_what_is_open_only_if_that_was_asked_for(
    task: Task, boundaries: Boundaries, asked: bool
) -> None:
    polled(task, "1")

    def story() -> Story:
        yield
        if asked:
            boundaries.commit()

    task.run(story)
    task.session.delivery.abandon()
    assert ends(task) == ["begin", "commit" if asked else "abort"]

"""What tests of the loop tell: each ``yield`` is one round; when the story is over, the task is to stop."""

from collections.abc import Callable, Iterator
from typing import Any

from ferryman.record import TopicPartition
from tests.task.sink.hand_driven import HandDriven

Story = Iterator[None]


def called(task: HandDriven, name: str) -> list[Any]:
    return [facts for each, facts in task.sink.calls if each == name]


def until(condition: Callable[[], object], rounds: int = 1000) -> Story:
    """Rounds until a condition holds."""
    for _ in range(rounds):
        if condition():
            return
        yield
    raise AssertionError("not within so many rounds")


def taken(task: HandDriven, count: int) -> Story:
    return until(lambda: len(task.sink.taken) >= count)


def a_put_begins(task: HandDriven, *sources: TopicPartition, records: int = 1) -> Story:
    """A put of so many records from these partitions; it goes on until the thread is held no longer."""
    task.consumer.give(*sources)
    yield from until(lambda: task.session.ledger.lag() == records)
    task.thread.held = True
    yield


def one_record_a_slice(task: HandDriven) -> None:
    task.backlog.slices._size = 1
    task.backlog.slices.learn = lambda records, seconds: None  # type: ignore[method-assign]

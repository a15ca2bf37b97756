"""A sink that keeps no positions of its own, after its process has died."""

import pytest

from tests.kafka.cluster_in_memory import Cluster
from tests.task.sink.hand_driven import A, HandDriven


def test_what_was_put_after_the_last_commit_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()
    cluster.create("t", 2)
    task = begun(monkeypatch, cluster)
    task.fill(A, b"1", b"2")
    rounds(task, 2)
    task.clock.pass_(11.0)
    rounds(task, 2)
    assert task.group_offset(A) == 2
    task.fill(A, b"3", b"4")
    rounds(task, 2)
    assert task.sink.values() == ["1", "2", "3", "4"]
    assert task.group_offset(A) == 2
    task.consumer.close()
    cluster.generation += 1
    successor = begun(monkeypatch, cluster)
    rounds(successor, 2)
    assert successor.sink.values() == ["3", "4"]


def rounds(task: HandDriven, count: int) -> None:
    for _ in range(count):
        task.session.turn()


def begun(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> HandDriven:
    """A session of a new process, which has the partition."""
    task = HandDriven(monkeypatch, cluster=cluster)
    task.session.group.subscribe(["t"])
    task.consumer.give(A)
    return task

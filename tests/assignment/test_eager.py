"""The eager assignor deals everything out by turns."""

from ferryman.assignment.eager import assign
from ferryman.assignment.protocol import Work


def test_connectors_come_first_then_tasks_and_members_take_turns() -> None:
    configured = Work(("b", "a"), (("b", 0), ("a", 1), ("a", 0), ("a", 10), ("a", 2)))
    assert assign(configured, ["m2", "m1"]) == {
        "m1": Work(("a",), (("a", 0), ("a", 2), ("b", 0))),
        "m2": Work(("b",), (("a", 1), ("a", 10))),
    }


def test_a_member_without_work_is_told_so() -> None:
    assert assign(Work(("a",)), ["m1", "m2"]) == {"m1": Work(("a",)), "m2": Work()}

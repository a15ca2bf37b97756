"""What a member knows of its group: a leader everything, the others what they run themselves."""

import pytest

from ferryman.assignment.protocol import Work
from ferryman.membership.group_view import GroupView

HELD = Work(("a",), (("a", 0),))
LEADER = GroupView(
    "m1", 7, "m1", "http://m1/", 2, HELD, 9, 0, {"a": "http://m1/", "b": "http://m2/"}, {("b", 0): "http://m2/"}
)


def test_only_the_leader_leads_and_nobody_does_outside_of_a_group() -> None:
    assert LEADER.leads
    assert not GroupView("m2", 7, "m1").leads
    assert not GroupView().leads


@pytest.mark.parametrize(
    ("connector", "task", "owner"),
    [
        ("a", None, "own"),
        ("a", 0, "own"),
        ("b", None, "http://m2/"),
        ("b", 0, "http://m2/"),
        ("b", 1, None),
        ("c", None, None),
    ],
)
def test_a_leader_knows_who_runs_what(connector: str, task: int | None, owner: str | None) -> None:
    assert LEADER.owner(connector, task, "own") == owner


def test_a_follower_knows_of_its_own_work() -> None:
    follower = GroupView("m2", 7, "m1", "http://m1/", 2, HELD)
    assert follower.owner("a", 0, "own") == "own"
    assert follower.owner("b", None, "own") is None

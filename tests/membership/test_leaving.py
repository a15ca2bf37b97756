"""How a member leaves."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ferryman.assignment.protocol import Work
from ferryman.membership.group_settings import GroupSettings
from ferryman.membership.group_view import GroupView
from ferryman.membership.member import Member
from tests.membership.workers import Configs, Worker

SETTINGS = GroupSettings("g", "http://me/", "sessioned", 6000, 200, 60_000, 1000, 3000, 500, {})
WORK = Work((), (("a", 0),))


def test_a_member_that_ends_does_not_wait_for_ever_for_work_that_does_not() -> None:
    worker = Worker(Configs({"a": 1}))
    worker.ending.clear()
    member = Member(SETTINGS, worker)
    member._participant.stands(GroupView(member_id="me", generation=1, leader="me", held=WORK))
    member._closing = True
    member.start()
    member.close(within=0.1)
    assert worker.times("revoked") == 0  # its work is still being ended
    worker.ending.set()
    member.close()
    assert worker.times("revoked") == 1


@dataclass
class Leaving:
    """A connection over which a member leaves."""

    leads: Callable[[], bool]
    led: list[bool] = field(default_factory=list)
    """Whether the member led when it said that it leaves."""

    def close(self, reason: str) -> None:
        self.led.append(self.leads())


def test_a_leader_leads_no_more_before_the_others_hear_that_it_leaves() -> None:
    member = Member(SETTINGS, Worker(Configs({})))
    member._participant.stands(GroupView(member_id="me", generation=1, leader="me"))
    member._connection = leaving = Leaving(lambda: member.leads)  # type: ignore[assignment]
    assert member.leads
    member._closing = True
    member.start()
    member.close()
    assert leaving.led == [False]

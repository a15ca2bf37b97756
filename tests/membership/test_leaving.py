"""How a member leaves whose work does not end."""

from ferryman.assignment.protocol import Work
from ferryman.membership.group_settings import GroupSettings
from ferryman.membership.member import Member
from ferryman.membership.standing import Standing
from tests.membership.workers import Configs, Worker

SETTINGS = GroupSettings("g", "http://me/", "sessioned", 6000, 200, 60_000, 1000, 3000, 500, {})
WORK = Work((), (("a", 0),))


def test_a_member_that_ends_does_not_wait_for_ever_for_work_that_does_not() -> None:
    worker = Worker(Configs({"a": 1}))
    worker.ending.clear()
    member = Member(SETTINGS, worker)
    member._participant.stands(Standing(member_id="me", generation=1, leader="me", held=WORK))
    member._closing = True
    member.start()
    member.close(within=0.1)
    assert worker.times("revoked") == 0  # its work is still being ended
    worker.ending.set()
    member.close()
    assert worker.times("revoked") == 1

"""What a worker's place in its group lets it do: write as the leader only while it surely leads."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ferryman.membership.group_settings import GroupSettings
from ferryman.membership.standing import Standing
from ferryman.task.setup import lease
from ferryman.task.setup.lease import Lease
from ferryman.worker.distributed.group import Group
from ferryman.worker.distributed.share import ShareOfWork

SETTINGS = GroupSettings("g", "http://me/", "sessioned", 6000, 200, 60_000, 1000, 3000, 500, {})
LEADS = Standing(member_id="me", generation=1, leader="me", leader_url="http://me/")
FOLLOWS = replace(LEADS, leader="other", leader_url="http://other/")


@pytest.mark.parametrize(
    ("standing", "holds", "may_write"),
    [(LEADS, True, True), (LEADS, False, False), (FOLLOWS, True, False), (Standing(), True, False)],
    ids=["who leads", "who led and slept", "who led once and is back", "who is in no group"],
)
def test_only_who_surely_leads_writes_what_the_leader_writes(standing: Standing, holds: bool, may_write: bool) -> None:
    async def told() -> bool:
        journal: Any = SimpleNamespace()
        nothing: Any = None
        group = Group(nothing, SETTINGS, journal, nothing, ShareOfWork())
        group.member._participant.stands(standing)
        group.lease = Lease(lease.now() + (1000 if holds else -1), lease.now() + 1001)
        return bool(journal.leads())

    assert asyncio.run(told()) is may_write

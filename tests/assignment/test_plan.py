"""What a leader tells a group: from which configs, with which protocol, and what strangers get."""

from dataclasses import replace

import pytest

from ferryman.assignment.incremental import Memory
from ferryman.assignment.plan import Configs, Group, Plan, plan
from ferryman.assignment.protocol import CONFIG_MISMATCH, NO_ERROR, Assignment, Metadata, Work

CONFIGS = Configs(9, {"a": 1, "b": 1})
MEMBERS = {"m0": Metadata("http://m0/", 9), "m1": Metadata("http://m1/", 8)}
GROUP = Group("sessioned", "m0", MEMBERS, frozenset(), -1, 1)


def planned(group: Group = GROUP, configs: Configs = CONFIGS) -> Plan:
    return plan(group, configs, Memory(), 1000, 300_000)


@pytest.mark.parametrize("protocol", ["default", "compatible", "sessioned"])
def test_everything_is_given_out_and_the_leader_knows_to_whom(protocol: str) -> None:
    found = planned(replace(GROUP, protocol=protocol))
    assert found.assignments["m0"] == Assignment(NO_ERROR, "m0", "http://m0/", 9, Work(("a",), (("a", 0),)))
    assert found.assignments["m1"].assigned == Work(("b",), (("b", 0),))
    assert found.connectors == {"a": "http://m0/", "b": "http://m1/"}
    assert found.tasks == {("a", 0): "http://m0/", ("b", 0): "http://m1/"}


def test_a_leader_that_knows_less_than_a_member_gives_nothing_out() -> None:
    found = planned(configs=Configs(8, {"a": 1}))
    assert set(found.assignments.values()) == {Assignment(CONFIG_MISMATCH, "m0", "http://m0/", 9)}
    assert not found.connectors
    assert found.memory == Memory()


def test_a_leader_that_knows_more_decides_by_it_and_says_how_much() -> None:
    assert planned(configs=Configs(11, {})).assignments["m1"].config_offset == 11


@pytest.mark.parametrize("protocol", ["default", "sessioned"])
def test_a_stranger_gets_nothing_and_the_others_everything(protocol: str) -> None:
    found = planned(replace(GROUP, protocol=protocol, strangers=frozenset({"m1"})))
    assert not found.assignments["m1"].assigned
    assert set(found.connectors.values()) == {"http://m0/"}


def test_all_members_are_told_how_long_lost_work_is_held() -> None:
    first = planned()
    held = {
        member: replace(each, assignment=first.assignments[member])
        for member, each in MEMBERS.items()
        if member == "m0"
    }
    second = plan(replace(GROUP, members=held, completed=1, generation=2), CONFIGS, first.memory, 2000, 300_000)
    assert second.assignments["m0"].delay_ms == 300_000
    assert not second.assignments["m0"].assigned


def test_a_group_that_falls_back_to_eager_ends_its_work_before_it_is_dealt_out_anew() -> None:
    running = {
        member: replace(each, assignment=Assignment(0, "m0", "", 9, Work(("a",)))) for member, each in MEMBERS.items()
    }
    found = planned(replace(GROUP, protocol="default", members=running))
    assert found.again
    assert not any(told.assigned for told in found.assignments.values())

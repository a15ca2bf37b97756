"""What a member says and learns in a rebalance, without a broker: requests in any order lose nothing."""

import pytest

from ferryman.assignment.protocol import Assignment, Metadata, Work, decode_metadata, encode_assignment, encode_metadata
from ferryman.assignment.tag import tagged_assignment
from ferryman.membership.group_settings import GroupSettings
from ferryman.membership.participant import Participant
from ferryman.membership.refusal import Refusal
from tests.membership.workers import Configs, Worker

SETTINGS = GroupSettings("g", "http://me/", "sessioned", 6000, 200, 60_000, 1000, 3000, 500, {})
TOLD = Assignment(0, "m2", "http://m2/", 1, Work(("a",), (("a", 0),)))


def participant() -> Participant:
    return Participant(SETTINGS, Worker(Configs({"a": 1})), lambda: None)


def joined(one: Participant, generation: int = 1) -> None:
    """One rebalance, and what the member's thread does about it."""
    one.declare()
    one.joined("sessioned", generation, "m1", tagged_assignment(TOLD, 2))
    taken = one.take()
    assert taken is not None
    one.stands(taken.view)
    one.holds(TOLD.assigned)


def test_a_member_declares_what_it_runs_in_each_protocol_and_nothing_before_its_first_assignment() -> None:
    one = participant()
    offered = dict(one.declare())
    assert list(offered) == ["sessioned", "compatible", "default"]
    assert {decode_metadata(payload) for payload in offered.values()} == {Metadata("http://me/", 1)}
    joined(one)
    for payload in dict(one.declare()).values():
        held = decode_metadata(payload).assignment
        assert held is not None
        assert held.assigned == TOLD.assigned


def test_a_rebalance_that_is_asked_for_during_another_comes_after_it() -> None:
    one = participant()
    one.declare()
    one.rejoin("a test")
    one.joined("sessioned", 1, "m1", tagged_assignment(TOLD, 2))
    assert not one.wants(rejoin=True)  # the one before has to be acted on first
    one.take()
    assert one.wants(rejoin=False)


def test_a_join_that_failed_is_tried_again() -> None:
    one = participant()
    one.declare()
    assert one.wants(rejoin=False)


def test_a_member_at_rest_wants_nothing() -> None:
    one = participant()
    joined(one)
    assert not one.wants(rejoin=False)
    assert one.wants(rejoin=True)


def test_who_has_fallen_out_does_not_join_before_the_worker_knows() -> None:
    one = participant()
    joined(one)
    one.fell_out("a test")
    assert not one.wants(rejoin=True)
    assert one.leaves() == TOLD.assigned
    assert one.wants(rejoin=True)
    assert decode_metadata(dict(one.declare())["sessioned"]).assignment is None


def test_heartbeats_reach_the_worker_only_while_it_is_in_a_group() -> None:
    one = participant()
    one.answered(1.0, False)
    assert isinstance(one.listener, Worker)
    assert one.listener.beats == []
    joined(one)
    one.answered(2.0, False)
    assert one.listener.beats == [2.0]
    one.leaves()
    one.answered(3.0, False)
    assert one.listener.beats == [2.0]


def test_an_assignment_by_a_leader_of_another_kind_is_refused() -> None:
    one = participant()
    one.declare()
    with pytest.raises(Refusal, match=r"m2 at http://m2/ is a Kafka Connect worker.*It leads the group\."):
        one.joined("sessioned", 1, "m1", encode_assignment(TOLD, 2))


def test_what_is_no_assignment_is_refused() -> None:
    with pytest.raises(Refusal, match="the leader of group g sends no assignment"):
        participant().joined("sessioned", 1, "m1", b"\0")


def test_a_leader_names_the_stranger_and_gives_it_nothing(caplog: pytest.LogCaptureFixture) -> None:
    one = participant()
    members = {"m1": dict(one.declare())["sessioned"], "jvm": encode_metadata(Metadata("http://jvm/", 1), 2)}
    told = one.lead("sessioned", 1, "m1", members)
    assert told.keys() == members.keys()
    assert "jvm at http://jvm/ is a Kafka Connect worker, not a Ferryman one" in caplog.text

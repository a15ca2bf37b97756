"""Who may be in a group with us, by the bytes that each member sends."""

import pytest

from ferryman.assignment.protocol import Assignment, Metadata, Version, Work, encode_metadata
from ferryman.assignment.tag import tagged_metadata
from ferryman.membership import refusal
from ferryman.membership.refusal import Refusal

RUNS = Metadata("http://jvm:8083/", 3, Assignment(0, "m", "", 3, Work(("a",))))
IDLE = Metadata("http://jvm:8083/", 3)
OURS = tagged_metadata(RUNS, 2)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_one_of_the_jvms_that_runs_nothing_is_a_stranger(version: Version) -> None:
    payloads = {"ours": OURS, "jvm": encode_metadata(IDLE, version)}
    found = refusal.members("g", payloads)
    assert refusal.strangers("g", payloads, found) == {"jvm"}


def test_a_group_in_which_one_of_the_jvms_runs_something_is_left_to_it() -> None:
    payloads = {"ours": OURS, "jvm-1": encode_metadata(RUNS, 2)}
    with pytest.raises(
        Refusal, match=r"jvm-1 at http://jvm:8083/ is a Kafka Connect worker, not a Ferryman one;.* group g"
    ):
        refusal.strangers("g", payloads, refusal.members("g", payloads))


def test_a_member_that_sends_something_else_is_named() -> None:
    with pytest.raises(Refusal, match="member m1 of group g sends no metadata of Kafka Connect"):
        refusal.members("g", {"m1": b"\x00"})


@pytest.mark.parametrize("metadata", [IDLE, RUNS])
def test_before_joining_any_of_the_jvms_is_reason_enough_to_stay_out(metadata: Metadata) -> None:
    with pytest.raises(Refusal, match=r"Stop it, or give these workers another group\.id"):
        refusal.found_before("g", {"ours": OURS, "jvm": encode_metadata(metadata, 1)})


def test_members_that_are_just_joining_have_shown_nothing_yet() -> None:
    refusal.found_before("g", {"ours": OURS, "new": b""})

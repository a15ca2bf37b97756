"""Who gets what, and in which bytes it is said, beside Kafka Connect's own assignors and protocol classes."""

from collections.abc import Mapping
from contextlib import suppress
from random import Random
from typing import Any

import jpype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.assignment.incremental import Round, Share
from ferryman.assignment.protocol import (
    NO_WORK,
    Assignment,
    Metadata,
    ProtocolError,
    Version,
    Work,
    decode_assignment,
    decode_metadata,
    encode_assignment,
    encode_metadata,
)
from ferryman.assignment.tag import tagged_assignment, tagged_metadata
from tests.assignment.rounds import Group, Ours
from tests.differential.assignors import Theirs, listed, names, plain, task_id, tasks
from tests.differential.jvm import connect, java
from tests.differential.search import count, search

NAMES = st.text(st.characters(codec="utf-8"), max_size=6)
OFFSETS = st.integers(-(2**63), 2**63 - 1)
TASKS = st.tuples(NAMES, st.integers(0, 2**31 - 1))
WORK = st.builds(Work, st.lists(NAMES, max_size=1).map(tuple), st.lists(TASKS, max_size=5, unique=True).map(tuple))
COOPERATIVE = st.builds(
    Assignment, st.integers(0, 1), NAMES, NAMES, OFFSETS, WORK, WORK, st.integers(-(2**31), 2**31 - 1)
)
EAGER = st.builds(Assignment, st.integers(0, 1), NAMES, NAMES, OFFSETS, WORK)
VERSIONS = st.sampled_from([1, 2])
COOPERATIVE_PROTOCOL = "runtime.distributed.IncrementalCooperativeConnectProtocol"
EAGER_PROTOCOL = "runtime.distributed.ConnectProtocol"


def grouped(work: Work) -> Work:
    """In the order in which bytes have it: by connector."""
    order = list(dict.fromkeys([*work.connectors, *(name for name, _ in work.tasks)]))
    return Work(work.connectors, tuple(sorted(work.tasks, key=lambda task: order.index(task[0]))))


def settled(assignment: Assignment) -> Assignment:
    told = (assignment.error, assignment.leader, assignment.leader_url, assignment.config_offset)
    return Assignment(*told, grouped(assignment.assigned), grouped(assignment.revoked), assignment.delay_ms)


def java_work(work: Work) -> tuple[Any, Any]:
    return listed(work.connectors), listed(map(task_id, work.tasks))


def to_java(assignment: Assignment, version: Version) -> Any:
    short = jpype.JShort
    told = (assignment.leader, assignment.leader_url, assignment.config_offset)
    if version == 0:
        given_ = java_work(assignment.assigned)
        return connect("runtime.distributed.ConnectProtocol$Assignment")(short(assignment.error), *told, *given_)
    parts = (*java_work(assignment.assigned), *java_work(assignment.revoked))
    return connect("runtime.distributed.ExtendedAssignment")(
        short(version), short(assignment.error), *told, *parts, assignment.delay_ms
    )


def from_java(found: Any, extended: bool = True) -> Assignment:
    told = (int(found.error()), str(found.leader()), str(found.leaderUrl()), int(found.offset()))
    assigned = Work(names(found.connectors()), tasks(found.tasks()))
    if not extended:
        return Assignment(*told, assigned)
    return Assignment(
        *told, assigned, Work(names(found.revokedConnectors()), tasks(found.revokedTasks())), int(found.delay())
    )


def written(buffer: Any) -> bytes:
    return bytes(buffer.array())[: int(buffer.limit())]


def wrapped(payload: bytes) -> Any:
    return java("java.nio.ByteBuffer").wrap(jpype.JArray(jpype.JByte)(payload))


@pytest.fixture(scope="module", autouse=True)
def _a_jvm() -> None:
    java("java.lang.Object")


@search(200, False)
@given(COOPERATIVE, VERSIONS)
def test_cooperative_assignments_have_the_same_bytes(assignment: Assignment, version: Version) -> None:
    theirs = written(connect(COOPERATIVE_PROTOCOL).serializeAssignment(to_java(assignment, version), version == 2))
    assert encode_assignment(assignment, version) == theirs
    assert decode_assignment(theirs) == settled(assignment)
    read = connect(COOPERATIVE_PROTOCOL).deserializeAssignment(wrapped(tagged_assignment(assignment, version)))
    assert from_java(read) == settled(assignment)
    count("assignments", 1)


@search(200, False)
@given(EAGER)
def test_eager_assignments_have_the_same_bytes(assignment: Assignment) -> None:
    theirs = written(connect(EAGER_PROTOCOL).serializeAssignment(to_java(assignment, 0)))
    assert encode_assignment(assignment, 0) == theirs
    assert decode_assignment(theirs) == settled(assignment)
    ours = tagged_assignment(assignment, 0)
    assert from_java(connect(EAGER_PROTOCOL).deserializeAssignment(wrapped(ours)), False) == settled(assignment)
    assert from_java(connect(COOPERATIVE_PROTOCOL).deserializeAssignment(wrapped(ours))) == settled(assignment)
    count("assignments", 1)


@search(200, False)
@given(NAMES, OFFSETS, st.none() | COOPERATIVE, VERSIONS)
def test_metadata_has_the_same_bytes(url: str, offset: int, held: Assignment | None, version: Version) -> None:
    metadata = Metadata(url, offset, held)
    state = connect("runtime.distributed.ExtendedWorkerState")(
        url, offset, None if held is None else to_java(held, version)
    )
    theirs = written(connect(COOPERATIVE_PROTOCOL).serializeMetadata(state, version == 2))
    assert encode_metadata(metadata, version) == theirs
    assert decode_metadata(theirs) == Metadata(url, offset, None if held is None else settled(held))
    eager = written(connect(EAGER_PROTOCOL).serializeMetadata(state))
    assert encode_metadata(metadata, 0) == eager
    assert decode_metadata(eager) == Metadata(url, offset)
    for each in (version, 0):
        read = connect(COOPERATIVE_PROTOCOL).deserializeMetadata(wrapped(tagged_metadata(metadata, each)))
        assert (str(read.url()), int(read.offset())) == (url, offset)
        assert held is None or from_java(read.assignment()) == settled(held)
    plain_ = connect(EAGER_PROTOCOL).deserializeMetadata(wrapped(tagged_metadata(metadata, 0)))
    assert (str(plain_.url()), int(plain_.offset())) == (url, offset)
    count("metadata", 1)


@search(300, False)
@given(st.binary(max_size=60))
def test_bytes_that_are_no_assignment_to_the_jvm_are_none_to_us(payload: bytes) -> None:
    try:
        read = from_java(connect(COOPERATIVE_PROTOCOL).deserializeAssignment(wrapped(payload)))
    except jpype.JException:
        return
    assert ours(payload) in (read, None)


def ours(payload: bytes) -> Assignment | None:
    """What we read; None for a text that is not UTF-8, where the JVM puts U+FFFD."""
    try:
        return decode_assignment(payload)
    except ProtocolError as error:
        if "UTF-8" not in str(error):
            raise
        return None


class Departed(Exception):
    """Somebody runs what neither is configured nor was assigned by this leader: see the last test."""


class Beside:
    """Both assignors, asked the same; says what they both say."""

    def __init__(self, max_delay: int) -> None:
        self.ours, self.theirs = Ours(max_delay), Theirs(max_delay)

    def decide(self, round_: Round) -> tuple[Mapping[str, Share], int]:
        if NO_WORK.plus(*round_.members.values()).minus(round_.configured, self.ours.memory.previous):
            raise Departed
        ours, delay = self.ours.decide(round_)
        theirs, their_delay = self.theirs.decide(round_)
        assert {member: plain(share) for member, share in ours.items()} == {
            member: plain(share) for member, share in theirs.items()
        }
        assert delay == their_delay
        count("rounds of the assignor", 1)
        return ours, delay


@pytest.mark.parametrize("max_delay", [300_000, 1000, 1, 0])
def test_whatever_happens_to_a_group_both_give_the_same_to_everybody(max_delay: int) -> None:
    @search(40, False)
    @given(st.integers(0, 2**32))
    def histories(seed: int) -> None:
        random, made = Random(seed), Group(Beside(max_delay).decide)
        made.join("m0")
        with suppress(Departed):
            for _ in range(25):
                made.happen(random)
                made.rebalance(frozenset(member for member in made.members if random.random() < 0.08))
                if random.random() < 0.05:
                    made.new_leader(Beside(max_delay).decide)

    histories()


def test_of_what_was_deleted_before_it_led_the_jvms_leader_lets_it_go_on_and_ours_does_not() -> None:
    def decide(round_: Round) -> tuple[Mapping[str, Share], int]:
        return Theirs(1000).decide(round_)

    for decides, revoked in ((decide, NO_WORK), (Ours().decide, Work(("gone",)))):
        made = Group(decides, members={"m0": Work(("gone",))})
        made.completed = made.generation = 7
        assert made.rebalance()["m0"].revoked == revoked

"""What a sink commits: what it says is durable, as far as it was delivered and is news to the group."""

from typing import Any

import pytest

from ferryman.api import Committed, Sink
from ferryman.errors import Indeterminate, RetriableError
from ferryman.record import TopicPartition
from ferryman.task.sink.commits import Commits, GroupOffsets
from ferryman.task.sink.offset_ledger import OffsetLedger
from tests.task.sink.recording_sink import FlushingSink, RecordingSink

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


class Group:
    """The group's side: what it accepted, and whether it does."""

    def __init__(self) -> None:
        self.got: list[GroupOffsets] = []
        self.accepts = True

    def commit(self, offers: GroupOffsets) -> bool:
        self.got.append(offers)
        return self.accepts


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.fixture
def commits(group: Group) -> Commits:
    """The commits of two partitions of which the group has 5 and nothing, 8 and 3 are delivered."""
    ledger = OffsetLedger()
    ledger.assigned({A: 5, B: 0}, {A: 5, B: None})
    for source, following in ((A, 8), (B, 3)):
        ledger.polled(source, following + 1)
        ledger.delivered(source, following)
    made = Commits(FlushingSink(), ledger, group.commit)
    made.began({A: "old"})
    return made


def committed(commits: Commits, source: TopicPartition) -> int | None:
    position = commits.ledger.position(source)
    assert position is not None
    return position.committed


def test_the_sink_is_asked_about_what_is_delivered_of_all_or_of_some(commits: Commits) -> None:
    assert commits.deliverable() == {A: 8, B: 3}
    assert commits.deliverable([B]) == {B: 3}
    assert commits.deliverable([]) == {}


def test_what_the_group_accepts_is_known_and_given_back(commits: Commits, group: Group) -> None:
    offers = {A: Committed(7, "new"), B: Committed(3)}
    assert commits.send(offers) == offers
    assert group.got == [offers]
    assert (committed(commits, A), committed(commits, B)) == (7, 3)


def test_what_goes_beyond_what_was_delivered_is_not_sent(commits: Commits, group: Group) -> None:
    assert commits.send({A: Committed(9), B: Committed(3)}) == {B: Committed(3)}
    assert group.got == [{B: Committed(3)}]
    assert committed(commits, A) == 5


def test_a_refusal_is_none_and_nothing_is_taken_as_committed(commits: Commits, group: Group) -> None:
    group.accepts = False
    assert commits.send({A: Committed(7)}) is None
    assert committed(commits, A) == 5
    group.accepts = True
    assert commits.send({A: Committed(7)}) == {A: Committed(7)}


@pytest.mark.parametrize("offers", [{}, {A: Committed(5, "old")}, {A: Committed(99)}])
def test_what_is_no_news_is_not_sent(commits: Commits, group: Group, offers: Any) -> None:
    assert commits.send(offers) == {}
    assert group.got == []


def test_other_metadata_at_the_same_offset_is_news_once(commits: Commits, group: Group) -> None:
    for _ in range(2):
        commits.send({A: Committed(5, "new")})
    assert group.got == [{A: Committed(5, "new")}]


def test_metadata_of_a_former_assignment_is_forgotten(commits: Commits, group: Group) -> None:
    commits.began({A: ""})
    assert commits.send({A: Committed(5, "")}) == {}
    assert commits.send({A: Committed(5, "old")}) == {A: Committed(5, "old")}


def test_a_first_commit_at_the_beginning_is_news(commits: Commits) -> None:
    assert commits.send({B: Committed(0)}) == {B: Committed(0)}


def test_the_sink_says_what_is_durable_or_nothing_if_it_cannot_say_now(commits: Commits) -> None:
    assert commits.durable({A: 8}) == {A: Committed(8)}
    sink: Any = commits.sink
    sink.errors["pre_commit"] = RetriableError("away")
    assert commits.durable({A: 8}) == {}
    sink.errors["pre_commit"] = Indeterminate("who knows")
    with pytest.raises(Indeterminate):
        commits.durable({A: 8})


def test_the_sink_is_told_of_what_was_accepted_and_of_nothing_else(commits: Commits) -> None:
    sink: Any = commits.sink
    commits.accepted({})
    assert sink.calls == []
    commits.accepted({A: Committed(7)})
    assert sink.calls == [("committed", {A: Committed(7)})]


@pytest.mark.parametrize("name", ["flush", "pre_commit", "committed"])
def test_a_sink_with_any_part_in_commits_is_not_plain(name: str) -> None:
    sink = type("Other", (RecordingSink,), {name: lambda self, offsets: None})()
    assert not Commits(sink, OffsetLedger(), lambda offers: True).plain


def test_a_sink_without_one_is_plain() -> None:
    plain: Sink[Any] = RecordingSink()
    assert Commits(plain, OffsetLedger(), lambda offers: True).plain


def test_a_sink_that_returns_nothing_commits_nothing(commits: Commits, group: Group) -> None:
    nothing: Any = None
    sink: Any = commits.sink
    sink.wanted = lambda offsets: nothing
    assert commits.send(commits.durable({A: 8})) == {}
    assert group.got == []

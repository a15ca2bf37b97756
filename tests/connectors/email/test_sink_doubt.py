"""Kills at any point: nothing is lost, and what may have been sent twice is listed, of one id, and as many as said."""

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.api import Assigned, Committed
from ferryman.connectors.email.in_doubt_window import InDoubtWindow, as_runs, from_runs
from ferryman.connectors.email.sink import EmailSinkConnector
from ferryman.errors import RetriableError, TaskError, Unfinished
from ferryman.record import TopicPartition
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Answer
from tests.connectors.email.email_task import P0, World, batch, pledge, world
from tests.connectors.sink_world import Killed

POINTS = ["email.before_commit", "email.after_commit", "email.before_send", "email.after_send"]
PLEDGES = [pledge(number) for number in range(40)]
ALL = {f"Pledge {number}" for number in range(40)}


@pytest.fixture(scope="module")
def mail() -> Iterator[Stack]:
    with Stack(("mail",)) as stack:
        yield stack


def killed(around: World, point: str, times: int) -> None:
    """The process dies in the middle of its messages."""
    around.begin()
    around.die_at = point, times
    with pytest.raises(Killed):
        around.put(*PLEDGES)
    around.kill()


def listed(caplog: pytest.LogCaptureFixture) -> set[str]:
    """The ids of the messages that the log lists as in doubt."""
    return {record.args[0] for record in caplog.records if "is in doubt" in record.message and record.args}  # type: ignore[index, misc]


@pytest.mark.parametrize("most", [1, 6])
@pytest.mark.parametrize("times", [1, 5])
@pytest.mark.parametrize("point", POINTS)
def test_after_a_kill_nothing_is_lost_and_doubles_are_few_and_listed(
    mail: Stack, caplog: pytest.LogCaptureFixture, point: str, times: int, most: int
) -> None:
    with world(mail, max_in_flight=str(most)) as around, caplog.at_level(logging.WARNING):
        killed(around, point, times)
        around.again(PLEDGES)
        assert set(around.subjects()) == ALL
        counts = Counter(kept.id for kept in around.mails())
        doubles = {id for id, count in counts.items() if count > 1}
        assert max(counts.values()) <= 2
        assert len(counts) == len(ALL)
        assert len(doubles) <= len(listed(caplog)) <= most
        assert doubles <= listed(caplog)
        marked = {kept.id for kept in around.mails() if kept.message["X-Ferryman-In-Doubt"]}
        assert marked == listed(caplog)


@pytest.mark.parametrize("point", POINTS)
def test_with_skip_nothing_is_doubled_and_what_may_be_lost_is_listed(
    mail: Stack, caplog: pytest.LogCaptureFixture, point: str
) -> None:
    with world(mail, max_in_flight="6", behavior_on_in_doubt="skip") as around, caplog.at_level(logging.WARNING):
        killed(around, point, 5)
        around.again(PLEDGES)
        counts = Counter(kept.id for kept in around.mails())
        assert set(counts.values()) == {1}
        assert len(ALL) - len(counts) <= len(listed(caplog)) <= 6


def test_an_answer_that_never_came_leaves_one_message_in_doubt(mail: Stack, caplog: pytest.LogCaptureFixture) -> None:
    for behavior, copies in (("resend", 2), ("skip", 1)):
        with world(mail, behavior_on_in_doubt=behavior) as around, caplog.at_level(logging.WARNING):
            caplog.clear()
            around.mailbox.answer(Answer("kept", "drop", address="ada@example.org"))
            try:
                around.try_put(batch(PLEDGES[:1]))
            except RetriableError:
                around.mailbox.answer()
                around.put(PLEDGES[0])
            around.through()
            around.end()
            assert [kept.id for kept in around.mails()] == list(listed(caplog)) * copies


def test_what_was_never_sent_is_not_in_doubt_after_a_kill(mail: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """An outage, then a kill: even with skip everything arrives."""
    with world(mail, max_in_flight="6", behavior_on_in_doubt="skip") as around, caplog.at_level(logging.WARNING):
        around.mailbox.answer(Answer("rcpt", "450 4.2.1 later"))
        with contextlib.suppress(Unfinished):  # on a slow machine some wait for the next call
            around.try_put(batch(PLEDGES))
        around.kill()
        around.mailbox.answer()
        around.again(PLEDGES)
        assert listed(caplog) == set()
        assert len(around.mails()) == len(ALL)
        assert set(around.subjects()) == ALL


def test_an_idle_sink_that_is_killed_has_nothing_in_doubt(mail: Stack, caplog: pytest.LogCaptureFixture) -> None:
    with world(mail) as around, caplog.at_level(logging.WARNING):
        around.put(*PLEDGES[:5])
        assert around.requested
        around.commit()
        around.kill()
        around.again(PLEDGES[:5])
        assert listed(caplog) == set()
        assert len(around.mails()) == 5


def test_nothing_is_sent_that_the_group_does_not_know_of(mail: Stack) -> None:
    """A zombie's commit is refused."""
    with world(mail) as around:
        around.begin()
        around.refuse_commits = True
        for _ in range(3):
            with pytest.raises(RetriableError, match="the group has moved on"):
                around.try_put(batch(PLEDGES))
        assert around.mails() == []


def test_a_message_that_is_sent_again_is_announced_again(mail: Stack) -> None:
    """A zombie that wakes up between two tries does not make a third copy."""
    with world(mail) as around:
        around.mailbox.answer(Answer("kept", "drop"))
        with pytest.raises(RetriableError):
            around.try_put(batch(PLEDGES[:1]))
        around.mailbox.answer()
        around.refuse_commits = True
        around.put(PLEDGES[0])
        with pytest.raises(RetriableError, match="the group has moved on"):
            around.through()
        assert len(around.mails()) == 1


def test_what_is_on_its_way_when_the_partition_goes_stays_in_doubt(
    mail: Stack, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ferryman.connectors.email.courier.SLICE_SECONDS", 0.1)
    monkeypatch.setattr("ferryman.connectors.email.courier.DRAIN_SECONDS", 0.1)
    with world(mail) as around, caplog.at_level(logging.WARNING):
        around.mailbox.answer(Answer("kept", wait=5.0))
        with pytest.raises(RetriableError):
            around.try_put(batch(PLEDGES[:2]))
        around.end()
        around.mailbox.answer()
        around.again(PLEDGES[:2])
        assert len(listed(caplog)) == 2
        assert Counter(around.subjects()) == {"Pledge 0": 2, "Pledge 1": 2}


def test_a_record_in_doubt_that_does_not_come_any_more_is_forgotten(mail: Stack) -> None:
    window = InDoubtWindow(P0, "id-1", 0, 0)
    window.announce([0, 1])
    with world(mail, max_in_flight="1") as around:
        around.committed = Committed(0, window.text())
        around.begin()
        around.put(PLEDGES[2], at=2)
        around.end()
        assert around.subjects() == ["Pledge 2"]


def test_in_doubt_are_so_many_of_a_task_and_not_of_each_of_its_partitions(mail: Stack) -> None:
    group: dict[TopicPartition, Committed] = {}
    sources = [TopicPartition(P0.topic, number) for number in range(3)]
    with world(mail, max_in_flight="4") as around:

        def commit(offsets: Mapping[TopicPartition, Committed]) -> None:
            group.update(offsets)
            around.running.committed(offsets)

        config = EmailSinkConnector.config_class.parse(around.raw)
        around.sink = EmailSinkConnector(config, replace(around.context(), commit=commit))
        around.sink.start()
        around.sink.open([Assigned(source, "id-1", None, 0, 10, 0) for source in sources])
        for source in sources[:2]:
            around.sink.put_batch(batch(PLEDGES[:4], source=source))
        around.die_at = "email.after_send", 1
        with pytest.raises(Killed):
            around.sink.put_batch(batch(PLEDGES[:4], source=sources[2]))
    left = [InDoubtWindow.begin(source, "id-1", each.offset, each.metadata).found for source, each in group.items()]
    assert sum(map(len, left)) == 4


def test_a_window_of_another_topic_of_that_name_says_nothing(mail: Stack) -> None:
    with world(mail, max_in_flight="6") as around:
        killed(around, "email.after_commit", 1)
        around.topic_id = "id-2"
        around.again(PLEDGES)
        assert set(around.subjects()) == ALL
        assert all(kept.message["X-Ferryman-In-Doubt"] is None for kept in around.mails())


def test_offsets_that_an_operator_set_hold_and_nothing_is_in_doubt(mail: Stack) -> None:
    with world(mail) as around:
        killed(around, "email.after_send", 2)
        around.committed = Committed(35)
        around.again(PLEDGES)
        assert {f"Pledge {number}" for number in range(35, 40)} <= set(around.subjects())


def test_a_window_of_a_later_version_is_refused() -> None:
    with pytest.raises(TaskError, match="upgrade Ferryman"):
        InDoubtWindow.begin(P0, "id", 0, '{"ferryman.mail":2}')


@given(st.sets(st.integers(0, 2**63 - 1), max_size=50))
def test_offsets_are_packed_and_unpacked(offsets: set[int]) -> None:
    assert from_runs(as_runs(offsets)) == sorted(offsets)


@given(st.sets(st.integers(2**62, 2**62 + 100_000), max_size=250))
def test_as_many_as_may_be_in_flight_fit_into_the_metadata(offsets: set[int]) -> None:
    window = InDoubtWindow(TopicPartition("t", 0), "x" * 22, 2**62, 2**62)
    window.announce(offsets)
    assert len(window.text()) <= 4096
    after = InDoubtWindow.begin(window.source, "x" * 22, 2**62, window.text())
    assert (after.found, after.end) == (offsets, window.end)


@given(st.dictionaries(st.integers(50, 10**7), st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 10**5))))
def test_a_window_is_the_same_after_a_restart(pending: dict[int, tuple[bool, int, int]]) -> None:
    window = InDoubtWindow(P0, "id-1", 50, 50)
    for offset, (sent, unanswered, seconds) in sorted(pending.items()):
        window.queue(offset)
        if sent:
            window.announce([offset])
            for _ in range(unanswered):
                window.maybe_sent(offset)
        if seconds:
            window.put_off[offset] = 1_700_000_000 + seconds
    window.advance(window.end)
    after = InDoubtWindow.begin(P0, "id-1", window.base, window.text())
    assert (after.doubt, after.todo, after.end) == (window.doubt, window.todo, window.end)
    assert (after.unanswered, after.put_off) == (window.unanswered, window.put_off)
    assert after.found == window.doubt
    assert after.base == min([window.end, *pending])

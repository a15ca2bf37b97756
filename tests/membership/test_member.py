"""Members of a worker group on a real broker: what each hears when others come, go or fall silent."""

import signal
from collections.abc import Iterator

import pytest

from ferryman.assignment.protocol import NO_WORK, Work
from tests.membership.process import remote
from tests.membership.workers import Group, group
from tests.running import until


@pytest.fixture
def workers(kafka: str, unique: str) -> Iterator[Group]:
    """A group with two connectors; in the end no piece of work was run by two at a time."""
    with group(kafka, unique, a=3, b=3) as made:
        yield made


def test_three_members_share_the_work_and_one_that_is_closed_gives_it_up_first(workers: Group) -> None:
    for name in ("w1", "w2", "w3"):
        workers.join(name)
        workers.settle()
    assert sum(member.leads for member in workers.members.values()) == 1
    assert len({member.generation for member in workers.members.values()}) == 1
    assert len({member.member_id for member in workers.members.values()}) == 3
    assert {member.leader_url for member in workers.members.values()} == {f"http://{workers.leader}:8083/"}
    closed, had = workers.workers["w3"], workers.workers["w3"].held
    workers.close("w3")
    assert closed.last("revoked") == had
    assert closed.times("lost") == 0
    workers.settle()
    assert all(worker.times("lost") == 0 for worker in workers.workers.values())


def test_a_leader_knows_who_runs_what_and_the_others_know_of_themselves(workers: Group) -> None:
    workers.join("w1")
    workers.join("w2")
    workers.settle()
    follower = next(name for name in workers.members if name != workers.leader)
    owners = workers.members[workers.leader].owner, workers.members[follower].owner
    for name, worker in workers.workers.items():
        url = workers.members[name].url
        known = owners if name == follower else owners[:1]
        pieces = [*((each, None) for each in worker.held.connectors), *worker.held.tasks]
        assert {owner(*piece) for owner in known for piece in pieces} == {url}
    theirs = workers.workers[workers.leader].held.tasks[0]
    assert workers.members[follower].owner(*theirs) is None
    assert workers.members[follower].owner("unknown") is None


def test_changed_configs_are_shared_out_and_nothing_moves_that_may_stay(workers: Group) -> None:
    first, second = workers.join("w1"), workers.join("w2")
    workers.settle()
    kept = {id(worker): worker.held for worker in (first, second)}
    workers.change(a=3, b=3, c=2)
    workers.settle()
    for worker in (first, second):
        assert not kept[id(worker)].minus(worker.held)
    workers.change(b=3, c=2)
    until(lambda: "a" not in {*first.held.connectors, *second.held.connectors}, 60, "a to be given up")
    workers.settle()
    assert first.times("lost") == second.times("lost") == 0


def test_a_worker_that_is_killed_is_replaced_after_its_session_and_the_delay(workers: Group) -> None:
    worker = workers.join("w1")
    with remote(workers, "w2") as other:
        until(lambda: len(other.held.tasks) == 3 and len(worker.held.tasks) == 3, 60, "the work to be shared out")
        other.process.kill()
        until(lambda: worker.held.minus(workers.work) == NO_WORK == workers.work.minus(worker.held), 60, "the takeover")
    assert worker.times("lost") == 0


def test_a_worker_that_was_stopped_past_its_session_hears_that_it_is_out_and_comes_back(workers: Group) -> None:
    worker = workers.join("w1")
    with remote(workers, "w2") as other:
        until(lambda: len(other.held.tasks) == 3 and len(worker.held.tasks) == 3, 60, "the work to be shared out")
        other.process.send_signal(signal.SIGSTOP)
        until(lambda: len(worker.held.tasks) == 6, 60, "the takeover")
        other.process.send_signal(signal.SIGCONT)
        until(lambda: other.times("lost"), 60, "the news")
        until(lambda: len(other.held.tasks) == 3 and len(worker.held.tasks) == 3, 60, "the work to be shared out again")
        heard = [what for _, what, _ in other.heard]
        assert heard.index("lost") < len(heard) - 1 - heard[::-1].index("assigned")
    assert worker.times("lost") == 0


def test_heartbeats_go_on_while_work_is_being_ended(workers: Group) -> None:
    worker = workers.join("w1")
    workers.settle()
    worker.ending.clear()
    workers.join("w2")
    begun = until(lambda: worker.beats[-1], 60, "a heartbeat")
    until(lambda: worker.beats[-1] > begun + 6.5, 60, "heartbeats for longer than a session")
    worker.ending.set()
    workers.settle()
    assert worker.times("lost") == 0


def test_one_that_ends_its_work_for_longer_than_the_rebalance_timeout_is_out(workers: Group) -> None:
    worker = workers.join("w1", rebalance_timeout=2000, session_timeout=6000)
    workers.settle()
    worker.ending.clear()
    workers.join("w2", rebalance_timeout=2000)
    last = worker.beats[-1]
    until(lambda: len(workers.workers["w2"].held.tasks) == 6, 60, "the takeover")
    assert worker.beats[-1] < last + 20
    worker.ending.set()
    until(lambda: worker.times("lost"), 60, "the news")
    assert "rebalance.timeout.ms" in worker.last("lost")
    workers.settle()


def test_a_member_that_waits_for_a_slow_one_is_still_told_that_it_is_in_the_group(workers: Group) -> None:
    first, slow = workers.join("w1", protocol="eager"), workers.join("w2", protocol="eager")
    workers.settle()
    slow.ending.clear()
    workers.members["w1"].rejoin("a test")
    until(lambda: first.times("revoked") and first.held == NO_WORK, 60, "the rebalance")
    begun = first.beats[-1]
    until(lambda: first.beats[-1] > begun + 6.5, 60, "heartbeats for longer than a session")
    slow.ending.set()
    workers.settle()
    assert first.times("lost") == slow.times("lost") == 0


def test_in_an_eager_group_everybody_ends_everything_before_each_rebalance(workers: Group) -> None:
    first = workers.join("w1", protocol="eager")
    workers.settle()
    had = first.held
    second = workers.join("w2", protocol="eager")
    workers.settle()
    assert first.last("revoked") == had
    assert workers.members["w1"].protocol_version == 0
    assert Work().plus(first.held, second.held).minus(workers.work) == NO_WORK


def test_a_group_falls_back_to_what_an_eager_worker_speaks_and_comes_back(workers: Group) -> None:
    workers.join("w1")
    workers.join("w2")
    workers.settle()
    workers.join("w3", protocol="eager")
    until(lambda: {member.protocol_version for member in workers.members.values()} == {0}, 60, "the fall-back")
    workers.settle()
    workers.close("w3")
    until(lambda: {member.protocol_version for member in workers.members.values()} == {2}, 60, "the way back")
    workers.settle()


def test_a_worker_that_leaves_ends_its_work_first_and_stays_out_until_it_is_asked_back(workers: Group) -> None:
    first, second = workers.join("w1"), workers.join("w2")
    workers.settle()
    had = first.held
    workers.members["w1"].leave()
    until(lambda: len(second.held.tasks) == 6, 60, "the takeover")
    assert first.last("revoked") == had
    assert workers.members["w1"].leader_url is None
    workers.members["w1"].rejoin("a test")
    workers.settle()
    assert first.times("lost") == 0

"""The cooperative assignor: nothing twice, everything in the end, balanced, and nothing moves that may stay."""

from collections import Counter
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.assignment.incremental import Share
from ferryman.assignment.protocol import NO_WORK, Work
from tests.assignment.rounds import MAX_DELAY, Group, Ours

SEEDS = st.integers(0, 2**32)


def group(members: int = 2, connectors: Mapping[str, int] | None = None, max_delay: int = MAX_DELAY) -> Group:
    """A group at rest."""
    made = Group(Ours(max_delay).decide, dict({"a": 2, "b": 2} if connectors is None else connectors))
    for number in range(members):
        made.join(f"m{number}")
    made.settle()
    return made


def owners(members: Mapping[str, Work]) -> Counter[object]:
    return Counter(piece for work in members.values() for piece in (*work.connectors, *work.tasks))


def everything(made: Group) -> Counter[object]:
    return Counter([*made.work.connectors, *made.work.tasks])


def balanced(members: Mapping[str, Work]) -> bool:
    sizes = ([len(work.connectors) for work in members.values()], [len(work.tasks) for work in members.values()])
    return all(max(each) - min(each) <= 1 for each in sizes)


def moved(shares: Mapping[str, Share]) -> Work:
    return NO_WORK.plus(*(share.revoked for share in shares.values()))


@given(SEEDS)
def test_no_work_ever_has_two_owners(seed: int) -> None:
    random, made = Random(seed), Group(Ours().decide)
    made.join("m0")
    for _ in range(25):
        made.happen(random)
        made.rebalance()
        assert max(owners(made.members).values(), default=1) == 1


@given(SEEDS)
def test_whatever_happened_all_work_has_an_owner_and_is_balanced_in_the_end(seed: int) -> None:
    random, made = Random(seed), Group(Ours().decide)
    made.join("m0")
    for _ in range(15):
        made.happen(random)
        unheard = frozenset(member for member in made.members if random.random() < 0.1)
        made.rebalance(unheard)
        if random.random() < 0.1:
            made.new_leader(Ours().decide)
    made.settle()
    made.settle()
    assert owners(made.members) == everything(made)
    assert balanced(made.members)


@given(SEEDS)
def test_a_group_at_rest_moves_nothing(seed: int) -> None:
    random, made = Random(seed), Group(Ours().decide)
    made.join("m0")
    for _ in range(8):
        made.happen(random)
    made.settle()
    before = dict(made.members)
    shares = made.rebalance()
    assert made.members == before
    assert not moved(shares)


@given(SEEDS)
def test_only_what_a_new_worker_is_to_have_is_taken_from_the_others(seed: int) -> None:
    random = Random(seed)
    made = group(random.randrange(1, 6), {f"c{number}": random.randrange(5) for number in range(random.randrange(9))})
    made.join("m9")
    taken = moved(made.rebalance())
    workers = len(made.members)
    assert len(taken.connectors) <= len(made.work.connectors) // workers + 1
    assert len(taken.tasks) <= len(made.work.tasks) // workers + 1


def test_work_of_a_worker_that_left_is_held_for_the_delay_from_its_departure() -> None:
    made = group()
    lost = made.members["m1"]
    made.leave("m1")
    made.rebalance()
    assert made.delay == MAX_DELAY
    made.now += MAX_DELAY - 1
    made.rebalance()
    assert made.delay == 1
    assert not made.members["m0"].both(lost)
    made.now += 1
    made.rebalance()
    assert made.delay == 0
    assert made.members["m0"].both(lost).plus(lost) == made.members["m0"].both(lost)


def test_a_worker_that_comes_back_in_time_gets_all_that_was_lost() -> None:
    made = group(3, {"a": 3, "b": 3, "c": 3})
    lost = made.members["m2"]
    stays = {member: made.members[member] for member in ("m0", "m1")}
    made.leave("m2")
    made.rebalance()
    made.join("m5")
    made.rebalance()
    assert not made.members["m5"]
    made.now += made.delay
    made.rebalance()
    assert not lost.minus(made.members["m5"])
    assert {member: made.members[member] for member in ("m0", "m1")} == stays


def test_without_a_delay_lost_work_is_given_away_at_once() -> None:
    made = group(max_delay=0)
    made.leave("m1")
    made.rebalance()
    assert owners(made.members) == everything(made)


def test_a_worker_that_did_not_hear_its_assignment_gets_it_again_without_delay() -> None:
    made = group()
    made.configured["new"] = 3
    made.rebalance(unheard=frozenset({"m0", "m1"}))
    made.rebalance()
    assert made.delay == 0
    assert owners(made.members) == everything(made)


def test_what_two_workers_run_is_taken_from_both_and_given_to_one() -> None:
    made = group()
    made.members["m0"] = made.members["m0"].plus(made.members["m1"])
    shares = made.rebalance()
    assert set(moved(shares).tasks) == set(made.members["m1"].tasks) | set(shares["m1"].revoked.tasks)
    made.settle()
    assert owners(made.members) == everything(made)


def test_deleted_work_is_revoked() -> None:
    made = group()
    del made.configured["a"]
    assert set(moved(made.rebalance()).connectors) == {"a"}
    assert "a" not in owners(made.members)


def test_a_new_leader_revokes_what_was_deleted_before_it_led() -> None:
    made = group()
    del made.configured["a"]
    made.new_leader(Ours().decide)
    made.rebalance()
    assert owners(made.members) == everything(made)


@pytest.mark.parametrize(("max_delay", "delays"), [(300_000, [40, 1600, 64_000]), (1000, [40, 999]), (1, [1, 1])])
def test_revocations_that_follow_each_other_wait_ever_longer(max_delay: int, delays: list[int]) -> None:
    made = group(1, {f"c{number}": 0 for number in range(64)}, max_delay)
    made.join("n")
    assert moved(made.rebalance())
    for number, delay in enumerate(delays):
        made.join(f"n{number}")
        assert not moved(made.rebalance())
        assert made.delay == delay
        made.now += delay
        assert moved(made.rebalance())

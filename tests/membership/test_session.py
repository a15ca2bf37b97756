"""How long a member may rely on its group."""

from hypothesis import given
from hypothesis import strategies as st

from ferryman.membership.session import Session


def test_a_heartbeat_outside_of_a_rebalance_buys_a_session() -> None:
    session = Session(10, 60)
    assert session.answered(100, rebalancing=False)
    assert session.expires == 110


def test_in_a_rebalance_it_counts_only_while_the_coordinator_cannot_have_dropped_the_member() -> None:
    session = Session(10, 60)
    session.answered(100, rebalancing=False)
    assert session.answered(150, rebalancing=True)
    assert session.expires == 160
    assert not session.answered(151, rebalancing=True)
    assert session.expires == 160


def test_answers_that_come_late_take_nothing_back() -> None:
    session = Session(10, 60)
    session.answered(100, rebalancing=False)
    session.answered(90, rebalancing=False)
    assert session.expires == 110


def test_who_is_in_no_group_has_no_session() -> None:
    session = Session(10, 60)
    session.answered(100, rebalancing=False)
    session.forget()
    assert session.expires == float("-inf")


@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=1), st.integers(1, 30), st.integers(1, 90))
def test_a_session_never_ends_after_the_coordinator_may_drop_the_member(
    answers: list[tuple[int, bool]], timeout: int, rebalance: int
) -> None:
    session, settled, beaten = Session(timeout, rebalance), float("-inf"), float("-inf")
    for at, rebalancing in sorted(answers):
        session.answered(at, rebalancing)
        beaten = at
        settled = settled if rebalancing else at
        assert session.expires <= max(beaten + timeout, settled)
        assert session.expires <= max(settled + timeout, settled + rebalance)

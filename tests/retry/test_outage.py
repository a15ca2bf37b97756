"""Away and refused, told apart: every course of an outage, by a clock of the tests' own."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.retry.outage import LONGEST_REFUSAL, REFUSAL_GRACE_SECONDS, SLOW_RETRY_SECONDS, Outage, Patience, Step


def steps(outage: Outage, seconds: float, refused: bool, every: float = 5.0) -> list[Step]:
    """What comes next after each failure, one ``every`` so many seconds."""
    start = outage.since or 0.0
    return [outage.failed(start + number * every, refused).step for number in range(int(seconds / every) + 1)]


def test_a_system_that_is_away_is_waited_for_without_end() -> None:
    assert set(steps(Outage(Patience()), 1_000_000, refused=False, every=100)) == {Step.WAIT}


def test_errors_retry_timeout_ends_every_outage_before_and_after_the_first_success() -> None:
    for succeeded, refused in itertools.product((False, True), repeat=2):
        outage = Outage(Patience(retrying=30.0), succeeded)
        assert steps(outage, 30, refused) == [Step.WAIT] * 6 + [Step.FAIL]
        assert outage.failed(31.0, refused).why == "gave up after errors.retry.timeout"


def test_a_refusal_before_the_first_success_fails_the_task_after_a_minute() -> None:
    assert steps(Outage(Patience()), REFUSAL_GRACE_SECONDS, refused=True) == [Step.WAIT] * 12 + [Step.FAIL]


def test_the_wait_before_the_last_try_is_not_longer_than_the_grace() -> None:
    outage = Outage(Patience())
    outage.failed(0.0, True)
    assert outage.failed(50.0, True, after=300.0).wait == 10.0


def test_where_the_config_counts_tries_they_are_what_counts() -> None:
    assert steps(Outage(Patience(tries=3)), 15, refused=True) == [Step.WAIT] * 3 + [Step.FAIL]
    assert steps(Outage(Patience(tries=0)), 0, refused=True) == [Step.FAIL]


def test_a_refusal_after_a_success_is_an_outage_for_an_hour_then_it_shows_and_is_tried_slowly() -> None:
    outage = Outage(Patience(tries=3), succeeded=True)
    found = steps(outage, LONGEST_REFUSAL, refused=True, every=60)
    assert found == [Step.WAIT] * 60 + [Step.SHOW]
    later = outage.failed(LONGEST_REFUSAL + 1, True)
    assert (later.step, later.wait) == (Step.SHOW, SLOW_RETRY_SECONDS)
    assert outage.over()
    assert outage.failed(LONGEST_REFUSAL + 2, True).step is Step.WAIT


def test_a_refusal_counts_from_its_first_not_from_when_the_system_went_away() -> None:
    outage = Outage(Patience())
    assert set(steps(outage, 600, refused=False)) == {Step.WAIT}
    assert outage.failed(601.0, True).step is Step.WAIT
    assert outage.failed(601.0 + REFUSAL_GRACE_SECONDS, True).step is Step.FAIL


def test_beginning_is_no_success() -> None:
    outage = Outage(Patience())
    outage.failed(0.0, True)
    assert outage.over(success=False)
    assert not outage.succeeded
    assert not outage.over()
    assert outage.succeeded


@given(
    events=st.lists(st.tuples(st.sampled_from(["away", "refused", "over"]), st.floats(0, 2000)), max_size=40),
    tries=st.none() | st.integers(0, 5),
)
@settings(max_examples=200)
def test_nothing_but_refusals_fails_a_task_without_a_retry_timeout(
    events: list[tuple[str, float]], tries: int | None
) -> None:
    outage, now = Outage(Patience(tries=tries)), 0.0
    for event, passed in events:
        now += passed
        if event == "over":
            outage.over()
            continue
        decision = outage.failed(now, event == "refused")
        assert decision.wait <= 60 or decision.step is Step.SHOW
        if decision.step is Step.FAIL:
            assert "refused" in [kind for kind, _ in events]
            assert not outage.succeeded
            break

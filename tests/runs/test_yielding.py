"""How a run gives way to its live connector, in simulated time: what share of its time it works, and that it ends."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.record import TopicPartition
from ferryman.runs.delays import STILL_SECONDS, Delay, Delays
from ferryman.runs.yielding import (
    FIRST_SHARE,
    HALVING_SECONDS,
    MAX_DELAY_SECONDS,
    MIN_SHARE,
    OWN_DELAY_SECONDS,
    Yielding,
)

A = TopicPartition("t", 0)
LOOK = 0.5


@dataclass
class World:
    """A live connector and a run that take from one neighbour what it can do in a second."""

    arriving: float
    """Records a second that come for live."""
    able: Callable[[float], float]
    """The records a second that live can take while the run works this share of its time."""
    yielding: Yielding = field(default_factory=Yielding)
    delays: Delays = field(default_factory=Delays)
    now: float = 0.0
    came: float = 0.0
    taken: float = 0.0
    worked: float = 0.0
    """Seconds of work that the run has done."""
    shares: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def go(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += LOOK
            self.came += self.arriving * LOOK
            self.taken = min(self.came, self.taken + self.able(self.yielding.share) * LOOK)
            self.worked += self.yielding.share * LOOK
            found = self.delays.look(self.now, {A: int(self.taken)}, {A: int(self.came)})
            self.yielding.heard(found, self.now)
            self.shares.append(self.yielding.share)
            self.waits.append((self.came - self.taken) / self.arriving if self.arriving else 0.0)


def test_beside_one_that_is_never_late_it_works_all_the_time() -> None:
    world = World(1_000, lambda share: 5_000)
    world.go(120)
    assert set(world.shares) == {1.0}


def test_without_one_that_reads_it_works_all_the_time() -> None:
    world = World(1_000, lambda share: 0)
    world.go(300)
    assert set(world.shares[int((STILL_SECONDS + 1) / LOOK) :]) == {1.0}


def test_it_halves_while_live_is_late_and_finds_what_live_can_bear() -> None:
    world = World(1_000, lambda share: 2_000 * (1 - 0.9 * share))  # up to a share of 0.55
    world.go(600)
    assert min(world.shares) >= MIN_SHARE
    later = world.shares[600:]
    assert 0.15 < sum(later) / len(later) < 0.6
    assert max(world.waits[600:]) < 10


def test_one_that_is_late_by_itself_does_not_keep_the_run_from_its_end() -> None:
    world = World(1_000, lambda share: 900)  # whatever the run does
    world.go(1_200)
    assert world.worked > 1_200 * MIN_SHARE * 4


def test_one_that_stops_frees_it_and_one_that_comes_back_is_given_way_to() -> None:
    running = True
    world = World(1_000, lambda share: 3_000 * (1 - 0.9 * share) if running else 0)
    world.go(100)
    running = False
    world.go(100)
    assert world.yielding.share == 1.0
    running = True  # a hundred thousand records behind, which it can take up only if the run gives way
    world.go(20)
    assert world.yielding.share < 0.1
    world.go(300)
    assert world.waits[-1] < 2


def test_it_is_not_halved_again_before_a_halving_can_show() -> None:
    made = Yielding()
    for tenth in range(int(10 * HALVING_SECONDS) + 2):
        made.heard(Delay(9.0, 9.0), 100 + tenth / 10)
    assert made.share == 0.25


def test_until_something_is_known_of_live_it_works_a_part_of_its_time_and_then_more_and_more() -> None:
    made, silent = Yielding(), Delay(0.0, None, is_known=False)
    made.begin()
    assert made.share == FIRST_SHARE
    for now in (1.0, 2.0, 3.0):
        made.heard(silent, now)
        assert made.share == FIRST_SHARE
    made.heard(Delay(0.0, 0.0), 4.0)
    assert FIRST_SHARE < made.share < 0.3, "that it was not late beside a little work says nothing of much"
    made.heard(None, 5.0)
    assert made.share == 1.0, "there is nobody"
    made.heard(silent, 6.0)
    assert made.share == FIRST_SHARE, "somebody has come"
    made.heard(Delay(9.0, 9.0, is_known=False), 7.0)
    assert made.share == FIRST_SHARE / 2


def test_what_is_known_with_the_first_look_needs_no_patience() -> None:
    for delay, share in ((Delay(0.0, 0.0), 1.0), (None, 1.0), (Delay(9.0, 9.0), FIRST_SHARE / 2)):
        made = Yielding()
        made.begin()
        made.heard(delay, 100.0)
        assert made.share == share


def test_what_was_known_before_halves_nothing() -> None:
    made = Yielding()
    made.heard(Delay(9.0, None), 100.0)
    assert made.share == 1.0


def test_a_delay_that_the_least_share_does_not_end_is_lives_own_until_it_is_less() -> None:
    made, now = Yielding(MIN_SHARE), 0.0
    while now <= OWN_DELAY_SECONDS + 1:
        made.heard(Delay(60.0, 60.0), now)
        now += LOOK
    assert made.limit == 90.0
    made.heard(Delay(0.0, 0.0), now)
    assert made.limit == MAX_DELAY_SECONDS


@given(
    st.lists(
        st.tuples(st.floats(0.1, 20), st.none() | st.tuples(st.floats(0, 1e4), st.booleans())), min_size=1, max_size=80
    )
)
def test_it_always_works_a_little_and_never_more_than_all_of_the_time(
    looks: list[tuple[float, tuple[float, bool] | None]],
) -> None:
    made, now = Yielding(), 0.0
    for passed, found in looks:
        now += passed
        before = made.share
        made.heard(None if found is None else Delay(found[0], found[0] if found[1] else None), now)
        assert MIN_SHARE <= made.share <= 1
        assert made.share >= before / 2


@settings(max_examples=30)
@given(arriving=st.floats(10, 1e4), spare=st.floats(1.05, 4), harm=st.floats(0, 1))
def test_whatever_it_costs_live_the_run_comes_to_its_end_and_live_catches_up(
    arriving: float, spare: float, harm: float
) -> None:
    # Live could take somewhat more than comes if it were alone; the run takes up to all of that away.
    world = World(arriving, lambda share: arriving * spare * (1 - harm * share))
    world.go(900)
    assert world.worked >= 900 * MIN_SHARE
    bearable = MIN_SHARE * harm < 1 - 1 / spare - 0.01
    assert not bearable or min(world.waits[-200:]) <= 5

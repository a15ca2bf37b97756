"""What a task says of its end, and when it takes that back."""

from typing import Any

from ferryman.runs import tallies
from ferryman.runs.tallies import Tally
from ferryman.task.source.delivery import Progress
from ferryman.task.source.ending import Ending


class Ends:
    """A source that is at its end when it is told to."""

    over = False

    def at_end(self) -> bool:
        return self.over


def ending(tally: Tally | None = None) -> tuple[Ending, Ends]:
    source: Any = Ends()
    return Ending(source, 3, tally), source


def said(progress: Progress) -> Tally | None:
    """The tally that goes along."""
    for partition, offset in progress.values():
        assert partition == tallies.partition(3)
        return Tally.parse(offset or {})
    return None


def test_what_was_handed_over_is_counted_on_from_what_is_committed() -> None:
    one, source = ending(Tally(10))
    assert said(one.begun()) is None
    assert said(one.handed(5, 0, last=True)) == Tally(15)
    source.over = True
    assert said(one.handed(1, 0, last=False)) == Tally(16), "more of the poll is to come"
    assert said(one.handed(1, 0, last=True)) == Tally(17, complete=True)
    assert said(one.nothing()) is None, "it was said"


def test_an_end_without_records_is_said_once() -> None:
    one, source = ending()
    assert said(one.begun()) == Tally(0)
    assert said(one.nothing()) is None
    source.over = True
    assert said(one.nothing()) == Tally(0, complete=True)
    assert said(one.nothing()) is None


def test_who_begins_again_takes_back_that_it_was_at_its_end() -> None:
    one, _ = ending(Tally(7, complete=True))
    assert said(one.begun()) == Tally(7)


def test_what_was_refused_is_counted_on_as_well_and_stays_counted_when_it_ends_and_begins_again() -> None:
    one, source = ending(Tally(10, refused=2))
    assert said(one.handed(5, 3, last=True)) == Tally(15, refused=5)
    source.over = True
    assert said(one.nothing()) == Tally(15, complete=True, refused=5)
    again, _ = ending(Tally(15, complete=True, refused=5))
    assert said(again.begun()) == Tally(15, refused=5)

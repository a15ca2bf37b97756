"""A task tells its worker what is new, and never so much that it could not say anything else."""

from typing import Any

import pytest

from ferryman.metrics import ours
from ferryman.metrics.exposition import Sample
from ferryman.metrics.family import Family
from ferryman.metrics.registry import OF_ATTRIBUTE
from ferryman.task.meters.meters import BACKGROUND
from ferryman.task.meters.publisher import (
    IDLE_AFTER_SECONDS,
    IDLE_LOOK_SECONDS,
    LOOK_SECONDS,
    MAX_MESSAGE_BYTES,
    Publisher,
)

KEY = ("c", "0")
RUNNING = "connector-task-metrics", "running-ratio"
RATE, TOTAL = (OF_ATTRIBUTE["sink-task-metrics", f"sink-record-read-{end}"] for end in ("rate", "total"))


class Line:
    """Notes what is told, while there is room."""

    def __init__(self) -> None:
        self.told: list[dict[str, str]] = []
        self.has_room = True

    def offer(self, event: str, facts: dict[str, Any]) -> bool:
        assert event == "metrics"
        if self.has_room:
            self.told.append(facts["lines"])
        return self.has_room


def test_only_families_whose_lines_have_changed_are_told_again() -> None:
    line, samples = Line(), list[Sample]([(ours.LAG, KEY, 1), (ours.TRIES, KEY, 2)])
    publisher = Publisher(lambda: samples, line.offer)
    publisher.tell()
    samples[0] = (ours.LAG, KEY, 5)
    publisher.tell()
    publisher.tell()
    assert [set(each) for each in line.told] == [{ours.LAG.name, ours.TRIES.name}, {ours.LAG.name}]
    assert line.told[1][ours.LAG.name] == 'ferryman_sink_lag_records{connector="c",task="0"} 5.0\n'


def test_what_finds_no_room_is_told_later() -> None:
    line, samples = Line(), list[Sample]([(ours.LAG, KEY, 1)])
    publisher = Publisher(lambda: samples, line.offer)
    line.has_room = False
    publisher.tell()
    line.has_room = True
    publisher.tell()
    assert [set(each) for each in line.told] == [{ours.LAG.name}]


def test_much_is_told_in_parts_and_of_one_family_no_more_than_fits() -> None:
    line = Line()
    many: list[Sample] = [(ours.LAG_OF, (*KEY, "t" * 100, str(number)), 1) for number in range(2000)]
    Publisher(lambda: [*many, (ours.LAG, KEY, 1)], line.offer).tell()
    assert all(sum(map(len, each.values())) <= MAX_MESSAGE_BYTES for each in line.told)
    assert {name for each in line.told for name in each} == {ours.LAG_OF.name, ours.LAG.name}
    (cut,) = (each[ours.LAG_OF.name] for each in line.told if ours.LAG_OF.name in each)
    assert cut.endswith("} 1.0\n")


@pytest.mark.parametrize(
    ("background", "work"), [(ours.CPU, ours.LAG), (RATE, TOTAL), (OF_ATTRIBUTE[RUNNING], ours.TRIES)]
)
def test_a_task_that_does_nothing_is_looked_at_seldom_whatever_its_process_and_time_do(
    background: Family, work: Family
) -> None:
    now = 0.0
    samples = list[Sample]([(work, KEY, 1), (background, KEY, 0.5)])
    publisher = Publisher(lambda: samples, Line().offer, BACKGROUND, clock=lambda: now)

    def paused(at: float, *news: Sample) -> float:
        nonlocal now, samples
        now, samples = at, [*news] or samples
        publisher.tell()
        return publisher.pause

    assert paused(0.0) == LOOK_SECONDS
    assert paused(IDLE_AFTER_SECONDS, (work, KEY, 1), (background, KEY, 0.7)) == IDLE_LOOK_SECONDS
    assert paused(IDLE_AFTER_SECONDS + 1, (work, KEY, 2), (background, KEY, 0.7)) == LOOK_SECONDS
    assert paused(IDLE_AFTER_SECONDS + 1 + IDLE_AFTER_SECONDS) == IDLE_LOOK_SECONDS


def test_the_last_words_raise_nothing() -> None:
    def gone(event: str, facts: dict[str, Any]) -> bool:
        raise BrokenPipeError

    Publisher(lambda: [(ours.LAG, KEY, 1)], gone).last_words()

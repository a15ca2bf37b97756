"""The lines that the bench joins are such as tasks write: a series of every metric that a task has."""

from bench.scrape import lines, scrapes
from ferryman.metrics.registry import FAMILIES


def test_the_benchs_task_has_a_series_of_every_metric_of_a_task() -> None:
    wanted = {name for name, family in FAMILIES.items() if family.labels[:2] == ("connector", "task")}
    assert set(lines(0)) == wanted


def test_both_forms_have_the_same_series() -> None:
    text, openly = scrapes(3)
    assert text.series == openly.series > 3 * 60

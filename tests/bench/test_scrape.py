"""The lines that the bench joins are such as tasks write: a series of every metric that a task has."""

from pathlib import Path

from bench.scrape import lines, scrapes, sides
from bench.side import Files
from ferryman.metrics.registry import FAMILIES


def test_the_benchs_task_has_a_series_of_every_metric_of_a_task() -> None:
    wanted = {name for name, family in FAMILIES.items() if family.labels[:2] == ("connector", "task")}
    assert set(lines(0)) == wanted


def test_both_forms_have_the_same_series() -> None:
    text, openly = scrapes(3)
    assert text.series == openly.series > 3 * 60


def test_with_logs_a_round_has_each_alone_and_both_between_two_runs_of_neither(tmp_path: Path) -> None:
    files = Files(tmp_path / "worker.properties", tmp_path / "connector.properties")
    found = [(side.worker_lines(tmp_path), "ERROR" in side.command(files)) for side in sides(logs=True)]
    metrics = ["enable=true" in text for text, _ in found]
    logs = ["format=json" in text and not is_quiet for text, is_quiet in found]
    assert list(zip(metrics, logs, strict=True)) == [
        (False, False),
        (True, False),
        (True, False),
        (False, True),
        (True, True),
        (False, False),
    ]
    assert [side.name.endswith("scraped") for side in sides(logs=True)] == [False, False, True, False, True, False]

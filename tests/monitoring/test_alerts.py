"""Each alert of configs/monitoring/alerts.yml, evaluated by Prometheus's own promtool over series made for it.

Skipped where promtool is not installed (Debian: the package prometheus).
"""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.files import rules
from tests.monitoring.prometheus import FOLDER

ALERTS = FOLDER / "alerts.yml"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
TASK = {"connector": "sink", "task": "0"}


@dataclass(frozen=True)
class Story:
    """What Prometheus scrapes each minute, and which alert fires when."""

    alert: str
    series: dict[str, str]
    """Values by minute in promtool's notation, by metric: ``_`` is a scrape without the series."""
    fires: int
    """The minute in which it does."""
    not_yet: int
    """One in which it does not."""
    labels: dict[str, str] = field(default_factory=lambda: TASK)


STORIES = [
    Story("WorkerDown", {"up": "1x4 0x10"}, 8, 4, {"job": "ferryman", "instance": "one:8083"}),
    Story("TaskFailed", {"kafka_connect_connector_task_status": "1x20"}, 6, 3, TASK | {"status": "failed"}),
    Story("ConnectorFailed", {"kafka_connect_connector_status": "1x9"}, 6, 3, {"connector": "c", "status": "failed"}),
    Story("TaskProcessDies", {"ferryman_task_process_starts_total": "1 1+1x30"}, 20, 3),
    Story("OtherSystemAway", {"ferryman_task_backoff_seconds": "0+60x30"}, 12, 9),
    Story(
        "SinkFallsBehind",
        {"ferryman_sink_oldest_undelivered_record_age_seconds": "0+60x60", "ferryman_sink_lag_records": "5x60"},
        30,
        20,
    ),
    Story("RecordsDeadLettered", {"ferryman_dead_letters_total": "0x5 3x30"}, 8, 4, TASK | {"stage": "TASK_PUT"}),
    Story("RecordsDeadLettered", {"ferryman_dead_letters_total": "_x5 3x30"}, 8, 4, TASK | {"stage": "TASK_PUT"}),
    Story("RecordsDeadLettered", {"ferryman_dead_letters_total": "_x5 3x30"}, 8, 29, TASK | {"stage": "TASK_PUT"}),
    Story("RecordsSkipped", {"ferryman_skipped_records_total": "_x5 3x30"}, 8, 29, TASK | {"stage": "TASK_PUT"}),
    Story("RecordsSkipped", {"ferryman_skipped_records_total": "9x20 2x30"}, 23, 15, TASK | {"stage": "TASK_PUT"}),
    Story("CommitsFail", {"kafka_connect_connector_task_offset_commit_failure_percentage": "0x5 1x20"}, 18, 10),
    Story("TaskSilent", {"ferryman_task_metrics_age_seconds": "0+60x20"}, 7, 4),
]
HEALTHY = {
    "up": "1x60",
    "kafka_connect_connector_task_status": "0x60",
    "ferryman_task_process_starts_total": "1x60",
    "ferryman_task_backoff_seconds": "0x60",
    "ferryman_sink_oldest_undelivered_record_age_seconds": "0x60",
    "ferryman_sink_lag_records": "100x60",
    "ferryman_dead_letters_total": "0x60",
    "ferryman_skipped_records_total": "7x60",
    "kafka_connect_connector_task_offset_commit_failure_percentage": "0x60",
    "ferryman_task_metrics_age_seconds": "1x60",
}


def _series(series: dict[str, str], labels: dict[str, str]) -> list[dict[str, str]]:
    inside = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return [{"series": f"{name}{{{inside}}}", "values": values} for name, values in series.items()]


def _expected(story: Story) -> list[dict[str, Any]]:
    (rule,) = (rule for rule in rules() if rule["alert"] == story.alert)
    summary = rule["annotations"]["summary"]
    for name, value in story.labels.items():
        summary = summary.replace("{{ $labels." + name + " }}", value)
    return [{"exp_labels": {**story.labels, **rule["labels"]}, "exp_annotations": {"summary": summary}}]


def _test(directory: Path, tests: list[dict[str, Any]]) -> None:
    file = directory / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}))
    done = subprocess.run([str(PROMTOOL), "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.alert}:{next(iter(story.series.values()))}")
def test_an_alert_fires_when_what_it_is_about_happens_and_not_before(tmp_path: Path, story: Story) -> None:
    asked = [
        {"eval_time": f"{story.fires}m", "alertname": story.alert, "exp_alerts": _expected(story)},
        {"eval_time": f"{story.not_yet}m", "alertname": story.alert, "exp_alerts": []},
    ]
    series = _series(story.series, story.labels)
    _test(tmp_path, [{"interval": "1m", "input_series": series, "alert_rule_test": asked}])


@needs_promtool
def test_nothing_fires_while_all_is_well(tmp_path: Path) -> None:
    asked = [
        {"eval_time": f"{minute}m", "alertname": rule["alert"], "exp_alerts": []}
        for rule in rules()
        for minute in (20, 50)
    ]
    series = _series(HEALTHY, TASK | {"job": "ferryman", "stage": "TASK_PUT", "status": "failed"})
    _test(tmp_path, [{"interval": "1m", "input_series": series, "alert_rule_test": asked}])


def test_every_alert_has_its_story() -> None:
    assert {story.alert for story in STORIES} == {rule["alert"] for rule in rules()}


@needs_promtool
def test_prometheus_takes_its_config() -> None:
    command = [str(PROMTOOL), "check", "config", str(ALERTS.with_name("prometheus.yml"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

"""The files of configs/monitoring/ are what their programs read, and ask only for metrics that are served."""

import re

import yaml

from ferryman.metrics.registry import FAMILIES
from tests.monitoring.files import expressions, loaded, panels, rules
from tests.monitoring.prometheus import FOLDER
from tests.places import ROOT

NAME = re.compile(r"\b(?:kafka|ferryman|jvm)_[a-z0-9_]+")
_SUFFIXES = ("_bucket", "_count", "_sum")


def served(name: str) -> bool:
    if name in FAMILIES and FAMILIES[name].kind != "histogram":
        return True
    stem = next((name.removesuffix(end) for end in _SUFFIXES if name.endswith(end)), "")
    return stem in FAMILIES and FAMILIES[stem].kind == "histogram"


def test_alerts_and_dashboard_ask_only_for_what_is_served() -> None:
    asked = {name for text in expressions() for name in NAME.findall(text)}
    assert len(asked) > 15
    assert [name for name in sorted(asked) if not served(name)] == []


def test_brackets_in_every_expression_are_closed() -> None:
    for text in expressions():
        bare = re.sub(r'"[^"]*"', "", text)
        assert all(bare.count(one) == bare.count(other) for one, other in ("()", "[]", "{}")), text


def test_every_alert_has_what_prometheus_wants_and_labels_that_its_metric_has() -> None:
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"[A-Za-z]+", rule["alert"])
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
        told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        (name, *_) = [*NAME.findall(rule["expr"]), ""]
        known = FAMILIES[name].labels if name else ("instance",)
        assert told <= set(known)


def test_no_two_panels_of_the_dashboard_lie_over_each_other() -> None:
    cells = [
        (x, y)
        for panel in panels()
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_prometheus_scrapes_each_worker_of_the_compose_file_and_knows_the_alerts() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    workers = [f"{name}:8083" for name in compose["services"] if name.startswith("ferryman-")]
    found = loaded("prometheus.yml")
    (job,) = found["scrape_configs"]
    assert job["static_configs"][0]["targets"] == workers
    assert all((FOLDER / each).is_file() for each in found["rule_files"])
    assert loaded("grafana/datasources.yml")["datasources"][0]["url"] == "http://prometheus:9090"
    path = loaded("grafana/dashboards.yml")["providers"][0]["options"]["path"]
    assert f"./configs/monitoring/grafana/dashboards:{path}:ro" in compose["services"]["grafana"]["volumes"]

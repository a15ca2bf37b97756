"""The files of configs/monitoring/, read."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from tests.monitoring.prometheus import FOLDER


def loaded(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    return [rule for group in loaded("alerts.yml")["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: dict[str, Any] = json.loads((FOLDER / "grafana/dashboards/ferryman.json").read_text(encoding="utf-8"))
    return list(found["panels"])


def expressions() -> Iterator[str]:
    """All that Prometheus is asked."""
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel.get("targets", ()))

"""What was scraped, read by Prometheus's own client library."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.openmetrics import parser as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain

from tests.running import WEB, Worker

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True)
class Scraped:
    """Series by name: their labels, and their values."""

    series: Mapping[str, list[tuple[Mapping[str, str], float]]]
    kinds: Mapping[str, str] = field(default_factory=dict)

    def found(self, name: str, **labels: str) -> list[float]:
        """The values of all series of a name that have these labels, among others."""
        return [value for own, value in self.series.get(name, []) if labels.items() <= own.items()]

    def one(self, name: str, **labels: str) -> float | None:
        """The value of the only such series; None where there is none."""
        values = self.found(name, **labels)
        assert len(values) <= 1, f"{name} {labels}: {values}"
        return values[0] if values else None

    def labels(self, name: str, label: str) -> set[str]:
        """What a label says in the series of a name."""
        return {own[label] for own, _ in self.series.get(name, []) if label in own}


def read(text: str, *, openly: bool = False) -> Scraped:
    """A scraped text; ``openly`` if it is OpenMetrics. Raises ValueError for what Prometheus would refuse."""
    parse: Callable[[str], Iterable[Any]] = open_metrics.text_string_to_metric_families if openly else plain
    series: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    kinds: dict[str, str] = {}
    for family in parse(text):
        kinds[family.name] = family.type
        for sample in family.samples:
            series.setdefault(sample.name, []).append((dict(sample.labels), float(sample.value)))
    return Scraped(series, kinds)


def scrape(worker: Worker) -> Scraped:
    """What a worker serves now."""
    answer = WEB.get(worker.url + "/metrics")
    assert answer.status_code == 200
    return read(answer.text)

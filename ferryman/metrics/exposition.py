"""Samples as the text that Prometheus reads, in pieces: each task writes the lines of its own series, and the worker
joins what all have written under the head of each family. Escapes, numbers and heads are prometheus_client's.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from prometheus_client import exposition as plain
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as open_metrics
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.utils import floatToGoString

from ferryman.metrics.family import Family, Key, Value
from ferryman.metrics.histogram import Histogram

Form = Literal["text", "openmetrics"]
Sample = tuple[Family, Key, Value | Histogram]
Lines = Mapping[str, str]
"""By the name of a family, the lines of its series."""
_HEADS = "# HELP "
END = "# EOF\n"
"""The last line, in OpenMetrics."""


@dataclass(frozen=True, slots=True)
class _Once:
    """What prometheus_client calls a registry."""

    metrics: Sequence[Metric]

    def collect(self) -> Iterator[Metric]:
        return iter(self.metrics)


def lines(samples: Iterable[Sample]) -> dict[str, str]:
    """The lines of these series by family."""
    metrics: dict[str, Metric] = {}
    for family, key, value in samples:
        metric = metrics.get(family.name)
        if metric is None:
            metric = metrics[family.name] = Metric(family.stem, "", family.kind)
        _add(metric, family, dict(zip(family.labels, key, strict=True)), value)
    # A label's value cannot begin a line, whatever it is: its line ends are spelled out.
    parts = plain.generate_latest(_Once(list(metrics.values()))).decode().split(_HEADS)[1:]
    return {name: part.split("\n", 2)[2] for name, part in zip(metrics, parts, strict=True)}


def _add(metric: Metric, family: Family, labels: dict[str, str], value: Value | Histogram) -> None:
    if not isinstance(value, Histogram):
        metric.add_sample(family.name, labels, value)
        return
    total = 0
    for bound, total in value.cumulative:
        metric.add_sample(f"{family.name}_bucket", labels | {"le": _bound(bound)}, total)
    metric.add_sample(f"{family.name}_count", labels, total)
    metric.add_sample(f"{family.name}_sum", labels, value.sum)


def _bound(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


@cache
def head(family: Family, form: Form) -> str:
    """The lines before those of a family's series."""
    made = _Once([Metric(family.stem, family.help, family.kind)])
    if form == "text":
        return plain.generate_latest(made).decode()
    return _openly(made).removesuffix(END)


def renamed(text: str, family: Family, alias: Family) -> str:
    """The lines of a family under its other name."""
    parts = f"\n{text}".split(f"\n{family.name}")
    for label, other in zip(family.labels, alias.labels, strict=True):
        if label != other:
            parts = [part.replace(f'{{{label}="', f'{{{other}="', 1) for part in parts]
    return f"\n{alias.name}".join(parts)[1:]


def joined(families: Iterable[Family], written: Iterable[Lines], form: Form) -> str:
    """The whole answer: what there is to tell of this process, and each family that has series, with those of all who
    have written any."""
    sources = list(written)
    parts: list[str] = [of_process(form)]
    for family in families:
        name = family.name
        found = [text for source in sources if (text := source.get(name))]
        if found:
            parts.append(head(family, form))
            parts += found
    if form == "openmetrics":
        parts.append(END)
    return "".join(parts)


def of_process(form: Form) -> str:
    """What prometheus_client tells of any Python process: ``process_cpu_seconds_total`` and the like, of this one."""
    made = _Once(list(ProcessCollector(registry=None).collect()))
    if form == "text":
        return plain.generate_latest(made).decode()
    return _openly(made).removesuffix(END)


def _openly(made: _Once) -> str:
    text: bytes = open_metrics.generate_latest(made)  # type: ignore[no-untyped-call]
    return text.decode()


def chosen(accept: str) -> tuple[Form, str]:
    """The form that a header Accept asks for, and its media type."""
    if any(part.partition(";")[0].strip() == "application/openmetrics-text" for part in accept.split(",")):
        return "openmetrics", open_metrics.CONTENT_TYPE_LATEST
    return "text", plain.CONTENT_TYPE_PLAIN_0_0_4

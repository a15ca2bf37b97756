"""Samples as the text that Prometheus reads, in pieces: each task writes the lines of its own series, and the worker
joins what all have written under the head of each family. Numbers and heads are prometheus_client's, and the lines are
as it would write them, which takes it four times as long.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
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
_SMALL = tuple(f"{number}.0" for number in range(64))
"""What most series are."""
_LABEL = re.compile(r'(?P<label>\w+)=(?P<value>"(?:[^"\\]|\\.)*")', re.ASCII)
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
    found: dict[str, list[str]] = {}
    for family, key, value in samples:
        own = found.setdefault(family.name, [])
        if isinstance(value, Histogram):
            own += _of_histogram(family, key, value)
        else:
            own.append(_line(family.name, family.labels, key, value))
    return {name: "".join(each) for name, each in found.items()}


def _of_histogram(family: Family, key: Key, value: Histogram) -> Iterator[str]:
    total, bounds = 0, (*family.labels, "le")
    for bound, total in value.cumulative:
        yield _line(f"{family.name}_bucket", bounds, (*key, _number(bound)), total)
    yield _line(f"{family.name}_count", family.labels, key, total)
    yield _line(f"{family.name}_sum", family.labels, key, value.sum)


def _line(name: str, labels: tuple[str, ...], key: Key, value: Value) -> str:
    return f"{_series(name, labels, key)} {_number(value)}\n"


@lru_cache(maxsize=1000)
def _series(name: str, labels: tuple[str, ...], key: Key) -> str:
    """What a series is called; its labels stand in the order of their names. A task tells of the same ones again and
    again."""
    # A label's value cannot begin a line, whatever it is: its line ends are spelled out.
    values = ",".join(f'{label}="{_escaped(value)}"' for label, value in sorted(zip(labels, key, strict=True)))
    return f"{name}{{{values}}}" if labels else name


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: Value) -> str:
    if isinstance(value, int) and 0 <= value < len(_SMALL):
        return _SMALL[value]
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
    other = {label: new for label, new in zip(family.labels, alias.labels, strict=True) if label != new}
    rests = (line[len(family.name) :] for line in text.split("\n")[:-1])
    return "".join(f"{alias.name}{_relabelled(rest, other) if other else rest}\n" for rest in rests)


def _relabelled(rest: str, other: Mapping[str, str]) -> str:
    """What follows a line's name. Values are passed over whole, so that nothing in one is taken for a label."""
    at = rest.index("{") + 1
    before, parts = rest[:at], list[str]()
    while found := _LABEL.match(rest, at):
        parts.append(f"{other.get(found['label'], found['label'])}={found['value']}")
        at = found.end() + 1
    return f"{before}{','.join(parts)}}}{rest[at:]}"


def joined(families: Iterable[Family], written: Iterable[Lines], form: Form) -> str:
    """The whole answer: the metrics of this process, and each family that has series, with those of all tasks."""
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


def format_for(accept: str) -> tuple[Form, str]:
    """The form that a header Accept asks for, and its media type."""
    if any(part.partition(";")[0].strip() == "application/openmetrics-text" for part in accept.split(",")):
        return "openmetrics", open_metrics.CONTENT_TYPE_LATEST
    return "text", plain.CONTENT_TYPE_PLAIN_0_0_4

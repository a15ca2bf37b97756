"""The page about the metrics that a worker serves."""

from collections.abc import Iterable, Iterator

from ferryman.metrics import clients, connect, ours
from ferryman.metrics.family import Family

_ABOUT = """\
# Metrics

What `GET /metrics` serves; how to scrape it, and what the figures are good for, is told [there](../metrics.md).

The first two tables are what a JVM worker has under JMX. *exporter* is the name that the JMX exporter gives it with
Strimzi's rules, *reporter* the one that Strimzi's metrics reporter gives it (`ferryman.metrics.names`); the MBean is
`DOMAIN:type=GROUP`, and the attribute is its. A text is a label of that attribute's name, in a series that is 1. Rates,
means, maxima and percentages are about the last one to two windows of `metrics.sample.window.ms`.
"""
_CLIENTS = """\
librdkafka's, counted as the Java clients do: of the consumers of sinks and of the producers of sources, once in ten
seconds. `clientid` is the client's id, as a JVM worker has it.
"""
_OURS = """\
Times are seconds and sizes are bytes. The `jvm_` ones are for dashboards of JVM workers.
"""


def page() -> str:
    """The whole page."""
    parts = [
        _ABOUT,
        f"## Kafka Connect's\n\n{_of_kafka(connect.FAMILIES)}",
        f"## Those of Kafka's clients\n\n{_CLIENTS}\n{_of_kafka(clients.FAMILIES)}",
        f"## Ferryman's own\n\n{_OURS}\n{_table(('metric', 'kind', 'labels', ''), map(_own, ours.FAMILIES))}",
    ]
    return "\n".join(parts)


def _of_kafka(families: Iterable[Family]) -> str:
    return _table(("exporter", "reporter", "kind", "labels", "group, attribute", ""), map(_row, families))


def _table(heads: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    return "\n".join(_lines(heads, rows)) + "\n"


def _lines(heads: tuple[str, ...], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _row(family: Family) -> Iterator[str]:
    assert family.attribute is not None
    assert family.alias is not None
    yield f"`{family.name}`"
    yield f"`{family.alias.name}`"
    yield family.kind
    yield _labels(family)
    yield f"`{family.attribute.group}`, `{family.attribute.name}`"
    yield family.help


def _own(family: Family) -> Iterator[str]:
    yield f"`{family.name}`"
    yield family.kind
    yield _labels(family)
    yield family.help


def _labels(family: Family) -> str:
    return ", ".join(f"`{label}`" for label in family.labels)

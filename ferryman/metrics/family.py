"""What a metric is: its names, its labels, what it means. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
NAMES = ("exporter", "reporter")
"""Under whose rules a metric of Kafka's is named: the JMX exporter's with Strimzi's rules, or Strimzi's own metrics
reporter's."""
Labels = tuple[str, ...]
TOTAL = "_total"


@dataclass(frozen=True, slots=True)
class Attribute:
    """Where a JVM worker has the same figure: an attribute of an MBean ``DOMAIN:type=GROUP``."""

    domain: str
    """``kafka.connect``, ``kafka.consumer``, ``kafka.producer`` or ``kafka.admin.client``."""
    group: str
    name: str
    text: bool = False
    """Whether its value is a text, which becomes a label of a series that is 1."""


@dataclass(frozen=True, slots=True)
class Family:
    """All series of one name."""

    name: str
    """As it is served; a counter's ends in ``_total``."""
    kind: Kind
    help: str
    labels: Labels
    attribute: Attribute | None = None
    """None for what a JVM worker does not have."""

    @property
    def stem(self) -> str:
        """The name without the suffix of a counter."""
        return self.name.removesuffix(TOTAL) if self.kind == "counter" else self.name

    @property
    def alias(self) -> "Family | None":
        """The same under the names of Strimzi's metrics reporter, which calls everything a gauge."""
        if self.attribute is None:
            return None
        labels = tuple(_REPORTED.get(label, label) for label in self.labels)
        return Family(reporter_name(self.attribute), "gauge", self.help, labels, self.attribute)


_REPORTED = {"clientid": "client_id", "nodeid": "node_id"}
"""Labels that the reporter spells otherwise."""


def exporter_name(attribute: Attribute) -> str:
    """The name after the rules that Strimzi has for the JMX exporter (examples/metrics/kafka-connect-metrics.yaml)."""
    group = attribute.group.removesuffix("-metrics")
    inside = attribute.domain == "kafka.connect" and not group.startswith("connect-")
    return f"kafka_{'connect-' if inside else ''}{group}_{attribute.name}".replace("-", "_")


def reporter_name(attribute: Attribute) -> str:
    """The name that Strimzi's metrics reporter gives an attribute (its examples/metrics/strimzi-metrics-reporter)."""
    name = f"{attribute.domain}-{attribute.group}-{attribute.name}".replace("-", "_").replace(".", "_")
    return f"{name}_info" if attribute.text else name.removesuffix(TOTAL)


def figures(domain: str, group: str, labels: Labels, helps: Mapping[str, str]) -> Iterator[Family]:
    """The families of a group's numbers, by attribute; a counter is what ends in ``-total``."""
    for name, text in helps.items():
        attribute = Attribute(domain, group, name)
        yield Family(
            exporter_name(attribute), "counter" if name.endswith("-total") else "gauge", text, labels, attribute
        )


def texts(domain: str, group: str, labels: Labels, helps: Mapping[str, str]) -> Iterator[Family]:
    """The families of a group's texts: series that are 1, with the text as a label of the attribute's name."""
    for name, text in helps.items():
        attribute = Attribute(domain, group, name, text=True)
        yield Family(exporter_name(attribute), "gauge", text, (*labels, name.replace("-", "_")), attribute)


Value = float | int
Key = Sequence[str]
"""The values of a family's labels, in their order."""

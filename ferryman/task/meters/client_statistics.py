"""librdkafka's statistics as Kafka's clients count the same things (its STATISTICS.md tells what each field is)."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from ferryman.metrics.exposition import Sample
from ferryman.metrics.family import Value
from ferryman.metrics.registry import OF_ATTRIBUTE

log = logging.getLogger(__name__)

Side = Literal["consumer", "producer"]
EVERY_MS = 10_000
"""Between two statistics. Sooner costs a request for each partition: the client asks for its first offset each time."""
_ALL = {
    "incoming-byte-total": ("rx_bytes", "rxbytes"),
    "outgoing-byte-total": ("tx_bytes", "txbytes"),
    "request-total": ("tx", "tx"),
    "response-total": ("rx", "rx"),
}
"""By attribute, what the client calls it for all brokers together, and for one."""
_BOOTSTRAP, _UNKNOWN = -1, -1


@dataclass(slots=True)
class ClientStatistics:
    """The last statistics of a task's clients."""

    _found: dict[tuple[Side, str], dict[str, Any]] = field(default_factory=dict)

    def settings(self, side: Side, client: str) -> dict[str, Any]:
        """What a client of that id is to be configured with."""
        return {"statistics.interval.ms": EVERY_MS, "stats_cb": self.by(side, client)}

    def by(self, side: Side, client: str) -> Callable[[str], None]:
        """Takes a client's statistics; its callbacks must not raise anything."""

        def take(text: str) -> None:
            try:
                self._found[side, client] = parsed(text, client)
            except Exception as error:
                log.debug("the statistics of %s cannot be read: %s", client, error)

        return take

    def samples(self) -> Iterator[Sample]:
        """The samples of all clients that have reported; for one that is gone, its last report."""
        for (side, client), found in list(self._found.items()):
            for group, attribute, value in _totals(side, found):
                yield OF_ATTRIBUTE[f"{side}-{group}", attribute], (client,), value
            for node, each in _brokers(found):
                for attribute, (_, name) in _ALL.items():
                    yield OF_ATTRIBUTE[f"{side}-node-metrics", attribute], (client, f"node-{node}"), each[name]


def parsed(text: str, client: str) -> dict[str, Any]:
    """The statistics of a client. They begin with its id, in which librdkafka escapes nothing. ValueError for those of
    another."""
    end = f'", "client_id": "{client}", '
    found: dict[str, Any] = orjson.loads("{" + text[text.index(end, len(client)) + len(end) :])
    return found


def _brokers(found: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for each in found["brokers"].values():
        if each["nodeid"] > _BOOTSTRAP:
            yield each["nodeid"], each


def _totals(side: Side, found: Mapping[str, Any]) -> Iterator[tuple[str, str, Value]]:
    brokers = [each for _, each in _brokers(found)]
    topics = found["topics"].values()
    yield "metrics", "connection-count", sum(each["state"] == "UP" for each in brokers)
    for attribute, (name, _) in _ALL.items():
        yield "metrics", attribute, found[name]
    if side == "producer":
        sizes = [topic["batchsize"]["avg"] for topic in topics]
        yield "metrics", "record-send-total", found["txmsgs"]
        yield "metrics", "batch-size-avg", sum(sizes) / len(sizes) if sizes else 0.0
        yield "metrics", "requests-in-flight", sum(each["waitresp_cnt"] for each in brokers)
    else:
        lags = [each["consumer_lag"] for topic in topics for each in topic["partitions"].values()]
        yield "fetch-manager-metrics", "records-consumed-total", found["rxmsgs"]
        yield "fetch-manager-metrics", "bytes-consumed-total", found["rxmsg_bytes"]
        yield "fetch-manager-metrics", "records-lag-max", max((lag for lag in lags if lag != _UNKNOWN), default=0)

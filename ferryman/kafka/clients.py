"""The client configs of one connector's task, put together from worker and connector (``client_config``)."""

import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ferryman.kafka import client_config, fetching
from ferryman.kafka.permissions import Heard
from ferryman.telemetry.repeats import Repeats

DEFAULT_POLL_RECORDS = 20_000
"""Records a sink takes at once unless max.poll.records is set; Java's 500 would cut every batch to that."""


_logger = logging.getLogger("librdkafka")
_logger.addFilter(Repeats())  # it tries twenty times a second to reach a broker that is away, and says so
LOG = {"logger": _logger, "log_level": 5}
"""Sends what librdkafka itself has to say through our logging, where secrets are redacted."""

QUIET = {"log_level": 0}
"""For a client of which one thing is asked: it tries twenty times a second and would say so each time. Its answer is an
error, which the caller reports once."""

SOURCE_QUEUE: dict[str, Any] = {
    "queue.buffering.max.messages": 500_000,
    "queue.buffering.max.kbytes": 32_768,  # Java's buffer.memory; librdkafka's own is a gigabyte
    "linger.ms": 5,
}

LONGEST_ID = 249
MOST_CUT = 1000
"""Up to this number, a task is found by an id in which its number is cut off."""
BROKERS_HEARTBEAT = 5.0
"""Seconds: the default of the broker's group.consumer.heartbeat.interval.ms."""
Side = Literal["consumer", "producer"]


def _nothing(side: Side, client: str) -> dict[str, Any]:
    """No settings."""
    return {}


@dataclass(frozen=True, slots=True)
class Clients:
    """Makes the configs of all clients that one task needs."""

    connector: str
    task: int
    worker: Mapping[str, str]
    """The worker's settings as text, references resolved."""
    raw: Mapping[str, str]
    """The connector's config, references resolved."""
    identity: str
    """Whose task it is: the group.id of workers that share their work, else the worker's address."""
    fetch_min_bytes: int = 1
    """What a sink wishes its fetches to wait for, see ``fetching``."""
    heard: Heard = field(default_factory=Heard)
    """Why the clients are not let in, if they are not."""
    watched: Callable[[Side, str], dict[str, Any]] = _nothing
    """Settings with which a long-lived client reports statistics, under its id; its user polls it."""

    def _reporting(self, side: str) -> dict[str, Any]:
        return LOG | {"error_cb": self.heard.by(side)}

    def _watched(self, side: Side, given: Mapping[str, Any]) -> dict[str, Any]:
        return self._reporting(side) | self.watched(side, str(given.get("client.id", "")))

    @property
    def group(self) -> str:
        """The consumer group of a sink."""
        return str(self._consumer.values["group.id"])

    @property
    def member(self) -> str:
        """The group.instance.id of a sink's task."""
        return instance_id(self.identity, self.connector, self.task)

    @property
    def connection(self) -> Mapping[str, Any]:
        """How the group's consumer gets to its cluster, among its other settings."""
        return self._consumer.values

    @property
    def _consumer(self) -> client_config.ClientConfig:
        return client_config.sink_consumer(self.worker, self.connector, self.task, self.raw)

    def sink_consumer(self) -> dict[str, Any]:
        """The group's consumer. It never resets an offset by itself: where to start is decided by the loop.

        A static member, so that a worker that comes back after a kill has its partitions at once, and the broker fences
        whoever had them. Not with group.protocol=consumer, where the broker keeps the successor out instead.
        """
        ours: dict[str, Any] = {"topic.metadata.refresh.interval.ms": 30_000, "enable.partition.eof": True}
        if self.group_protocol == "classic":
            ours["group.instance.id"] = self.member
        values = self._consumer.values
        ours |= fetching.wished(self.fetch_min_bytes, values)
        return self._watched("consumer", values) | ours | values | {"auto.offset.reset": "error"}

    def group_reader(self) -> dict[str, Any]:
        """A consumer that only asks for the group's offsets and never joins it. It makes no topic by asking for it."""
        values = client_config.alone(self._consumer.values)
        ours = {"client.id": f"{self.connector}-offsets", "allow.auto.create.topics": False}
        return self._reporting("consumer") | values | ours

    @property
    def group_protocol(self) -> Literal["classic", "consumer"]:
        """The protocol of the group: group.protocol."""
        return "consumer" if client_config.protocol(self._consumer.values) == "consumer" else "classic"

    @property
    def read_from(self) -> str:
        """``earliest``, ``latest`` or ``error``: where a partition starts that the group has no usable offset for."""
        chosen = str(self._consumer.values.get("auto.offset.reset", "earliest"))
        return {"smallest": "earliest", "beginning": "earliest", "largest": "latest", "end": "latest"}.get(
            chosen, chosen
        )

    @property
    def limit(self) -> int:
        """Records to take at once."""
        given = "consumer.max.poll.records" in self.worker or "consumer.override.max.poll.records" in self.raw
        return self._consumer.max_poll_records if given else DEFAULT_POLL_RECORDS

    @property
    def longest_silence(self) -> float:
        """Seconds without a poll after which the group goes on without this member: max.poll.interval.ms."""
        return float(self._consumer.values.get("max.poll.interval.ms", 300_000)) / 1000

    @property
    def heartbeat(self) -> float:
        """Seconds between two heartbeats: heartbeat.interval.ms, which with group.protocol=consumer is the broker's."""
        if self.group_protocol == "consumer":
            return BROKERS_HEARTBEAT
        return float(self._consumer.values.get("heartbeat.interval.ms", 3_000)) / 1000

    @property
    def metadata_age(self) -> float:
        """Seconds after which a sink looks again which topics there are; metadata.max.age.ms if that is set."""
        return float(self._consumer.values.get("topic.metadata.refresh.interval.ms", 30_000)) / 1000

    def source_producer(self) -> dict[str, Any]:
        """The transactional producer of a source task."""
        given = client_config.source_producer(self.worker, self.connector, self.task, self.raw).values
        told = {"logger": self.heard.lines("producer"), "log_level": 6}
        return self._watched("producer", given) | told | SOURCE_QUEUE | given

    def plain_producer(self) -> dict[str, Any]:
        """The producer of a source task without transactions."""
        given = client_config.plain_producer(self.worker, self.connector, self.task, self.raw).values
        return self._watched("producer", given) | SOURCE_QUEUE | given

    def dead_letter_producer(self) -> dict[str, Any]:
        """The producer of dead letters."""
        return (
            self._reporting("producer")
            | client_config.dlq_producer(self.worker, self.connector, self.task, self.raw).values
        )

    def offsets_consumer(self) -> dict[str, Any]:
        """The settings of who reads the source offsets topic, which is a process of the worker's."""
        return client_config.offsets_consumer(self.worker, self.connector, self.raw).values

    @property
    def has_other_brokers(self) -> bool:
        """Whether a source's records go to another cluster than the worker's, as far as addresses tell."""
        own = client_config.internal_producer(self.worker, "offsets").values["bootstrap.servers"]
        return bool(self.plain_producer()["bootstrap.servers"] != own)

    def worker_offsets_consumer(self) -> dict[str, Any]:
        """The same for the worker's own offsets topic, where the connector has another one."""
        return client_config.internal_consumer(self.worker, "offsets", committed=True).values

    def worker_offsets_producer(self) -> dict[str, Any]:
        """The worker's own producer for its offsets topic."""
        return LOG | client_config.internal_producer(self.worker, "offsets").values

    def admin(self) -> dict[str, Any]:
        """The config of the admin client, which looks up and creates topics."""
        return self._reporting("admin") | client_config.admin(self.worker, self.connector, self.raw).values


def instance_id(whose: str, connector: str, task: int) -> str:
    """``<whose>-<connector>-<task>`` as Kafka takes it: 249 letters, digits, dots, dashes. Where something is cut or
    replaced, or a dash leaves open where the connector's name begins, a mark keeps it apart from all others."""
    text = f"{whose}-{connector}-{task}"
    clean = re.sub(r"[^A-Za-z0-9._-]", "_", text)
    if clean == text and len(clean) <= LONGEST_ID and "-" not in whose:
        return clean
    mark = hashlib.sha256(f"{whose}\0{connector}\0{task}".encode()).hexdigest()[:16]
    return f"{clean[: LONGEST_ID - len(mark) - 1]}-{mark}"


def task_of(instance: str, whose: str, connector: str) -> int | None:
    """The inverse of ``instance_id``: which task of a connector that is; None for one that is nobody's of these."""
    found = re.search(r"-(\d+)(-[0-9a-f]{16})?$", instance)
    numbers = [int(found[1])] if found and len(found[1]) < 10 else []
    if len(instance) == LONGEST_ID:
        numbers += range(MOST_CUT)  # its number is cut off
    return next((each for each in numbers if instance_id(whose, connector, each) == instance), None)

"""Internal topics on the stack's broker for tests: a log that is read, and who writes it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from ferryman.internal_topics import of_worker
from ferryman.internal_topics.kafka_log import KafkaLog, LogRecord
from ferryman.settings import settings
from ferryman.settings.modes import DISTRIBUTED
from ferryman.settings.settings import Settings
from tests.running import until

SOON = 60.0
"""Seconds, for calls that usually take no time."""


def distributed(kafka: str, name: str, **more: str) -> Settings:
    """The settings of a worker with topics of its own."""
    given = {
        "bootstrap.servers": kafka,
        "group.id": name,
        "key.converter": "StringConverter",
        "value.converter": "StringConverter",
        "config.storage.topic": f"{name}-configs",
        "offset.storage.topic": f"{name}-offsets",
        "status.storage.topic": f"{name}-statuses",
        **{key.replace("_", "."): value for key, value in more.items()},
    }
    return settings.parse(given, DISTRIBUTED)


@dataclass
class Received:
    """What a log hands over."""

    records: list[LogRecord] = field(default_factory=list)

    def __call__(self, records: Sequence[LogRecord]) -> None:
        self.records += records

    @property
    def values(self) -> list[bytes | None]:
        return [each.value for each in self.records]


def make(kafka: str, topic: str, partitions: int = 1) -> None:
    """A compacted topic."""
    new = NewTopic(topic, partitions, 1, config={"cleanup.policy": "compact"})
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([new])[topic].result()


@contextmanager
def config_logs(number: int, worker: Settings, partitions: int = 1) -> Iterator[list[tuple[KafkaLog, Received]]]:
    """Some readers of a new config topic, started."""
    kafka, topic = worker.values["bootstrap.servers"], worker.distributed.config_storage_topic
    make(kafka, topic, partitions)
    with ExitStack() as stack:
        made = []
        for _ in range(number):
            received = Received()
            log = of_worker.config_log(worker, received)
            stack.callback(log.close)
            log.start()
            made.append((log, received))
        yield made


def arrives(received: Received, *values: bytes | None) -> None:
    """Waits until just these values have been received."""
    until(lambda: len(received.records) >= len(values), what=f"{len(values)} records", pause=0.02)
    assert received.values == list(values)

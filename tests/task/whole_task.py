"""A whole task as its process runs it, from its spec on, with fake clients of a cluster in memory."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ferryman.offsets.source_offsets import SourceOffsets
from ferryman.plugins import catalog
from ferryman.record import TopicPartition
from ferryman.task import sessions
from ferryman.task.setup.spec import TaskSpec
from tests.kafka.cluster_in_memory import Cluster
from tests.kafka.fake_admin import FakeAdmin
from tests.kafka.fake_consumer import FakeConsumer
from tests.kafka.fake_producer import FakeProducer
from tests.task.worker import Worker

STRING = "org.apache.kafka.connect.storage.StringConverter"
WORKER = {"bootstrap.servers": "nowhere:1", "key.converter": STRING, "value.converter": STRING}


class WholeTask:
    """Task 0 of the connector ``c``. Its consumers own the partitions in ``joins`` as soon as they have joined."""

    def __init__(self, patches: pytest.MonkeyPatch, plugin: type[Any]) -> None:
        self.cluster, self.worker = Cluster(), Worker()
        self.admin = FakeAdmin(self.cluster)
        self.joins: list[TopicPartition] = []
        self.consumers: list[FakeConsumer] = []
        self.producers: list[FakeProducer] = []
        self.prepare: Callable[[FakeProducer], None] = lambda producer: None
        self.waits: list[float] = []
        patches.setattr(catalog, "connector", lambda name: plugin if name == plugin.__name__ else None)
        patches.setattr("ferryman.task.setup.garbage_collection.hold_back", lambda: None)
        patches.setattr("ferryman.task.sink.sink_thread.POLL_SECONDS", 0.01)
        for module in ("ferryman.task.sink.sessions", "ferryman.task.source.sessions"):
            patches.setattr(f"{module}.Admin", lambda config: self.admin)
            patches.setattr(f"{module}.Producer", self.producer)
        patches.setattr("ferryman.task.sink.sessions.Consumer", self.consumer)
        patches.setattr(self.worker.asking, "read", self.read)
        patches.setattr(
            "ferryman.offsets.stores.Producer", lambda config: FakeProducer(self.cluster, transactional=False)
        )
        patches.setattr(self.worker, "wait", self.wait)
        self.settings = dict(WORKER)
        self.config = {"name": "c", "connector.class": plugin.__name__}

    def consumer(self, config: Mapping[str, Any]) -> FakeConsumer:
        made = FakeConsumer(self.cluster)
        made.give(*self.joins)
        self.consumers.append(made)
        return made

    def read(self, client: Mapping[str, Any], topic: str, offsets: SourceOffsets, gives_up: object) -> None:
        """What the worker answers about source offsets."""
        logs = self.cluster.topics[topic].logs if topic in self.cluster.topics else []
        for record in (each for log in logs for each in log):
            offsets.load(record.key(), record.value())

    def producer(self, config: Mapping[str, Any]) -> FakeProducer:
        made = FakeProducer(self.cluster, transactional="transactional.id" in config)
        self.prepare(made)
        self.producers.append(made)
        return made

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return self.worker._wish == "stop"

    def run(self, story: Callable[[], Iterator[None]], **config: str) -> None:
        """Runs it; ``story`` goes on at each round of its loop, and between sessions."""
        given = self.config | {key.replace("_", "."): value for key, value in config.items()}
        self.worker.story = story()
        sessions.run(TaskSpec("c", 0, "w", given, self.settings), self.worker)

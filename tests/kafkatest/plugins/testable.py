"""A source that counts and a sink that tells what it got, as Kafka's TestableSourceConnector and its sink do.

Every start, stop and record leaves a line in the log, in the words of the Java ones; tests count these lines.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence

from ferryman.api import Assigned, Connector, Offset, Partition, Sink, SinkContext, Source
from ferryman.config import Bool, Int, Long, Str, key
from ferryman.connector import SinkConfig, SourceConfig
from ferryman.context import TransactionContext
from ferryman.record import Header, Record, TopicPartition
from ferryman.schema import INT64, STRING

_OF_TASKS = ("connector.name", "task.id", "task-")
"""Keys that configs of tasks have beside those of their connector."""


def say(text: str) -> None:
    """Writes a line to the worker's log, at once and whole. Where output is not buffered ``print`` would write the
    line's end apart, and another process's line might come between."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class TestableSourceConfig(SourceConfig):
    """The keys of TestableSourceConnector."""

    ignored = (*SourceConfig.ignored, *_OF_TASKS)

    topic: Str = key("sequential-topic")
    """Where the records go."""
    num_tasks: Int | None = key(None)
    """How many tasks to make, whatever tasks.max says."""
    messages_per_poll: Int = key(1)
    """How many records at a time."""
    throughput: Long = key(-1)
    """Records a second, about; -1 for no limit."""
    max_messages: Long = key(1 << 62)
    """How many in all."""
    alter_offsets_result: Bool = key(False)
    """What alter_offsets returns."""
    connector_start_inject_error: Bool = key(False)
    """Whether the connector fails at its start."""
    connector_stop_inject_error: Bool = key(False)
    """Whether the connector fails at its end."""
    custom_exactly_once_support: Str = key("null")
    """What the connector says of exactly once: supported, unsupported, null for nothing, fail for an error."""
    custom_transaction_boundaries: Str = key("unsupported")
    """The same of whether it ends transactions itself."""


FIBONACCI = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233}
ANSWERS = {"supported": True, "unsupported": False, "null": None}


def answered(word: str) -> bool | None:
    if word == "fail":
        raise RuntimeError("oops")
    return ANSWERS[word]


class TestableSource(Connector[TestableSourceConfig]):
    """The connector as an object, which fails where its config says."""

    def start(self) -> None:
        say(f"Started TestableSourceConnector connector {self.config.name}")
        if self.config.connector_start_inject_error:
            raise RuntimeError("Injecting errors during connector start")

    def task_configs(self) -> list[Mapping[str, str]]:
        count = self.config.tasks_max if self.config.num_tasks is None else self.config.num_tasks
        return list(_numbered(self.config.name, self.context.raw, count))

    def stop(self) -> None:
        say(f"Stopped TestableSourceConnector connector {self.config.name}")
        if self.config.connector_stop_inject_error:
            raise RuntimeError("Injecting errors during connector stop")


class TestableSourceConnector(Source[TestableSourceConfig]):
    """Numbers from 1, each task its own."""

    config_class = TestableSourceConfig
    classes = ("org.apache.kafka.connect.integration.TestableSourceConnector",)
    connector = TestableSource

    @classmethod
    def alter_offsets(
        cls, config: TestableSourceConfig, offsets: Sequence[tuple[Partition | None, Offset | None]]
    ) -> bool:
        return config.alter_offsets_result

    @classmethod
    def supports_exactly_once(cls, config: TestableSourceConfig) -> bool | None:
        return answered(config.custom_exactly_once_support)

    @classmethod
    def ends_transactions(cls, config: TestableSourceConfig) -> bool:
        return answered(config.custom_transaction_boundaries) is True

    def start(self) -> None:
        self.id = self.context.raw["task.id"]
        self.mine = {"task.id": self.id}
        offset = self.context.offset(self.mine)
        self.next = 0 if offset is None else int(offset["saved"])
        say(f"Started {type(self).__name__} task {self.id} with properties {sorted(self.context.raw)}")
        if self.context.raw.get(f"task-{self.id}.start.inject.error") == "true":
            raise RuntimeError("Injecting errors during task start")

    def poll(self) -> Sequence[Record]:
        count = min(self.config.messages_per_poll, self.config.max_messages - self.next)
        wait = 0.05 if count <= 0 else count / self.config.throughput if self.config.throughput > 0 else 0.0
        if self.context.stopping(wait) or count <= 0:
            return []
        first, self.next = self.next + 1, self.next + count
        records = {number: self._record(number) for number in range(first, self.next + 1)}
        if self.context.transaction is not None:
            self._end_transactions(self.context.transaction, records)
        return list(records.values())

    def _end_transactions(self, transaction: TransactionContext, records: Mapping[int, Record]) -> None:
        """Ends them where Fibonacci's numbers are, and takes back those that end at an even one."""
        for number in FIBONACCI & records.keys():
            if number % 2:
                transaction.commit_after(records[number])
            else:
                transaction.abort_after(records[number])

    def _record(self, number: int) -> Record:
        return Record(
            topic=self.config.topic,
            key=f"key-{self.id}-{number}",
            key_schema=STRING,
            value=f"value-{self.id}-{number}",
            value_schema=STRING,
            headers=(Header(f"header-{number}", number, INT64),),
            source_partition=self.mine,
            source_offset={"saved": number},
        )

    def stop(self) -> None:
        say(f"Stopped {type(self).__name__} task {self.id}")


class TestableSinkConfig(SinkConfig):
    """The keys of TestableSinkConnector."""

    ignored = (*SinkConfig.ignored, *_OF_TASKS)

    alter_offsets_result: Bool = key(False)
    """What alter_offsets returns."""


class TestableSinkConnector(Sink[TestableSinkConfig]):
    """Logs what it gets."""

    config_class = TestableSinkConfig
    classes = ("org.apache.kafka.connect.integration.TestableSinkConnector",)

    def __init__(self, config: TestableSinkConfig, context: SinkContext) -> None:
        super().__init__(config, context)
        self.id = context.raw["task.id"]

    @classmethod
    def task_configs(cls, config: TestableSinkConfig, raw: Mapping[str, str]) -> list[Mapping[str, str]]:
        say(f"Starting connector {config.name}")
        return list(_numbered(config.name, raw, config.tasks_max))

    @classmethod
    def alter_offsets(
        cls, config: TestableSinkConfig, context: SinkContext, offsets: Mapping[TopicPartition, int | None]
    ) -> bool:
        return config.alter_offsets_result

    def start(self) -> None:
        say(f"Starting task {self.id}")

    def open(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        say(f"Opening partitions [{', '.join(str(each.source) for each in partitions)}]")
        return {}

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        say(f"Closing partitions [{', '.join(map(str, partitions))}]")

    def put(self, records: Sequence[Record]) -> None:
        for record in records:
            say(f"Task {self.id} obtained record (key='{record.key}' value='{record.value}')")

    def stop(self) -> None:
        say(f"Stopped {type(self).__name__} task {self.id}")


def _numbered(name: str, raw: Mapping[str, str], count: int) -> Iterator[Mapping[str, str]]:
    for number in range(count):
        yield {**raw, "connector.name": name, "task.id": f"{name}-{number}"}

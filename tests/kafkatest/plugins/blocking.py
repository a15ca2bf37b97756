"""Connectors that stand still for ever in the callback that their config names, as those of BlockingConnectorTest."""

import time
from collections.abc import Iterable, Mapping, Sequence

from ferryman.api import Sink, Source
from ferryman.config import Str, key
from ferryman.connector import SinkConfig, SourceConfig
from ferryman.errors import KeyProblem
from ferryman.record import Record

_TEST = "org.apache.kafka.connect.integration.BlockingConnectorTest"


def stand_still(place: str, chosen: str) -> None:
    """For ever, if this is the place."""
    if place == chosen:
        print(f"Will block on {place}\n", end="", flush=True)
        while True:
            time.sleep(60)


class BlockingConfig(SourceConfig):
    """The keys of the sources."""

    block: Str = key("")
    """Where."""
    topics: Str = key("")
    """Has no meaning."""


class ValidateBlockingConfig(BlockingConfig):
    """The keys of one that stands still whenever it is looked at."""

    def problems(self) -> Iterable[KeyProblem]:
        stand_still("Connector::validate", "Connector::validate")
        return super().problems()


class BlockingConnector(Source[BlockingConfig]):
    """Stands still as a connector."""

    config_class = BlockingConfig
    classes = (f"{_TEST}$BlockingConnector",)

    @classmethod
    def task_configs(cls, config: BlockingConfig, raw: Mapping[str, str]) -> list[Mapping[str, str]]:
        stand_still("Connector::start", config.block)
        return [{}]

    def poll(self) -> Sequence[Record]:
        self.context.stopping(1)
        return []


class ValidateBlockingConnector(BlockingConnector):
    """Stands still in its validation."""

    config_class = ValidateBlockingConfig
    classes = (f"{_TEST}$ValidateBlockingConnector",)


class BlockingSourceConnector(Source[BlockingConfig]):
    """Stands still as a task."""

    config_class = BlockingConfig
    classes = (f"{_TEST}$BlockingSourceConnector",)

    def start(self) -> None:
        stand_still("Task::start", self.config.block)

    def poll(self) -> Sequence[Record]:
        self.context.stopping(1)
        return []

    def stop(self) -> None:
        stand_still("Task::stop", self.config.block)


class BlockingSinkConfig(SinkConfig):
    """The keys of the sink."""

    block: Str = key("")
    """Where."""


class BlockingSinkConnector(Sink[BlockingSinkConfig]):
    """Stands still as a task."""

    config_class = BlockingSinkConfig
    classes = (f"{_TEST}$BlockingSinkConnector",)

    def start(self) -> None:
        stand_still("Task::start", self.config.block)

    def put(self, records: Sequence[Record]) -> None:
        """Takes them all."""

    def stop(self) -> None:
        stand_still("Task::stop", self.config.block)

"""Writes to the config topic in the order that its readers rely on (KafkaConfigBackingStore), and reads its records.

What only the leader may write goes by the leader's own writer where there is one: then each step is a transaction.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ferryman.errors import RequestError, RetriableError
from ferryman.facts.config_records import (
    ConfigRecord,
    ConnectorConfig,
    Ignored,
    LoggerLevel,
    RestartRequest,
    SessionKey,
    TargetStateRecord,
    TaskConfig,
    TasksCommit,
    TasksFencing,
    decode,
    encode,
)
from ferryman.facts.states import TargetState
from ferryman.internal_topics.kafka_log import KafkaLog, LogRecord
from ferryman.internal_topics.writers import Writer

log = logging.getLogger(__name__)

WRITE_SECONDS = 30.0
"""Seconds that a whole write may take, reading back included (READ_WRITE_TOTAL_TIMEOUT_MS)."""
_ROOT = "Error writing root configuration to Kafka"


def decoded(records: Sequence[LogRecord]) -> Iterator[tuple[ConfigRecord | Ignored, int]]:
    """Each record with its offset, as ``Facts.apply`` takes them; without those that are none."""
    for each in records:
        record = decode(each.key, each.value)
        if record is None:
            log.error("ignored offset %d of the config topic: the record is not JSON, or has no key", each.offset)
            continue
        if isinstance(record, Ignored):
            log.warning("the record %s at offset %d is ignored: %s", record.key, each.offset, record.reason)
        yield record, each.offset


@dataclass(slots=True)
class _Budget:
    """How long a write may still take."""

    _until: float = field(default_factory=lambda: time.monotonic() + WRITE_SECONDS)

    @property
    def left(self) -> float:
        """Seconds; never below 0."""
        return max(self._until - time.monotonic(), 0.0)


@contextmanager
def _saying(text: str) -> Iterator[None]:
    """Raises RequestError 500 with Kafka Connect's text where Kafka cannot be written or read; why, the log says."""
    try:
        yield
    except RetriableError as error:
        log.error("%s: %s", text, error)
        raise RequestError(500, text) from error


class ConfigTopic:
    """The writing side. All calls block for up to 30 s, and raise RequestError 500 when Kafka did not take it then.

    With a FencedWriter, what the leader writes raises FencedError when the right to write was not claimed or another
    worker has it; after any failure it must be claimed again. Target states and logger levels any worker writes.
    """

    def __init__(self, topic: KafkaLog, leader: Writer | None = None) -> None:
        self._log = topic
        self._leader: Writer = topic if leader is None else leader

    def put_connector(self, name: str, properties: Mapping[str, str], target: TargetState | None = None) -> None:
        """Creates or changes a connector; a target, where it is given, is there before the connector is."""
        states = [] if target is None else [TargetStateRecord(name, target)]
        with _saying("Error writing connector configuration to Kafka"):
            self._write([*states, ConnectorConfig(name, properties)])

    def delete_connector(self, name: str) -> None:
        """Forgets a connector, then its target."""
        with _saying("Error removing connector configuration from Kafka"):
            self._write([ConnectorConfig(name, None), TargetStateRecord(name, None)])

    def put_tasks(self, connector: str, configs: Sequence[Mapping[str, str]]) -> None:
        """Replaces the task configs of a connector, by their order. They count from the commit on, which is written
        when all of them were read back; none are how the tasks of a stopped connector are emptied."""
        budget = _Budget()
        tasks = [TaskConfig(connector, number, config) for number, config in enumerate(configs)]
        with _saying(_ROOT):
            self._log.read_to_end(budget.left)
        if tasks:
            with _saying("Error writing task configurations to Kafka"):
                written = self._leader.send([encode(task) for task in tasks], budget.left)
            with _saying(_ROOT):
                self._log.read_up_to(written, budget.left)
        with _saying(_ROOT):
            self._write([TasksCommit(connector, len(tasks))], budget)

    def put_fencing(self, connector: str, tasks: int) -> None:
        """Notes that former producers were fenced, and that ``tasks`` transactional ids may be in use from now on."""
        with _saying("Error writing task count record to Kafka"):
            self._write([TasksFencing(connector, tasks)])

    def put_session_key(self, key: SessionKey) -> None:
        """Hands a new key for signatures to all workers."""
        with _saying("Error writing session key to Kafka"):
            self._write([key])

    def put_restart(self, request: RestartRequest) -> None:
        """Asks all workers for a restart of what they run of a connector."""
        flags = f"onlyFailed={_java(request.only_failed)}, includeTasks={_java(request.include_tasks)}"
        text = f"restart request {{connectorName='{request.connector}', {flags}}}"
        with _saying(f"Error writing {text} to Kafka"):
            self._write([request])

    def put_target(self, name: str, target: TargetState) -> None:
        """Says what a connector is wanted to be. It is not read back: whoever needs that reads to the end."""
        with _saying("Error writing target state to Kafka"):
            self._log.send([encode(TargetStateRecord(name, target))], WRITE_SECONDS)

    def put_logger(self, level: LoggerLevel) -> None:
        """Sets a logger's level on all workers. Not read back either."""
        with _saying("Error writing logger level to Kafka"):
            self._log.send([encode(level)], WRITE_SECONDS)

    def refresh(self, within: float) -> None:
        """Returns when all that was written so far was received. Raises RetriableError after so many seconds."""
        self._log.read_to_end(within)

    def _write(self, records: Sequence[ConfigRecord], budget: _Budget | None = None) -> None:
        """Together, and read back."""
        budget = budget or _Budget()
        written = self._leader.send([encode(record) for record in records], budget.left)
        self._log.read_up_to(written, budget.left)


def _java(flag: bool) -> str:
    return "true" if flag else "false"

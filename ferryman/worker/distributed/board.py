"""Statuses as the status topic has them: each worker writes those of its own instances, all read all."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ferryman.facts.states import State
from ferryman.facts.statuses import (
    ConnectorStatusRecord,
    Statuses,
    StatusRecord,
    StoredStatus,
    TaskStatusRecord,
    TopicUse,
    TopicUseRecord,
)
from ferryman.internal_topics import of_worker, status_topic
from ferryman.internal_topics.kafka_log import LogRecord
from ferryman.settings.settings import Settings
from ferryman.worker.control.wanted import Instance, Task
from ferryman.worker.herder import Status
from ferryman.worker.pool import Pool

LAST_WORDS = 2.0
"""Seconds that the last statuses have to be written when the worker ends."""
_MODEST = frozenset({State.UNASSIGNED, State.FAILED})
"""What does not stand against the word of a worker in a later generation."""


@dataclass
class Board:
    """The status topic of one worker."""

    settings: Settings
    generation: Callable[[], int]
    """The group's, as this worker knows it."""
    statuses: Statuses = field(default_factory=Statuses)
    _forgotten: Callable[[str], None] = lambda connector: None
    _said: Callable[[Instance, str | None, bool], None] = lambda instance, whose, late: None

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._log = of_worker.status_log(self.settings, self._received)
        self._writer = of_worker.status_writer(self.settings, lambda record: self.statuses.may_put(record))
        self._reads = Pool("status topic", 1, 1)

    async def start(self) -> None:
        """Reads to the end of the topic, and goes on reading. Raises RetriableError where that cannot be."""
        await self._reads.run("reading to the end of the status topic", self._log.start, within=None)

    def close(self) -> None:
        """Writes what is left to write. Blocks for a moment."""
        self._writer.close(LAST_WORDS)
        self._log.close()

    def when_forgotten(self, forgotten: Callable[[str], None]) -> None:
        """Calls this, on the loop, with a connector of whose topics some were forgotten, by whichever worker."""
        self._forgotten = forgotten

    def when_said(self, said: Callable[[Instance, str | None, bool], None]) -> None:
        """Calls this, on the loop, with an instance of which somebody has said something; with the worker whose word
        that is, None for nobody's; and whether it may be late: a former owner's, since one that slept has not read yet
        who had it next. That is so where it says that the instance runs nowhere, or has failed, or whatever in an
        earlier generation."""
        self._said = said

    def show(self, instance: Instance, status: Status | None) -> None:
        """This worker's word on an instance; None when there is no such instance any more."""
        connector, task = instance
        stored = None if status is None else self._stored(status)
        record = ConnectorStatusRecord(connector, stored) if task is None else TaskStatusRecord(connector, task, stored)
        self._writer.put(record, safe=status is not None and status.state in _MODEST)

    def _stored(self, status: Status) -> StoredStatus:
        return StoredStatus(
            status.state,
            status.worker_id,
            self.generation(),
            status.trace,
            status.version,
            status.outage,
            status.restart,
        )

    def status(self, connector: str) -> Status | None:
        """The connector's own."""
        found = self.statuses.connector(connector)
        return None if found is None else _status(found)

    def tasks(self, connector: str) -> Mapping[int, Status]:
        """The statuses of its tasks, by number."""
        return {number: _status(each) for number, each in self.statuses.tasks(connector).items()}

    def task(self, connector: str, task: int) -> Status | None:
        """The status of one of its tasks."""
        found = self.statuses.task(connector, task)
        return None if found is None else _status(found)

    def use(self, task: Task, topic: str) -> None:
        """A task here has used a topic."""
        connector, number = task
        if not self.statuses.uses(connector, topic):
            self._writer.put(TopicUseRecord(connector, topic, TopicUse(number, int(time.time() * 1000))))

    def topics(self, connector: str) -> Sequence[str]:
        """The topics that a connector has used, sorted."""
        return list(self.statuses.topics(connector))

    def forget_topics(self, connector: str) -> None:
        """From now on it has used none."""
        for topic in self.statuses.topics(connector):
            self._writer.put(TopicUseRecord(connector, topic, None))

    def clear(self, connectors: Mapping[str, int]) -> None:
        """Removes the statuses of connectors and tasks that no longer exist; ``connectors`` has each one's number of
        tasks. For the group's leader."""
        for connector, tasks in self.statuses.besides(connectors):
            for number in tasks:
                self.show((connector, number), None)
            if connector not in connectors:
                self.show((connector, None), None)
                self.forget_topics(connector)

    def _received(self, records: Sequence[LogRecord]) -> None:
        """Takes in what was read, on the topic's own thread."""
        self._loop.call_soon_threadsafe(self._apply, list(status_topic.decoded(records)))

    def _apply(self, records: Sequence[StatusRecord]) -> None:
        for record in records:
            self.statuses.apply(record)
            if isinstance(record, TopicUseRecord):
                if record.use is None:
                    self._forgotten(record.connector)
            else:
                whose = None if record.status is None else record.status.worker_id
                task = record.task if isinstance(record, TaskStatusRecord) else None
                self._said((record.connector, task), whose, self._may_be_late(record.status))

    def _may_be_late(self, status: StoredStatus | None) -> bool:
        return status is None or status.state in _MODEST or status.generation < self.generation()


def _status(stored: StoredStatus) -> Status:
    return Status(stored.state, stored.worker_id, stored.trace, stored.version, stored.outage, stored.restart)

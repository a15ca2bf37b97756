"""The facts in the config topic: read by all workers of a group, written by its leader."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ferryman.errors import FencedError, RequestError
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
)
from ferryman.facts.fold import Facts
from ferryman.facts.states import TargetState
from ferryman.internal_topics import of_worker
from ferryman.internal_topics.config_topic import WRITE_SECONDS, ConfigTopic, decoded
from ferryman.internal_topics.kafka_log import LogRecord
from ferryman.internal_topics.writers import Ends, Entry, Writer
from ferryman.settings.settings import Settings
from ferryman.task.setup.crash_points import crash_point
from ferryman.worker.control.mode_interfaces import Heard
from ferryman.worker.pool import Pool

log = logging.getLogger(__name__)

CONFLICT = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"
"""With status 409."""
CLAIM_SECONDS = 30.0
"""Seconds that the right to write is claimed for."""


@dataclass(frozen=True, slots=True)
class _Leased:
    """Writes what only the leader writes. One that slept or was cut off believes to lead until it hears otherwise, one
    that leads no more may still have work of that time, and without transactions nothing else would keep its word from
    standing against its successor's."""

    writer: Writer
    leads: Callable[[], bool]

    def send(self, entries: Sequence[Entry], within: float) -> Ends:
        """As Writer says. FencedError where another worker may lead by now."""
        if not self.leads():
            raise FencedError("another worker leads the group by now, or may do so")
        return self.writer.send(entries, within)


class Journal:
    """The config topic of one worker. ``facts`` belongs to the event loop; other threads take a snapshot."""

    def __init__(self, settings: Settings) -> None:
        self.facts = Facts()
        self.ready = asyncio.Event()
        """Set when all that there was at the start has been read. What came before is never obeyed, only known."""
        self._log = of_worker.config_log(settings, self._received)
        self._leader = of_worker.leader_writer(settings)
        self._topic = ConfigTopic(self._log, _Leased(self._leader or self._log, lambda: self.leads()))
        self._heard: Heard = lambda events: None
        self.leads: Callable[[], bool] = lambda: True
        """Whether this worker leads the group, and nobody else can; asked in the thread that writes."""
        if self._leader is not None:
            self._leader.leads = lambda: self.leads()
        self.when_refused: Callable[[], None] = lambda: None
        """Called when this worker does not have, or no longer has, the leader's right to write."""
        self._loop = asyncio.get_running_loop()
        self._writes = Pool("facts", 1, 1 << 10)
        """One thread: what is written is written in order."""
        self._reads = Pool("config topic", 1, 1)

    def listen(self, heard: Heard) -> None:
        """Calls this, on the loop, with what each further record brings about."""
        self._heard = heard

    async def start(self) -> None:
        """Reads to the end of the topic, and goes on reading. Raises RetriableError where that cannot be."""
        await self._reads.run("reading to the end of the config topic", self._log.start, within=None)
        self.ready.set()

    async def read(self) -> None:
        """Returns when all has been read that there was when the worker started."""
        await self.ready.wait()

    def catch_up(self, within: float) -> None:
        """Returns when all that was written by now is known. For other threads than the loop's, since it blocks; raises
        RetriableError after so many seconds."""
        self._log.read_to_end(within)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result(within)

    def claim(self) -> None:
        """Takes over the right to write from the former leader. Blocks; raises RetriableError if it cannot be had."""
        if self._leader is not None:
            self._leader.claim(CLAIM_SECONDS)

    def relinquish(self) -> None:
        """Gives the right to write up."""
        if self._leader is not None:
            self._leader.relinquish()

    @property
    def claimed(self) -> bool:
        """Whether this worker may write what only the leader writes, as far as it knows."""
        return self._leader is None or self._leader.claimed

    async def write(self, *records: ConfigRecord) -> None:
        """Returns when the records are written, and known here. RequestError if they cannot be."""
        stage = f"writing {_named(records)} to the config topic"
        try:
            await self._writes.run(stage, lambda: self._write(records))
        except FencedError as error:
            log.warning("nothing is written: %s", error)
            self.when_refused()
            raise RequestError(409, CONFLICT) from error

    def close(self) -> None:
        """Reads no more. Blocks for a moment."""
        self._log.close()
        self.relinquish()

    def _write(self, records: Sequence[ConfigRecord]) -> None:
        match records:
            case (TargetStateRecord(name, TargetState() as target), ConnectorConfig(_, dict(properties))):
                self._topic.put_connector(name, properties, target)
            case (ConnectorConfig(name, None), TargetStateRecord(_, None)):
                self._topic.delete_connector(name)
            case (ConnectorConfig(name, dict(properties)),):
                self._topic.put_connector(name, properties)
            case (*tasks, TasksCommit(name, _)):
                crash_point("configs.before_tasks")
                self._topic.put_tasks(name, [each.properties for each in tasks if isinstance(each, TaskConfig)])
            case (TasksCommit(name, 0), TargetStateRecord(_, TargetState() as target)):
                self._topic.put_tasks(name, [])
                self._target(name, target)
            case (TargetStateRecord(name, TargetState() as target),):
                self._target(name, target)
            case (TasksFencing(name, count),):
                self._topic.put_fencing(name, count)
            case (SessionKey() as key,):
                self._topic.put_session_key(key)
            case (RestartRequest() as request,):
                self._topic.put_restart(request)
            case (LoggerLevel() as level,):
                self._topic.put_logger(level)
                self._topic.refresh(WRITE_SECONDS)
            case _:
                raise AssertionError(f"nobody writes {_named(records)} together")

    def _target(self, name: str, target: TargetState) -> None:
        self._topic.put_target(name, target)
        self._topic.refresh(WRITE_SECONDS)

    def _received(self, records: Sequence[LogRecord]) -> None:
        """Takes in what was read, on the topic's own thread."""
        self._loop.call_soon_threadsafe(self._apply, list(decoded(records)))

    def _apply(self, records: Sequence[tuple[ConfigRecord | Ignored, int]]) -> None:
        live = self.ready.is_set()
        events = [event for record, offset in records for event in self.facts.apply(record, offset)]
        if live:
            self._heard(events)


def _named(records: Sequence[ConfigRecord]) -> str:
    first = records[0]
    what = "a config for connector" if isinstance(first, ConnectorConfig) else type(first).__name__
    return f"{what} {getattr(first, 'connector', '')}".strip()

"""Keeps the former tasks of a source out of its transactions, before new ones start (KIP-618).

Each new task takes its own identity over from its predecessor; but of a source that had more tasks before, nobody takes
the others'. So whoever leads the group takes all identities over that may be in use, once for each set of tasks, and
says so in the config topic; workers start the tasks when they have read that.
"""

import asyncio
import logging
from collections.abc import Callable, Collection

from confluent_kafka import KafkaException

from ferryman.errors import FerrymanError, RequestError
from ferryman.facts.config_records import TasksFencing
from ferryman.facts.fold import ConnectorFacts
from ferryman.kafka.callbacks import Producer
from ferryman.kafka.clients import Clients
from ferryman.plugins import catalog
from ferryman.retry import backoff
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.redaction import redact
from ferryman.worker.control.worker_resources import WorkerResources
from ferryman.worker.distributed.journal import Journal
from ferryman.worker.pool import Pool

log = logging.getLogger(__name__)

ANSWER_SECONDS = 60.0
"""Seconds that the broker has to end what a former task has open."""
LONGEST_WAIT = 30.0


class Fencing:
    """The fencing of one worker, which is at work where it leads."""

    def __init__(self, resources: WorkerResources, journal: Journal, owner: Callable[[str], Owner]) -> None:
        self._resources, self._journal, self._owner = resources, journal, owner
        self._pool = Pool("fencing", 4, 1 << 10)
        self._under_way: dict[str, asyncio.Task[None]] = {}

    @property
    def _enabled(self) -> bool:
        return self._resources.settings.distributed.exactly_once_source_support == "enabled"

    def may_start(self, facts: ConnectorFacts) -> bool:
        """Whether the tasks of a connector may run: no former one of theirs is in the way."""
        return not (self._enabled and facts.pending_fencing and facts.tasks and may_be_source(facts))

    def look(self, connectors: Collection[str]) -> None:
        """Begins what is to be done about these, in the background; for the leader."""
        for connector in connectors:
            if not self.may_start(self._journal.facts.of(connector)) and connector not in self._under_way:
                self._under_way[connector] = asyncio.create_task(self._go_on(connector), name=f"fencing {connector}")

    async def _go_on(self, connector: str) -> None:
        attempt = 0
        try:
            while self._journal.claimed and not self.may_start(self._journal.facts.of(connector)):
                try:
                    await self.fence(connector)
                except FerrymanError as error:
                    attempt += 1
                    log.error("connector %s: its tasks cannot start yet: %s", connector, redact(str(error)))
                    if isinstance(error, RequestError) and error.status == 409:
                        return  # another worker leads by now
                    await asyncio.sleep(backoff.delay(attempt, LONGEST_WAIT))
        finally:
            del self._under_way[connector]

    async def fence(self, connector: str) -> None:
        """Fences the former tasks, unless that is done. RequestError 404 for no connector, 400 for a sink, 500 where
        the broker does not do it."""
        facts = self._journal.facts.of(connector)
        if facts.properties is None:
            raise RequestError(404, f"Connector {connector} not found")
        if not may_be_source(facts):
            raise RequestError(400, f"Connector {connector} is not a source connector")
        if not facts.pending_fencing:
            return
        if facts.fenced:
            await self._pool.run(
                f"fencing the former tasks of connector {connector}",
                lambda: self._take_over(connector, facts, facts.fenced or 0),
                within=None,
            )
        if self._journal.facts.of(connector).tasks_version == facts.tasks_version:
            await self._journal.write(TasksFencing(connector, len(facts.tasks)))

    def _take_over(self, connector: str, facts: ConnectorFacts, tasks: int) -> None:
        resources, owner = self._resources, self._owner(connector)
        with owner.keeps():
            raw = resources.resolved(owner, facts.applied or facts.properties or {}).values
            for number in range(tasks):
                clients = Clients(connector, number, resources.settings.values, raw, resources.identity)
                try:
                    Producer(clients.source_producer()).init_transactions(ANSWER_SECONDS)
                except KafkaException as error:
                    text = f"Failed to fence the former task {number} of connector {connector}: {error.args[0].str()}"
                    raise RequestError(500, text) from error


def may_be_source(facts: ConnectorFacts) -> bool:
    """Whether it is one, or of a class that only other workers know: to fence a sink does no harm."""
    entry = catalog.connector_entry((facts.properties or {}).get("connector.class", ""))
    return entry is None or entry.kind == "source"

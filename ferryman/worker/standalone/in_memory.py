"""Standalone mode keeps facts and statuses for as long as its process lives, and all of the work is its own."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from ferryman.errors import RequestError
from ferryman.facts.config_records import ConfigRecord, Properties
from ferryman.facts.fold import ConnectorFacts, Facts
from ferryman.metrics.exposition import Sample
from ferryman.worker.control.mode_interfaces import Heard
from ferryman.worker.control.wanted import Assigned, Everything, Instance, Task
from ferryman.worker.herder import Session, Status


class Journal:
    """Facts in memory; a record counts as soon as it is written."""

    def __init__(self) -> None:
        self.facts = Facts(offset=0)
        self._heard: Heard = lambda events: None

    def listen(self, heard: Heard) -> None:
        """Calls this with what each further record brings about."""
        self._heard = heard

    async def read(self) -> None:
        """There is nothing of before."""

    async def write(self, *records: ConfigRecord) -> None:
        """Applies all of the records at once."""
        self._heard([event for record in records for event in self.facts.apply(record, self.facts.offset)])


class Alone:
    """There is no other worker."""

    assigned: Assigned = Everything()
    alone = True
    leads = True

    async def lead(self) -> None:
        """Returns: this worker decides for all."""

    async def own(self, connector: str, task: int | None = None) -> None:
        """Returns: this worker runs everything."""

    session: Session | None = None

    async def accept_task_configs(self) -> None:
        """No other worker could hand any over."""
        raise RequestError(
            500, "Kafka Connect in standalone mode does not support externally setting task configurations."
        )

    async def fence(self, connector: str) -> None:
        """No other worker could ask for it."""
        raise RequestError(500, "Kafka Connect in standalone mode does not support exactly-once source connectors.")

    def samples(self) -> Iterable[Sample]:
        """There is no group."""
        return ()

    def facts_changed(self, connectors: Collection[str]) -> None:
        """Nothing is to be shared out."""

    def may_start(self, facts: ConnectorFacts) -> bool:
        """They always may: only this worker ran them before."""
        return True

    async def gone(self, connector: str) -> None:
        """There is no other worker that could have any."""

    async def hand_over(self, connector: str, configs: Sequence[Properties], version: int) -> None:
        """There is no other worker to hand anything over to."""
        raise AssertionError("a single worker is the leader")


class Board:
    """Statuses in memory."""

    def __init__(self) -> None:
        self._shown: dict[str, dict[int | None, Status]] = {}
        """By connector, and by the number of the task."""
        self._topics: defaultdict[str, set[str]] = defaultdict(set)
        self._forgotten: Callable[[str], None] = lambda connector: None

    def when_forgotten(self, forgotten: Callable[[str], None]) -> None:
        """Calls this with a connector whose topics were forgotten."""
        self._forgotten = forgotten

    def show(self, instance: Instance, status: Status | None) -> None:
        """The word on an instance."""
        connector, task = instance
        shown = self._shown.setdefault(connector, {})
        if status is not None:
            shown[task] = status
        elif task is None:
            shown.clear()
        else:
            shown.pop(task, None)
        if not shown:
            del self._shown[connector]

    def status(self, connector: str) -> Status | None:
        """The connector's own."""
        return self._shown.get(connector, {}).get(None)

    def tasks(self, connector: str) -> Mapping[int, Status]:
        """The statuses of its tasks, by number, as they are now."""
        shown = self._shown.get(connector, {})
        return {number: status for number, status in shown.items() if number is not None}

    def task(self, connector: str, task: int) -> Status | None:
        """The status of one of its tasks."""
        return self._shown.get(connector, {}).get(task)

    def use(self, task: Task, topic: str) -> None:
        """A task has used a topic."""
        self._topics[task[0]].add(topic)

    def topics(self, connector: str) -> Sequence[str]:
        """The topics that a connector has used, sorted."""
        return sorted(self._topics.get(connector, ()))

    def forget_topics(self, connector: str) -> None:
        """From now on it has used none."""
        self._topics.pop(connector, None)
        self._forgotten(connector)

"""Standalone mode keeps facts and statuses for as long as its process lives, and all of the work is its own."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ferryman.facts.config_records import ConfigRecord, Properties
from ferryman.facts.fold import Facts
from ferryman.worker.control.mode import Heard
from ferryman.worker.control.wanted import Assigned, Everything, Instance, Task
from ferryman.worker.herder import Status


class Journal:
    """Facts in memory; a record counts as soon as it is written."""

    def __init__(self) -> None:
        self.facts = Facts(offset=0)
        self._heard: Heard = lambda events: None

    def listen(self, heard: Heard) -> None:
        """Calls this with what each further record brings about."""
        self._heard = heard

    async def write(self, *records: ConfigRecord) -> None:
        """All of them at once."""
        self._heard([event for record in records for event in self.facts.apply(record, self.facts.offset)])


class Alone:
    """There is no other worker."""

    assigned: Assigned = Everything()
    alone = True
    leads = True

    def lead(self) -> None:
        """It does."""

    def own(self, connector: str, task: int | None = None) -> None:
        """It does."""

    async def hand_over(self, connector: str, configs: Sequence[Properties]) -> None:
        """There is nobody to hand anything over to."""
        raise AssertionError("a worker that is alone leads")


class Board:
    """Statuses in memory."""

    def __init__(self) -> None:
        self._connectors: dict[str, Status] = {}
        self._tasks: defaultdict[str, dict[int, Status]] = defaultdict(dict)
        self._topics: defaultdict[str, set[str]] = defaultdict(set)

    def show(self, instance: Instance, status: Status | None) -> None:
        """The word on an instance."""
        connector, task = instance
        if task is None and status is None:
            self._connectors.pop(connector, None)
            self._tasks.pop(connector, None)
        elif task is None and status is not None:
            self._connectors[connector] = status
        elif task is not None and status is not None:
            self._tasks[connector][task] = status
        elif task is not None:
            self._tasks[connector].pop(task, None)

    def status(self, connector: str) -> Status | None:
        """The connector's own."""
        return self._connectors.get(connector)

    def tasks(self, connector: str) -> Mapping[int, Status]:
        """Those of its tasks, by number."""
        return self._tasks.get(connector, {})

    def use(self, task: Task, topic: str) -> None:
        """A task has used a topic."""
        self._topics[task[0]].add(topic)

    def topics(self, connector: str) -> Sequence[str]:
        """The topics that a connector has used, sorted."""
        return sorted(self._topics.get(connector, ()))

    def forget_topics(self, connector: str) -> None:
        """From now on it has used none."""
        self._topics.pop(connector, None)

"""What differs between the modes of a worker: where facts are kept, who else there is, where statuses are shown."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from ferryman.facts.config_records import ConfigRecord, Properties
from ferryman.facts.fold import ConnectorFacts, Event, Facts
from ferryman.metrics.exposition import Sample
from ferryman.worker.control.wanted import Assigned, Instance, Task
from ferryman.worker.herder import Session, Status

Heard = Callable[[Sequence[Event]], None]


class Journal(Protocol):
    """Where facts are written and read."""

    @property
    def facts(self) -> Facts:
        """What is known here now."""

    def listen(self, heard: Heard) -> None:
        """Calls this, on the loop, with what each further record brings about."""

    async def read(self) -> None:
        """Returns when all has been read that there was when the worker started: facts of before are half the truth."""

    async def write(self, *records: ConfigRecord) -> None:
        """Returns when the records are written, and known here. RequestError if they cannot be."""


class Members(Protocol):
    """Who else runs connectors, and what of the work is this worker's."""

    @property
    def assigned(self) -> Assigned:
        """What of the work is this worker's now."""

    @property
    def alone(self) -> bool:
        """Whether there can be no other worker, so that what was asked for has happened when it has happened here."""

    @property
    def leads(self) -> bool:
        """Whether this worker decides for all."""

    async def lead(self) -> None:
        """Returns on the worker that decides for all; elsewhere it raises Forward, or RequestError 409."""

    async def own(self, connector: str, task: int | None = None) -> None:
        """Returns on the worker that runs this; elsewhere it raises Forward, or RequestError 409."""

    async def gone(self, connector: str) -> None:
        """Waits until no task of a stopped connector is left on any other worker. RequestError 500 if that takes too
        long."""

    @property
    def session(self) -> Session | None:
        """What requests of other workers must be signed with; None where signatures are not looked at."""

    async def accept_task_configs(self) -> None:
        """Returns where another worker may hand over tasks' configs; elsewhere as ``lead``."""

    async def fence(self, connector: str) -> None:
        """Keeps the former tasks of a source out of its transactions. RequestError where that cannot be."""

    def samples(self) -> Iterable[Sample]:
        """The metrics of this worker's place in its group; none where there is none."""

    def facts_changed(self, connectors: Collection[str]) -> None:
        """The facts of these are others, and perhaps the work that is to be shared out."""

    def may_start(self, facts: ConnectorFacts) -> bool:
        """Whether nothing is in the way of a connector's tasks."""

    async def hand_over(self, connector: str, configs: Sequence[Properties], version: int) -> None:
        """Gives the tasks' configs of a connector that runs here to the worker that decides for all."""


class Board(Protocol):
    """What all instances show of themselves, wherever they run."""

    def when_forgotten(self, forgotten: Callable[[str], None]) -> None:
        """Calls this, on the loop, with a connector whose topics were forgotten, by whichever worker."""

    def show(self, instance: Instance, status: Status | None) -> None:
        """This worker's word on an instance; None when there is no such instance any more."""

    def status(self, connector: str) -> Status | None:
        """The connector's own."""

    def tasks(self, connector: str) -> Mapping[int, Status]:
        """The statuses of its tasks, by number."""

    def task(self, connector: str, task: int) -> Status | None:
        """The status of one of its tasks."""

    def use(self, task: Task, topic: str) -> None:
        """A task here has used a topic."""

    def topics(self, connector: str) -> Sequence[str]:
        """The topics that a connector has used, sorted."""

    def forget_topics(self, connector: str) -> None:
        """From now on it has used none."""

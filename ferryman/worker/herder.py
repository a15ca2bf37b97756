"""What REST may ask of a worker, and the shapes of the answers. One class answers, in every mode of running a worker
(``worker.requests.herder_on_plane``); what differs between the modes is in ``worker.control.mode_interfaces``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from ferryman.backfill.making import Run
from ferryman.backfill.request import Request
from ferryman.dead_letters.choice import Choice
from ferryman.facts.states import Outage, Restart, State, TargetState
from ferryman.java.instants import utc_text
from ferryman.metrics.exposition import Form
from ferryman.plugin_process.checks import Checked
from ferryman.replay.request import Request as Replay
from ferryman.runs.progress import Progress
from ferryman.telemetry.loggers import Loggers
from ferryman.validation.plugin_infos import PluginInfo

RawConfig = Mapping[str, str]
ConnectorType = Literal["sink", "source", "unknown"]


@dataclass(frozen=True, slots=True)
class Status:
    """A connector's or task's status."""

    state: State
    worker_id: str
    trace: str | None = None
    """Only of one that has failed; it is still there in the answer to its restart."""
    version: str | None = None
    outage: Outage | None = None
    restart: Restart | None = None


@dataclass(frozen=True, slots=True)
class ConnectorInfo:
    """A connector as it was posted."""

    name: str
    config: RawConfig
    """Values as strings, references unresolved, nothing added but ``name``."""
    tasks: Sequence[int]
    """The tasks' numbers."""
    type: ConnectorType


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """The status of a connector and its tasks."""

    name: str
    connector: Status
    tasks: Mapping[int, Status]
    """By number."""
    type: ConnectorType
    run: Progress | None = None
    """How far it is, if it is a run."""


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A task and the config it runs with."""

    connector: str
    task: int
    config: RawConfig
    """References unresolved."""


@dataclass(frozen=True, slots=True)
class PartitionOffset:
    """Where a connector stands in one partition."""

    partition: Mapping[str, Any] | None
    """A source's own; a sink's has ``kafka_topic`` and ``kafka_partition``. None where a request names none."""
    offset: Mapping[str, Any] | None
    """None to forget it."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the worker is (KIP-1017)."""

    status: Literal["healthy", "starting", "unhealthy"]
    message: str
    """Kafka's sentence for it."""


@dataclass(frozen=True, slots=True)
class Created:
    """The outcome of a put."""

    info: ConnectorInfo
    created: bool = field(default=True)
    """Whether the connector is new."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the worker does now, or did last; it is shown to a client that waited in vain. Times are seconds since
    1970."""

    description: str
    """In Kafka Connect's form: ``reading to the end of the config topic``."""
    began: float
    completed: float | None = None

    @property
    def summary(self) -> str:
        """Kafka Connect's sentence about it."""
        if self.completed is None:
            return f"The worker is currently {self.description}, which began at {_instant(self.began)}."
        times = f"which began at {_instant(self.began)} and completed at {_instant(self.completed)}"
        return f"The last operation the worker completed was {self.description}, {times}."


def _instant(seconds: float) -> str:
    return utc_text(datetime.fromtimestamp(seconds, UTC))


@dataclass(frozen=True, slots=True)
class Session:
    """What requests between the workers of a group are signed with (KIP-507)."""

    key: bytes | None = field(repr=False)
    """The session key; None while it is not known."""
    algorithms: Sequence[str]
    """Java's names of the signature algorithms that are accepted (inter.worker.verification.algorithms)."""


class Forward(Exception):
    """Another worker must do it: ``url`` is its address, None if the leader is not known. Whoever called sends the
    request on, and waits for the answer while ``stands`` says that it is still that worker's to give."""

    def __init__(self, url: str | None, stands: Callable[[], bool] = lambda: True) -> None:
        super().__init__(f"another worker does it: {url or 'not known which'}")
        self.url, self.stands = url, stands


class RecentLogs(Protocol):
    """See ``worker.requests.recent_logs``."""

    async def of(self, name: str, task: int | None = None) -> Sequence[Mapping[str, Any]]:
        """The last lines of the log. 404 as for ``restart_task``."""


class DeadLetters(Protocol):
    """See ``worker.requests.dead_letters``."""

    async def found(
        self, name: str, choice: Choice, scan: int, limit: int, only_open: bool = False
    ) -> Mapping[str, Any]:
        """Groups of dead letters, and the newest letters; only of those that are still to be replayed, if so wanted.
        404 where there are none to be read."""

    async def letter(self, name: str, partition: int, offset: int, edit: str | None = None) -> Mapping[str, Any]:
        """One letter, whole; with what a jq expression makes of its value. 404 if there is no such, 400 for what is no
        expression."""


class Backfills(Protocol):
    """See ``worker.requests.new_runs``."""

    async def make(self, name: str, request: Request) -> Run:
        """Creates a run of a connector, unless it is only to be told. 404 if there is none, 409 if the run is there."""


class Replays(Protocol):
    """See ``worker.requests.new_runs``."""

    async def make(self, name: str, request: Replay) -> Mapping[str, Any]:
        """Has dead letters of a connector replayed, or says what that would be. 404 if there is no such connector or
        letter, 409 if somebody has taken them."""


class Plugins(Protocol):
    """See ``worker.plugin_code.plugins``."""

    async def listed(self, connectors_only: bool) -> Sequence[PluginInfo]:
        """Sinks, then sources; the other kinds too if wanted."""

    async def mean_the_same(self, one: str, other: str) -> bool:
        """Whether two names mean the same connector."""

    async def keys(self, name: str, version: str) -> Sequence[Mapping[str, Any]] | None:
        """The declarations of a plugin's keys; None if there is no such plugin. 400 for another version."""

    async def validated(self, raw: Mapping[str, str | None]) -> Checked:
        """What is wrong with a config. 400 without a usable connector.class."""


class Herder(Protocol):
    """A worker's control plane. Methods raise RequestError with the status and text that Kafka Connect answers with,
    ConfigError for an invalid config, Forward for what another worker of the group must do."""

    @property
    def loggers(self) -> Loggers:
        """The loggers of the worker's own process."""

    @property
    def backfills(self) -> Backfills:
        """What makes runs of its connectors."""

    @property
    def replays(self) -> Replays:
        """What has dead letters of its connectors replayed."""

    @property
    def plugins(self) -> Plugins:
        """What plugins there are, and what they say."""

    @property
    def logs(self) -> RecentLogs:
        """The last lines of the log about its connectors and their tasks."""

    @property
    def dead_letters(self) -> DeadLetters:
        """The dead letters of its connectors."""

    async def cluster_id(self) -> str | None:
        """The Kafka cluster's id; None until it has answered for the first time."""

    async def health(self) -> Health:
        """Whether the worker can take requests."""

    async def connectors(self) -> Sequence[str]:
        """The names of all connectors, sorted."""

    async def info(self, name: str) -> ConnectorInfo:
        """404 ``Connector c not found``."""

    async def status(self, name: str) -> ConnectorStatus:
        """404 ``No status found for connector c``."""

    async def tasks(self, name: str) -> Sequence[TaskInfo]:
        """404 ``Connector c not found``."""

    async def create(self, name: str, config: RawConfig, target: TargetState = TargetState.RUNNING) -> ConnectorInfo:
        """Validates and starts a new connector. 409 ``Connector c already exists``."""

    async def put(self, name: str, config: RawConfig) -> Created:
        """Validates, then creates or replaces."""

    async def patch(self, name: str, changes: Mapping[str, str | None]) -> ConnectorInfo:
        """Merges changes into the config (None removes a key), then as put. 404 for an unknown connector."""

    async def delete(self, name: str) -> None:
        """Stops and forgets a connector; its offsets stay. 404 ``Connector c not found``."""

    async def pause(self, name: str) -> None:
        """Pauses the tasks. 404 ``Unknown connector c``."""

    async def resume(self, name: str) -> None:
        """Lets the tasks of a paused or stopped connector go on. 404 ``Unknown connector c``."""

    async def stop(self, name: str) -> None:
        """Ends the tasks and keeps the config. 404 ``Unknown connector c``."""

    async def restart(self, name: str, include_tasks: bool, only_failed: bool) -> ConnectorStatus | None:
        """None when both flags are false, else the status with what restarts as RESTARTING.

        404 ``Unknown connector: c``.
        """

    async def restart_task(self, name: str, task: int) -> None:
        """404 ``Unknown connector: c`` or ``Unknown task: c-n``."""

    async def topics(self, name: str) -> Sequence[str]:
        """The topics the connector has used since its creation or the last reset."""

    async def reset_topics(self, name: str) -> None:
        """Forgets which topics the connector has used."""

    async def offsets(self, name: str) -> Sequence[PartitionOffset]:
        """The committed offsets. 404 ``Connector c not found``."""

    async def alter_offsets(self, name: str, offsets: Sequence[PartitionOffset]) -> str:
        """Moves offsets of a stopped connector and returns the message; 400 when it is not stopped."""

    async def reset_offsets(self, name: str) -> str:
        """Forgets all offsets of a stopped connector and returns the message."""

    async def set_level(self, logger: str, level: str, *, cluster: bool = False) -> Sequence[str]:
        """Sets a logger's level, by log4j's name for it, here and in every task's process. Returns the names of those
        that had another one; with ``cluster`` it is for all workers of the group, each when it hears of it, and returns
        none."""

    async def put_task_configs(self, name: str, configs: Sequence[RawConfig], version: int | None) -> None:
        """Takes over the configs of a connector's tasks from the worker that runs the connector. Only the leader does.

        404 ``Connector c not found``, 400 for tasks of a stopped connector, 409 for those that were made of a config
        of another ``version`` than the connector has, 500 in standalone mode. A request may be under way for minutes:
        its worker is lost, and the connector was given to another, or deleted and made again. Taken then, old tasks
        would stand in the place of new ones, which nobody would make again.
        """

    async def fence(self, name: str) -> None:
        """Fences the former tasks of a source out of its transactions. Only the leader does.

        404 ``Connector c not found``, 400 ``Connector c is not a source connector``, 500 in standalone mode.
        """

    def metrics(self, form: Form) -> str | None:
        """All metrics as Prometheus reads them; None where there are none (ferryman.metrics.enable)."""

    def session(self) -> Session | None:
        """What the two calls above must be signed with; None where signatures are not looked at: in standalone mode,
        and while a member of the group speaks a protocol below sessioned."""

    def stage(self) -> Stage | None:
        """What the worker does now or did last; None if there is nothing to tell."""

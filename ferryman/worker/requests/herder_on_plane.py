"""What REST asks of a worker: each request becomes facts, or a wish that is meant once, and is answered from facts."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from ferryman.errors import RequestError
from ferryman.facts.config_records import (
    ConfigRecord,
    ConnectorConfig,
    LoggerLevel,
    RestartRequest,
    TargetStateRecord,
    TasksCommit,
)
from ferryman.facts.fold import ConnectorFacts
from ferryman.facts.states import State, TargetState
from ferryman.metrics.exposition import Form
from ferryman.plugins import catalog
from ferryman.telemetry.loggers import Loggers
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.subject import about
from ferryman.worker.cluster import Cluster
from ferryman.worker.control.plane import Plane
from ferryman.worker.herder import (
    ConnectorInfo,
    ConnectorStatus,
    ConnectorType,
    Created,
    Health,
    PartitionOffset,
    RawConfig,
    Session,
    Stage,
    Status,
    TaskInfo,
)
from ferryman.worker.offsets.connector_offsets import ConnectorOffsets
from ferryman.worker.plugin_code.plugins import Plugins
from ferryman.worker.requests.dead_letters import DeadLetters
from ferryman.worker.requests.new_runs import Backfills, Replays
from ferryman.worker.requests.offsets import Offsets
from ferryman.worker.requests.recent_logs import RecentLogs
from ferryman.worker.requests.runs import Runs
from ferryman.worker.requests.turns import Turns

log = logging.getLogger(__name__)
Outcome = TypeVar("Outcome")
_NOT_STOPPED = (
    "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified "
    "connector by issuing a 'PUT' request to the '/connectors/{}/stop' endpoint"
)


class PlaneHerder:
    """A herder (ferryman.worker.herder) over a plane."""

    def __init__(self, plane: Plane, cluster: Cluster, served: Callable[[Form, bool], str] | None = None) -> None:
        self.plane = plane
        self.metrics: Callable[[Form], str | None] = lambda form: served(form, self.ready) if served else None
        self.ready = False
        self.begins("awaiting startup")
        self._cluster = cluster
        self._offsets = Offsets(plane.resources)
        self._turns = Turns(plane)
        self.runs = Runs(plane, self._offsets, self.stop)
        self.logs, self.dead_letters = RecentLogs(plane), DeadLetters(plane, self.runs.replaying)
        self.backfills, self.replays = Backfills(plane, self.runs, self), Replays(plane, self.runs, self)

    def begins(self, stage: str) -> None:
        """Says what a worker that is not ready yet does from now on, in Kafka Connect's form."""
        self._starting = Stage(stage, time.time())

    async def cluster_id(self) -> str | None:
        return self._cluster.id

    async def health(self) -> Health:
        if self.ready:
            return Health("healthy", "Worker has completed startup and is ready to handle requests.")
        return Health("starting", "Worker is still starting up.")

    async def connectors(self) -> Sequence[str]:
        await self.plane.journal.read()
        return self.plane.journal.facts.names()

    async def info(self, name: str) -> ConnectorInfo:
        await self.plane.journal.read()
        return self._info(name)

    def _info(self, name: str) -> ConnectorInfo:
        facts = self._known(name)
        return ConnectorInfo(name, facts.properties or {}, range(len(facts.tasks)), _type(facts))

    async def tasks(self, name: str) -> Sequence[TaskInfo]:
        await self.plane.journal.read()
        return [TaskInfo(name, number, config) for number, config in enumerate(self._known(name).tasks)]

    async def status(self, name: str) -> ConnectorStatus:
        await self.plane.journal.read()
        return self._status(name, f"No status found for connector {name}")

    def _status(self, name: str, unknown: str) -> ConnectorStatus:
        own = self.plane.board.status(name)
        if own is None:
            raise RequestError(404, unknown)
        tasks = dict(sorted(self.plane.board.tasks(name).items()))
        return ConnectorStatus(name, own, tasks, _type(self.plane.journal.facts.of(name)), self.runs.progress(name))

    async def topics(self, name: str) -> Sequence[str]:
        return self.plane.board.topics(name)

    async def reset_topics(self, name: str) -> None:
        self.plane.board.forget_topics(name)

    async def create(self, name: str, config: RawConfig, target: TargetState = TargetState.RUNNING) -> ConnectorInfo:
        raw = {**config, "name": name}
        await self.plane.members.lead()
        with self.plane.owners.prepared(name, raw) as owner:
            await self._check(raw, owner)
            async with self._turns.of(name):
                if self._exists(name):
                    raise RequestError(409, f"Connector {name} already exists")
                # The target first, or a worker that knows the config already would start what is to be stopped.
                first = [TargetStateRecord(name, target)] if target is not TargetState.RUNNING else []
                await self._write(name, *first, ConnectorConfig(name, raw))
                return self._info(name)

    async def put(self, name: str, config: RawConfig) -> Created:
        done = await self._put(name, {**config, "name": name})
        assert done is not None
        return done

    async def _put(self, name: str, raw: RawConfig, instead: RawConfig | None = None) -> Created | None:
        """None if the config is not the one any more that this is to be put ``instead`` of."""
        await self.plane.members.lead()
        with self.plane.owners.prepared(name, raw) as owner:
            await self._check(raw, owner)
            async with self._turns.of(name):
                before = self.plane.journal.facts.of(name).properties
                if instead not in (None, before):
                    return None
                await self._write(name, ConnectorConfig(name, raw))
                return Created(self._info(name), created=before is None)

    async def patch(self, name: str, changes: Mapping[str, str | None]) -> ConnectorInfo:
        await self.plane.members.lead()
        await self.plane.journal.read()
        while True:
            before = self._known(name).properties or {}
            merged = {**before, **changes, "name": name}
            raw = {key: value for key, value in merged.items() if value is not None}
            if (done := await self._put(name, raw, instead=before)) is not None:
                return done.info

    async def _check(self, raw: RawConfig, owner: Owner) -> None:
        found = await self.plugins.checked(raw, owner)
        with about(raw["name"]):
            for warning in found.warnings:
                log.warning("connector %s: %s", raw["name"], warning)

    async def delete(self, name: str) -> None:
        await self.plane.members.lead()
        async with self._turns.of(name, gone=RequestError(404, f"Connector {name} not found")):
            await self._write(name, ConnectorConfig(name, None), TargetStateRecord(name, None))

    async def pause(self, name: str) -> None:
        await self._aim(name, TargetState.PAUSED)

    async def resume(self, name: str) -> None:
        await self._aim(name, TargetState.RUNNING)

    async def stop(self, name: str) -> None:
        await self.plane.members.lead()
        # The tasks' configs first: between the two records there is a connector without tasks, which does no harm.
        await self._aim(name, TargetState.STOPPED, TasksCommit(name, 0))

    async def _aim(self, name: str, target: TargetState, *before: ConfigRecord) -> None:
        async with self._turns.of(name, gone=RequestError(404, f"Unknown connector {name}")):
            await self._write(name, *before, TargetStateRecord(name, target))

    async def restart(self, name: str, include_tasks: bool, only_failed: bool) -> ConnectorStatus | None:
        unknown = RequestError(404, f"Unknown connector: {name}")
        if not include_tasks and not only_failed:
            async with self._turns.of(name, gone=unknown):
                await self.plane.members.own(name)
                self.plane.restart(name)
                await self._settle(name)
            return None
        await self.plane.members.lead()
        async with self._turns.of(name, gone=unknown):
            request = RestartRequest(name, include_tasks, only_failed)
            before = self._status(name, f"Status for connector {name} not found")
            itself, tasks = self.plane.restarted(request)
            await self._write(name, request)
        return ConnectorStatus(
            name,
            _restarting(before.connector) if itself else before.connector,
            {number: _restarting(each) if number in tasks else each for number, each in before.tasks.items()},
            before.type,
        )

    async def restart_task(self, name: str, task: int) -> None:
        async with self._turns.of(name, gone=RequestError(404, f"Unknown connector: {name}")):
            if not 0 <= task < len(self._known(name).tasks):
                raise RequestError(404, f"Unknown task: {name}-{task}")
            await self.plane.members.own(name, task)
            self.plane.restart(name, task)
            await self._settle(name)

    async def offsets(self, name: str) -> Sequence[PartitionOffset]:
        await self.plane.journal.read()
        self._known(name)
        return await self._of_offsets(name, f"reading the offsets of connector {name}", lambda offsets: offsets.read())

    async def alter_offsets(self, name: str, offsets: Sequence[PartitionOffset]) -> str:
        return await self._move_offsets(name, lambda found: found.alter(offsets))

    async def reset_offsets(self, name: str) -> str:
        return await self._move_offsets(name, lambda found: found.reset())

    async def _move_offsets(self, name: str, move: Callable[[ConnectorOffsets], str]) -> str:
        await self.plane.members.lead()
        async with self._turns.of(name, gone=RequestError(404, f"Connector {name} not found")):
            facts = self._known(name)
            if facts.target is not TargetState.STOPPED or facts.tasks:
                raise RequestError(400, _NOT_STOPPED.format(name))
            await self._settle(name)
            await self.plane.members.gone(name)
            try:
                return await self._of_offsets(name, f"modifying offsets for connector {name}", move)
            finally:
                self.runs.moved(name)

    async def _of_offsets(self, name: str, stage: str, call: Callable[[ConnectorOffsets], Outcome]) -> Outcome:
        raw = self._known(name).properties or {}
        return await self._offsets.of(name, raw, self.plane.owner(name), stage, call)

    @property
    def loggers(self) -> Loggers:
        return self.plane.loggers

    @property
    def plugins(self) -> Plugins:
        return self.plane.resources.plugins

    async def set_level(self, logger: str, level: str, *, cluster: bool = False) -> Sequence[str]:
        """Changes a logger's level here, in all task processes, and in those to come; with ``cluster`` on all
        workers."""
        if not cluster:
            return self.plane.set_level(logger, level)
        await self.plane.journal.write(LoggerLevel(logger, level))
        return []

    async def put_task_configs(self, name: str, configs: Sequence[RawConfig], version: int | None) -> None:
        await self.plane.members.accept_task_configs()
        facts = self._known(name)
        if facts.target is TargetState.STOPPED:
            raise RequestError(400, "Cannot submit non-empty set of task configs for stopped connector " + name)
        if version not in (None, facts.version):
            raise RequestError(409, f"These tasks of connector {name} are made from a config that it no longer has")
        await self.plane.write_tasks(name, configs)

    async def fence(self, name: str) -> None:
        await self.plane.members.fence(name)

    def session(self) -> Session | None:
        return self.plane.members.session

    def stage(self) -> Stage | None:
        return None if self.ready else self._starting

    async def close(self) -> None:
        """Ends all tasks within the graceful timeout and starts no more."""
        self.ready = False
        self.runs.close()
        await self.plane.close()

    def _exists(self, name: str) -> bool:
        return self.plane.journal.facts.of(name).properties is not None

    def _known(self, name: str) -> ConnectorFacts:
        if not self._exists(name):
            raise RequestError(404, f"Connector {name} not found")
        return self.plane.journal.facts.of(name)

    async def _write(self, name: str, *records: ConfigRecord) -> None:
        await self.plane.journal.write(*records)
        if self.plane.members.alone:
            await self._settle(name)

    async def _settle(self, name: str) -> None:
        await self.plane.reconciler.settle(name)


def _type(facts: ConnectorFacts) -> ConnectorType:
    entry = catalog.connector_entry((facts.properties or {}).get("connector.class", ""))
    return "unknown" if entry is None else "sink" if entry.kind == "sink" else "source"


def _restarting(status: Status) -> Status:
    return Status(State.RESTARTING, status.worker_id, status.trace, status.version)

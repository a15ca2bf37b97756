"""The place of one task on this worker: which process runs it, if any, and the way from one to the next.

A task is what its resolved config and the number of its restarts make it. One that stays the same goes on through
whatever happens around it; for another one the old process ends, and only when it is gone the new one starts.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

import orjson

from ferryman.errors import ConfigError, FerrymanError, RequestError
from ferryman.facts.states import State
from ferryman.leases.lease import Lease
from ferryman.retry import backoff
from ferryman.retry.restarts import Restarts
from ferryman.settings.task_keys import TaskKeys
from ferryman.task.setup.spec import TaskSpec
from ferryman.telemetry.redaction import redact
from ferryman.telemetry.subject import Subject
from ferryman.worker import places_in_groups
from ferryman.worker.control.follower import Follower, Overtaken
from ferryman.worker.control.listener import Listener
from ferryman.worker.control.wanted import Task, WantedTask
from ferryman.worker.control.worker_resources import WorkerResources, plugin_version
from ferryman.worker.herder import Status
from ferryman.worker.processes.running_task import RunningTask, Shown

log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0
"""Seconds between two tries to start a task, where what is in the way may go away by itself."""
LOOK_SECONDS = 20.0
"""Seconds between two looks at what its references resolve to, for a task that is refused or has failed: somebody may
have changed the password in the file."""


class TaskPlace:
    """Follows what is wanted of one task. ``ended`` is called when nothing is, and nothing is left of it."""

    def __init__(self, task: Task, resources: WorkerResources, listener: Listener, ended: Callable[[], None]) -> None:
        self.process: RunningTask | None = None
        self._task, self._resources, self._listener, self._ended = task, resources, listener, ended
        self._name = f"task {task[0]}-{task[1]}"
        self._runs: WantedTask | None = None
        """What the process was last found to be."""
        self._identity: bytes | None = None
        self._restarts: int | None = None
        self._problem: str | None = None
        """Why there is no process though one is wanted."""
        self._failures = 0
        self._is_to_look = False
        """Whether its references are looked up again in a while."""
        self._kept_despite: str | None = None
        """What was in the way of its references when they were last looked up in vain."""
        self._version: str | None = None
        self._keys = TaskKeys()
        self.follower: Follower[WantedTask] = Follower(self._name, self._step, Subject(*task))

    def renew(self, lease: Lease) -> None:
        """The task may act until then."""
        if self.process is not None:
            self.process.renew(lease)

    def set_level(self, logger: str, level: str) -> None:
        """Changes a logger's level in the task's process."""
        if self.process is not None:
            self.process.set_level(logger, level)

    async def _step(self, wanted: WantedTask | None) -> None:
        self._is_to_look = False
        try:
            await self._reach(wanted)
        finally:
            self._watch()

    def _watch(self) -> None:
        """A task that waits for other secrets than it has gets them when they are there, with nobody's help."""
        if not self._is_to_look and self.process is not None and self.process.may_want_other_secrets:
            self._is_to_look = True
            self.follower.look_again(LOOK_SECONDS)

    async def _reach(self, wanted: WantedTask | None) -> None:
        if wanted is None:
            abandoned = self.process
            await self._end()
            if abandoned is not None and not abandoned.in_order and self._listener.gone_for_good(self._task):
                await self._leave_for(abandoned.spec)
            self._ended()
            return
        in_vain = self.process is not None and self.process.may_want_other_secrets
        if self._runs is not None and wanted == replace(self._runs, paused=wanted.paused) and not in_vain:
            self._aim(wanted)
            return
        try:
            spec = await self._spec(wanted)
        except Overtaken:
            raise
        except Exception as error:
            await self._cannot(wanted, error)
            return
        self._failures, self._kept_despite = 0, None
        identity = _identity(spec.config, wanted.restarts)
        if self.process is not None and identity == self._identity:
            self._runs = wanted
            self._aim(wanted)
            return
        if in_vain and self._runs is not None and self._runs.restarts == wanted.restarts:
            log.info("%s starts anew: what its config refers to is another value by now", self._name)
        if await self._free_for(wanted):
            self._identity = identity
            self._start(wanted, spec)

    def _aim(self, wanted: WantedTask) -> None:
        assert self.process is not None
        self.process.pause() if wanted.paused else self.process.resume()

    async def _spec(self, wanted: WantedTask) -> TaskSpec:
        # References are looked up again for each start of a task, so that a restart takes up a rotated password.
        owner = self._listener.owner(self._task[0])

        def spec() -> TaskSpec:
            self._version = plugin_version(wanted.properties)
            found = self._resources.spec(wanted, self._resources.resolved(owner, wanted.properties))
            self._keys = TaskKeys.of(found.worker, found.config)
            return found

        return await self.follower.while_wanted(self._resources.configs.run(f"starting {self._name}", spec))

    async def _cannot(self, wanted: WantedTask, error: Exception) -> None:
        """A process that is what is wanted, but for what could not be looked up again, goes on with what it has."""
        if self._runs is not None and wanted == replace(self._runs, paused=wanted.paused, version=wanted.version):
            if (said := redact(str(error))) != self._kept_despite:
                log.warning("%s keeps running as it is: %s", self._name, said)
            self._kept_despite = said
            self._aim(wanted)
        elif await self._free_for(wanted):
            unexpected = not isinstance(error, ConfigError | RequestError)
            log.error("%s cannot be started: %s", self._name, redact(str(error)), exc_info=unexpected)
            self._problem = redact(f"{type(error).__name__}: {error}")
            self._restarts = wanted.restarts
            self._changed()
        if not isinstance(error, ConfigError):
            self._failures += 1
            self.follower.look_again(backoff.delay(self._failures, LONGEST_WAIT))

    async def _free_for(self, wanted: WantedTask) -> bool:
        """Ends the old process. False if it took its time, and something else is wanted by now."""
        await self._end()
        return self.follower.wanted == wanted

    def _start(self, wanted: WantedTask, spec: TaskSpec) -> None:
        again = self._restarts not in (None, wanted.restarts)
        self.process = RunningTask(
            self._resources.forks,
            self._resources.as_of_now(spec),
            lambda topic: self._listener.topic_used(self._task, topic),
            self._changed,
            Shown(State.RESTARTING if again else State.UNASSIGNED),
            Restarts(self._keys.restarts),
            self._keys.ferryman_task_memory_max_bytes,
            self._resources.offsets,
        )
        self._runs, self._restarts, self._problem = wanted, wanted.restarts, None
        self._changed()
        self.process.start("pause" if wanted.paused else "run")

    async def _end(self) -> None:
        if self.process is not None:
            self._runs = None
            await self.process.stop(self._resources.grace)
            await self.process.gone()
            self.process = self._identity = None

    def _changed(self) -> None:
        self._listener.changed(self._task)
        self._watch()

    async def _leave_for(self, spec: TaskSpec) -> None:
        """Its process is dead, and no other task has taken its place in its group, or will."""
        try:
            await self._resources.configs.run(f"stopping {self._name}", lambda: places_in_groups.leave(spec))
        except FerrymanError as error:
            log.warning("%s: its partitions stand still until its session ends: %s", self._name, redact(str(error)))

    def status(self, worker_id: str) -> Status | None:
        """What the task shows of itself; None while there is nothing here."""
        if self.process is not None:
            shown = self.process.shown
            return Status(shown.state, worker_id, shown.trace, self._version, shown.outage, shown.restart)
        if self._problem is not None:
            return Status(State.FAILED, worker_id, self._problem, self._version)
        return None


def _identity(config: Mapping[str, str], restarts: int) -> bytes:
    """A digest, since it is kept and the values are secret."""
    return hashlib.sha256(orjson.dumps([sorted(config.items()), restarts])).digest()

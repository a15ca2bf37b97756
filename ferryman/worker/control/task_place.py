"""The place of one task on this worker: which process runs it, if any, and the way from one to the next.

A task is what its resolved config and the number of its restarts make it. One that stays the same goes on through
whatever happens around it; for another one the old process ends, and only when it is gone the new one starts.
"""

import hashlib
import logging
from collections.abc import Callable

import orjson

from ferryman.errors import ConfigError, RequestError
from ferryman.settings.config_providers import Resolution
from ferryman.task.setup.lease import Lease
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.redaction import redact
from ferryman.worker.control.follower import Follower
from ferryman.worker.control.launch import Launch, plugin_version
from ferryman.worker.control.wanted import WantedTask
from ferryman.worker.herder import Status
from ferryman.worker.task_processes import TaskProcess

log = logging.getLogger(__name__)


class TaskPlace:
    """Follows what is wanted of one task. ``changed`` is called when its state is another."""

    def __init__(
        self,
        name: str,
        launch: Launch,
        owner: Callable[[], Owner],
        topic_used: Callable[[str], None],
        changed: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self.process: TaskProcess | None = None
        self._launch, self._owner = launch, owner
        self._topic_used, self._changed, self._ended = topic_used, changed, ended
        self._identity: bytes | None = None
        self._version: str | None = None
        self.follower: Follower[WantedTask] = Follower(name, self._step)

    def renew(self, lease: Lease) -> None:
        """The task may act until then."""
        if self.process is not None:
            self.process.renew(lease)

    async def _step(self, wanted: WantedTask | None) -> None:
        if wanted is None:
            await self._end()
            self._ended()
            return
        problem, resolved = await self._resolved(wanted)
        identity = _identity(resolved, wanted.restarts)
        if self.process is None or identity != self._identity or problem is not None:
            await self._end()
            if self.follower.wanted != wanted:
                return  # the old process took its time, and something else is wanted by now
            self._identity = identity
            self._start(wanted, resolved, problem)
        elif problem is None:
            self.process.pause() if wanted.paused else self.process.resume()

    async def _resolved(self, wanted: WantedTask) -> tuple[Exception | None, Resolution]:
        # References are looked up again for each start of a task, so that a restart takes up a rotated password.
        stage = f"starting task {wanted.connector}-{wanted.number}"
        owner = self._owner()

        def resolved() -> Resolution:
            found = self._launch.resolved(owner, wanted.properties)
            self._version = plugin_version(wanted.properties)
            return found

        try:
            found = await self._launch.configs.run(stage, resolved)
        except (ConfigError, RequestError) as error:
            return error, Resolution(wanted.properties)
        return None, found

    def _start(self, wanted: WantedTask, resolved: Resolution, problem: Exception | None) -> None:
        spec = self._launch.spec(wanted, resolved)
        self.process = TaskProcess(self._launch.forks, spec, self._topic_used, self._changed)
        self._changed()
        if problem is None:
            self.process.start("pause" if wanted.paused else "run")
            return
        log.error("task %s cannot be started: %s", self.process, redact(str(problem)))
        self.process.fail(redact(f"{type(problem).__name__}: {problem}"))

    async def _end(self) -> None:
        if self.process is not None:
            await self.process.stop(self._launch.grace)
            await self.process.gone()
            self.process = self._identity = None

    def status(self, worker_id: str) -> Status | None:
        """What the task shows of itself; None while there is nothing here."""
        if self.process is None:
            return None
        shown = self.process.shown
        return Status(shown.state, worker_id, shown.trace, self._version, shown.outage)


def _identity(resolved: Resolution, restarts: int) -> bytes:
    """A digest, since it is kept and the values are secret."""
    text = orjson.dumps([sorted(resolved.values.items()), restarts])
    return hashlib.sha256(text).digest()

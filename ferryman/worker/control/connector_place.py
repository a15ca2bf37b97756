"""The place of a connector itself on this worker: which process runs its code, if any, and its answer.

A connector is what its config's version and the number of its restarts make it. For another one, or none, the old
process ends first, so that there are never two objects of a connector. While it is to be paused or stopped there is
none, as in Kafka Connect.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from ferryman.connector_process.spec import ConnectorSpec
from ferryman.errors import ConfigError, RequestError, RetriableError, TaskError
from ferryman.facts.config_records import Properties
from ferryman.facts.states import State, TargetState
from ferryman.leases.lease import Lease
from ferryman.retry.breaker import HEALTHY_SECONDS
from ferryman.retry.tries import Tries
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.redaction import redact
from ferryman.telemetry.subject import Subject
from ferryman.worker.control.follower import Follower, Overtaken
from ferryman.worker.control.wanted import WantedConnector
from ferryman.worker.control.worker_resources import WorkerResources, plugin_version
from ferryman.worker.herder import Status
from ferryman.worker.pool import DEADLINE_SECONDS
from ferryman.worker.processes.patient_semaphore import SLOW_SECONDS
from ferryman.worker.processes.running_connector import RunningConnector
from ferryman.worker.processes.running_task import Shown

log = logging.getLogger(__name__)

Made = Callable[[WantedConnector, Sequence[Properties]], Awaitable[None]]
"""Takes the configs that a connector has made for its tasks."""
ANSWER_SECONDS = 10.0
"""Seconds that requests wait at most for a connector to start or fail."""
Identity = tuple[int, int]
"""The version of its config, and the number of its restarts."""


class ConnectorPlace:
    """Follows what is wanted of one connector. ``changed`` is called with each step that ends in a state."""

    def __init__(
        self,
        name: str,
        resources: WorkerResources,
        owner: Callable[[], Owner],
        made: Made,
        changed: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self.process: RunningConnector | None = None
        """The connector's process; also one that was only to be asked, and has ended."""
        self.state = State.UNASSIGNED
        self.trace: str | None = None
        """Why it has failed, apart from its tasks."""
        self._name, self._resources, self._owner = name, resources, owner
        self._made, self._changed, self._ended = made, changed, ended
        self._version: str | None = None
        self._identity: Identity | None = None
        """The identity of what was started, or could not be; None for nothing."""
        self._known: tuple[Identity, ConnectorSpec] | None = None
        """What was started last: what is resumed goes on with it, should its references not be found any more."""
        self._ending = False
        self._lacked = False
        """Whether the tasks' configs were lost when they were last made."""
        self._starts, self._offers = Tries(), Tries()
        self.follower: Follower[WantedConnector] = Follower(f"connector {name}", self._step, Subject(name))

    def renew(self, lease: Lease) -> None:
        """The connector may be here until then."""
        if self.process is not None:
            self.process.renew(lease)

    def set_level(self, logger: str, level: str) -> None:
        """Changes a logger's level where the connector's code runs."""
        if self.process is not None:
            self.process.set_level(logger, level)

    async def _step(self, wanted: WantedConnector | None) -> None:
        if wanted is None:
            await self._end()
            self._ended()
        elif wanted.target is not TargetState.RUNNING:
            # As in Kafka Connect a connector that pauses makes no tasks: what is new of it waits until it goes on.
            await self._end()
            await self._look_up_version(wanted)
            self._is(Shown(State(wanted.target.value)))
        elif (wanted.version, wanted.restarts) != self._identity or self._starts.due:
            await self._start(wanted)
        else:
            await self._attend(wanted)

    async def _start(self, wanted: WantedConnector) -> None:
        """Ends what there is, if anything, and starts what is wanted; returns when it has started or failed, or when
        nobody should wait for that any longer."""
        identity, before = (wanted.version, wanted.restarts), self._identity
        if identity != before:
            self._starts, self._offers = Tries(), Tries()
        await self._end()
        if self.follower.wanted != wanted:
            return  # that took its time, and something else is wanted by now
        again = before is not None and wanted.restarts != before[1]
        first = Shown(State.RESTARTING if again else State.UNASSIGNED)
        try:
            await self.follower.while_wanted(
                self._begin(wanted, Shown(self.state, self.trace) if identity == before else first)
            )
        except Overtaken:
            raise
        except Exception as error:
            self._identity = identity
            self._cannot(error)
        else:
            await self._attend(wanted)

    async def _begin(self, wanted: WantedConnector, first: Shown) -> None:
        # Its references are looked up again for each start, so that a connector that failed gets what was mended.
        async with self._resources.starting.turn():
            spec = await self._spec(wanted)
            resources = self._resources
            now = resources.as_of_now(spec)
            self.process = RunningConnector(
                resources.forks, now, resources.standby, resources.grace, self._news, first, resources.offsets
            )
            self._identity, self._lacked = (wanted.version, wanted.restarts), wanted.lacking
            self._starts.begun()
            self.process.start()
            await self._first_word(self.process)

    async def _spec(self, wanted: WantedConnector) -> ConnectorSpec:
        owner = self._owner()

        def spec() -> ConnectorSpec:
            self._version = plugin_version(wanted.properties)
            return self._resources.connector_spec(wanted, self._resources.resolved(owner, wanted.properties))

        identity = (wanted.version, wanted.restarts)
        try:
            found = await self._resources.configs.run(_stage(self._name), spec)
        except (ConfigError, RequestError) as error:
            if self._known is None or self._known[0] != identity:
                raise
            log.warning("connector %s keeps its resolved config: %s", self._name, redact(str(error)))
            found = replace(self._known[1], lease=self._resources.lease().dump())
        self._known = identity, found
        return found

    async def _look_up_version(self, wanted: WantedConnector) -> None:
        """What does not run shows a version too. It is soon found, or what is shown goes without."""
        with suppress(RequestError):
            self._version = await self._resources.configs.run(
                f"looking up the version of connector {self._name}",
                lambda: plugin_version(wanted.properties),
                SLOW_SECONDS,
            )

    async def _first_word(self, process: RunningConnector) -> None:
        if await _set(process.word, SLOW_SECONDS):
            return
        self._is(process.shown)
        await _set(process.word, ANSWER_SECONDS - SLOW_SECONDS)

    def _look_out(self, process: RunningConnector) -> None:
        """For the first word of one that has not been heard."""
        left = process.began + DEADLINE_SECONDS - asyncio.get_running_loop().time()
        if left > 0:
            self.follower.look_again(left)
        else:
            process.overdue(_stage(self._name))
            self._is(process.shown)

    async def _attend(self, wanted: WantedConnector) -> None:
        """Acts on the process's latest state."""
        process = self.process
        if process is None:
            self._wait(self._starts)
            return
        lost, self._lacked = wanted.lacking and not self._lacked, wanted.lacking
        if process.failed:
            if process.may_recover and not self._starts.waiting:
                lived = (
                    process.made_at is not None
                    and asyncio.get_running_loop().time() - process.made_at >= HEALTHY_SECONDS
                )
                self._starts.failed(forget=lived)
            self._wait(self._starts)
        elif not process.word.is_set():
            self._look_out(process)
        elif process.made is not None and not self._offers.early:
            await self._hand_over(wanted, process, process.made)
        elif process.made is not None:
            self._wait(self._offers)
        elif lost and process.stays:
            process.ask()
        elif lost and process.processes.is_over:
            await self._start(wanted)

    async def _hand_over(
        self, wanted: WantedConnector, process: RunningConnector, configs: Sequence[Properties]
    ) -> None:
        """A group without a leader for a moment, or a leader that knows less, is not a failure of the connector."""
        try:
            await self._made(wanted, configs)
        except (RequestError, RetriableError) as error:
            log.warning(
                "connector %s: its tasks' configs are not taken yet and will be offered again: %s",
                self._name,
                redact(str(error)),
            )
            self._offers.failed()
            self._wait(self._offers)
        else:
            self._offers = Tries()
            if process.made is configs:
                process.taken()

    def _cannot(self, error: Exception) -> None:
        """There is no process, as its config cannot be read."""
        unexpected = not isinstance(error, ConfigError | RequestError)
        log.error("connector %s has failed: %s", self._name, redact(str(error)), exc_info=unexpected)
        self._is(Shown(State.FAILED, redact(f"{type(error).__name__}: {error}")))
        if not isinstance(error, ConfigError | TaskError):
            self._starts.failed()
            self._wait(self._starts)

    def _wait(self, tries: Tries) -> None:
        if tries.waiting:
            self.follower.look_again(tries.left)

    def _news(self, process: RunningConnector) -> None:
        if process is self.process and not self._ending:
            self._is(process.shown)
            self.follower.look_again(0)

    async def _end(self) -> None:
        self._identity = None
        if self.process is not None:
            self._ending = True
            try:
                await self.process.stop(self._resources.grace)
            finally:
                self._ending = False
            self.process = None

    def status(self, worker_id: str) -> Status:
        """What the connector shows of itself."""
        return Status(self.state, worker_id, self.trace, self._version)

    def _is(self, shown: Shown) -> None:
        self.state, self.trace = shown.state, shown.trace
        self._changed()  # also if it is the state of before: meanwhile it may have been shown as restarting


def _stage(name: str) -> str:
    return f"generating task configs for connector {name}"


async def _set(event: asyncio.Event, within: float) -> bool:
    """Whether it is set within this many seconds."""
    try:
        await asyncio.wait_for(event.wait(), within)
    except TimeoutError:
        return False
    return True

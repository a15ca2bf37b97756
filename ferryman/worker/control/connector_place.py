"""The place of a connector itself on this worker: it decides which tasks there are, and says when it cannot."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ferryman.errors import ConfigError, RequestError, RetriableError, TaskError
from ferryman.facts.config_records import Properties
from ferryman.facts.states import State, TargetState
from ferryman.plugins import catalog
from ferryman.retry import backoff
from ferryman.settings.config_providers import Resolution
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.redaction import redact
from ferryman.telemetry.subject import Subject
from ferryman.worker.control.follower import Follower, Overtaken
from ferryman.worker.control.launch import Launch, plugin_version
from ferryman.worker.control.wanted import WantedConnector
from ferryman.worker.herder import Status

log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0
"""Seconds between two tries to make the tasks' configs, where what is in the way may go away by itself."""

Made = Callable[[WantedConnector, Sequence[Properties]], Awaitable[None]]
"""Takes the configs that a connector has made for its tasks."""


class ConnectorPlace:
    """Follows what is wanted of one connector. ``changed`` is called with each step that ends in a state."""

    def __init__(
        self,
        name: str,
        launch: Launch,
        owner: Callable[[], Owner],
        made: Made,
        changed: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self.state = State.UNASSIGNED
        self.trace: str | None = None
        """Why it has failed, apart from its tasks."""
        self._name, self._launch, self._owner = name, launch, owner
        self._made, self._changed, self._ended = made, changed, ended
        self._version: str | None = None
        self._done: tuple[object, ...] | None = None
        self._inside: set[tuple[object, ...]] = set()
        """What its code is called for now, and may never return from."""
        self._failures = 0
        self.follower: Follower[WantedConnector] = Follower(f"connector {name}", self._step, Subject(name))

    async def _step(self, wanted: WantedConnector | None) -> None:
        if wanted is None:
            self._ended()
            return
        identity = (wanted.version, wanted.restarts, wanted.lacking)
        if wanted.target is TargetState.STOPPED:
            self._done, self._failures = None, 0
            self._is(State.STOPPED)
        elif wanted.target is TargetState.PAUSED:
            # As in Kafka Connect a connector that pauses makes no tasks: what is new of it waits until it goes on.
            self._is(State.PAUSED)
        elif identity == self._done:
            self._is(State(wanted.target.value))
        else:
            await self._start(wanted, identity)

    async def _start(self, wanted: WantedConnector, identity: tuple[object, ...]) -> None:
        if identity in self._inside:
            self._later()  # another try would only take another thread
            return
        owner, properties = self._owner(), wanted.properties

        def configs() -> list[Properties]:
            self._inside.add(identity)
            try:
                self._version = plugin_version(properties)
                return task_configs(properties, lambda raw: self._launch.resolved(owner, raw))
            finally:
                self._inside.discard(identity)

        stage = f"generating task configs for connector {self._name}"
        try:
            found = await self.follower.while_wanted(self._launch.configs.run(stage, configs))
        except Overtaken:
            raise
        except Exception as error:
            self._failed(error)
        else:
            await self._hand_over(wanted, identity, found)

    async def _hand_over(
        self, wanted: WantedConnector, identity: tuple[object, ...], configs: Sequence[Properties]
    ) -> None:
        """A group that has no leader for a moment, or a leader that knows less, is no failure of the connector."""
        try:
            await self._made(wanted, configs)
        except (RequestError, RetriableError) as error:
            log.warning(
                "connector %s: its tasks' configs are not taken yet and will be offered again: %s",
                self._name,
                redact(str(error)),
            )
            self._later()
        else:
            self._done, self._failures = identity, 0
        self._is(State(wanted.target.value))

    def _failed(self, error: Exception) -> None:
        log.exception("connector %s has failed", self._name)
        self._is(State.FAILED, redact(f"{type(error).__name__}: {error}"))
        if not isinstance(error, ConfigError | TaskError):
            self._later()

    def _later(self) -> None:
        self._failures += 1
        self.follower.look_again(backoff.delay(self._failures, LONGEST_WAIT))

    def status(self, worker_id: str) -> Status:
        """What the connector shows of itself."""
        return Status(self.state, worker_id, self.trace, self._version)

    def _is(self, state: State, trace: str | None = None) -> None:
        self.state, self.trace = state, trace
        self._changed()  # also if it is the state of before: meanwhile it may have been shown as restarting


def task_configs(raw: Properties, resolved: Callable[[Properties], Resolution]) -> list[Properties]:
    """The tasks' configs with references unresolved, as Connect keeps them; the plugin sees the resolved values.

    Raises TaskError for more tasks than tasks.max (KIP-1004), ConfigError for what the config alone makes impossible.
    """
    plugin: type[Any] | None = catalog.connector(raw.get("connector.class", ""))
    if plugin is None:
        raise ConfigError.for_key("connector.class", f"no connector is called {raw.get('connector.class')}")
    resolution = resolved(raw)
    with resolution.references.in_errors():
        config = plugin.config_class.parse(resolution.values)
        configs: list[Mapping[str, str]] = [
            resolution.references.unresolved(each) for each in plugin.task_configs(config, raw)
        ]
    if len(configs) > config.tasks_max:
        text = (
            f"The connector {config.name} has generated {len(configs)} tasks, which is greater than "
            f"{config.tasks_max}, the maximum number of tasks it is configured to create."
        )
        if config.tasks_max_enforce:
            raise TaskError(text)
        log.warning(text)
    task_class = catalog.task_class(plugin, raw["connector.class"])
    return [{**each, "task.class": task_class} for each in configs]
